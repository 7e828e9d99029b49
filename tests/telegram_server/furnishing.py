"""Making what a test needs: people, groups, channels, topics, members."""

from __future__ import annotations

from tests.telegram_server.payloads import chat_payload
from tests.telegram_server.state import (
    Chat,
    ChatKind,
    Membership,
    Message,
    Status,
    Topic,
    User,
)
from tests.telegram_server.world import World


class Furnishing:
    """Everything that is set up rather than done."""

    world: World

    def add_user(self, name: str, *, username: str | None = None, language: str | None = "en") -> User:
        user = User(
            self.world.next_id("user"), name, username or f"{name.lower()}_user", language_code=language
        )
        self.world.users[user.id] = user
        return user

    def add_private_chat(self, user: User) -> Chat:
        """The chat of a user who has started the bot; says nothing about it."""
        chat = self.world.private_chat(user)
        chat.started = True
        return chat

    def add_group(
        self,
        title: str,
        *members: User,
        kind: ChatKind = ChatKind.SUPERGROUP,
        forum: bool = False,
        bot_status: Status = Status.MEMBER,
        owner: User | None = None,
    ) -> Chat:
        """A group in which the bot is already; says nothing about it."""
        owner = owner or self.add_user(f"{title} owner", username=None)
        chat = self._add_chat(kind, title, owner)
        chat.is_forum = forum
        for user in members:
            chat.members.setdefault(user.id, Membership(user))
        chat.members[self.world.bot.id] = Membership(self.world.bot, bot_status)
        return chat

    def add_channel(self, title: str, *, discussion: Chat | None = None, owner: User | None = None) -> Chat:
        """A channel that the bot administers, with a discussion group if one is given."""
        owner = owner or self.add_user(f"{title} owner", username=None)
        chat = self._add_chat(ChatKind.CHANNEL, title, owner)
        chat.members[self.world.bot.id] = Membership(self.world.bot, Status.ADMINISTRATOR)
        if discussion is not None:
            chat.linked, discussion.linked = discussion, chat
        return chat

    def add_topic(self, chat: Chat, name: str, by: User) -> Topic:
        """A topic; its first message tells of it."""
        assert chat.is_forum, f"{chat.title} has no topics"
        message = Message(
            self.world.next_message_id(chat),
            chat,
            self.world.clock.now(),
            sender=by,
            service={"forum_topic_created": {"name": name, "icon_color": 7322096}},
        )
        topic = chat.topics[message.id] = message.topic = Topic(message.id, name)
        self.world.send(message)
        return topic

    def owner(self, chat: Chat) -> User:
        return next(one.user for one in chat.members.values() if one.status is Status.CREATOR)

    def add_member(self, chat: Chat, user: User, *, by: User | None = None) -> None:
        """Somebody joins, or is added; with the bot it is told of both."""
        by = by or user
        old, new = self.world.membership(chat, user), Membership(user)
        if chat.kind is ChatKind.CHANNEL and user is self.world.bot:
            new.status = Status.ADMINISTRATOR
        self.world.membership_changed(chat, by, old, new)
        if chat.is_group:
            self._service(chat, by, new_chat_members=[_plain_user(user)])

    def set_status(
        self,
        chat: Chat,
        user: User,
        status: Status,
        *,
        anonymous: bool = False,
        denied: frozenset[str] = frozenset(),
    ) -> None:
        """Somebody is promoted, restricted, kicked or leaves; `denied` goes with restrictions."""
        old, new = self.world.membership(chat, user), Membership(user, status, anonymous, denied)
        by = self.owner(chat)
        self.world.membership_changed(chat, by, old, new)
        if chat.is_group and not new.is_in and user is not self.world.bot:
            self._service(chat, by, left_chat_member=_plain_user(user))

    def block_bot(self, user: User, *, blocked: bool = True) -> None:
        """The user blocks the bot, or lets it in again."""
        chat, bot = self.world.private_chat(user), self.world.bot
        user.blocks_bot = blocked
        gone, here = Membership(bot, Status.KICKED), Membership(bot)
        self.world.membership_changed(chat, user, *((here, gone) if blocked else (gone, here)))

    def migrate(self, chat: Chat) -> Chat:
        """The group becomes a supergroup: another id, the same people."""
        assert chat.kind is ChatKind.GROUP, "only groups become supergroups"
        owner = self.owner(chat)
        new = self._add_chat(ChatKind.SUPERGROUP, chat.title or "", owner)
        new.members.update(chat.members)
        self._service(chat, owner, migrate_to_chat_id=new.id)
        chat.migrated_to = new
        self._service(new, owner, migrate_from_chat_id=chat.id)
        return new

    def _add_chat(self, kind: ChatKind, title: str, owner: User) -> Chat:
        if kind is ChatKind.GROUP:
            chat_id = -self.world.next_id("group")
        else:
            chat_id = -1_000_000_000_000 - self.world.next_id("channel")
        chat = Chat(chat_id, kind, title)
        chat.members[owner.id] = Membership(owner, Status.CREATOR)
        self.world.chats[chat_id] = chat
        return chat

    def _service(self, chat: Chat, by: User, **what: object) -> None:
        if "new_chat_members" in what and chat_payload(chat)["type"] == "channel":
            return
        message = Message(
            self.world.next_message_id(chat), chat, self.world.clock.now(), sender=by, service=dict(what)
        )
        self.world.send(message)


def _plain_user(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "is_bot": user.is_bot,
        "first_name": user.first_name,
        "username": user.username,
    }
