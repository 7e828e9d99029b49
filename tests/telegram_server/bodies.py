"""Reads the parameters of a request in all four ways that there are (Making requests)."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from aiohttp import web

from tests.telegram_server.errors import mistaken
from tests.telegram_server.routing import Upload


async def read_parameters(request: web.Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    """The parameters, as text where they came as text, and the files by the names of their parts.

    A file whose part has a parameter's name becomes that parameter, as if it were attached.

    Raises:
        Refusal: a body of another type, or a name that comes twice.
    """
    parameters: dict[str, Any] = {}
    for name, value in request.query.items():
        _put(parameters, name, value)
    if request.method == "GET" or not request.can_read_body:
        return parameters, {}
    match request.content_type:
        case "application/x-www-form-urlencoded":
            for name, field in (await request.post()).items():
                _put(parameters, name, field)
        case "application/json":
            body = _parse(await request.read())
            for name, value in body.items():
                _put(parameters, name, value)
        case "multipart/form-data":
            return parameters, await _read_multipart(request, parameters)
        case other:
            raise mistaken(f"a body of type {other}")
    return parameters, {}


async def _read_multipart(request: web.Request, parameters: dict[str, Any]) -> dict[str, Upload]:
    uploads: dict[str, Upload] = {}
    async for part in await request.multipart():
        if not isinstance(part, aiohttp.BodyPartReader) or part.name is None:
            raise mistaken("a part without a name, or a nested one")
        data = bytes(await part.read())
        if part.filename is None:
            _put(parameters, part.name, data.decode())
        else:
            if part.name in uploads:
                raise mistaken(f"two parts are named {part.name}")
            uploads[part.name] = Upload(part.filename, data)
    return uploads


def _put(parameters: dict[str, Any], name: str, value: Any) -> None:
    if name in parameters:
        raise mistaken(f"the parameter {name} comes twice")
    parameters[name] = value


def _parse(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except ValueError:
        raise mistaken("can't parse request JSON object") from None
    if not isinstance(body, dict):
        raise mistaken("request JSON is no object")
    return body
