"""All settings as they count, with where each came from; to be changed where they came from, not here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from aiohttp import web

from bot.web.visits import Visit, page
from config.example import option_comments
from config.options import Options
from config.schema import OptionKind, known_options
from config.settings import SECRET_VARIABLES, Settings, variable_name


@dataclass(frozen=True, slots=True)
class Line:
    """One setting."""

    key: str
    value: str
    source: str
    """Empty: the default."""
    comment: str = ""
    variable: str = ""
    """What it is called in the environment."""


async def show(visit: Visit) -> web.Response:
    """Secrets only by whether they are there."""
    settings = visit.desk.settings
    sections = [
        (section, [_line(settings, kind) for kind in kinds])
        for section, kinds in groupby(known_options().values(), lambda kind: kind.section)
    ]
    return visit.render("settings.html", sections=sections, secrets=list(_secrets(settings)))


def _line(settings: Settings, kind: OptionKind) -> Line:
    value: object = settings.options
    for name in kind.key.split("."):
        value = getattr(value, name)
    return Line(
        kind.key,
        _shown(value),
        settings.sources.get(kind.key, ""),
        _comments().get(kind.key, ""),
        variable_name(kind.key),
    )


def _secrets(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each secret's variable with its source, empty where it is not set."""
    for name, variable in SECRET_VARIABLES.items():
        yield variable, settings.sources.get(name, "")


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return f"{value:,}"
        case tuple():
            return ", ".join(map(str, value))
        case Path():
            return value.as_posix()
        case _:
            return str(value)


@cache
def _comments() -> dict[str, str]:
    """What each setting is for, as `config/example.toml` says it."""
    written, defaults = option_comments(), Options()
    owners = {
        kind.key: type(getattr(defaults, kind.section)) if kind.section else Options
        for kind in known_options().values()
    }
    return {key: written[owner.__name__, key.rpartition(".")[2]] for key, owner in owners.items()}


ROUTES = (page("/settings", show),)
