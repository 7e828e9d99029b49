"""Gallery archives over HTTP: they go through a file, since they may be larger than memory."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError

from inference.domain import Scope
from inference.errors import RequestInvalidError
from inference.gallery.base import Gallery
from inference.operations import SAMPLES_HEADER
from inference.wire import JSON, decode, encode

ZIP = "application/zip"
_CHUNK_BYTES = 256 * 1024
_ARGUMENTS_BYTES = 64 * 1024


class ExportArguments(msgspec.Struct, forbid_unknown_fields=True):
    scopes: Sequence[Scope] | None = None


class ImportArguments(msgspec.Struct, forbid_unknown_fields=True):
    scope: Scope | None = None
    actor: str = ""


class Imported(msgspec.Struct):
    samples: int
    """Added ones."""


async def export(request: web.Request, gallery: Gallery, media_type: str) -> web.StreamResponse:
    """The archive as the body, its number of samples in a header."""
    arguments: ExportArguments = decode(await request.read(), ExportArguments, media_type)
    async with _temporary_folder() as folder:
        path = folder / "export.zip"
        count = await gallery.export(path, arguments.scopes)
        response = web.StreamResponse(headers={SAMPLES_HEADER: str(count)})
        response.content_type = ZIP
        response.content_length = path.stat().st_size
        await response.prepare(request)
        with path.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                await response.write(chunk)
        await response.write_eof()
    return response


async def import_(request: web.Request, gallery: Gallery, most_bytes: int) -> web.StreamResponse:
    """A form of two parts: `arguments` (JSON), then `archive`."""
    if request.content_type != "multipart/form-data":
        raise web.HTTPUnsupportedMediaType(reason="multipart/form-data is needed")
    async with _temporary_folder() as folder:
        try:
            parts = await request.multipart()
            arguments = await _arguments(await _part(parts, "arguments"))
            part = await _part(parts, "archive")
            path = folder / _file_name(part.filename)
            await _save(part, path, most_bytes)
        except RequestInvalidError:
            raise
        except (ValueError, AssertionError, HttpProcessingError) as error:  # aiohttp's ways to say so
            reason = f"the form cannot be read ({type(error).__name__})"
            raise RequestInvalidError(reason=reason) from None
        count = await gallery.import_(path, scope=arguments.scope, actor=arguments.actor)
    return web.Response(body=encode(Imported(count), JSON), content_type=JSON)


async def _part(parts: MultipartReader, name: str) -> BodyPartReader:
    part = await parts.next()
    if not isinstance(part, BodyPartReader) or part.name != name:
        raise RequestInvalidError(reason=f"the form has no part “{name}” where it should be")
    return part


async def _arguments(part: BodyPartReader) -> ImportArguments:
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > _ARGUMENTS_BYTES:
            raise RequestInvalidError(reason="the part “arguments” is too long")
    arguments: ImportArguments = decode(bytes(data), ImportArguments, JSON)
    return arguments


async def _save(part: BodyPartReader, path: Path, most_bytes: int) -> None:
    size = 0
    with path.open("wb") as file:
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            size += len(chunk)
            if size > most_bytes:
                raise RequestInvalidError(reason=f"the archive has more than {most_bytes:,} bytes")
            await asyncio.to_thread(file.write, chunk)


def _file_name(given: str | None) -> str:
    """Stands in the audit log."""
    name = re.sub(r"[^\w. -]", "_", (given or "").rpartition("/")[2])[-100:].strip(". ")
    return name or "archive.zip"


@asynccontextmanager
async def _temporary_folder() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dareda-") as folder:
        yield Path(folder)
