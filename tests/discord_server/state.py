"""What exists on the server: people, guilds, channels, messages and files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Any

from tests.discord_server.permissions import MEMBER_PERMISSIONS, Permission

if TYPE_CHECKING:
    from tests.discord_server.interactions import Interaction

Json = dict[str, Any]


class ChannelKind(IntEnum):
    """Channel types (Channel resource, "Channel Types"), as far as they exist here."""

    TEXT = 0
    DIRECT_MESSAGE = 1
    VOICE = 2
    ANNOUNCEMENT = 5
    PUBLIC_THREAD = 11


class MessageFlag(IntFlag):
    """Message flags (Message resource, "Message Flags"), as far as they exist here."""

    NONE = 0
    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    HAS_SNAPSHOT = 1 << 14


@dataclass(eq=False, slots=True)
class User:
    """An account."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    display_name: str | None = None
    accepts_messages: bool = True
    """Whether the bot may write to them directly."""


@dataclass(eq=False, slots=True)
class Role:
    id: int
    name: str
    permissions: Permission
    position: int = 1
    mentionable: bool = False
    managed: bool = False


@dataclass(eq=False, slots=True)
class Member:
    user: User
    guild: Guild = field(repr=False)
    roles: list[Role] = field(default_factory=list)
    nick: str | None = None


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What a channel changes for one role or one member."""

    allow: Permission = Permission.NONE
    deny: Permission = Permission.NONE


@dataclass(eq=False, slots=True)
class Channel:
    id: int
    name: str
    kind: ChannelKind = ChannelKind.TEXT
    guild: Guild | None = field(default=None, repr=False)
    nsfw: bool = False
    parent: Channel | None = None
    """The channel of a thread."""
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    """By the id of the role or the user."""
    recipient: User | None = None
    """The other one of a direct message."""
    messages: list[Message] = field(default_factory=list, repr=False)
    typing: int = 0
    """How often the bot showed that it is typing here."""


@dataclass(eq=False, slots=True)
class Guild:
    id: int
    name: str
    owner: User
    everyone: Role = field(init=False)
    locale: str = "en-US"
    roles: dict[int, Role] = field(default_factory=dict, repr=False)
    members: dict[int, Member] = field(default_factory=dict, repr=False)
    channels: dict[int, Channel] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.everyone = Role(self.id, "@everyone", MEMBER_PERMISSIONS, position=0)
        self.roles[self.id] = self.everyone


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the CDN hands a file out; the default is at once and whole."""

    endless: bool = False
    """Its bytes are repeated until the reader goes away, and no length is told."""
    chunk_bytes: int = 64 * 1024
    delay_s: float = 0.0
    """Before every chunk."""
    cut_after: int | None = None
    """The connection breaks after so many bytes."""
    status: int = 200
    content_type: str | None = None
    """Said instead of the file's own."""


@dataclass(eq=False, slots=True)
class StoredFile:
    """An attachment. `declared_size` is what the payload says, which may be a lie."""

    id: int
    filename: str
    data: bytes = field(repr=False)
    content_type: str | None
    declared_size: int
    folder: str
    """First part of its address: `attachments` or `ephemeral-attachments`."""
    channel_id: int
    description: str | None = None
    delivery: Delivery = field(default_factory=Delivery)
    size_wh: tuple[int, int] | None = None

    @property
    def spoiler(self) -> bool:
        # Discord marks spoilers by the name (Message resource, "Attachment Structure").
        return self.filename.startswith("SPOILER_")


@dataclass(frozen=True, slots=True)
class Sticker:
    id: int
    name: str
    format_type: int
    """1 PNG, 2 APNG, 3 Lottie, 4 GIF."""
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pings:
    """Whom a message notifies."""

    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


@dataclass(eq=False, slots=True)
class Message:
    id: int
    channel: Channel
    author: User
    sent_at: float
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    files: list[StoredFile] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    stickers: list[Sticker] = field(default_factory=list)
    flags: MessageFlag = MessageFlag.NONE
    edited_at: float | None = None
    reply_to: Message | None = None
    reply_to_id: int | None = None
    """Also known when that message is gone."""
    forwarded: Message | None = None
    mentions: list[User] = field(default_factory=list)
    pings: Pings = field(default_factory=Pings)
    allowed_mentions: Json | None = None
    """As the bot sent it."""
    nonce: str | None = None
    interaction: Interaction | None = field(default=None, repr=False)
    """Whose answer it is."""
    shown_to: User | None = None
    """The only one who sees it, where it is ephemeral."""
    reactions: dict[str, set[int]] = field(default_factory=dict)
    """User ids by emoji."""
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        return MessageFlag.EPHEMERAL in self.flags

    @property
    def loading(self) -> bool:
        return MessageFlag.LOADING in self.flags

    def component(self, *, custom_id: str | None = None, label: str | None = None) -> Json:
        """The one button or select that has this id or this label."""
        every: list[Json] = [component for row in self.components for component in row["components"]]
        found = [
            component
            for component in every
            if (custom_id is None or component.get("custom_id") == custom_id)
            and (label is None or component.get("label") == label)
        ]
        known = [(component.get("custom_id"), component.get("label")) for component in every]
        assert len(found) == 1, f"{len(found)} components for {custom_id=} {label=} among {known}"
        return found[0]


_USER_MENTION = re.compile(r"<@!?(\d+)>")
_ROLE_MENTION = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)")


def mentioned_users(content: str, users: Mapping[int, User]) -> list[User]:
    """The users whom the text names, in order and once each."""
    ids = dict.fromkeys(int(found) for found in _USER_MENTION.findall(content))
    return [users[user_id] for user_id in ids if user_id in users]


def pings_of(content: str, allowed: Json | None, replied: User | None) -> Pings:
    """Whom the text notifies under `allowed_mentions` (Message resource, "Allowed Mentions Object").

    Takes the harshest view: as if the author were allowed to notify everybody.
    """
    users = frozenset(int(found) for found in _USER_MENTION.findall(content))
    roles = frozenset(int(found) for found in _ROLE_MENTION.findall(content))
    everyone = bool(_EVERYONE.search(content))
    replied_ids = frozenset([replied.id] if replied else [])
    if allowed is None:
        return Pings(users | replied_ids, roles, everyone)
    parse = set(allowed.get("parse", []))
    return Pings(
        _allowed(users, "users", allowed, parse)
        | (replied_ids if allowed.get("replied_user") else frozenset()),
        _allowed(roles, "roles", allowed, parse),
        everyone and "everyone" in parse,
    )


def _allowed(found: frozenset[int], kind: str, allowed: Json, parse: set[str]) -> frozenset[int]:
    listed: Sequence[Any] = allowed.get(kind) or []
    return found if kind in parse else found & {int(one) for one in listed}
