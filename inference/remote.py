"""`RemoteFaceService`: the inference core of another process, over HTTP."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from pydantic import SecretStr

from config.options import Options, ServiceOptions
from inference.annotate import AnnotateWords
from inference.correct import Corrected, Correction
from inference.domain import FaceAt, FaceCrop, Scope
from inference.enroll import EnrollAnswer, EnrollRequest, PreparedFace, Rehearsal
from inference.errors import SettingsError
from inference.gallery.base import Enrolled, Gallery
from inference.operations import TOKEN_HEADER, operations
from inference.remote_gallery import RemoteGallery
from inference.servers import Servers
from inference.service import Answer, FaceService, FacesPreview
from inference.survey.values import GalleryMap, Progress, Survey

_CONNECT_WITHIN_S = 3.0
_KEEP_IDLE_S = 15.0
"""Shorter than servers do, so that none closes a connection just when it is used."""
_CONNECTIONS = 256


class RemoteFaceService:
    """The `FaceService` that asks others."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._gallery = RemoteGallery(servers)

    @property
    def gallery(self) -> Gallery:
        return self._gallery

    @property
    def learns(self) -> bool:
        return self._servers.about.learns

    async def identify(
        self,
        data: bytes,
        scopes: Sequence[Scope],
        *,
        top: int | None = None,
        draw: bool = True,
        false_name_rate: float | None = None,
        words: AnnotateWords | None = None,
    ) -> Answer:
        answer: Answer = await self._ask(
            "identify",
            data=data,
            scopes=scopes,
            top=top,
            draw=draw,
            false_name_rate=false_name_rate,
            words=words,
        )
        return answer

    async def enroll(self, data: bytes, scope: Scope, request: EnrollRequest) -> EnrollAnswer:
        answer: EnrollAnswer = await self._ask("enroll", data=data, scope=scope, request=request)
        return answer

    async def rehearse(
        self, data: bytes, scope: Scope, request: EnrollRequest, *, shared: Sequence[Scope] = ()
    ) -> Rehearsal:
        rehearsal: Rehearsal = await self._ask(
            "rehearse", data=data, scope=scope, request=request, shared=shared
        )
        return rehearsal

    async def enroll_prepared(
        self, faces: Sequence[PreparedFace], scope: Scope, request: EnrollRequest
    ) -> Enrolled:
        enrolled: Enrolled = await self._ask("enroll_prepared", faces=faces, scope=scope, request=request)
        return enrolled

    async def correct(self, data: bytes, scope: Scope, correction: Correction) -> Corrected:
        corrected: Corrected = await self._ask("correct", data=data, scope=scope, correction=correction)
        return corrected

    async def preview_faces(self, data: bytes) -> FacesPreview:
        preview: FacesPreview = await self._ask("preview_faces", data=data)
        return preview

    async def number_faces(self, data: bytes, faces: Sequence[FaceAt]) -> FacesPreview:
        preview: FacesPreview = await self._ask("number_faces", data=data, faces=faces)
        return preview

    async def cut_faces(self, data: bytes, faces: Sequence[FaceAt]) -> tuple[FaceCrop, ...]:
        crops: tuple[FaceCrop, ...] = await self._ask("cut_faces", data=data, faces=faces)
        return crops

    async def survey(self, scope: Scope, *, wait_s: float = 0.0) -> Progress[Survey]:
        progress: Progress[Survey] = await self._ask("survey", scope=scope, wait_s=wait_s)
        return progress

    async def map(self, scope: Scope, *, wait_s: float = 0.0) -> Progress[GalleryMap]:
        progress: Progress[GalleryMap] = await self._ask("map", scope=scope, wait_s=wait_s)
        return progress

    async def _ask(self, method: str, **arguments: object) -> Any:
        return await self._servers.ask(operations()[FaceService, method], arguments)


@asynccontextmanager
async def open_remote_face_service(
    options: Options, token: SecretStr | None
) -> AsyncIterator[RemoteFaceService]:
    """The service at `service.url`.

    Raises SettingsError for an address that is none, ServiceMismatchError when a server cannot be worked with
    or they differ, ServiceUnavailableError when none answers within `service.start_s`.
    """
    given = options.service
    addresses = [_address(text) for text in given.url]
    if not addresses:
        raise SettingsError(key="service.url", reason="it names no server")
    headers = {} if token is None else {TOKEN_HEADER: f"Bearer {token.get_secret_value()}"}
    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS, keepalive_timeout=_KEEP_IDLE_S, ssl=await asyncio.to_thread(_tls, given)
    )
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_WITHIN_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session:
        servers = Servers(session, addresses, options.batching.deadline_s)
        await servers.start(given.start_s)
        service = RemoteFaceService(servers)
        try:
            yield service
        finally:
            await service.gallery.close()


def _address(text: str) -> str:
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address or parts.query or parts.fragment:
        raise SettingsError(
            key="service.url", reason=f"{json.dumps(text)} is no address such as http://host:8100"
        )
    if parts.username or parts.password:
        raise SettingsError(
            key="service.url", reason="the token belongs into SERVICE_TOKEN, not into the address"
        )
    return parts.geturl()


def _tls(given: ServiceOptions) -> ssl.SSLContext | bool:
    if not given.ca_file:
        return True
    try:
        return ssl.create_default_context(cafile=Path(given.ca_file).expanduser())
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            key="service.ca_file", reason=f"{given.ca_file} cannot be used ({error})"
        ) from error
