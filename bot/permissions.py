"""Who may do what: adapters report facts, these functions decide."""

from __future__ import annotations

from bot.chat import Actor, ChatRef
from bot.errors import NotAllowedError
from bot.space_settings import SpaceSettings
from config.options import ChatOptions


def may_manage(actor: Actor, chat: ChatRef, options: ChatOptions) -> bool:
    """Settings, export and import: who administers the space, and the operators."""
    return actor.manages or f"{chat.platform}:{actor.id}" in options.operators


def may_teach(actor: Actor, chat: ChatRef, settings: SpaceSettings, options: ChatOptions) -> bool:
    """Enrolling, correcting, renaming, forgetting, reviewing: managers, and the chosen roles and users."""
    chosen = frozenset(settings.teachers)
    return may_manage(actor, chat, options) or actor.id in chosen or not chosen.isdisjoint(actor.roles)


def require_manager(actor: Actor, chat: ChatRef, options: ChatOptions) -> None:
    """Raises NotAllowedError."""
    if not may_manage(actor, chat, options):
        raise NotAllowedError(what="manage")


def require_teacher(actor: Actor, chat: ChatRef, settings: SpaceSettings, options: ChatOptions) -> None:
    """Raises NotAllowedError."""
    if not may_teach(actor, chat, settings, options):
        raise NotAllowedError(what="teach")
