"""Shows that the bot is at work in a chat."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from telegram import Bot
from telegram.constants import ChatAction
from telegram.error import TelegramError

log = logging.getLogger(__name__)

_AFTER_S = 0.4
"""What is answered sooner needs no sign."""
_AGAIN_AFTER_S = 4.5
"""Telegram shows it for five seconds, or until the bot says something."""


@asynccontextmanager
async def busy_in(bot: Bot, chat_id: int, topic: int | None) -> AsyncIterator[None]:
    """Inside, the chat shows that the bot prepares a picture."""
    task = asyncio.create_task(_show(bot, chat_id, topic), name=f"busy in {chat_id}")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _show(bot: Bot, chat_id: int, topic: int | None) -> None:
    await asyncio.sleep(_AFTER_S)
    while True:
        try:
            await bot.send_chat_action(chat_id, ChatAction.UPLOAD_PHOTO, message_thread_id=topic)
        except TelegramError as error:
            log.debug("activity_not_shown error=%s", type(error).__name__)
        await asyncio.sleep(_AGAIN_AFTER_S)
