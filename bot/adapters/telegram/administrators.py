"""Who administers a chat: asked of Telegram, kept for a while, and asked again when it changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass

from telegram import Bot
from telegram.error import TelegramError

log = logging.getLogger(__name__)

_KEPT_S = 600.0
RECENT_S = 20.0
"""What is older is asked again when something depends on it: changes are told to administrators only."""
_MOST_CHATS = 2_000


@dataclass(frozen=True, slots=True)
class Administration:
    """The administrators of one chat, by user id."""

    ids: frozenset[int] = frozenset()
    anonymous: frozenset[int] = frozenset()
    """Those of them who write in the name of the chat."""


class Administrators:
    """The administrators of all chats."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._known: OrderedDict[int, tuple[float, Administration]] = OrderedDict()
        """With the time when it was told."""
        self._asking: dict[int, asyncio.Task[Administration]] = {}

    async def of(self, chat_id: int, at_most_old_s: float = _KEPT_S) -> Administration:
        """Nobody where Telegram does not tell."""
        told_at, known = self._known.get(chat_id, (float("-inf"), Administration()))
        if time.monotonic() < told_at + at_most_old_s:
            return known
        if chat_id not in self._asking:
            task = asyncio.create_task(self._ask(chat_id), name=f"administrators of {chat_id}")
            task.add_done_callback(lambda _: self._asking.pop(chat_id, None))
            self._asking[chat_id] = task
        return await asyncio.shield(self._asking[chat_id])

    def changed(self, chat_id: int) -> None:
        """What is known of the chat is not true any more."""
        self._known.pop(chat_id, None)

    def somebody_is_anonymous(self, chat_id: int) -> None:
        """Somebody has written in the name of the chat: it is not true that nobody does."""
        if not self._known.get(chat_id, (0.0, Administration()))[1].anonymous:
            self.changed(chat_id)

    async def _ask(self, chat_id: int) -> Administration:
        try:
            members = await self._bot.get_chat_administrators(chat_id)
        except TelegramError as error:
            log.info("administrators_unknown error=%s", type(error).__name__)
            found, told_at = Administration(), time.monotonic() - _KEPT_S + RECENT_S
        else:
            found = Administration(
                frozenset(one.user.id for one in members),
                frozenset(one.user.id for one in members if getattr(one, "is_anonymous", False)),
            )
            told_at = time.monotonic()
        self._known[chat_id] = told_at, found
        self._known.move_to_end(chat_id)
        while len(self._known) > _MOST_CHATS:
            self._known.popitem(last=False)
        return found
