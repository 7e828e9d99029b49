"""Waiting for what a bot does, with what it asked for last in every failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_S = 10.0
SHOWN_REQUESTS = 12
_ASK_EVERY_S = 0.005


class Waiting:
    """Waits, and says what happened last when that was in vain."""

    def transcript(self) -> str:
        """The last requests, for failures."""
        raise NotImplementedError

    async def until(
        self, found: Callable[[], Found | None], what: str = "", *, timeout_s: float = PATIENCE_S
    ) -> Found:
        """The first true result of `found`, which may look at the server, the bot or anything."""
        result = await first(found, timeout_s)
        assert result, f"waited {timeout_s} s in vain for {what or found}\n{self.transcript()}"
        return result


async def first(found: Callable[[], Found | None], timeout_s: float) -> Found | None:
    """The first true result; None when the time is over."""
    ends = time.monotonic() + timeout_s
    while not (result := found()):
        if time.monotonic() > ends:
            return None
        await asyncio.sleep(_ASK_EVERY_S)
    return result
