"""Telegram as `bot.app` sees it: connect, answer, stop; and what the conversation may ask of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from pydantic import SecretStr
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from bot.adapters.telegram.commands import set_menus
from bot.adapters.telegram.dispatch import Dispatch
from bot.adapters.telegram.downloads import LARGEST_FROM_TELEGRAM, Downloads
from bot.adapters.telegram.flood_control import FloodControl
from bot.adapters.telegram.pictures import Pictures
from bot.adapters.telegram.polling import Polling
from bot.adapters.telegram.sending import Destination
from bot.adapters.telegram.webhook import Webhook
from bot.chat import ChatRef, IncomingImage, Notice, Platform
from bot.conversation import Conversation
from bot.texts import texts_of
from config.options import TelegramOptions
from inference.errors import ServiceUnavailableError, SettingsError

_CONNECTIONS = 64
_TIMEOUTS_S: Any = {
    "connect_timeout": 10.0,
    "read_timeout": 30.0,
    "write_timeout": 30.0,
    "pool_timeout": 60.0,
}
_UPLOAD_TIMEOUT_S = 120.0


class TelegramAdapter:
    """The `Adapter` and `PlatformAccess` of Telegram."""

    platform: Platform = "telegram"

    def __init__(self, conversation: Conversation, options: TelegramOptions, token: SecretStr) -> None:
        """Raises SettingsError."""
        if options.receive == "webhook" and not options.webhook_url:
            raise SettingsError(key="telegram.webhook_url", reason="a webhook needs the address of the proxy")
        self._conversation = conversation
        self.bot = make_bot(options, token)
        self._downloads = Downloads(self.bot)
        self._pictures = Pictures(
            self._downloads.read,
            longest_film_s=options.longest_film_s,
            largest=None if options.local_mode else LARGEST_FROM_TELEGRAM,
        )
        self._dispatch = Dispatch(
            self.bot,
            conversation=conversation,
            pictures=self._pictures,
            album_wait_s=options.album_wait_s,
            is_behind=lambda: self.receiver.is_behind,
        )
        self.receiver = (
            Webhook(self.bot, options, self._dispatch.take)
            if options.receive == "webhook"
            else Polling(self.bot, self._dispatch.take)
        )
        self.ready = asyncio.Event()
        """Set when updates are received."""
        self._closing = asyncio.Event()
        conversation.attach("telegram", self)

    @property
    def is_connected(self) -> bool:
        return self.ready.is_set() and not self._closing.is_set() and not self.receiver.is_failing

    async def run(self) -> None:
        try:
            await self.bot.initialize()
            await self.receiver.start()
            menus = asyncio.create_task(set_menus(self.bot), name="telegram menus")
            try:
                self.ready.set()
                await self.receiver.run()
                await self._closing.wait()
            finally:
                menus.cancel()
                await asyncio.wait({menus})
        except InvalidToken:
            # Not chained: the library's message has the token in it.
            raise SettingsError(
                key="TELEGRAM_TOKEN", reason="Telegram does not know it; ask @BotFather for it again"
            ) from None
        except TelegramError as error:
            raise ServiceUnavailableError(name="Telegram", reason=type(error).__name__) from error
        finally:
            await self._shut_down()

    def pause(self) -> None:
        self.receiver.pause()

    async def close(self, deadline_s: float) -> None:
        self.pause()
        await self._dispatch.in_flight.landed(deadline_s)
        self._closing.set()

    async def open(self, chat: ChatRef, reference: str) -> IncomingImage:
        del chat
        return self._pictures.again(reference)

    async def say(self, notice: Notice) -> None:
        chat = notice.chat
        to = Destination(int(chat.channel), int(chat.topic) if chat.topic else None)
        await self._dispatch.sender.send(to, notice.reply, texts_of(self._conversation.language(chat)))

    def name_of(self, space: str) -> str:
        return self._dispatch.titles.of(int(space)) if space.removeprefix("-").isdecimal() else ""

    async def _shut_down(self) -> None:
        await self._dispatch.close()
        await self.receiver.close()
        await self._downloads.close()
        await self.bot.shutdown()


def make_bot(options: TelegramOptions, token: SecretStr) -> ExtBot[None]:
    """The library's client by the settings; its rate limiter is ours."""
    # It logs a traceback for each answer that is no JSON, as those of proxies are; they are tried again.
    logging.getLogger("telegram.request.BaseRequest").setLevel(logging.CRITICAL)
    return ExtBot(
        token.get_secret_value(),
        base_url=options.base_url,
        base_file_url=options.base_file_url,
        request=HTTPXRequest(_CONNECTIONS, **_TIMEOUTS_S, media_write_timeout=_UPLOAD_TIMEOUT_S),
        get_updates_request=HTTPXRequest(1, **_TIMEOUTS_S),
        rate_limiter=FloodControl(options),
        local_mode=options.local_mode,
    )
