"""What exists on the server: people, chats, topics, messages and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

Json = dict[str, Any]

TELEGRAM_USER_ID = 777000
"""Who channel posts come from in the discussion group (Message, `from`)."""
ANONYMOUS_ADMIN_ID = 1087968824
"""@GroupAnonymousBot: who anonymous administrators' messages come from."""
CHANNEL_BOT_ID = 136817688
"""@Channel_Bot: who messages on behalf of a channel come from."""


class ChatKind(StrEnum):
    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


class Status(StrEnum):
    """Of a member (ChatMember)."""

    CREATOR = "creator"
    ADMINISTRATOR = "administrator"
    MEMBER = "member"
    RESTRICTED = "restricted"
    LEFT = "left"
    KICKED = "kicked"


@dataclass(eq=False, slots=True)
class User:
    id: int
    first_name: str
    username: str | None = None
    is_bot: bool = False
    language_code: str | None = None
    blocks_bot: bool = False
    deactivated: bool = False


@dataclass(eq=False, slots=True)
class Membership:
    user: User
    status: Status = Status.MEMBER
    anonymous: bool = False
    """Of administrators: posts in the name of the group."""
    denied: frozenset[str] = frozenset()
    """Of restricted ones: names of ChatPermissions that they lack, for example `can_send_photos`."""

    @property
    def is_in(self) -> bool:
        return self.status not in (Status.LEFT, Status.KICKED)

    @property
    def administers(self) -> bool:
        return self.status in (Status.CREATOR, Status.ADMINISTRATOR)


@dataclass(eq=False, slots=True)
class Topic:
    thread_id: int
    name: str
    closed: bool = False


@dataclass(eq=False, slots=True)
class Chat:
    id: int
    kind: ChatKind
    title: str | None = None
    username: str | None = None
    user: User | None = None
    """The other one of a private chat."""
    started: bool = False
    """Of a private chat: the user has written, so the bot may."""
    members: dict[int, Membership] = field(default_factory=dict, repr=False)
    topics: dict[int, Topic] = field(default_factory=dict)
    """By thread id; a chat with topics is a forum."""
    is_forum: bool = False
    linked: Chat | None = field(default=None, repr=False)
    """A channel's discussion group, and that group's channel."""
    denied: frozenset[str] = frozenset()
    """What ordinary members may not: names of ChatPermissions."""
    migrated_to: Chat | None = field(default=None, repr=False)
    messages: dict[int, Message] = field(default_factory=dict, repr=False)
    """By id, those deleted among them."""
    actions: list[str] = field(default_factory=list)
    """What the bot showed that it is doing here (sendChatAction)."""

    @property
    def is_group(self) -> bool:
        return self.kind in (ChatKind.GROUP, ChatKind.SUPERGROUP)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a file's download goes; the default is at once and whole."""

    chunk_bytes: int = 64 * 1024
    delay_s: float = 0.0
    """Before every chunk."""
    cut_after: int | None = None
    """The connection breaks after so many bytes."""
    status: int = 200
    endless: bool = False
    """Its bytes are repeated until the reader goes away, and no length is told."""


@dataclass(eq=False, slots=True)
class StoredFile:
    """A file on Telegram's side. `declared_size` is what payloads say, which may be a lie."""

    id: str
    """`file_id`: long, opaque, usable again."""
    unique_id: str
    path: str
    """`file_path`, below the address for downloads."""
    data: bytes = field(repr=False)
    mime: str
    name: str | None = None
    declared_size: int | None = None
    size_wh: tuple[int, int] | None = None
    duration_s: int | None = None
    delivery: Delivery = field(default_factory=Delivery)
    forgotten: bool = False
    """No longer to be had by its id."""
    local: Path | None = None
    """Where it lies on disk, with a local Bot API server."""

    @property
    def size(self) -> int:
        return len(self.data) if self.declared_size is None else self.declared_size


class MediaKind(StrEnum):
    """The field of a message that holds it."""

    PHOTO = "photo"
    DOCUMENT = "document"
    STICKER = "sticker"
    ANIMATION = "animation"
    VIDEO = "video"
    VIDEO_NOTE = "video_note"


@dataclass(frozen=True, slots=True, eq=False)
class Media:
    kind: MediaKind
    file: StoredFile
    """Of a photo, its largest size."""
    sizes: tuple[StoredFile, ...] = ()
    """Of a photo, all sizes, smallest first; otherwise the thumbnail, if there is one."""
    is_animated: bool = False
    """Of a sticker: TGS."""
    is_video: bool = False
    """Of a sticker: WEBM."""
    uploaded: bytes = field(default=b"", repr=False)
    """What the bot sent, before photos were made of it."""


@dataclass(frozen=True, slots=True)
class FormattedText:
    text: str = ""
    entities: tuple[Json, ...] = ()

    def marked(self, kind: str) -> list[str]:
        """The pieces that are entities of this kind, for example `mention` or `bold`."""
        units = self.text.encode("utf-16-le")
        return [
            units[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le")
            for one in self.entities
            if one["type"] == kind
        ]


@dataclass(eq=False, slots=True)
class Message:
    id: int
    chat: Chat
    date: int
    sender: User | None = None
    """Empty in channels."""
    sender_chat: Chat | None = None
    body: FormattedText = field(default_factory=FormattedText)
    """The text, or with media the caption."""
    media: Media | None = None
    group_id: str | None = None
    """`media_group_id` of an album."""
    spoiler: bool = False
    reply_to: Message | None = None
    topic: Topic | None = None
    forwarded: Message | None = None
    """The original."""
    automatic_forward: bool = False
    service: Json = field(default_factory=dict)
    """What happened, for a service message, as in its payload."""
    markup: Json | None = None
    """The inline keyboard; ForceReply too."""
    previews_links: bool = False
    protected: bool = False
    edit_date: int | None = None
    deleted: bool = False

    @property
    def text(self) -> str:
        return self.body.text

    @property
    def buttons(self) -> list[Json]:
        keyboard: Sequence[Sequence[Json]] = (self.markup or {}).get("inline_keyboard", [])
        return [button for row in keyboard for button in row]

    def button(self, *, label: str | None = None, data: str | None = None) -> Json:
        """The one button that has this label or this data."""
        found = [
            button
            for button in self.buttons
            if (label is None or button["text"] == label)
            and (data is None or button.get("callback_data") == data)
        ]
        known = [(button["text"], button.get("callback_data")) for button in self.buttons]
        assert len(found) == 1, f"{len(found)} buttons for {label=} {data=} among {known}"
        return found[0]


@dataclass(eq=False, slots=True)
class CallbackQuery:
    """A button that somebody pressed, and what the bot made of it."""

    id: str
    user: User
    message: Message
    data: str
    answer: Mapping[str, Any] | None = None
    """The parameters of answerCallbackQuery."""
    expired: bool = False
    """Too old to be answered."""
    repeated: bool = False
    """The bot was told of it more than once, so it may answer more than once."""


@dataclass(eq=False, slots=True)
class InlineQuery:
    """What somebody types behind the bot's name in any chat."""

    id: str
    user: User
    text: str
    offset: str = ""
    answer: Mapping[str, Any] | None = None
    """The parameters of answerInlineQuery."""
    expired: bool = False
