"""Shows "typing" in channels where something is being worked on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import discord

from bot.adapters.discord.pace import Pace

log = logging.getLogger(__name__)

_AGAIN_AFTER_S = 8.0
"""Discord shows it for ten seconds, or until the bot says something."""


class TypingIndicators:
    """One indicator in each channel, however many are working there."""

    def __init__(self, client: discord.Client, pace: Pace) -> None:
        self._client = client
        self._pace = pace
        self._working: dict[int, int] = {}
        self._stirred: dict[int, asyncio.Event] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def shown(self, channel_id: int) -> AsyncIterator[None]:
        """Inside, the bot is typing; at once, without waiting for Discord to say so."""
        self._working[channel_id] = self._working.get(channel_id, 0) + 1
        if self._working[channel_id] == 1:
            self._stirred[channel_id] = asyncio.Event()
            self._tasks[channel_id] = asyncio.create_task(
                self._show(channel_id, self._stirred[channel_id]), name=f"typing in {channel_id}"
            )
        try:
            yield
        finally:
            self._working[channel_id] -= 1
            if self._working[channel_id]:
                self._stirred[channel_id].set()
            else:
                del self._working[channel_id], self._stirred[channel_id]
                task = self._tasks.pop(channel_id)
                task.cancel()
                await asyncio.wait({task})

    async def _show(self, channel_id: int, stirred: asyncio.Event) -> None:
        channel = self._client.get_partial_messageable(channel_id)
        while True:
            stirred.clear()
            await self._pace.turn()
            try:
                await channel.typing()
            except (discord.HTTPException, discord.RateLimited, OSError) as error:
                log.debug("typing_failed error=%s", type(error).__name__)
            try:
                await asyncio.wait_for(stirred.wait(), _AGAIN_AFTER_S)
            except TimeoutError:
                continue
