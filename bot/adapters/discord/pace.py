"""Holds requests back to what Discord allows: beyond it, discord.py gives up after five refusals each."""

from __future__ import annotations

import asyncio


class Pace:
    """At most so many turns a second, evenly spread."""

    def __init__(self, per_second: int) -> None:
        self._every_s = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Returns when the caller may go on."""
        now = asyncio.get_running_loop().time()
        at, self._next = max(now, self._next), max(now, self._next) + self._every_s
        if at > now:
            await asyncio.sleep(at - now)
