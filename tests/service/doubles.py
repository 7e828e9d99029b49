"""An inference server's place taken by one that misbehaves on purpose, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from inference.domain import Character, CharacterId, Scope
from inference.gallery.base import Changed
from inference.operations import SECONDS_LEFT_HEADER, WIRE_VERSION, About
from inference.wire import JSON, encode
from tests.inference.gallery.samples import make_contract

CHARACTER = Character(CharacterId("c"), Scope("home"), "b")


def about(*, wire: int = WIRE_VERSION, model: str = "first", read_only: bool = False) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(
        About("test", wire, make_contract(model), learns=True, read_only=read_only)
    )
    return told


@dataclass
class Double:
    """Answers `characters` with nobody and `rename` with somebody, after its `answers` are used up."""

    about: dict[str, Any] = field(default_factory=about)
    about_status: int = 200
    token: str = ""
    answers: list[Any] = field(default_factory=list)
    asked: int = 0
    changes: int = 0
    seconds_left: list[float] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/about", self._tell)
        app.router.add_post("/v1/characters", self._answer)
        app.router.add_post("/v1/characters/rename", self._answer)
        return app

    async def _tell(self, request: web.Request) -> web.Response:
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        return web.Response(status=self.about_status, body=encode(self.about, JSON), content_type=JSON)

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.changes += request.path.endswith("rename")
        self.seconds_left.append(float(request.headers[SECONDS_LEFT_HEADER]))
        await request.read()
        if self.answers:
            answer = self.answers.pop(0)
            if answer == "hangs up":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if answer == "sleeps":
                await asyncio.sleep(60)
            response: web.Response = answer()
            return response
        if request.path.endswith("rename"):
            return web.Response(body=encode(Changed(CHARACTER, 1)))
        return web.Response(body=encode(()))


@asynccontextmanager
async def listening(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """The application on loopback; gives its address. At the end it is gone, whatever is under way."""
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
