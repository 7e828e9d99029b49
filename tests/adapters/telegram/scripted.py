"""The scripted conversation, as Telegram uses it."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.chat import ChatRef, Platform, PlatformAccess
from tests.adapters.discord import scripted


@dataclass
class ScriptedConversation(scripted.ScriptedConversation):
    moves: list[tuple[str, str]] = field(default_factory=list)

    def attach(self, platform: Platform, access: PlatformAccess) -> None:
        assert platform == "telegram"
        self.access = access

    async def moved(self, old: ChatRef, new: ChatRef) -> None:
        self.moves.append((old.space, new.space))
