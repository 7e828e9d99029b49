"""Reads files from Discord's CDN, and from nowhere else, never more than asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
import yarl

from bot.adapters.discord.addresses import origins
from bot.adapters.reading import read_limited
from bot.errors import PictureGoneError, PictureSourceError
from inference.errors import ServiceUnavailableError

_TIMEOUT = aiohttp.ClientTimeout(total=90, sock_connect=10, sock_read=20)
_WAITS_S = (0.3, 1.0)
"""Before trying again; then it is given up."""
_GONE = (403, 404, 410)


class Downloads:
    """Reads from the allowed places: origins, compared whole, redirects not followed."""

    def __init__(self, places: Sequence[str]) -> None:
        self._allowed = frozenset(origins(places))
        self._session: aiohttp.ClientSession | None = None

    async def read(self, url: str, limit: int) -> bytes:
        """The file, of at most `limit` bytes.

        Raises PictureSourceError, PictureGoneError, ImageTooLargeError as soon as it is more (`actual` is
        what the server says or what came until then), ServiceUnavailableError.
        """
        address = self._checked(url)
        for wait_s in (*_WAITS_S, None):
            try:
                return await self._read_once(address, limit)
            except (aiohttp.ClientError, TimeoutError) as error:
                if wait_s is None:
                    reason = type(error).__name__
                    raise ServiceUnavailableError(name="Discord", reason=reason) from error
                await asyncio.sleep(wait_s)
        raise AssertionError

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _checked(self, url: str) -> yarl.URL:
        try:
            address = yarl.URL(url, encoded=True)
            allowed = address.user is None and str(address.origin()) in self._allowed
        except ValueError as error:
            raise PictureSourceError(host="?") from error
        if not allowed:
            raise PictureSourceError(host=address.host or "?")
        return address

    async def _read_once(self, address: yarl.URL, limit: int) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        async with self._session.get(address, allow_redirects=False) as response:
            if response.status in _GONE:
                raise PictureGoneError
            if response.status != 200:
                raise aiohttp.ClientPayloadError(f"status {response.status}")
            return await read_limited(response, limit)
