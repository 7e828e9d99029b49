"""The desk: the parts of the process that the console's pages work with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast, get_args

from bot.chat import Actor, ChatRef, Platform
from bot.commands.history import describe
from bot.context import Asker, Services
from bot.texts import join_texts
from bot.web.catalogue import Catalogues
from bot.web.covers import Covers
from bot.web.rendering import Renderer
from bot.web.sessions import Sessions
from bot.web.thumbnails import Thumbnails
from bot.web.transfers import Transfers
from config.settings import Settings
from inference.domain import Scope
from inference.gallery.base import AuditEntry, Gallery
from inference.graphemes import readable
from inference.metrics import Metrics
from inference.survey.values import GalleryMap, Progress, Survey

SURVEY_WAIT_S = 1.0
"""How long a page waits for a survey or a map before it is shown without, or with the one before."""
_RECENT = 200
CONSOLE = Actor("console", "Web console", manages=True)
"""Who the operator at the console is to a chat."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What one console has; pages get it with every visit."""

    services: Services
    settings: Settings
    sessions: Sessions
    renderer: Renderer
    catalogues: Catalogues
    covers: Covers
    thumbnails: Thumbnails
    transfers: Transfers
    home: Scope
    """The gallery that is shown first: the command line's, unless another one was named."""
    started: datetime
    metrics: Metrics | None
    """The process's figures, where somebody keeps them."""

    @property
    def gallery(self) -> Gallery:
        return self.services.gallery

    async def galleries(self) -> tuple[Scope, ...]:
        """Every gallery that can be looked at: the own one first, then shared ones, chats', and others."""
        filled = await self.catalogues.scopes()
        spaces = [scope for _, scope in self.services.store.spaces()]
        shared = map(Scope, self.settings.options.gallery.shared)
        return tuple(dict.fromkeys((self.home, *shared, *sorted(spaces), *filled)))

    def scopes_seen(self, scope: Scope) -> tuple[Scope, ...]:
        """The galleries that a question in that one is answered from."""
        chat = self.chat_of(scope)
        if chat is not None:
            return self.asker(chat).scopes
        shared = map(Scope, self.settings.options.gallery.shared)
        return tuple(dict.fromkeys((scope, *shared)))

    def false_name_rate(self, scope: Scope) -> float | None:
        """How often a stranger may be named there; None: as usual."""
        chat = self.chat_of(scope)
        return self.services.store.settings(chat).false_name_rate if chat else None

    def chat_of(self, scope: Scope) -> ChatRef | None:
        """The chat whose own gallery that is."""
        known = {own: chat for chat, own in self.services.store.spaces()}
        if scope in known:
            return known[scope]
        platform, _, space = scope.partition(":")
        if platform not in get_args(Platform):
            return None
        return ChatRef(cast(Platform, platform), space, channel=space)

    def names_of(self, scopes: Iterable[Scope]) -> dict[Scope, str]:
        """What to call each gallery."""
        chats = {own: chat for chat, own in self.services.store.spaces()}
        return {scope: self.name_of(scope, chats.get(scope)) for scope in scopes}

    def name_of(self, scope: Scope, chat: ChatRef | None) -> str:
        """What to call a gallery, which is that of the chat: as the chat, where its name is known."""
        name = readable(self.services.platforms.name_of(chat)) if chat else ""
        return f"{name} ({chat.platform.capitalize()})" if chat and name else readable(scope)

    def asker(self, chat: ChatRef) -> Asker:
        """The operator, as somebody who manages that chat."""
        return self.services.asker(chat, CONSOLE)

    async def survey(self, scope: Scope) -> Progress[Survey]:
        """What a page shows of it now. Raises GalleryUnavailableError."""
        return await self.services.faces.survey(scope, wait_s=SURVEY_WAIT_S)

    async def map(self, scope: Scope) -> Progress[GalleryMap]:
        """As `survey()`."""
        return await self.services.faces.map(scope, wait_s=SURVEY_WAIT_S)

    async def changed(self, scope: Scope, entry_ids: Sequence[int]) -> None:
        """Called after every change of a gallery; that of a chat tells its log channel, too."""
        self.services.names.forget(scope)
        chat = self.chat_of(scope)
        if chat is not None:
            asker = self.asker(chat)
            lines = [describe(asker.texts, entry) for entry in await self.entries(scope, entry_ids)]
            self.services.changed(asker, join_texts(lines, ", "), entry_ids)

    async def entries(self, scope: Scope, entry_ids: Sequence[int]) -> tuple[AuditEntry, ...]:
        """Those lines of the audit log, oldest first, as far as they are recent."""
        recent = await self.gallery.audit(scope, limit=_RECENT)
        return tuple(entry for entry in reversed(recent) if entry.id in entry_ids)
