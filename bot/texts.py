"""Every sentence that a user can read, by key and language; the sentences are in `bot/locales`.

They are written in Project Fluent's format (https://projectfluent.org/fluent/guide): translators know it and
its tools, plural forms and choices are written in the sentence, and Babel's CLDR data knows the rest. Its own
runtime resolves them; what is here only keeps what stands out apart and cleans what strangers wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from babel import Locale
from babel.lists import format_list
from babel.numbers import format_decimal
from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.types import FluentType, fluent_date
from fluent.syntax import ast

from bot.chat import CommandName, Span, Text
from bot.words import clean_name, shorten, utf16_length
from inference.errors import AppError, SetupError
from inference.graphemes import ELLIPSIS

LANGUAGES = ("en", "ja", "zh")
LOCALES_DIR = Path(__file__).with_name("locales")

_LONGEST_WORDS, _LONGEST_PARAMETER = 200, 2_000  # Fluent refuses to put in more than 2,500 characters
_MEGABYTE = 1024 * 1024
# Noncharacters, made for use inside a program; `clean_name()` takes them out of what strangers wrote.
_STRONG, _END = "\ufdd0", "\ufdd1"
_STRONG_PART = re.compile(f"{_STRONG}([^{_END}]*){_END}")
_NAMES_IN_ERRORS = frozenset({"name", "existing", "character", "source", "target", "suggestions"})
_LABELS_IN_ERRORS = {"parameter": "parameter-{}.name", "setting": "setting-{}"}


@dataclass(frozen=True, slots=True)
class Strong:
    """A parameter that stands out in the sentence: the name of a character, say. Shown cleaned."""

    text: str


@dataclass(frozen=True, slots=True)
class Either:
    """Alternatives, enumerated with "or" instead of "and"."""

    parts: Sequence[str | Strong]


Parameter = str | int | float | datetime | Strong | Either | Text | Sequence[str | Strong]
"""A sequence is enumerated as the language does it: "A, B and C". A `Text` is put in as it is; all other
texts are shown cleaned. What is too long for a sentence is shortened; join long texts with `join_texts()`."""


@dataclass(frozen=True, slots=True)
class _Megabytes(FluentType):
    """MEGABYTES($bytes) in a sentence."""

    size: float

    def format(self, locale: Locale) -> str:
        return f"{format_decimal(self.size / _MEGABYTE, '#,##0.#', locale=locale)} MB"


class Texts:
    """The sentences of one language. Raises ValueError when they cannot be read."""

    def __init__(self, language: str) -> None:
        self.language = language
        # No isolates around parameters: they are control characters, and platforms show names apart anyway.
        self._bundle = FluentBundle([language], functions={"MEGABYTES": _Megabytes}, use_isolating=False)
        for entry_ids, resource in _resources(language):
            if known := [entry for entry in entry_ids if self._bundle.has_message(entry)]:
                raise ValueError(f"{language}: {known[0]} is there twice")
            self._bundle.add_resource(resource)

    def say(self, key: str, /, **parameters: Parameter) -> Text:
        """The sentence. Raises LookupError for an unknown key or a missing parameter."""
        return _as_spans(self._format(key, parameters))

    def line(self, key: str, /, **parameters: Parameter) -> str:
        """The sentence without emphasis, for labels, titles and file descriptions."""
        return plain_text(self.say(key, **parameters))

    def error(self, error: AppError) -> Text:
        """What went wrong and what to do about it."""
        key = f"error-{error.code.replace('_', '-')}"
        if not self._bundle.has_message(key):
            key = "error-setup" if isinstance(error, SetupError) else "error-error"
        return self.say(key, **dict(self._error_parameters(error)))

    # ── what platforms list ─────────────────────────────────────────────────────────────────────

    def command_name(self, command: CommandName) -> str:
        """Localised; Discord's rules: 1 to 32 characters, lower case, no spaces."""
        return self.line(f"command-{command}.name")

    def command_description(self, command: CommandName) -> str:
        """At most 100 characters."""
        return self.line(f"command-{command}.description")

    def context_menu_name(self, command: CommandName) -> str:
        """What the command is called on a message; at most 32 characters."""
        return self.line(f"command-{command}.on-message")

    def parameter_name(self, command: CommandName, parameter: str) -> str:
        """As `command_name()`."""
        return self.line(f"{self._parameter_key(command, parameter)}.name")

    def parameter_description(self, command: CommandName, parameter: str) -> str:
        """As `command_description()`."""
        return self.line(f"{self._parameter_key(command, parameter)}.description")

    def choice_label(self, parameter: str, choice: str) -> str:
        """Of a choice that a parameter or setting offers."""
        return self.line(f"choice-{_kebab(parameter)}-{_kebab(choice)}")

    def setting_label(self, setting: str) -> str:
        """What a `bot.space_settings.SettingName` is called."""
        return self.line(f"setting-{_kebab(setting)}")

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _parameter_key(self, command: CommandName, parameter: str) -> str:
        """A parameter is explained once for all commands, or for one of them."""
        own = f"parameter-{command}-{_kebab(parameter)}"
        return own if self._bundle.has_message(own) else f"parameter-{_kebab(parameter)}"

    def _format(self, key: str, parameters: Mapping[str, Parameter]) -> str:
        name, _, attribute = key.partition(".")
        message = self._bundle.get_message(name)
        pattern = message.attributes[attribute] if attribute else message.value
        if pattern is None:
            raise LookupError(key)
        values = {name: self._fluent_value(value) for name, value in parameters.items()}
        text, errors = self._bundle.format_pattern(pattern, values)
        if errors:
            raise LookupError(f"{self.language}: {key}: {errors[0]}")
        return str(text)

    def _fluent_value(self, value: Parameter) -> str | int | float | FluentType:
        match value:
            case datetime():
                return fluent_date(value, dateStyle="medium", timeStyle="short")
            case int() | float():
                return value
            case str() | Strong():
                return _marked(value)
            case Either():
                return format_list(_fitting(value.parts), style="or", locale=self.language)
            case tuple() if value and all(isinstance(part, Span) for part in value):
                spans = tuple(part for part in value if isinstance(part, Span))
                return "".join(map(_marked, shorten_text(spans, _LONGEST_PARAMETER)))
            case _:
                return format_list(_fitting(value), locale=self.language)

    def _error_parameters(self, error: AppError) -> Iterator[tuple[str, Parameter]]:
        for name, value in error.data.items():
            match value:
                case tuple():
                    names = [Strong(str(part)) if name in _NAMES_IN_ERRORS else str(part) for part in value]
                    yield name, Either(names)
                    yield f"{name}_count", len(names)
                case bool() | int() | float():
                    yield name, value
                case _ if name in _NAMES_IN_ERRORS:
                    yield name, Strong(str(value))
                case _ if name in _LABELS_IN_ERRORS:
                    key = _LABELS_IN_ERRORS[name].format(_kebab(str(value)))
                    known = self._bundle.has_message(key.partition(".")[0])
                    yield name, Strong(self.line(key) if known else str(value))
                case _:
                    yield name, str(value)


