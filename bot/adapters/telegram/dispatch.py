"""Takes up updates: each is a task of its own from then on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from telegram import Bot, ChatMember, ChatMemberUpdated, Message, Update
from telegram.constants import ChatType, UpdateType

from bot.adapters.in_flight import InFlight
from bot.adapters.telegram.administrators import Administrators
from bot.adapters.telegram.albums import Albums
from bot.adapters.telegram.inline import offer_names
from bot.adapters.telegram.messages import Messages
from bot.adapters.telegram.pictures import Pictures
from bot.adapters.telegram.presses import Presses
from bot.adapters.telegram.sending import Destination, Sender
from bot.adapters.telegram.titles import Titles
from bot.adapters.telegram.translate import chat_of
from bot.chat import ChatRef
from bot.conversation import Conversation
from bot.errors import CannotSendError
from bot.texts import texts_of

log = logging.getLogger(__name__)

KINDS = [
    UpdateType.MESSAGE,
    UpdateType.CHANNEL_POST,
    UpdateType.CALLBACK_QUERY,
    UpdateType.INLINE_QUERY,
    UpdateType.MY_CHAT_MEMBER,
    UpdateType.CHAT_MEMBER,
]
"""What is asked of Telegram."""
_AWAY = (ChatMember.LEFT, ChatMember.BANNED)


class Dispatch:
    """Knows who answers what; owns the tasks."""

    def __init__(
        self,
        bot: Bot,
        *,
        conversation: Conversation,
        pictures: Pictures,
        album_wait_s: float,
        is_behind: Callable[[], bool],
    ) -> None:
        """`is_behind`: whether updates wait at Telegram that could not be received yet."""
        self._bot = bot
        self._conversation = conversation
        self.in_flight = InFlight()
        self._albums = Albums(album_wait_s, is_behind)
        self._administrators = Administrators(bot)
        self.sender = Sender(bot, self._albums, self._moved)
        self._messages = Messages(
            bot,
            conversation=conversation,
            sender=self.sender,
            pictures=pictures,
            albums=self._albums,
            administrators=self._administrators,
            in_flight=self.in_flight,
        )
        self._presses = Presses(
            bot,
            conversation=conversation,
            sender=self.sender,
            messages=self._messages,
            administrators=self._administrators,
            in_flight=self.in_flight,
        )
        self.titles = Titles()
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, update: Update) -> None:
        """Begins what the update asks for; to be called in the order in which updates come."""
        if chat := update.effective_chat:
            self.titles.see(chat)
        if message := update.message or update.channel_post:
            self._take_message(message)
        elif query := update.callback_query:
            self._begin(self._presses.answer(query), "press")
        elif typing := update.inline_query:
            self._begin(offer_names(typing, self._conversation), "inline query")
        elif own := update.my_chat_member:
            self._administrators.changed(own.chat.id)
            if _arrived(own):
                self._begin(self._introduce(own), "introduction")
        elif other := update.chat_member:
            self._administrators.changed(other.chat.id)

    async def close(self) -> None:
        """Cancels what is still under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take_message(self, message: Message) -> None:
        if message.migrate_to_chat_id is not None:
            self._begin(self._moved(message.chat.id, message.migrate_to_chat_id), "migration")
        elif message.migrate_from_chat_id is not None:
            self._begin(self._moved(message.migrate_from_chat_id, message.chat.id), "migration")
        elif self._messages.concerns(message) and self._is_first(message):
            self._begin(self._messages.answer(message, self._messages.enter(message)), "message")

    def _is_first(self, message: Message) -> bool:
        """Of an album; the first takes the others along."""
        return message.media_group_id is None or self._albums.begins(message)

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(self._do(work, name), name=f"telegram {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, work: Coroutine[Any, Any, None], name: str) -> None:
        with self.in_flight.one():
            try:
                await work
            except Exception:
                log.exception("update_failed what=%s", name)

    async def _moved(self, old_id: int, new_id: int) -> None:
        """A group became a supergroup."""
        old, new = (ChatRef("telegram", str(one), str(one)) for one in (old_id, new_id))
        self._administrators.changed(old_id)
        await self._conversation.moved(old, new)

    async def _introduce(self, event: ChatMemberUpdated) -> None:
        chat, language = chat_of(event.chat), event.from_user.language_code or ""
        words = await self._conversation.joined(chat, language)
        if words is None:
            return
        texts = texts_of(self._conversation.language(chat, language))
        try:
            await self.sender.send(Destination(event.chat.id), words, texts)
        except CannotSendError as error:
            log.info("cannot_introduce reason=%s", error.data["reason"])


def _arrived(event: ChatMemberUpdated) -> bool:
    """Whether the bot was added to a group; channels hear no first words, they go to all readers."""
    is_group = event.chat.type in (ChatType.GROUP, ChatType.SUPERGROUP)
    return is_group and event.old_chat_member.status in _AWAY and event.new_chat_member.status not in _AWAY
