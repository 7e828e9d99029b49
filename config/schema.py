"""The options as flat keys (`images.max_bytes`): what each accepts, as text and as a TOML value."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from config.options import Options, Pattern, Range

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class OptionKind:
    """One option: its flat key, its type and what it accepts."""

    key: str
    type: Any
    """bool, int, float, str, Path, a Literal of strings, or tuple[str, ...]."""
    rule: Range | Pattern | None
    default: object

    @property
    def section(self) -> str:
        """The TOML table it is in; "" for the top level."""
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition(".")[2]

    @property
    def accepted(self) -> str:
        """What it accepts, in words that end a sentence."""
        if isinstance(self.rule, Pattern):
            return self.rule.accepted
        if get_origin(self.type) is Literal:
            *first, last = get_args(self.type)
            return f"{', '.join(first)} or {last}" if first else str(last)
        words = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}.get(
            self.type, "a list of texts" if get_origin(self.type) is tuple else "a text"
        )
        if isinstance(self.rule, Range):
            return f"{words} from {self.rule.lowest:,} to {self.rule.highest:,}"
        return words

    def from_text(self, text: str) -> object:
        """The value that a text from the command line or the environment means. Raises ValueError.

        A list is comma-separated or a JSON list; choices and truth values ignore case.
        """
        return self.from_toml(self._read(text.strip()))

    def from_toml(self, value: object) -> object:
        """The value as the option holds it; a whole number will do for a number. Raises ValueError."""
        if not self._has_type(value) or not self._follows_rule(value):
            raise ValueError(self.accepted)
        if isinstance(value, list):
            return tuple(value)
        if isinstance(value, str) and self.type is Path:
            return _at_home(Path(value))
        return float(value) if self.type is float and isinstance(value, int) else value

    def _read(self, text: str) -> object:
        if self.type is bool:
            word = text.casefold()
            return True if word in _TRUE else False if word in _FALSE else text
        if self.type is int or self.type is float:
            number: object = self.type(text)
            return number
        if get_origin(self.type) is tuple:
            if text.startswith("["):
                return json.loads(text)
            return [part.strip() for part in text.split(",") if part.strip()]
        if get_origin(self.type) is Literal:
            choices = {choice.casefold(): choice for choice in get_args(self.type)}
            return choices.get(text.casefold(), text)
        return text

    def _has_type(self, value: object) -> bool:
        if isinstance(value, bool):  # before int, of which it is one
            return self.type is bool
        if isinstance(value, int | float) and self.type is float:
            return abs(value) <= sys.float_info.max  # not nan, not infinite
        if isinstance(value, list):
            return get_origin(self.type) is tuple and all(isinstance(i, str) and i.strip() for i in value)
        if isinstance(value, str):
            return (self.type in (str, Path) and "\0" not in value) or value in get_args(self.type)
        return self.type is int and isinstance(value, int)

    def _follows_rule(self, value: object) -> bool:
        if isinstance(self.rule, Range):
            return isinstance(value, int | float) and self.rule.lowest <= value <= self.rule.highest
        return self.rule is None or re.fullmatch(self.rule.expression, str(value)) is not None


def known_options() -> dict[str, OptionKind]:
    """Every option by its flat key, in the order in which they are written down."""
    return {kind.key: kind for kind in _kinds(Options(), "")}


def nearest_key(key: str) -> str | None:
    """The option that was probably meant by an unknown key: same name elsewhere, else similar spelling."""
    name = key.rpartition(".")[2]
    kinds = known_options().values()
    elsewhere = [kind.key for kind in kinds if kind.name == name]
    if elsewhere:
        return difflib.get_close_matches(key, elsewhere, n=1, cutoff=0)[0]
    return next(iter(difflib.get_close_matches(key, [kind.key for kind in kinds], n=1)), None)


def make_options(values: Mapping[str, object]) -> Options:
    """The options with these converted values by flat key, and defaults for all others."""
    options = Options()
    changes: dict[str, Any] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        if section:
            changes[section] = replace(changes.get(section, getattr(options, section)), **{name: value})
        else:
            changes[name] = value
    return replace(options, **changes)


def _at_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:  # "~name" of somebody who has no home here
        raise ValueError(str(error)) from error


def _kinds(values: Any, prefix: str) -> list[OptionKind]:
    hints = get_type_hints(type(values), include_extras=True)
    kinds: list[OptionKind] = []
    for field in fields(values):
        default = getattr(values, field.name)
        if is_dataclass(default):
            kinds += _kinds(default, f"{field.name}.")
            continue
        hint, rule = hints[field.name], None
        if get_origin(hint) is Annotated:
            hint, rule = get_args(hint)
        kinds.append(OptionKind(prefix + field.name, hint, rule, default))
    return kinds
