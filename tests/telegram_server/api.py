"""The HTTP interface: finds the method, checks the request, fails on purpose, records."""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.telegram_server import schema
from tests.telegram_server.bodies import read_parameters
from tests.telegram_server.errors import Refusal, flooded, mistaken
from tests.telegram_server.faults import BROKEN_LINE, Fault, Faults
from tests.telegram_server.methods import chats, editing, profile, queries, receiving, sending
from tests.telegram_server.rate_limits import RateLimits
from tests.telegram_server.routing import Call, Method, Upload
from tests.telegram_server.state import StoredFile
from tests.telegram_server.updates import Updates
from tests.telegram_server.world import World

_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{35}")
_DOWNLOAD = "download"


@dataclass(slots=True)
class RecordedRequest:
    """One request and its end."""

    method: str
    """As Telegram names it, or `download`; empty when there is none."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    status: int = 0
    description: str = ""
    """Of a refusal."""
    fault: Fault | None = None
    at: float = field(default_factory=time.monotonic)


class Api:
    """Serves `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

    def __init__(self, world: World, updates: Updates, errors: list[str]) -> None:
        self.requests: list[RecordedRequest] = []
        self.rate_limits = RateLimits()
        self.faults = Faults()
        self._world = world
        self._updates = updates
        self._errors = errors
        self._lost: set[str] = set()
        self._methods: dict[str, Method] = {}
        for module in (receiving, sending, editing, chats, profile, queries):
            self._methods |= module.METHODS.table

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/file/bot{token}/{path:.+}", self._download),
            web.route("*", "/bot{token}/{method}", self._handle),
            web.route("*", "/{path:.*}", self._lost_request),
        ]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        record = RecordedRequest("")
        self.requests.append(record)
        try:
            response = await self._answer(request, record)
        except Refusal as refusal:
            record.description = refusal.description
            response = web.json_response(refusal.payload(), status=refusal.status)
            # A bot that never got its answer asks again, and that is no mistake of its.
            if refusal.mistake and record.method not in self._lost:
                shown = {name: str(value)[:200] for name, value in record.parameters.items()}
                self._errors.append(f"{record.method or request.path}: {refusal.description} {shown}")
        except Exception:
            self._errors.append(f"{record.method}: {traceback.format_exc()}")
            response = web.Response(status=501)
        record.status = response.status
        return response

    async def _answer(self, request: web.Request, record: RecordedRequest) -> web.StreamResponse:
        self._authorize(request.match_info["token"])
        name = schema.canonical_name(request.match_info["method"])
        if name is None:
            raise mistaken("Not Found: method not found", 404)
        record.method = name
        record.fault = fault = self.faults.pick(name)
        if fault is not None and not fault.done_first:
            return _failed(request, fault)
        given, record.uploads = await read_parameters(request)
        record.parameters = given
        call = self._call(name, given, record.uploads)
        record.parameters = call.parameters
        result = await self._methods[name].handler(call)
        self._errors += [f"our own {name} is wrong: {one}" for one in schema.result_problems(name, result)]
        if fault is not None:
            self._lost.add(name)
            return _failed(request, fault)
        return web.json_response({"ok": True, "result": result})

    def _call(self, name: str, given: dict[str, Any], uploads: Mapping[str, Upload]) -> Call:
        """The request as its handler takes it, checked."""
        own = [part for part in uploads if part not in given and schema.has_parameter(name, part)]
        call = Call(
            self._world,
            self._updates,
            self.rate_limits,
            schema.checked(name, given | {part: f"attach://{part}" for part in own}),
            uploads,
        )
        if name not in self._methods:
            raise mistaken(f"this server does not have {name}", 501)
        if unknown := set(call.parameters) - self._methods[name].takes:
            raise mistaken(f"this server does not take {sorted(unknown)} of {name}", 501)
        return call

    def _authorize(self, token: str) -> None:
        if not _TOKEN.fullmatch(token):
            raise mistaken("Not Found", 404)
        if token != self._world.token:
            raise mistaken("Unauthorized", 401)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        record = RecordedRequest(_DOWNLOAD, {"path": request.match_info["path"]})
        self.requests.append(record)
        file = self._world.files.by_path.get(request.match_info["path"])
        if file is None or request.match_info["token"] != self._world.token or self._world.local:
            self._errors.append(f"a download that cannot be: {request.path}")
            response: web.StreamResponse = web.json_response(mistaken("Not Found", 404).payload(), status=404)
        elif (fault := self.faults.pick(_DOWNLOAD)) is not None:
            record.fault = fault
            response = _failed(request, fault)
        else:
            response = await _file_response(request, file)
        record.status = response.status
        return response

    async def _lost_request(self, request: web.Request) -> web.StreamResponse:
        self._errors.append(f"a request for nothing: {request.method} {request.path}")
        return web.json_response(mistaken("Not Found", 404).payload(), status=404)


async def _file_response(request: web.Request, file: StoredFile) -> web.StreamResponse:
    delivery = file.delivery
    response = web.StreamResponse(status=delivery.status)
    response.content_type = "application/octet-stream"
    if delivery.endless:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(file.data)
    await response.prepare(request)
    sent = 0
    while delivery.endless or sent < len(file.data):
        if delivery.delay_s:
            await asyncio.sleep(delivery.delay_s)
        if delivery.cut_after is not None and sent >= delivery.cut_after:
            return _broken(request)
        start = sent % len(file.data)
        end = min(start + delivery.chunk_bytes, len(file.data))
        if delivery.cut_after is not None:
            end = min(end, start + delivery.cut_after - sent)
        await response.write(file.data[start:end])
        sent += end - start
    await response.write_eof()
    return response


def _failed(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.status == BROKEN_LINE:
        return _broken(request)
    if fault.status == 429:
        return web.json_response(flooded(fault.retry_after_s).payload(), status=429)
    # As from a proxy in front of Telegram: no JSON.
    return web.Response(status=fault.status, text="<h1>Bad Gateway</h1>", content_type="text/html")


def _broken(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
