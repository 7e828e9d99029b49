"""Attachments and stickers over HTTP: signed addresses that expire, and bodies that never end."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from urllib.parse import quote

from aiohttp import web

from tests.discord_server.clock import ServerClock
from tests.discord_server.state import Delivery, Sticker, StoredFile

_VALID_S = 24 * 3600
_SECRET = b"a secret that only the server knows"
_STICKER_FORMATS = {"png": "image/png", "json": "application/json", "gif": "image/gif"}


class Cdn:
    """The files of all messages. `base` is the address of the server, known once it runs."""

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self.base = ""
        self.reads: list[str] = []
        """The path of every request, in order."""
        self._files: dict[int, StoredFile] = {}
        self._stickers: dict[int, Sticker] = {}
        self._pictures: dict[str, StoredFile] = {}

    def add(self, file: StoredFile) -> None:
        self._files[file.id] = file

    def add_sticker(self, sticker: Sticker) -> None:
        self._stickers[sticker.id] = sticker

    def urls(self, file: StoredFile) -> tuple[str, str]:
        """The file's address and the media proxy's; both expire (Reference, "Signed Attachment CDN URLs")."""
        path = _path(file)
        issued = int(self._clock.now())
        expires = issued + _VALID_S
        query = f"?ex={expires:x}&is={issued:x}&hm={_signature(path, expires, issued)}&"
        return f"{self.base}{path}{query}", f"{self.base}/media{path}{query}"

    def host_picture(self, file: StoredFile) -> str:
        """The address of a picture that an embed shows, as the media proxy serves other sites' pictures."""
        self._pictures[str(file.id)] = file
        return f"{self.base}/external/{file.id}/{quote(file.filename, safe='')}"

    def forget(self, file: StoredFile) -> None:
        """The file is gone, as those of deleted messages."""
        self._files.pop(file.id, None)

    def routes(self) -> list[web.RouteDef]:
        attachment = "/{folder:attachments|ephemeral-attachments}/{channel}/{file}/{name}"
        return [
            web.get(attachment, self._attachment),
            web.get("/media" + attachment, self._attachment),
            web.get("/external/{file}/{name}", self._picture),
            web.get("/stickers/{name}", self._sticker),
        ]

    async def _attachment(self, request: web.Request) -> web.StreamResponse:
        self.reads.append(request.path)
        file = self._files.get(int(request.match_info["file"]))
        if file is None or not self._genuine(request, file):
            return web.Response(status=404, text="This content is no longer available.")
        return await _deliver(request, file.data, file.content_type, file.delivery)

    def _genuine(self, request: web.Request, file: StoredFile) -> bool:
        try:
            expires, issued = (int(request.query[name], 16) for name in ("ex", "is"))
        except (KeyError, ValueError):
            return False
        asked = [request.match_info[name] for name in ("folder", "channel", "name")]
        right = asked == [file.folder, str(file.channel_id), file.filename]
        signed = hmac.compare_digest(request.query.get("hm", ""), _signature(_path(file), expires, issued))
        return right and signed and self._clock.now() < expires

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        self.reads.append(request.path)
        file = self._pictures.get(request.match_info["file"])
        if file is None:
            return web.Response(status=404)
        return await _deliver(request, file.data, file.content_type, file.delivery)

    async def _sticker(self, request: web.Request) -> web.StreamResponse:
        self.reads.append(request.path)
        number, _, extension = request.match_info["name"].partition(".")
        sticker = self._stickers.get(int(number)) if number.isdigit() else None
        # Each format has its own extension (Reference, "CDN Endpoints").
        expected = {1: "png", 2: "png", 3: "json", 4: "gif"}
        if sticker is None or extension != expected[sticker.format_type]:
            return web.Response(status=404)
        return web.Response(body=sticker.data, content_type=_STICKER_FORMATS[extension])


def _path(file: StoredFile) -> str:
    return f"/{file.folder}/{file.channel_id}/{file.id}/{quote(file.filename, safe='')}"


async def _deliver(
    request: web.Request, data: bytes, content_type: str | None, delivery: Delivery
) -> web.StreamResponse:
    if delivery.status != 200:
        return web.Response(status=delivery.status)
    response = web.StreamResponse()
    response.content_type = delivery.content_type or content_type or "application/octet-stream"
    if not delivery.endless:
        response.content_length = len(data)
    await response.prepare(request)
    sent = 0
    try:
        while True:
            for start in range(0, len(data), delivery.chunk_bytes):
                if delivery.delay_s:
                    await asyncio.sleep(delivery.delay_s)
                chunk = data[start : start + delivery.chunk_bytes]
                if delivery.cut_after is not None and sent + len(chunk) > delivery.cut_after:
                    _break_off(request)
                    return response
                await response.write(chunk)
                sent += len(chunk)
            if not delivery.endless:
                break
            await asyncio.sleep(0)
        await response.write_eof()
    except ConnectionError:
        pass  # the reader has had enough
    return response


def _break_off(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _signature(path: str, expires: int, issued: int) -> str:
    return hmac.new(_SECRET, f"{path}{expires:x}{issued:x}".encode(), hashlib.sha256).hexdigest()