@cache
def texts_of(language: str) -> Texts:
    """The sentences of the language, a member of LANGUAGES; made once."""
    return Texts(language)


def choose_language(*tags: str) -> str:
    """The first of the IETF tags (ja-JP, zh-Hans, en_GB) that there are sentences for; else English."""
    for tag in tags:
        language = re.split("[-_]", tag.casefold(), maxsplit=1)[0]
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


def plain_text(text: Text) -> str:
    """Without emphasis."""
    return "".join(span.text for span in text)


def join_texts(parts: Iterable[Text], separator: str = "\n") -> Text:
    """One after the other; empty ones are left out."""
    joined: list[Span] = []
    for part in parts:
        if part and joined:
            joined.append(Span(separator))
        joined += part
    return tuple(joined)


def shorten_text(text: Text, limit: int) -> Text:
    """At most `limit` UTF-16 units; see `bot.words.shorten()`."""
    if utf16_length(plain_text(text)) <= limit:
        return text
    kept: list[Span] = []
    room = limit
    for span in text:
        length = utf16_length(span.text)
        if length >= room:
            # One more than fits is there, so that the last span gets its ellipsis.
            kept.append(Span(shorten(span.text + "\N{EM SPACE}" * 2, room), span.strong))
            break
        kept.append(span)
        room -= length
    return tuple(span for span in kept if span.text)


def _resources(language: str) -> Iterator[tuple[list[str], ast.Resource]]:
    """The files of a language, each with the ids of its messages."""
    paths = sorted((LOCALES_DIR / language).glob("*.ftl"))
    if not paths:
        raise ValueError(f"there are no sentences for {language!r}")
    for path in paths:
        resource = FluentResource(path.read_text(encoding="utf-8"))
        ids: list[str] = []
        for entry in resource.body:
            if isinstance(entry, ast.Junk):
                raise ValueError(f"{path.name} ({language}): cannot read {str(entry.content)[:60]!r}")
            if isinstance(entry, ast.Message):
                ids.append(entry.id.name)
        yield ids, resource


def _marked(part: str | Strong | Span) -> str:
    match part:
        case Span():
            return f"{_STRONG}{part.text}{_END}" if part.strong else part.text
        case Strong():
            return f"{_STRONG}{clean_name(part.text)}{_END}"
        case _:
            return clean_name(part, _LONGEST_WORDS) if part else ""


def _fitting(parts: Iterable[str | Strong | Span]) -> list[str]:
    """Marked; as many as fit into a sentence, and an ellipsis for the others."""
    kept: list[str] = []
    room = _LONGEST_PARAMETER
    for part in map(_marked, parts):
        room -= len(part) + 2
        if room < 0:
            return [*kept, ELLIPSIS]
        kept.append(part)
    return kept


def _as_spans(marked: str) -> Text:
    pieces = enumerate(_STRONG_PART.split(marked))
    return tuple(Span(piece, strong=index % 2 == 1) for index, piece in pieces if piece)


def _kebab(name: str) -> str:
    return name.replace("_", "-").casefold()
