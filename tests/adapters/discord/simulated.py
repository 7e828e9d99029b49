"""The real client, conversation and core inside simcord, which plays Discord in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import simcord
from pydantic import SecretStr

from bot.adapters.discord.adapter import DiscordAdapter
from bot.conversation import Conversation
from bot.errors import PictureGoneError
from config.options import DiscordOptions
from inference.errors import ImageTooLargeError

SETTLE_S = 120.0
"""A model on a busy machine may take its time."""


class SimulatedDiscord:
    """An environment of simcord, and the adapter in it, which can be started anew."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.adapter = self._new_adapter()
        self.env = simcord.Env(self.adapter.client, settle_timeout=SETTLE_S)

    async def restart(self) -> None:
        """The bot's process ends and another one starts."""
        self.adapter = self._new_adapter()
        await self.env.restart_bot(self.adapter.client)

    def _new_adapter(self) -> DiscordAdapter:
        return DiscordAdapter(
            self.conversation, DiscordOptions(shards=1), SecretStr("x" * 50), read=self._read
        )

    async def _read(self, url: str, limit: int) -> bytes:
        """simcord keeps files in memory and serves no addresses."""
        data = self.env.backend.cdn.get(url)
        if data is None:
            raise PictureGoneError
        if len(data) > limit:
            raise ImageTooLargeError(what="bytes", actual=len(data), limit=limit)
        return data


@asynccontextmanager
async def simulated(conversation: Conversation) -> AsyncIterator[SimulatedDiscord]:
    """Everything is settled whenever a person's action returns."""
    discord = SimulatedDiscord(conversation)
    await discord.env.start()
    try:
        with discord.env.time_context():
            yield discord
    finally:
        await discord.env.shutdown()
    discord.env.raise_errors()


def row_labels(message: Any) -> list[str]:
    """The labels of the buttons under a message."""
    return [part.label for row in message.components for part in row.children if hasattr(part, "label")]
