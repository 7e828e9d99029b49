"""What has been taken up and is not answered yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class InFlight:
    """Counts what is under way, so that a stop can wait for it."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting: list[asyncio.Future[None]] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """Inside, one more is under way."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                for waiter in self._waiting:
                    if not waiter.done():
                        waiter.set_result(None)
                self._waiting.clear()

    async def landed(self, deadline_s: float) -> bool:
        """Whether nothing is under way any more, after at most so long."""
        if not self._count:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        done, _ = await asyncio.wait({waiter}, timeout=deadline_s)
        return bool(done)
