"""One platform as the script sees it: what people do there, and what they see of the bot."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Protocol

from bot.chat import CommandName
from bot.commands.catalogue import BY_NAME, SEPARATOR, ParameterKind
from bot.conversation import Conversation
from inference.domain import Scope


class Person(StrEnum):
    """Who is there, under the same names everywhere."""

    MANAGER = "Manager"
    MEMBER = "Member"


class Place(Enum):
    """Where something is said."""

    CLUB = "a server or group with both of them"
    HOME = "the member's private chat"


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody sees of an answer. Equal where the platforms show the same, each in its own way.

    Whether others see it too is left out: Telegram has no messages for one member of a group.
    """

    text: str
    """Without markup."""
    strong: tuple[str, ...] = ()
    """What stands out in it."""
    files: tuple[bytes, ...] = field(default=(), repr=False)
    """As the bot sent them."""
    labels: tuple[str, ...] = ()
    """Of the lines of a menu and of buttons, in their order."""
    asks: bool = False
    """A form: the text is its title."""
    handle: Any = field(default=None, compare=False, repr=False)
    """The platform's message."""
    asked: Any = field(default=None, compare=False, repr=False)
    """The message that it answers."""


class Side(Protocol):
    """People of a platform and its real adapter. Whatever they do returns when the bot is done with it."""

    conversation: Conversation
    scope: Scope
    """The gallery of the club."""

    async def arrive(self) -> Seen:
        """The bot comes to the club and introduces itself."""

    async def restart(self) -> None:
        """The connection ends, and another one begins."""

    async def post(
        self,
        who: Person,
        *pictures: bytes,
        mention: bool = False,
        name: str = "a.png",
        place: Place = Place.CLUB,
    ) -> Seen | None:
        """Posts pictures as they are, in one message or album; None where nothing is said to them."""

    async def post_at_once(self, who: Person, *pictures: bytes) -> list[Seen]:
        """Posts each by itself, without waiting for the answers to those before."""

    async def command(
        self,
        who: Person,
        command: CommandName,
        *pictures: bytes,
        reply_to: Any = None,
        file: bytes | None = None,
        place: Place = Place.CLUB,
        **arguments: str,
    ) -> Seen:
        """Gives a command, in a reply to a message where one is given; arguments as in the catalogue."""

    async def press(self, who: Person, seen: Seen, label: str) -> Seen:
        """A button or a line of a menu, and what comes under its message or in the place of it."""

    async def fill(self, who: Person, form: Seen, **fields: str) -> Seen:
        """Fills in a form; fields in their order."""

    async def complete(self, typed: str) -> list[str]:
        """The names of the member's own gallery that are offered for what is typed at home."""


def typed_behind(command: CommandName, arguments: dict[str, str]) -> str:
    """The arguments as people type them behind a command: fields in the order of its parameters."""
    names = [
        parameter.name
        for parameter in BY_NAME[command].parameters
        if parameter.kind not in (ParameterKind.PICTURES, ParameterKind.FILE)
    ]
    assert set(arguments) <= set(names), f"{command} takes {names}"
    fields = [arguments.get(name, "") for name in names]
    return f" {SEPARATOR} ".join(fields).rstrip(f"{SEPARATOR} ")
