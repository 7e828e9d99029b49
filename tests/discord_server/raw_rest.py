"""A client of the REST interface that sends what it likes, for what no library does."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.discord_server.interactions import Interaction
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Json


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any

    @property
    def code(self) -> int:
        """The JSON error code."""
        return int(self.body["code"])

    def wrong(self) -> set[str]:
        """The paths of the fields that the server found wrong, for example `embeds.0.title`."""
        return set(_wrong(self.body.get("errors", {}), ""))


class RawRest:
    def __init__(self, server: DiscordServer, session: aiohttp.ClientSession) -> None:
        self._server = server
        self._session = session

    async def send(self, method: str, path: str, body: Any = None, **changes: Any) -> Answer:
        """A request with the right headers; `changes` go to aiohttp."""
        headers = {
            "Authorization": f"Bot {self._server.token}",
            "User-Agent": "DiscordBot (https://example.org 1)",
        }
        headers |= changes.pop("headers", {})
        kept = {name: value for name, value in headers.items() if value is not None}
        if body is not None:
            changes["json"] = body
        url = self._server.api_base + path
        async with self._session.request(method, url, headers=kept, **changes) as response:
            text = await response.text()
            return Answer(response.status, json.loads(text) if text else None)

    async def upload(
        self, method: str, path: str, payload: Any, files: Mapping[str, tuple[str, bytes]]
    ) -> Answer:
        """A multipart request; `files` by the names of their parts."""
        form = aiohttp.FormData(quote_fields=False)
        if payload is not None:
            form.add_field("payload_json", payload if isinstance(payload, str) else json.dumps(payload))
        for name, (filename, data) in files.items():
            form.add_field(name, io.BytesIO(data), filename=filename, content_type="application/octet-stream")
        return await self.send(method, path, data=form)

    async def respond(self, interaction: Interaction, kind: int, data: Any = None) -> Answer:
        """The first answer to an interaction."""
        body = {"type": kind} if data is None else {"type": kind, "data": data}
        path = f"/interactions/{interaction.id}/{interaction.token}/callback"
        return await self.send("POST", path, body, headers={"Authorization": None})

    def webhook(self, interaction: Interaction) -> str:
        """The path for what follows the first answer."""
        return f"/webhooks/{self._server.world.application_id}/{interaction.token}"


@asynccontextmanager
async def raw_rest(server: DiscordServer) -> AsyncIterator[RawRest]:
    async with aiohttp.ClientSession() as session:
        yield RawRest(server, session)


def _wrong(errors: Json, path: str) -> list[str]:
    found = [path] if "_errors" in errors else []
    for name, below in errors.items():
        if isinstance(below, dict):
            found += _wrong(below, f"{path}.{name}".lstrip("."))
    return found
