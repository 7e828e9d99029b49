"""Opens the gallery that the options name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from config.options import ElasticsearchOptions, Options
from config.settings import Secrets
from inference.domain import EmbeddingContract
from inference.errors import SettingsError
from inference.gallery.base import KeptGallery
from inference.gallery.closed_set import ClosedSetGallery
from inference.gallery.elasticsearch.access import ClusterAccess
from inference.gallery.elasticsearch.client import Cluster
from inference.gallery.elasticsearch.gallery import (
    Behaviour,
    ElasticsearchGallery,
    open_elasticsearch_gallery,
)
from inference.gallery.elasticsearch.mappings import IndexSettings
from inference.gallery.embedded import EmbeddedGallery, open_embedded_gallery
from inference.models import contract_of, find_pack


@asynccontextmanager
async def open_gallery(
    options: Options,
    *,
    credentials: Secrets | None = None,
    read_only: bool = False,
    any_contract: bool = False,
    wait: bool = False,
) -> AsyncIterator[KeptGallery]:
    """The gallery, closed at the end of the block; made when it does not exist yet.

    `read_only` opens it beside another process that writes to it. `any_contract` opens one that was made with
    another model pack, for looking after it; searching needs the right one. With `wait` a server that cannot
    be reached yet is no error. Raises GalleryLockedError, GalleryDamagedError, ContractMismatchError,
    ModelFileError, and for a gallery on a server GalleryUnavailableError, GalleryAccessError, GalleryTlsError
    and GalleryServerError. With a closed set for a model pack, the gallery is the pack's characters.
    """
    pack = find_pack(options.models.pack, options.packs_dir)
    if (closed_set := pack.manifest.closed_set) is not None:
        yield ClosedSetGallery(pack.manifest, closed_set)
        return
    contract = contract_of(pack, flip_average=options.models.flip_average)
    async with open_changeable_gallery(
        options,
        contract,
        credentials=credentials,
        read_only=read_only,
        any_contract=any_contract,
        wait=wait,
    ) as gallery:
        yield gallery


@asynccontextmanager
async def open_changeable_gallery(
    options: Options,
    contract: EmbeddingContract,
    *,
    credentials: Secrets | None = None,
    read_only: bool = False,
    any_contract: bool = False,
    wait: bool = False,
) -> AsyncIterator[EmbeddedGallery | ElasticsearchGallery]:
    """Like `open_gallery()`, under that contract."""
    gallery: EmbeddedGallery | ElasticsearchGallery
    if options.gallery.backend == "elasticsearch":
        given = options.elasticsearch
        gallery = await open_elasticsearch_gallery(
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
    else:
        gallery = await open_embedded_gallery(
            options.gallery_file,
            contract,
            read_only=read_only,
            any_contract=any_contract,
            undo_days=options.gallery.undo_days,
            exact_up_to=options.gallery.exact_up_to,
        )
    try:
        yield gallery
    finally:
        await gallery.close()


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
