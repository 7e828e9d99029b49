"""Archives on their way out of and into galleries: made, received and read beside the requests."""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import BodyPartReader, hdrs, web

from bot.errors import FileMissingError, FileTooLargeError, FormInvalidError
from inference.domain import Scope
from inference.errors import AppError, GalleryUnavailableError, OverloadedError
from inference.gallery.base import Gallery

log = logging.getLogger(__name__)
_AT_A_TIME = 2
"""Exports and imports together: each may be as large as the gallery."""
_KEPT_S = 3_600.0
"""How long an export can be fetched."""
_CHUNK = 1 << 20
_SILENCE_S = 60.0
"""A sender that says nothing for so long has gone."""


@dataclass(slots=True)
class Transfer:
    """One export or import of one gallery."""

    folder: Path
    """Of its own; empty until something is written, and gone when it is over."""
    path: Path
    name: str = ""
    """What the file was called where it came from."""
    started: float = 0.0
    samples: int | None = None
    """How many were written, or added; None until it has worked."""
    share: float | None = None
    """What part of an export is written; None as long as it is not known."""
    failed: AppError | None = None
    task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        return self.task is not None and not self.task.done()

    def report(self, share: float) -> None:
        """Told by whoever writes the archive."""
        self.share = share

    def bytes_so_far(self) -> int:
        """What lies on the disk of it."""
        with suppress(OSError):
            return sum(file.stat().st_size for file in self.folder.iterdir())
        return 0


class Transfers:
    """The transfers of one console; made by `open_transfers()`."""

    def __init__(self, gallery: Gallery, folder: Path, *, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._gallery = gallery
        self._folder = folder
        self._numbers = itertools.count(1)
        self._exports: dict[Scope, Transfer] = {}
        self._imports: dict[Scope, Transfer] = {}

    def export_of(self, scope: Scope) -> Transfer | None:
        """The last one, while it can still be fetched."""
        self._drop_old()
        return self._exports.get(scope)

    def import_of(self, scope: Scope) -> Transfer | None:
        """The last one since the start."""
        return self._imports.get(scope)

    async def export(self, scope: Scope) -> None:
        """Begin to write the gallery's archive; does nothing while one is being written.

        Raises OverloadedError, GalleryUnavailableError when there is no room.
        """
        last = self._exports.get(scope)
        if last is not None and last.is_running:
            return
        transfer = await self._begin()
        if last is not None:
            await asyncio.to_thread(_remove, last.folder)
        self._exports[scope] = transfer

        async def write() -> None:
            transfer.samples = await self._gallery.export(transfer.path, [scope], report=transfer.report)

        transfer.task = asyncio.create_task(self._run(transfer, write), name="export")

    async def receive(
        self, request: web.Request, scope: Scope, actor: str, then: Callable[[], Awaitable[None]]
    ) -> None:
        """Take the archive that is being sent, and begin to add it; `then` is awaited once it is added.

        Raises FileMissingError, FileTooLargeError, FormInvalidError; OverloadedError, also while another
        import of the gallery is running.
        """
        last = self._imports.get(scope)
        if last is not None and last.is_running:
            raise OverloadedError(limit=1)
        transfer = await self._begin()
        try:
            transfer.name = await _store(request, transfer.path, self.most_bytes)
        except BaseException:
            await asyncio.to_thread(_remove, transfer.folder)
            raise
        self._imports[scope] = transfer

        async def add() -> None:
            try:
                transfer.samples = await self._gallery.import_(transfer.path, scope=scope, actor=actor)
                await then()
            finally:
                await asyncio.to_thread(_remove, transfer.folder)

        transfer.task = asyncio.create_task(self._run(transfer, add), name="import")

    async def close(self) -> None:
        """Wait for imports, which are whole or not at all anyway, and for exports."""
        tasks = [one.task for one in (*self._exports.values(), *self._imports.values()) if one.task]
        await asyncio.gather(*tasks)

    async def _begin(self) -> Transfer:
        self._drop_old()
        running = [one for one in (*self._exports.values(), *self._imports.values()) if one.is_running]
        if len(running) >= _AT_A_TIME:
            raise OverloadedError(limit=_AT_A_TIME)
        folder = self._folder / str(next(self._numbers))
        try:
            await asyncio.to_thread(folder.mkdir, parents=True)
        except OSError as error:
            raise GalleryUnavailableError(reason=str(error)) from error
        return Transfer(folder, folder / "gallery.zip", started=time.monotonic())

    async def _run(self, transfer: Transfer, work: Callable[[], Awaitable[None]]) -> None:
        """Does not raise: what went wrong is said on the page."""
        try:
            await work()
        except AppError as error:
            log.info("transfer_failed code=%s", error.code)
            transfer.failed = error
        except OSError as error:
            log.warning("transfer_failed error=%s", error)
            transfer.failed = GalleryUnavailableError(reason=error.strerror or str(error))
        except Exception as error:
            log.exception("transfer_failed")
            transfer.failed = GalleryUnavailableError(reason=type(error).__name__)

    def _drop_old(self) -> None:
        oldest = time.monotonic() - _KEPT_S
        for scope, transfer in list(self._exports.items()):
            if transfer.started < oldest and not transfer.is_running:
                del self._exports[scope]
                _remove(transfer.folder)


@asynccontextmanager
async def open_transfers(gallery: Gallery, folder: Path, *, most_bytes: int) -> AsyncIterator[Transfers]:
    """With that folder for archives, which is emptied now and gone at the end of the block."""
    await asyncio.to_thread(_remove, folder)  # what a process that died had left
    transfers = Transfers(gallery, folder, most_bytes=most_bytes)
    try:
        yield transfers
    finally:
        await transfers.close()
        await asyncio.to_thread(_remove, folder)


async def _store(request: web.Request, path: Path, most_bytes: int) -> str:
    """Write the form's file there; what it was called."""
    free = (await asyncio.to_thread(shutil.disk_usage, path.parent)).free
    # The gallery grows by about as much as the archive, which lies here until then.
    limit = min(most_bytes, free // 2)
    if (request.content_length or 0) > limit + _CHUNK:
        raise FileTooLargeError(limit=limit, actual=request.content_length or 0)
    if request.content_type != "multipart/form-data":
        raise FormInvalidError
    try:
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == "archive" and part.filename:
                if hdrs.CONTENT_ENCODING in part.headers:
                    raise FormInvalidError
                if await _write(part, path, limit):
                    return part.filename
    except (ValueError, AssertionError, TimeoutError, web.RequestPayloadError) as error:
        raise FormInvalidError from error
    raise FileMissingError


async def _write(part: BodyPartReader, path: Path, limit: int) -> int:
    """Returns how many bytes there were."""
    written = 0
    with path.open("wb") as file:
        while True:
            async with asyncio.timeout(_SILENCE_S):
                chunk = await part.read_chunk(_CHUNK)
            if not chunk:
                return written
            written += len(chunk)
            if written > limit:
                raise FileTooLargeError(limit=limit, actual=written)
            await asyncio.to_thread(file.write, chunk)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
