"""What a chat is to Dareda, on any platform: the values that adapters translate from and into.

An adapter makes posts, commands, presses and submitted forms of what its platform tells it, gives them to
`bot.conversation.Conversation`, and shows the `Reply` that comes back in the platform's own way. It decides
nothing. Text in these values is plain: adapters escape it for their platform.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from inference.domain import Scope

Platform = Literal["discord", "telegram"]


@dataclass(frozen=True, slots=True)
class ChatRef:
    """Where something is said. Ids are the platform's, as text."""

    platform: Platform
    space: str
    """What has a gallery and settings of its own: a server, group or channel, or one user's private chat."""
    channel: str
    """Where answers go; in Telegram the same as `space`."""
    topic: str = ""
    """Thread or topic inside the channel that answers stay in; empty where there is none."""
    private: bool = False
    """One user alone with the bot."""
    age_restricted: bool = False

    @property
    def scope(self) -> Scope:
        """The gallery of the space."""
        return Scope(f"{self.platform}:{self.space}")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who says something, with the facts that permissions are decided by."""

    id: str
    name: str
    """As others see it; cleaned by whoever shows it."""
    manages: bool = False
    """Administers the space as the platform has it: Manage Server, chat administrator, own private chat."""
    roles: frozenset[str] = frozenset()
    language: str = ""
    """The user's own, as an IETF tag; empty where the platform does not tell."""


@dataclass(frozen=True, slots=True)
class IncomingImage:
    """A picture that was posted and can be read. It is kept nowhere; `reference` leads back to it."""

    reference: str
    """What the adapter's `Platforms.open` finds the picture by again, also after a restart."""
    name: str
    size: int | None
    """Bytes, where the platform tells."""
    read: Callable[[int], Awaitable[bytes]]
    """Reads at most so many bytes. Raises ImageTooLargeError while streaming, PictureGoneError."""
    spoiler: bool = False


@dataclass(frozen=True, slots=True)
class ImagePost:
    """A message with pictures; an album is one post."""

    id: str
    """The message, unique within the chat: what arrives twice is answered once."""
    chat: ChatRef
    author: Actor
    images: tuple[IncomingImage, ...]
    mentions_bot: bool = False


class CommandName(StrEnum):
    """Every command; `bot.texts` has their localised names and descriptions."""

    IDENTIFY = "identify"
    ENROLL = "enroll"
    CHARACTERS = "characters"
    CHARACTER = "character"
    RENAME = "rename"
    ALIAS = "alias"
    MERGE = "merge"
    SPLIT = "split"
    FORGET = "forget"
    WHY = "why"
    UNDO = "undo"
    HISTORY = "history"
    SETTINGS = "settings"
    REVIEW = "review"
    EXPORT = "export"
    IMPORT = "import"
    STATS = "stats"
    HELP = "help"
    PRIVACY = "privacy"


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file given to a command that is no picture."""

    name: str
    size: int | None
    read: Callable[[int], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command with what was given to it."""

    name: CommandName
    chat: ChatRef
    actor: Actor
    id: str = ""
    """The interaction or message; what arrives twice is done once."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """By parameter name, as `bot.commands.catalogue` lists them."""
    images: tuple[IncomingImage, ...] = ()
    """Given with the command, or those of the message it replies to or was called on."""
    file: IncomingFile | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """A button pressed, or a line of a menu chosen."""

    token: str
    chat: ChatRef
    actor: Actor
    id: str = ""
    chosen: str = ""
    """The value of the chosen line; empty for a button."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A form filled in: a modal, or the message that answers a question."""

    token: str
    chat: ChatRef
    actor: Actor
    fields: Mapping[str, str]
    id: str = ""


# ── what goes back ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text; names are strong."""

    text: str
    strong: bool = False


Text = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Button:
    """What it does is looked up by its token when it is pressed, also after a restart."""

    label: str
    token: str
    """At most 60 bytes of ASCII."""
    style: Literal["plain", "good", "bad"] = "plain"


@dataclass(frozen=True, slots=True)
class MenuLine:
    label: str
    value: str
    """At most 40 bytes of ASCII."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Menu:
    """A list to choose one of, at most 25 lines; a keyboard of buttons where the platform has no menus."""

    token: str
    placeholder: str
    lines: tuple[MenuLine, ...]


@dataclass(frozen=True, slots=True)
class FormField:
    key: str
    label: str
    value: str = ""
    required: bool = True
    longest: int = 100


@dataclass(frozen=True, slots=True)
class Form:
    """Questions to be answered by typing: a modal, or one question after the other."""

    token: str
    title: str
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A picture or file to send."""

    name: str
    """Safe on any file system: ASCII letters, digits, dot, dash, underscore."""
    data: bytes
    is_picture: bool = True
    spoiler: bool = False
    description: str = ""
    """For those who do not see the picture."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer. `form` alone opens a form instead of answering."""

    text: Text = ()
    files: tuple[OutgoingFile, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    """Rows of at most five."""
    menu: Menu | None = None
    form: Form | None = None
    private: bool = False
    """Seen by the asker alone where the platform can do that."""
    replaces: bool = False
    """Goes in place of the message whose button was pressed, instead of under it."""
    answer: str = ""
    """Names this answer to `Conversation.answered`, so that buttons under it find the message."""
    closes: bool = False
    """Takes the buttons away from the message whose button was pressed."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something said without being asked: a line in the log channel, the first words in a new server."""

    chat: ChatRef
    reply: Reply


class PlatformAccess(Protocol):
    """What a conversation may ask of a platform; adapters implement it."""

    async def open(self, chat: ChatRef, reference: str) -> IncomingImage:
        """A picture posted before. Raises PictureGoneError when it was deleted or cannot be read."""

    async def say(self, notice: Notice) -> None:
        """Raises CannotSendError when the channel is gone or the bot may not write there."""

    def name_of(self, space: str) -> str:
        """What the server, group or channel is called, as far as the process has heard; else empty.

        Nothing is asked or stored for it, and private chats, which would have a person's name, have none.
        """
