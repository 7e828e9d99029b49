"""What a browser sends with a POST: fields and pictures, read under limits before anybody looks at them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, hdrs, web

from bot.errors import ArgumentInvalidError, ArgumentMissingError, FormInvalidError, PictureMissingError
from config.options import ImageLimits
from inference.errors import ImageTooLargeError

_LONGEST_FIELDS = 512 * 1024
"""Bytes of all fields together: enough for the ids of some thousand ticked samples."""
_MOST_FIELDS = 10_000
_READ_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    uploads: tuple[Upload, ...] = ()

    def text(self, name: str, *, longest: int = 100, required: bool = False) -> str:
        """One field, empty when it was not sent. Raises ArgumentInvalidError, ArgumentMissingError."""
        value = self.fields.get(name, ("",))[0].strip()
        if len(value) > longest:
            raise ArgumentInvalidError(parameter=name, value=value)
        if required and not value:
            raise ArgumentMissingError(parameter=name)
        return value

    def every(self, name: str) -> tuple[str, ...]:
        """A field that may be there several times: ticked boxes."""
        return tuple(dict.fromkeys(self.fields.get(name, ())))

    def upload(self) -> Upload:
        """The file, where one is expected. Raises PictureMissingError."""
        if not self.uploads:
            raise PictureMissingError
        return self.uploads[0]


EMPTY = Form()


async def read_form(request: web.Request, limits: ImageLimits, *, most_uploads: int) -> Form:
    """The body of the request, of either kind that forms are sent as.

    Raises ImageTooLargeError while it is still coming in, FormInvalidError for what is no form or too much.
    """
    try:
        async with asyncio.timeout(_READ_WITHIN_S):
            match request.content_type:
                case "application/x-www-form-urlencoded":
                    return _fields_in(await _read(request))
                case "multipart/form-data":
                    return await _parts_in(request, limits, most_uploads)
    except (ValueError, AssertionError, web.RequestPayloadError) as error:
        raise FormInvalidError from error
    if request.body_exists:
        raise FormInvalidError
    return EMPTY


async def _read(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > _LONGEST_FIELDS:
            raise FormInvalidError
    return bytes(body)


def _fields_in(body: bytes) -> Form:
    fields: dict[str, list[str]] = {}
    pairs = parse_qsl(
        body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
    )
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return Form({name: tuple(values) for name, values in fields.items()})


async def _parts_in(request: web.Request, limits: ImageLimits, most_uploads: int) -> Form:
    fields: dict[str, list[str]] = {}
    uploads: list[Upload] = []
    room = _LONGEST_FIELDS
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or not part.name or hdrs.CONTENT_ENCODING in part.headers:
            raise FormInvalidError
        if part.filename is None:
            value = await _part(part, room)
            if value is None or sum(map(len, fields.values())) >= _MOST_FIELDS:
                raise FormInvalidError
            room -= len(value)
            fields.setdefault(part.name, []).append(value.decode("utf-8"))
            continue
        data = await _part(part, limits.max_bytes)
        if data is None:
            raise ImageTooLargeError(what="bytes", actual=0, limit=limits.max_bytes)
        if data:  # a file field that was left empty is sent, too
            if len(uploads) >= most_uploads:
                raise FormInvalidError
            uploads.append(Upload(part.filename, data))
    return Form({name: tuple(values) for name, values in fields.items()}, tuple(uploads))


async def _part(part: BodyPartReader, longest: int) -> bytes | None:
    """Its bytes; None when there are more."""
    data = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        data += chunk
        if len(data) > longest:
            return None
    return bytes(data)
