"""A client of the Bot API that sends what it likes, for what no library does."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.telegram_server.server import TelegramServer


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any

    @property
    def result(self) -> Any:
        assert self.body["ok"], self.body
        return self.body["result"]

    @property
    def description(self) -> str:
        """Of a refusal, which must be one."""
        assert self.body["ok"] is False
        assert self.body["error_code"] == self.status
        return str(self.body["description"])


class RawApi:
    def __init__(self, server: TelegramServer, session: aiohttp.ClientSession) -> None:
        self._server = server
        self._session = session

    async def call(self, method: str, **parameters: Any) -> Answer:
        """A request with a JSON body."""
        return await self.send("POST", method, json=parameters)

    async def upload(self, method: str, files: Mapping[str, tuple[str, bytes]], **parameters: str) -> Answer:
        """A multipart request; `files` by the names of their parts."""
        form = aiohttp.FormData(quote_fields=False)
        for name, value in parameters.items():
            form.add_field(name, value)
        for name, (filename, data) in files.items():
            form.add_field(name, io.BytesIO(data), filename=filename, content_type="application/octet-stream")
        return await self.send("POST", method, data=form)

    async def send(self, verb: str, method: str, *, token: str | None = None, **request: Any) -> Answer:
        """Any request; `request` goes to aiohttp."""
        url = f"{self._server.base_url}{token or self._server.token}/{method}"
        async with self._session.request(verb, url, **request) as response:
            return Answer(response.status, await response.json())

    async def download(self, path: str, *, token: str | None = None) -> tuple[int, bytes]:
        url = f"{self._server.base_file_url}{token or self._server.token}/{path}"
        async with self._session.get(url) as response:
            return response.status, await response.read()


@asynccontextmanager
async def raw_api(server: TelegramServer) -> AsyncIterator[RawApi]:
    async with aiohttp.ClientSession() as session:
        yield RawApi(server, session)
