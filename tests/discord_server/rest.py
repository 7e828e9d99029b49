"""The REST interface: finds the route, checks who asks, limits, fails on purpose, records."""

from __future__ import annotations

import json
import re
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.discord_server.bodies import read_body
from tests.discord_server.checks.messages import Upload
from tests.discord_server.errors import (
    INVALID_FORM,
    METHOD_NOT_ALLOWED,
    UNAUTHORIZED,
    UNKNOWN_ROUTE,
    ApiError,
    Refusal,
)
from tests.discord_server.faults import BROKEN_LINE, Fault, Faults
from tests.discord_server.gateway import Gateway
from tests.discord_server.rate_limits import RateLimits, TooManyRequestsError
from tests.discord_server.routes import application, commands, guilds, interactions, messages, webhooks
from tests.discord_server.routing import Call, Route
from tests.discord_server.world import World

_PREFIX = "/api/v10"
_NO_TOKEN = Refusal(401, 0, "401: Unauthorized (no bot token)", mistake=True)
# "Clients using the HTTP API must provide a valid User Agent" (Reference, "User Agent").
_USER_AGENT = re.compile(r"DiscordBot \(\S+ \S+\).*")


@dataclass(slots=True)
class RecordedRequest:
    """One request and its end."""

    method: str
    path: str
    query: Mapping[str, str]
    route: str = ""
    """For example `POST /channels/{channel_id}/messages`; empty when there is no such route."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    files: Mapping[int, Upload] = field(default_factory=dict)
    status: int = 0
    code: int = 0
    """The JSON error code of a refusal."""
    fault: Fault | None = None
    at: float = field(default_factory=time.monotonic)


class Rest:
    """Serves `/api/v10`."""

    def __init__(self, world: World, gateway: Gateway, errors: list[str]) -> None:
        self.requests: list[RecordedRequest] = []
        self.rate_limits = RateLimits()
        self.faults = Faults()
        self._world = world
        self._gateway = gateway
        self._errors = errors
        self._lost: set[tuple[str, str]] = set()
        tables = (application, guilds, messages, commands, interactions, webhooks)
        self._routes = [(route.pattern, route) for table in tables for route in table.ROUTES]

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/{path:.*}", self._handle)]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        record = RecordedRequest(request.method, request.path, dict(request.query))
        self.requests.append(record)
        try:
            response = await self._answer(request, record)
        except TooManyRequestsError as limited:
            response = _limited(limited)
        except ApiError as error:
            record.code = error.refusal.code
            response = _json(error.payload(), error.refusal.status)
            # A bot that never got its answer asks again, and that is no mistake of its.
            if error.refusal.mistake and (request.method, request.path) not in self._lost:
                self._errors.append(f"{request.method} {request.path}: {error.payload()}")
        except Exception:
            self._errors.append(f"{request.method} {request.path}: {traceback.format_exc()}")
            response = web.Response(status=501)
        record.status = response.status
        return response

    async def _answer(self, request: web.Request, record: RecordedRequest) -> web.StreamResponse:
        route, parameters = self._find(request)
        record.route, record.parameters = route.name, parameters
        self._authorize(request, route)
        record.fault = fault = self.faults.pick(route)
        if fault is not None and not fault.done_first:
            return _failed(request, fault)
        headers = self.rate_limits.count(route, parameters)
        if unknown := set(request.query) - route.query:
            raise ApiError(INVALID_FORM, dict.fromkeys(unknown, "unknown query parameter"))
        record.body, record.files = await read_body(request, route.body)
        call = Call(self._world, self._gateway, parameters, request.query, record.body, record.files)
        answer = await route.handler(call)
        if fault is not None:
            self._lost.add((request.method, request.path))
            return _failed(request, fault)
        if answer is None:
            return web.Response(status=204, headers=headers)
        return _json(answer, 200, headers)

    def _find(self, request: web.Request) -> tuple[Route, dict[str, str]]:
        path = request.path.removeprefix(_PREFIX)
        if path == request.path:
            raise ApiError(UNKNOWN_ROUTE)
        there = [(route, match) for pattern, route in self._routes if (match := pattern.fullmatch(path))]
        for route, match in there:
            if route.method == request.method:
                return route, match.groupdict()
        raise ApiError(METHOD_NOT_ALLOWED if there else UNKNOWN_ROUTE)

    def _authorize(self, request: web.Request, route: Route) -> None:
        if route.by_token:
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bot" or not token:
            raise ApiError(_NO_TOKEN)
        if token != self._world.token:
            raise ApiError(UNAUTHORIZED)
        if not _USER_AGENT.fullmatch(request.headers.get("User-Agent", "")):
            raise ApiError(INVALID_FORM, {"User-Agent": request.headers.get("User-Agent")})


def _json(body: Any, status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    # Exactly this type, without a charset, is what Discord says and what discord.py looks for.
    kind = {"Content-Type": "application/json"}
    return web.Response(body=json.dumps(body).encode(), status=status, headers={**(headers or {}), **kind})


def _failed(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.status == 429:
        return _limited(TooManyRequestsError(fault.retry_after_s, fault.scope))
    if fault.status == BROKEN_LINE:
        assert request.transport is not None
        request.transport.abort()
    return web.Response(status=fault.status or 500, text="upstream connect error")


def _limited(limited: TooManyRequestsError) -> web.Response:
    """A 429 (Rate Limits, "Exceeding A Rate Limit"), with the proxy's mark that tells it from a ban."""
    headers = dict(limited.headers) | {
        "Retry-After": str(int(limited.retry_after_s) + 1),
        "X-RateLimit-Scope": limited.scope,
        "Via": "1.1 google",
    }
    is_global = limited.scope == "global"
    if is_global:
        headers["X-RateLimit-Global"] = "true"
    shared = "The resource is being rate limited."
    message = shared if limited.scope == "shared" else "You are being rate limited."
    body = {"message": message, "retry_after": round(limited.retry_after_s, 3), "global": is_global}
    return _json(body, 429, headers)
