"""Opens the gallery on the Elasticsearch servers that the options name."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from config.options import ElasticsearchOptions, Options
from config.settings import Secrets
from inference.domain import EmbeddingContract
from inference.errors import SettingsError
from inference.gallery.elasticsearch.access import ClusterAccess
from inference.gallery.elasticsearch.client import Cluster
from inference.gallery.elasticsearch.gallery import (
    Behaviour,
    ElasticsearchGallery,
    open_elasticsearch_gallery,
)
from inference.gallery.elasticsearch.mappings import IndexSettings


async def open_on_cluster(
    options: Options,
    contract: EmbeddingContract,
    credentials: Secrets | None,
    *,
    read_only: bool,
    any_contract: bool,
    wait: bool,
) -> ElasticsearchGallery:
    """See `inference.gallery.factory.open_gallery()`; whoever asks for it closes it."""
    given = options.elasticsearch
    return await open_elasticsearch_gallery(
        connect(given, credentials),
        contract,
        Behaviour(
            prefix=given.index_prefix,
            index=IndexSettings(given.vector_index, given.refresh_ms),
            candidates=given.candidates,
            patience_s=given.change_timeout_s,
            undo_days=options.gallery.undo_days,
        ),
        read_only=read_only,
        any_contract=any_contract,
        wait=wait,
    )


def connect(given: ElasticsearchOptions, credentials: Secrets | None) -> Cluster:
    """The cluster that the options name; nothing is asked of it yet. Raises SettingsError."""
    for address in given.url:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(
                key="elasticsearch.url", reason="an address is needed, such as https://host:9200"
            )
        if parts.username or parts.password:
            raise SettingsError(
                key="elasticsearch.url", reason="secrets belong into ELASTICSEARCH_PASSWORD, not here"
            )
    if not given.url:
        raise SettingsError(key="elasticsearch.url", reason="it names no server")
    ca_file = Path(given.ca_file).expanduser() if given.ca_file else None
    if ca_file and not ca_file.is_file():
        raise SettingsError(key="elasticsearch.ca_file", reason=f"there is no file {ca_file}")
    secrets = credentials or Secrets()
    return Cluster(
        ClusterAccess(
            tuple(_with_port(address) for address in given.url),
            user=given.user,
            password=secrets.elasticsearch_password,
            api_key=secrets.elasticsearch_api_key,
            ca_file=ca_file,
            fingerprint=given.fingerprint,
            verify_certificate=given.verify_certificate,
            timeout_s=given.timeout_s,
        )
    )


def _with_port(address: str) -> str:
    """The client wants one in every address."""
    parts = urlsplit(address)
    if parts.port is not None:
        return address
    port = 443 if parts.scheme == "https" else 80
    return parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
