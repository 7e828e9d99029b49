"""Reads files that Telegram has, never more than asked for; addresses, which hold the token, stay in here."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from bot.adapters.reading import read_limited
from bot.errors import PictureGoneError
from inference.errors import ImageTooLargeError, ServiceUnavailableError

LARGEST_FROM_TELEGRAM = 20 * 1024 * 1024
"""What Telegram's own server lets bots read (getFile); one of your own knows no limit."""
_TIMEOUT = aiohttp.ClientTimeout(total=90, sock_connect=10, sock_read=20)
_WAITS_S = (0.3, 1.0, 2.0, 4.0)
"""Before trying again; then it is given up."""
_GONE = (400, 403, 404, 410)


class Downloads:
    """Reads by file id, over the network or, from a local server, off the disk."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._session: aiohttp.ClientSession | None = None

    async def read(self, file_id: str, limit: int) -> bytes:
        """The file, of at most `limit` bytes.

        Raises PictureGoneError, ImageTooLargeError as soon as it is more, ServiceUnavailableError.
        """
        place = await self._place(file_id)
        if self._bot.local_mode and "://" not in place:
            return await asyncio.to_thread(_read_from_disk, Path(place), limit)
        for wait_s in (*_WAITS_S, None):
            try:
                return await self._read_once(place, limit)
            except (aiohttp.ClientError, TimeoutError) as error:
                if wait_s is None:
                    # Not chained: the exception names the address, and so the token.
                    raise _unavailable(error) from None
            await asyncio.sleep(wait_s)
        raise AssertionError

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _place(self, file_id: str) -> str:
        """The address, or in local mode the path."""
        try:
            file = await self._bot.get_file(file_id)
        except BadRequest as error:
            if "too big" in error.message.lower():
                raise ImageTooLargeError(what="bytes", actual=0, limit=LARGEST_FROM_TELEGRAM) from error
            raise PictureGoneError from error
        except (Forbidden, InvalidToken) as error:
            raise PictureGoneError from error
        except TelegramError as error:
            raise _unavailable(error) from error
        if not file.file_path:
            raise PictureGoneError
        return file.file_path

    async def _read_once(self, address: str, limit: int) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        async with self._session.get(address, allow_redirects=False) as response:
            if response.status in _GONE:
                raise PictureGoneError
            if response.status != 200:
                raise aiohttp.ClientPayloadError(f"status {response.status}")
            return await read_limited(response, limit)


def _read_from_disk(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
            size = path.stat().st_size
    except OSError as error:
        raise PictureGoneError from error
    if len(data) > limit:
        raise ImageTooLargeError(what="bytes", actual=size, limit=limit)
    return data


def _unavailable(error: Exception) -> ServiceUnavailableError:
    return ServiceUnavailableError(name="Telegram", reason=type(error).__name__)
