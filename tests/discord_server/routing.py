"""The routes that exist, and one request to one of them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from tests.discord_server.checks.messages import Upload
from tests.discord_server.errors import (
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    UNKNOWN_APPLICATION,
    UNKNOWN_CHANNEL,
    UNKNOWN_GUILD,
    UNKNOWN_MESSAGE,
    ApiError,
)
from tests.discord_server.permissions import Permission
from tests.discord_server.state import Channel, Guild, Message

if TYPE_CHECKING:
    from tests.discord_server.gateway import Gateway
    from tests.discord_server.world import World


class Body(Enum):
    """What a route takes."""

    NONE = "none"
    JSON = "json"
    MESSAGE = "message"
    """JSON, or multipart with files."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that found its route, with a body of the right kind."""

    world: World
    gateway: Gateway
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    files: Mapping[int, Upload] = field(default_factory=dict)

    def number(self, name: str) -> int:
        return int(self.parameters[name])

    def guild(self) -> Guild:
        """The guild of the path; one that the bot is not in does not exist for it."""
        guild = self.world.guilds.get(self.number("guild_id"))
        if guild is None:
            raise ApiError(UNKNOWN_GUILD)
        return guild

    def channel(self, *needs: Permission) -> Channel:
        """The channel of the path, if the bot may see it and has these permissions there.

        Raises:
            ApiError: 10003, 50001 without access, 50013 without one of the permissions.
        """
        channel = self.world.channels.get(self.number("channel_id"))
        if channel is None:
            raise ApiError(UNKNOWN_CHANNEL)
        allowed = self.world.bot_permissions(channel)
        if Permission.VIEW_CHANNEL not in allowed:
            raise ApiError(MISSING_ACCESS)
        if any(need not in allowed for need in needs):
            raise ApiError(MISSING_PERMISSIONS)
        return channel

    def message(self, channel: Channel) -> Message:
        """The message of the path. Ephemeral ones cannot be reached by their channel."""
        message = self.world.messages.get(self.number("message_id"))
        if message is None or message.deleted or message.ephemeral or message.channel is not channel:
            raise ApiError(UNKNOWN_MESSAGE)
        return message

    def check_application(self) -> None:
        """Raises ApiError unless the path names the bot's own application."""
        if self.number("application_id") != self.world.application_id:
            raise ApiError(UNKNOWN_APPLICATION)


Handler = Callable[[Call], Awaitable[Any]]
"""Gives the JSON to answer, or None for 204 without content."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    template: str
    handler: Handler
    body: Body = Body.NONE
    query: frozenset[str] = frozenset()
    by_token: bool = False
    """Whether the token in the path authorizes it, instead of the bot's."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def pattern(self) -> re.Pattern[str]:
        # Ids are numbers; everything else is one part of the path.
        expression = re.sub(r"\{(\w+_id)\}", r"(?P<\1>[0-9]{1,20})", self.template)
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", expression))


class RouteTable:
    """Routes of one subject, added by decorating their handlers."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def add(
        self,
        method: str,
        template: str,
        *,
        body: Body = Body.NONE,
        query: tuple[str, ...] = (),
        by_token: bool = False,
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self._routes.append(Route(method, template, handler, body, frozenset(query), by_token))
            return handler

        return register
