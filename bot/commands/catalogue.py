"""Which commands there are and what each is given: all that a platform needs to offer them.

Names and descriptions of commands and parameters are in `bot.texts`, by language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from bot.chat import CommandName

MESSAGE = "message"
"""Argument beside the parameters: id of the message that a command replies to or was called on. It leads from
an answer back to the pictures that it is about."""

LONGEST_TEXT = 100
"""Characters of a text argument, unless its parameter says otherwise."""


class ParameterKind(StrEnum):
    """What a parameter takes; each but PICTURES and FILE comes as text in `Command.arguments`."""

    TEXT = "text"
    CHARACTER = "character"
    """A character's name; `Conversation.suggest()` completes it. Any other text is taken too."""
    NUMBER = "number"
    CHOICE = "choice"
    """One of `Parameter.choices`."""
    CHANNEL = "channel"
    """Id of a channel, where the platform has several."""
    ROLE = "role"
    """Id of a role, where the platform has them."""
    PICTURES = "pictures"
    """Come as `Command.images`, also from the message that is replied to."""
    FILE = "file"
    """Comes as `Command.file`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that a command is given."""

    name: str
    """Key in `Command.arguments`."""
    kind: ParameterKind
    required: bool = False
    """What is missing is asked for where the platform does not enforce it."""
    choices: tuple[str, ...] = ()
    """Values of a CHOICE; `bot.texts` has a label for each."""
    lowest: int | None = None
    highest: int | None = None
    longest: int = LONGEST_TEXT
    most: int = 1
    """Of PICTURES: how many may be given."""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command as a platform offers it."""

    name: CommandName
    parameters: tuple[Parameter, ...] = ()
    private: bool = False
    """The answer is for the asker alone, where the platform can do that; known before it is there."""
    teaching: bool = False
    """Only teachers may use it; platforms may hide it from others. `Conversation` checks in any case."""
    managing: bool = False
    """Only who manages the space may use it; see `teaching`."""
    on_messages: bool = False
    """Also offered on a message with pictures: a context menu entry, or a reply to it."""


_CHARACTER = Parameter("character", ParameterKind.CHARACTER, required=True)
_PICTURES = Parameter("picture", ParameterKind.PICTURES, most=10)

CATALOGUE: tuple[CommandSpec, ...] = (
    CommandSpec(CommandName.IDENTIFY, (_PICTURES,), on_messages=True),
    CommandSpec(
        CommandName.ENROLL,
        (
            Parameter("name", ParameterKind.CHARACTER),  # a form asks for it
            _PICTURES,
            Parameter("series", ParameterKind.TEXT),
            Parameter("aliases", ParameterKind.TEXT, longest=400),
            Parameter("face", ParameterKind.NUMBER, lowest=1, highest=64),
        ),
        teaching=True,
        on_messages=True,
    ),
    CommandSpec(CommandName.CHARACTERS, (Parameter("search", ParameterKind.TEXT),)),
    CommandSpec(CommandName.CHARACTER, (_CHARACTER,)),
    CommandSpec(
        CommandName.RENAME,
        (
            _CHARACTER,
            Parameter("new_name", ParameterKind.TEXT, required=True),
            Parameter("series", ParameterKind.TEXT),
        ),
        teaching=True,
    ),
    CommandSpec(
        CommandName.ALIAS,
        (
            _CHARACTER,
            Parameter("add", ParameterKind.TEXT, longest=400),
            Parameter("remove", ParameterKind.TEXT, longest=400),
        ),
        teaching=True,
    ),
    CommandSpec(
        CommandName.MERGE,
        (_CHARACTER, Parameter("into", ParameterKind.CHARACTER, required=True)),
        teaching=True,
    ),
    CommandSpec(
        CommandName.SPLIT,
        (
            _CHARACTER,
            Parameter("samples", ParameterKind.TEXT, required=True),
            Parameter("new_name", ParameterKind.CHARACTER, required=True),
            Parameter("series", ParameterKind.TEXT),
        ),
        teaching=True,
    ),
    CommandSpec(
        CommandName.FORGET,
        (_CHARACTER, Parameter("samples", ParameterKind.TEXT)),
        teaching=True,
    ),
    CommandSpec(CommandName.WHY, (_PICTURES,)),
    CommandSpec(CommandName.UNDO, (Parameter("number", ParameterKind.NUMBER, lowest=1),), teaching=True),
    CommandSpec(CommandName.HISTORY, private=True, teaching=True),
    CommandSpec(
        CommandName.SETTINGS,
        (
            Parameter("channel", ParameterKind.CHANNEL),
            Parameter("teachers", ParameterKind.ROLE),
            Parameter("log_channel", ParameterKind.CHANNEL),
        ),
        private=True,
        managing=True,
    ),
    CommandSpec(CommandName.REVIEW, private=True, teaching=True),
    CommandSpec(CommandName.EXPORT, private=True, managing=True),
    CommandSpec(
        CommandName.IMPORT, (Parameter("archive", ParameterKind.FILE, required=True),), managing=True
    ),
    CommandSpec(CommandName.STATS),
    CommandSpec(CommandName.HELP, private=True),
    CommandSpec(CommandName.PRIVACY, private=True),
)

BY_NAME: Mapping[CommandName, CommandSpec] = MappingProxyType({spec.name: spec for spec in CATALOGUE})

SEPARATOR = "|"


def arguments_in(spec: CommandSpec, text: str) -> dict[str, str]:
    """The arguments in what is typed behind a command, where a platform has no fields for them.

    Fields are separated by `|` and stand in the order of the parameters; what is left empty is not given.
    """
    names = [
        parameter.name
        for parameter in spec.parameters
        if parameter.kind not in (ParameterKind.PICTURES, ParameterKind.FILE)
    ]
    fields = (field.strip() for field in text.split(SEPARATOR, maxsplit=max(0, len(names) - 1)))
    return {name: field for name, field in zip(names, fields, strict=False) if field}
