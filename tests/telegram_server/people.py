"""What people do: post, edit, delete, forward, press, type behind the bot's name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.telegram_server.formatting import plain
from tests.telegram_server.payloads import callback_payload, inline_query_payload
from tests.telegram_server.state import (
    ANONYMOUS_ADMIN_ID,
    CHANNEL_BOT_ID,
    TELEGRAM_USER_ID,
    CallbackQuery,
    Chat,
    ChatKind,
    FormattedText,
    InlineQuery,
    Json,
    Media,
    Message,
    Topic,
    User,
)
from tests.telegram_server.updates import Updates
from tests.telegram_server.world import World


class People:
    """Everything that people do; media come from `TelegramServer.files`."""

    world: World
    updates: Updates

    def post(
        self,
        chat: Chat,
        author: User | Chat,
        text: str = "",
        *,
        media: Media | None = None,
        reply_to: Message | None = None,
        topic: Topic | None = None,
        spoiler: bool = False,
        forward: Message | None = None,
        body: FormattedText | None = None,
        group_id: str | None = None,
        tell: bool = True,
    ) -> Message:
        """A message as people send it; `author` may be a channel that somebody writes as.

        With `tell=False` the bot hears of it only when the test calls `tell`.
        """
        assert text or media or forward or body, "Telegram sends no empty messages"
        self._check_may(chat, author)
        if chat.user is not None:
            chat.started = True
        sender, sender_chat = self._sender(chat, author)
        if forward is not None:
            media, body, spoiler = forward.media, forward.body, forward.spoiler
        message = Message(
            self.world.next_message_id(chat),
            chat,
            self.world.clock.now(),
            sender=sender,
            sender_chat=sender_chat,
            body=body or plain(text),
            media=media,
            group_id=group_id,
            spoiler=spoiler,
            reply_to=reply_to,
            topic=topic or (reply_to.topic if reply_to else None),
            forwarded=(forward.forwarded or forward) if forward else None,
        )
        chat.messages[message.id] = message
        if tell:
            self.tell(message)
        return message

    def tell(self, message: Message) -> None:
        """The bot hears of a message; a channel's post also appears in its discussion group."""
        self.world.send(message)
        group = message.chat.linked
        if message.chat.kind is ChatKind.CHANNEL and group is not None:
            copy = Message(
                self.world.next_message_id(group),
                group,
                message.date,
                sender=self.world.users[TELEGRAM_USER_ID],
                sender_chat=message.chat,
                body=message.body,
                media=message.media,
                group_id=message.group_id,
                spoiler=message.spoiler,
                forwarded=message,
                automatic_forward=True,
            )
            self.world.send(copy)

    async def post_album(
        self,
        chat: Chat,
        author: User | Chat,
        media: Sequence[Media],
        text: str = "",
        *,
        gap_s: float = 0.0,
        spoiler: bool = False,
        topic: Topic | None = None,
        reply_to: Message | None = None,
        caption_at: int = 0,
    ) -> list[Message]:
        """An album: one message and one update for each of its media, `gap_s` between them."""
        assert 2 <= len(media) <= 10, "an album has from 2 to 10 media"
        group_id = str(self.world.next_id("query") + 13_000_000_000_000_000)
        messages = [
            self.post(
                chat,
                author,
                text if index == caption_at else "",
                media=one,
                group_id=group_id,
                spoiler=spoiler,
                topic=topic,
                reply_to=reply_to,
                tell=False,
            )
            for index, one in enumerate(media)
        ]
        for index, message in enumerate(messages):
            if index and gap_s:
                await asyncio.sleep(gap_s)
            self.tell(message)
        return messages

    def edit(self, message: Message, text: str) -> None:
        """Its author changes the text or the caption."""
        message.body = plain(text)
        self.world.changed(message)

    def delete(self, message: Message) -> None:
        """Bots are told of no deletions."""
        message.deleted = True

    def press(
        self, message: Message, user: User, *, label: str | None = None, data: str | None = None
    ) -> CallbackQuery:
        """A button under a message; `data` need not be on one, for what a modified client may send."""
        button = message.button(label=label, data=data) if label or _has(message, data) else None
        query = CallbackQuery(
            str(self.world.next_id("query") + 3_000_000_000_000_000_000),
            user,
            message,
            button["callback_data"] if button else data or "",
        )
        self.world.callbacks[query.id] = query
        self.world.emit("callback_query", callback_payload(query, chat_instance=str(message.chat.id * 31)))
        return query

    def repeat(self, update: Json) -> None:
        """Tells the bot of an update once more; see `Updates.repeat()`."""
        pressed = self.world.callbacks.get(update.get("callback_query", {}).get("id", ""))
        if pressed is not None:
            pressed.repeated = True
        self.updates.repeat(update)

    def ask_inline(self, user: User, text: str, offset: str = "") -> InlineQuery:
        """Somebody types `@bot text` in any chat."""
        assert self.world.inline_enabled, "the bot has no inline mode"
        query = InlineQuery(str(self.world.next_id("query") + 2_000_000_000_000_000_000), user, text, offset)
        self.world.inline_queries[query.id] = query
        self.world.emit("inline_query", inline_query_payload(query))
        return query

    def _check_may(self, chat: Chat, author: User | Chat) -> None:
        if isinstance(author, Chat):
            return
        if chat.user is not None:
            assert chat.user is author, f"{author.first_name} is not in this private chat"
            assert not author.blocks_bot, "blocked: Telegram asks to unblock first"
        else:
            assert self.world.membership(chat, author).is_in, f"{author.first_name} is not in {chat.title}"
        assert chat.migrated_to is None, "nobody can write here any more"

    def _sender(self, chat: Chat, author: User | Chat) -> tuple[User | None, Chat | None]:
        if chat.kind is ChatKind.CHANNEL:
            return None, chat
        if isinstance(author, Chat):
            return self.world.users[CHANNEL_BOT_ID], author
        if chat.is_group and self.world.membership(chat, author).anonymous:
            return self.world.users[ANONYMOUS_ADMIN_ID], chat
        return author, None


def _has(message: Message, data: str | None) -> bool:
    return any(button.get("callback_data") == data for button in message.buttons)
