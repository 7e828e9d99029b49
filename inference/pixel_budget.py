"""Keeps the decoded pictures of one process within a fixed number of pixels, first come, first served."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from types import TracebackType
from typing import Self


class PixelBudget:
    """Lends out pixels; whoever asks for more than is left waits, in order. Belongs to one event loop.

    Without it, many large pictures posted at once would all be decoded before the first is answered.
    """

    def __init__(self, pixels: int) -> None:
        self._total = pixels
        self._left = pixels
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._lock = threading.Lock()

    def loan(self) -> PixelLoan:
        """For one picture; nothing is taken yet."""
        return PixelLoan(self)

    def share(self, pixels: int) -> int:
        """One picture larger than the whole budget takes all of it, and runs alone."""
        return min(pixels, self._total)

    def take_now(self, share: int) -> bool:
        """Whether it was there to be taken and nobody was waiting. From any thread."""
        with self._lock:
            if self._waiting or share > self._left:
                return False
            self._left -= share
            return True

    async def take(self, share: int) -> None:
        """In turn."""
        with self._lock:
            if not self._waiting and share <= self._left:
                self._left -= share
                return
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append((share, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it got its share in the moment it was cancelled
                self.give_back(share)
            else:
                self.give_back(0)  # it may have stood in the way of smaller ones
            raise

    def give_back(self, share: int) -> None:
        """On the event loop."""
        with self._lock:
            self._left += share
            while self._waiting:
                share, turn = self._waiting[0]
                if not turn.cancelled():
                    if share > self._left:
                        return
                    self._left -= share
                    turn.set_result(None)
                self._waiting.popleft()


class PixelLoan:
    """What one picture holds of the budget until the end of an `async with`. Taken once at most."""

    def __init__(self, budget: PixelBudget) -> None:
        self._budget = budget
        self._held = 0
        self._ended = False
        self._lock = threading.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._ended = True
        self._budget.give_back(self._held)

    def take_now(self, pixels: int) -> bool:
        """Hold so many pixels if that can be at once; never after the end. From any thread."""
        share = self._budget.share(pixels)
        with self._lock:  # a worker may come to it only after its caller has gone
            if self._ended or not self._budget.take_now(share):
                return False
            self._held = share
            return True

    async def take(self, pixels: int) -> None:
        """Hold so many pixels, as soon as those who asked before have theirs."""
        share = self._budget.share(pixels)
        await self._budget.take(share)
        self._held = share
