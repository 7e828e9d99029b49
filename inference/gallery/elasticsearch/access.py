"""Where the cluster is and what opens it; the only place that makes the Elasticsearch client."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch
    from pydantic import SecretStr

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """Where the cluster is, and what opens it."""

    addresses: tuple[str, ...]
    user: str = ""
    password: SecretStr | None = None
    api_key: SecretStr | None = None
    ca_file: Path | None = None
    fingerprint: str = ""
    """sha256 of the server's certificate, in hexadecimal."""
    verify_certificate: bool = True
    timeout_s: float = 10.0
    """Of one call, however often it is repeated."""


def make_client(access: ClusterAccess) -> AsyncElasticsearch:
    from elasticsearch import AsyncElasticsearch  # noqa: PLC0415 - only who uses it waits for its import

    options: dict[str, Any] = {}
    if access.api_key:
        options["api_key"] = access.api_key.get_secret_value()
    elif access.password:
        options["basic_auth"] = (access.user or "elastic", access.password.get_secret_value())
    if any(address.startswith("https:") for address in access.addresses):
        if access.fingerprint:
            options["ssl_assert_fingerprint"] = access.fingerprint
        elif access.ca_file:
            options["ca_certs"] = str(access.ca_file)
        elif not access.verify_certificate:
            log.warning("gallery_certificate_not_verified address=%s", ", ".join(access.addresses))
            options |= {"verify_certs": False, "ssl_show_warn": False}
    return AsyncElasticsearch(
        list(access.addresses),
        max_retries=0,
        retry_on_timeout=False,
        request_timeout=access.timeout_s,
        dead_node_backoff_factor=0.5,
        max_dead_node_backoff=5.0,
        http_compress=False,
        **options,
    )
