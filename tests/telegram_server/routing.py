"""What a handler of a method gets, and the table of handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.telegram_server.errors import mistaken
from tests.telegram_server.rate_limits import RateLimits
from tests.telegram_server.state import Json
from tests.telegram_server.updates import Updates
from tests.telegram_server.world import World

_ATTACHED = "attach://"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part of a request."""

    filename: str
    data: bytes = field(repr=False)


@dataclass(slots=True)
class Call:
    """One request that asks for a method."""

    world: World
    updates: Updates
    rate_limits: RateLimits
    parameters: Json
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    """Names of the uploads that the method took."""

    def given(self, name: str, default: Any = None) -> Any:
        return self.parameters.get(name, default)

    def upload(self, value: str) -> Upload | None:
        """The file that a parameter attaches; None when it names one that Telegram has."""
        if not value.startswith(_ATTACHED):
            return None
        name = value.removeprefix(_ATTACHED)
        if name not in self.uploads:
            raise mistaken(f'file "{name}" is not in the request')
        self.used.add(name)
        return self.uploads[name]


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    takes: frozenset[str]
    """The parameters that it knows here; Telegram has more."""
    handler: Handler


class Methods:
    """Collects the handlers of a module."""

    def __init__(self) -> None:
        self.table: dict[str, Method] = {}

    def method(self, name: str, *takes: str) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self.table[name] = Method(name, frozenset(takes), handler)
            return handler

        return add
