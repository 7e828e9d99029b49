"""A webhook: Telegram sends updates to a secret path, with a secret word, by way of a reverse proxy."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Callable

from aiohttp import web
from telegram import Bot, Update

from bot.adapters.telegram.dispatch import KINDS
from config.options import TelegramOptions
from inference.errors import SettingsError

log = logging.getLogger(__name__)

_HEADER = "X-Telegram-Bot-Api-Secret-Token"
_LARGEST_UPDATE_BYTES = 4 * 1024 * 1024
_MOST_CONNECTIONS = 40


class Webhook:
    """One listener. What it does not take comes again, when Telegram tries the next time."""

    def __init__(self, bot: Bot, options: TelegramOptions, take: Callable[[Update], None]) -> None:
        self._bot = bot
        self._options = options
        self._take = take
        self._path = secrets.token_urlsafe(32)
        self._word = secrets.token_urlsafe(32)
        self._paused = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.is_behind = self.is_failing = False
        """Nobody knows what Telegram could not deliver."""
        self.port = 0
        """The one that it listens on."""

    async def start(self) -> None:
        """Listens, and tells Telegram where. Raises TelegramError, SettingsError."""
        application = web.Application(client_max_size=_LARGEST_UPDATE_BYTES)
        application.router.add_post("/{path:.*}", self._receive)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False)
        await self._runner.setup()
        options = self._options
        try:
            await web.TCPSite(self._runner, options.webhook_host, options.webhook_port).start()
        except OSError as error:
            raise SettingsError(
                key="telegram.webhook_port",
                reason=f"cannot listen on {options.webhook_host}:{options.webhook_port}: {error.strerror}",
            ) from error
        self.port = self._runner.addresses[0][1]
        await self._bot.set_webhook(
            f"{options.webhook_url}/{self._path}",
            max_connections=_MOST_CONNECTIONS,
            allowed_updates=KINDS,
            secret_token=self._word,
        )

    async def run(self) -> None:
        """Returns when it is paused."""
        await self._paused.wait()

    def pause(self) -> None:
        """Refuses what comes from now on: Telegram keeps it, for whoever listens next."""
        self._paused.set()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        # The proxy may have taken away what stands before the secret part of the path.
        path = request.match_info["path"].rpartition("/")[2]
        word = request.headers.get(_HEADER, "")
        if not hmac.compare_digest(path.encode(), self._path.encode()):
            return web.Response(status=404)
        if not hmac.compare_digest(word.encode(), self._word.encode()):
            log.warning("webhook_refused: the secret word is missing or wrong")
            return web.Response(status=403)
        if self._paused.is_set():
            return web.Response(status=503)
        try:
            update = Update.de_json(await request.json(), self._bot)
        except (ValueError, LookupError, TypeError, AttributeError):
            log.warning("webhook_refused: that is no update")
            return web.Response(status=400)
        self._take(update)
        return web.Response()
