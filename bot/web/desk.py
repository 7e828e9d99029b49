"""The desk: the parts of the process that the console's pages work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast, get_args

from bot.chat import Actor, ChatRef, Platform
from bot.context import Asker, Services
from bot.web.rendering import Renderer
from bot.web.sessions import Sessions
from config.settings import Settings
from inference.domain import Scope
from inference.gallery.base import Gallery

CONSOLE = Actor("console", "Web console", manages=True)
"""Who the operator at the console is to a chat."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What one console has; pages get it with every visit."""

    services: Services
    settings: Settings
    sessions: Sessions
    renderer: Renderer
    home: Scope
    """The gallery that is shown first: the command line's, unless another one was named."""
    started: datetime

    @property
    def gallery(self) -> Gallery:
        return self.services.gallery

    async def galleries(self) -> tuple[Scope, ...]:
        """Every gallery that can be looked at: the own one first, then shared ones, chats', and others."""
        stats = await self.gallery.stats()
        spaces = [scope for _, scope in self.services.store.spaces()]
        shared = map(Scope, self.settings.options.gallery.shared)
        return tuple(dict.fromkeys((self.home, *shared, *sorted(spaces), *stats.scopes)))

    def scopes_seen(self, scope: Scope) -> tuple[Scope, ...]:
        """The galleries that a question in that one is answered from."""
        chat = self.chat_of(scope)
        if chat is not None:
            return self.asker(chat).scopes
        shared = map(Scope, self.settings.options.gallery.shared)
        return tuple(dict.fromkeys((scope, *shared)))

    def chat_of(self, scope: Scope) -> ChatRef | None:
        """The chat whose own gallery that is."""
        known = {own: chat for chat, own in self.services.store.spaces()}
        if scope in known:
            return known[scope]
        platform, _, space = scope.partition(":")
        if platform not in get_args(Platform):
            return None
        return ChatRef(cast(Platform, platform), space, channel=space)

    def asker(self, chat: ChatRef) -> Asker:
        """The operator, as somebody who manages that chat."""
        return self.services.asker(chat, CONSOLE)

    def changed(self, scope: Scope, entry_ids: Sequence[int | None]) -> None:
        """Called after every change of a gallery."""
        del entry_ids
        self.services.names.forget(scope)
