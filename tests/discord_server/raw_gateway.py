"""A client of the gateway that says what it likes, for what no library does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Json

PLAIN = "?v=10&encoding=json"


class RawGateway:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, op: int, data: Any = None) -> None:
        await self.socket.send_str(json.dumps({"op": op, "d": data}))

    async def receive(self) -> Json:
        """The next payload."""
        async with asyncio.timeout(5):
            payload: Json = await self.socket.receive_json()
            return payload

    async def until_event(self, name: str) -> list[str]:
        """The names of the events up to this one."""
        names: list[str] = []
        while name not in names:
            payload = await self.receive()
            if payload["op"] == 0:
                names.append(payload["t"])
        return names

    async def close_code(self) -> int | None:
        """With what the server closes, after whatever it still says."""
        async with asyncio.timeout(5):
            while not self.socket.closed:
                await self.socket.receive()
        return self.socket.close_code


def identify(server: DiscordServer, **changes: Any) -> Json:
    """A correct IDENTIFY, with changes; a change to None takes the field away."""
    properties = {"os": "linux", "browser": "raw", "device": "raw"}
    data: Json = {"token": server.token, "intents": 513, "properties": properties} | changes
    return {name: value for name, value in data.items() if value is not None}


@asynccontextmanager
async def raw_gateway(server: DiscordServer, query: str = PLAIN) -> AsyncIterator[RawGateway]:
    """A new connection, up to and with HELLO."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.gateway_url + query, autoclose=True) as socket,
    ):
        raw = RawGateway(socket)
        if query == PLAIN:
            hello = await raw.receive()
            assert hello["op"] == 10 and hello["d"]["heartbeat_interval"] > 0
        yield raw
