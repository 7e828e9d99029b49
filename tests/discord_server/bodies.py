"""Reads request bodies: JSON, or multipart as Discord wants it (Reference, "Uploading Files")."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
from aiohttp import web

from tests.discord_server.checks.messages import Upload
from tests.discord_server.errors import INVALID_FORM, INVALID_JSON, ApiError
from tests.discord_server.routing import Body

_FILE_PART = re.compile(r"files\[(\d)\]")


async def read_body(request: web.Request, kind: Body) -> tuple[Any, dict[int, Upload]]:
    """The JSON and the files by the number in their part's name.

    Raises:
        ApiError: 50035 or 50109 for a body that the route does not take.
    """
    if kind is Body.NONE:
        if await request.read():
            raise _faulty("_body", "This route takes no body")
        return None, {}
    if request.content_type == "application/json":
        return _parse(await request.read()), {}
    if request.content_type == "multipart/form-data" and kind is Body.MESSAGE:
        return await _read_multipart(request)
    raise _faulty("_content_type", f"Expected JSON, not {request.content_type}")


async def _read_multipart(request: web.Request) -> tuple[Any, dict[int, Upload]]:
    payload: Any = None
    files: dict[int, Upload] = {}
    seen: set[str | None] = set()
    async for part in await request.multipart():
        if not isinstance(part, aiohttp.BodyPartReader) or part.name in seen:
            raise _faulty(repr(part), "A part of this name came before, or it is nested")
        seen.add(part.name)
        data = bytes(await part.read())
        if part.name == "payload_json":
            payload = _parse(data)
        elif (match := _FILE_PART.fullmatch(part.name or "")) and part.filename is not None:
            files[int(match[1])] = Upload(part.filename, data)
        else:
            raise _faulty(str(part.name), "Only payload_json and files[0] to files[9] with file names")
    if payload is None:
        raise _faulty("payload_json", "This field is required")
    return payload, files


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise ApiError(INVALID_JSON) from error


def _faulty(name: str, message: str) -> ApiError:
    return ApiError(INVALID_FORM, {name: {"_errors": [{"code": "INVALID", "message": message}]}})
