"""Keeps the decoded pictures of one process within a fixed number of pixels, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PixelBudget:
    """Lends out pixels; whoever asks for more than is left waits, in order. Belongs to one event loop.

    Without it, many large pictures posted at once would all be decoded before the first is answered.
    """

    def __init__(self, pixels: int) -> None:
        self._total = pixels
        self._left = pixels
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def reserve(self, pixels: int) -> AsyncIterator[None]:
        """Hold that many pixels for the block; one picture larger than the whole budget runs alone."""
        share = min(pixels, self._total)
        await self._take(share)
        try:
            yield
        finally:
            self._give_back(share)

    async def _take(self, share: int) -> None:
        if not self._waiting and share <= self._left:
            self._left -= share
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((share, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it got its share in the moment it was cancelled
                self._give_back(share)
            else:
                self._admit()  # it may have stood in the way of smaller ones
            raise

    def _give_back(self, share: int) -> None:
        self._left += share
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            share, turn = self._waiting[0]
            if not turn.cancelled():
                if share > self._left:
                    return
                self._left -= share
                turn.set_result(None)
            self._waiting.popleft()
