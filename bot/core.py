"""The inference core and the gallery that this process works with: its own, or a service's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.options import Options
from config.settings import Secrets
from inference import service
from inference.errors import SettingsError
from inference.gallery import factory
from inference.gallery.base import Gallery, KeptGallery
from inference.service import FaceService


@asynccontextmanager
async def open_face_service(
    options: Options,
    *,
    credentials: Secrets | None = None,
    read_only: bool = False,
    wait: bool = False,
    warm: bool = True,
) -> AsyncIterator[FaceService]:
    """The core, closed at the end of the block.

    `read_only` opens an own gallery beside another process that writes to it; with `wait` a gallery on a
    server that cannot be reached yet is no error. `warm` is for a process that outlives its first pictures.
    Raises SetupError, and ServiceUnavailableError where there is a service but none of its servers answers.
    """
    if options.service.url:
        from inference.remote import open_remote_face_service  # noqa: PLC0415  # aiohttp takes its time

        token = credentials.service_token if credentials else None
        async with open_remote_face_service(options, token) as remote:
            yield remote
        return
    async with service.open_face_service(
        options, credentials=credentials, read_only=read_only, wait=wait, warm=warm
    ) as own:
        yield own


@asynccontextmanager
async def open_gallery(
    options: Options,
    *,
    credentials: Secrets | None = None,
    read_only: bool = False,
    any_contract: bool = False,
) -> AsyncIterator[Gallery]:
    """The gallery, closed at the end of the block; see `inference.gallery.factory.open_gallery()`."""
    if options.service.url:
        async with open_face_service(options, credentials=credentials) as remote:
            yield remote.gallery
        return
    async with factory.open_gallery(
        options, credentials=credentials, read_only=read_only, any_contract=any_contract
    ) as own:
        yield own


@asynccontextmanager
async def open_kept_gallery(
    options: Options, *, credentials: Secrets | None = None, any_contract: bool = False
) -> AsyncIterator[KeptGallery]:
    """The gallery, to look after it as a whole. Raises SettingsError where a service keeps it."""
    require_own_core(options)
    async with factory.open_gallery(options, credentials=credentials, any_contract=any_contract) as own:
        yield own


def require_own_core(options: Options) -> None:
    """For what a service does not offer. Raises SettingsError where there is one."""
    if options.service.url:
        raise SettingsError(
            key="service.url",
            reason="this is done where the service and its gallery are; call it there, without this setting",
        )
