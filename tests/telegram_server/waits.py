"""Waiting for what the bot does, with the last requests in every failure."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.telegram_server.api import Api
from tests.telegram_server.state import CallbackQuery, Chat, InlineQuery, Message
from tests.telegram_server.world import World
from tests.waiting import PATIENCE_S, SHOWN_REQUESTS, Waiting, first


class Waits(Waiting):
    """Everything that a test waits for."""

    world: World
    api: Api

    async def polled(self, *, timeout_s: float = PATIENCE_S) -> None:
        """Until the bot has asked for updates."""

        def asked() -> bool:
            return any(one.method == "getUpdates" for one in self.api.requests)

        await self.until(asked, "polling", timeout_s=timeout_s)

    async def replies_to(
        self, message: Message | Sequence[Message], count: int = 1, *, timeout_s: float = PATIENCE_S
    ) -> list[Message]:
        """The bot's replies to a message, or to any of an album, once there are `count`."""

        def replies() -> list[Message]:
            found = self.replies(message)
            return found if len(found) >= count else []

        return await self.until(replies, f"{count} replies to {message!r:.200}", timeout_s=timeout_s)

    async def reply_to(
        self, message: Message | Sequence[Message], *, timeout_s: float = PATIENCE_S
    ) -> Message:
        """The bot's only reply to a message or an album."""
        (reply,) = await self.replies_to(message, timeout_s=timeout_s)
        return reply

    async def no_reply_in(self, chat: Chat, *, within_s: float) -> None:
        """The bot says nothing more in the chat."""
        before = len(self.said_in(chat))
        said = await first(lambda: self.said_in(chat)[before:], within_s)
        assert not said, f"the bot said {[one.text for one in said]}\n{self.transcript()}"

    async def answered(self, query: CallbackQuery, *, timeout_s: float = PATIENCE_S) -> Mapping[str, Any]:
        """The answer to a pressed button, which stops its spinning."""
        return await self.until(lambda: query.answer, f"an answer to {query.data}", timeout_s=timeout_s)

    async def offered(self, query: InlineQuery, *, timeout_s: float = PATIENCE_S) -> Mapping[str, Any]:
        """The answer to an inline query."""
        return await self.until(lambda: query.answer, f"an answer to {query.text}", timeout_s=timeout_s)

    async def edited(self, message: Message, *, timeout_s: float = PATIENCE_S) -> Message:
        """The message, once the bot has changed it."""
        before = message.body, message.markup, message.media
        await self.until(
            lambda: (message.body, message.markup, message.media) != before or message.deleted,
            f"a change of {message.text!r:.80}",
            timeout_s=timeout_s,
        )
        return message

    def replies(self, message: Message | Sequence[Message]) -> list[Message]:
        """The bot's replies so far; of an album it sent, the first."""
        asked = [message] if isinstance(message, Message) else list(message)
        found = [one for one in self.world.sent if one.reply_to in asked and not one.deleted]
        return [
            one
            for index, one in enumerate(found)
            if one.group_id is None or all(one.group_id != before.group_id for before in found[:index])
        ]

    def said_in(self, chat: Chat) -> list[Message]:
        """What the bot said in a chat and did not take back."""
        return [message for message in self.world.sent if message.chat is chat and not message.deleted]

    def album(self, message: Message) -> list[Message]:
        """All messages of the album that a message belongs to; the message alone where it is none."""
        if message.group_id is None:
            return [message]
        return [one for one in message.chat.messages.values() if one.group_id == message.group_id]

    def transcript(self) -> str:
        """The last requests, for failures."""
        now = time.monotonic()
        lines = [
            f"  {now - record.at:6.2f} s ago  {record.status or '...'} {record.description}  "
            f"{record.method}  {dict(record.parameters)!s:.200}"
            for record in self.api.requests[-SHOWN_REQUESTS:]
        ]
        return "\n".join(["The last requests:", *lines])
