"""The state of the server, and the updates that tell the bot of its changes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.telegram_server import payloads
from tests.telegram_server.clock import ServerClock
from tests.telegram_server.errors import migrated, refused
from tests.telegram_server.files import FileStore
from tests.telegram_server.state import (
    ANONYMOUS_ADMIN_ID,
    CHANNEL_BOT_ID,
    TELEGRAM_USER_ID,
    CallbackQuery,
    Chat,
    ChatKind,
    InlineQuery,
    Json,
    Membership,
    Message,
    Status,
    User,
)

_servers = itertools.count()


class World:
    """Everything that exists. `emit` queues an update of a kind."""

    def __init__(self, clock: ServerClock) -> None:
        self.clock = clock
        self.files = FileStore()
        self.emit: Callable[[str, Json], None] = lambda kind, payload: None
        self.bot = User(7_100_200_300, "Dareda", "dareda_test_bot", is_bot=True)
        self.token = f"{self.bot.id}:AAH{'x' * 32}"
        self.privacy_mode = True
        """As @BotFather sets it up: in groups the bot hears only what is meant for it."""
        self.inline_enabled = True
        self.local = False
        """A local Bot API server in local mode: no limit on downloads, files on disk, any webhook address."""
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.sent: list[Message] = []
        """Everything that the bot sent, in its order."""
        self.callbacks: dict[str, CallbackQuery] = {}
        self.inline_queries: dict[str, InlineQuery] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        """What menus show, by scope (as JSON) and language."""
        self.profile: dict[tuple[str, str], Any] = {}
        """Name, descriptions and rights that the bot gave itself, by method and language."""
        # No two servers of a process have anybody in common.
        apart = 10_000 * next(_servers)
        self._ids = Counter(
            {"user": 5_000_000_000 + apart, "group": 4_000_000 + apart, "channel": 1_900_000_000 + apart}
        )
        self._account_messages = 0
        for user_id, name, username in (
            (TELEGRAM_USER_ID, "Telegram", None),
            (ANONYMOUS_ADMIN_ID, "Group", "GroupAnonymousBot"),
            (CHANNEL_BOT_ID, "Channel", "Channel_Bot"),
        ):
            self.users[user_id] = User(user_id, name, username, is_bot=user_id != TELEGRAM_USER_ID)
        self.users[self.bot.id] = self.bot

    def next_id(self, kind: str) -> int:
        """For a `user`, `group`, `channel`, `query`."""
        self._ids[kind] += 1
        return self._ids[kind]

    def chat(self, chat_id: int | str) -> Chat:
        """The chat that a request names.

        Raises:
            Refusal: there is none that the bot knows, or it is a supergroup now.
        """
        if isinstance(chat_id, str):
            named = [one for one in self.chats.values() if one.username and f"@{one.username}" == chat_id]
            if not named:
                raise refused("chat not found")
            return named[0]
        chat = self.chats.get(chat_id)
        if chat is None:
            raise refused("chat not found")
        if chat.migrated_to is not None:
            raise migrated(chat.migrated_to.id)
        return chat

    def private_chat(self, user: User) -> Chat:
        if user.id not in self.chats:
            self.chats[user.id] = Chat(user.id, ChatKind.PRIVATE, user=user)
        return self.chats[user.id]

    def membership(self, chat: Chat, user: User) -> Membership:
        return chat.members.get(user.id) or Membership(user, Status.LEFT)

    def next_message_id(self, chat: Chat) -> int:
        """Supergroups and channels count by themselves; all others share the account's counter."""
        if chat.kind in (ChatKind.SUPERGROUP, ChatKind.CHANNEL):
            return max(chat.messages, default=0) + 1
        self._account_messages += 1
        return self._account_messages

    def send(self, message: Message) -> None:
        """Puts a new message into its chat and tells the bot, if it hears it."""
        message.chat.messages[message.id] = message
        if self.hears(message):
            kind = "channel_post" if message.chat.kind is ChatKind.CHANNEL else "message"
            self.emit(kind, payloads.message_payload(message))

    def changed(self, message: Message) -> None:
        """Tells the bot that somebody edited a message."""
        message.edit_date = self.clock.now()
        if self.hears(message):
            kind = "edited_channel_post" if message.chat.kind is ChatKind.CHANNEL else "edited_message"
            self.emit(kind, payloads.message_payload(message))

    def hears(self, message: Message) -> bool:
        """Whether the bot is told of the message (Bots FAQ, "What messages will my bot get?")."""
        if message.sender is self.bot:
            return False
        chat = message.chat
        if chat.kind is ChatKind.PRIVATE:
            return True
        membership = self.membership(chat, self.bot)
        if not membership.is_in:
            return False
        if chat.kind is ChatKind.CHANNEL:
            return membership.administers
        return (
            not self.privacy_mode
            or membership.administers
            or bool(message.service)
            or message.automatic_forward
            or self._is_meant_for_bot(message)
        )

    def _is_meant_for_bot(self, message: Message) -> bool:
        mentioned = f"@{self.bot.username}".lower()
        if any(one.lower() == mentioned for one in message.body.marked("mention")):
            return True
        commands = message.body.marked("bot_command")
        if any("@" not in one or one.lower().endswith(mentioned) for one in commands):
            return True
        return message.reply_to is not None and message.reply_to.sender is self.bot

    def membership_changed(self, chat: Chat, by: User, old: Membership, new: Membership) -> None:
        """Tells of a change: of its own to the bot, of others' to a bot that administers the chat."""
        chat.members[new.user.id] = new
        payload: Json = {
            "chat": payloads.chat_payload(chat),
            "from": payloads.user_payload(by),
            "date": self.clock.now(),
            "old_chat_member": payloads.member_payload(old),
            "new_chat_member": payloads.member_payload(new),
        }
        if new.user is self.bot:
            self.emit("my_chat_member", payload)
        elif self.membership(chat, self.bot).administers:
            self.emit("chat_member", payload)
