"""A model that doubles numbers, its batcher, and what goes on between the two."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from inference.batch_figures import BatchReport
from inference.batching import MicroBatcher

THREAD = "doubler"
_PATIENCE_S = 60.0
"""So long may the machine stand still in the middle of a test."""


class BadItemError(Exception):
    """Raised by the fake model for a negative number."""


@dataclass
class Doubler:
    """A model that doubles numbers and fails on negative ones; it can be held in the middle of a batch."""

    seconds: float = 0.0
    seen: list[int] = field(default_factory=list)
    running: threading.Event = field(default_factory=threading.Event)
    _open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._open.set()

    def hold(self) -> None:
        self.running.clear()
        self._open.clear()

    def go_on(self) -> None:
        self._open.set()

    async def until_running(self) -> None:
        assert await asyncio.to_thread(self.running.wait, _PATIENCE_S)

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.running.set()
        assert self._open.wait(_PATIENCE_S)
        if self.seconds:
            time.sleep(self.seconds)
        self.seen += numbers
        for number in numbers:
            if number < 0:
                raise BadItemError(number)
        return [2 * number for number in numbers]


def make_batcher(
    model: Callable[[Sequence[int]], Sequence[int]] | None = None,
    *,
    max_items: int = 8,
    max_wait_s: float = 0.002,
    max_queue: int = 1_000,
    deadline_s: float = 10.0,
    observe: Callable[[BatchReport], None] | None = None,
) -> MicroBatcher[int, int]:
    function = model or Doubler()
    return MicroBatcher(
        THREAD,
        lambda: function,
        max_items=max_items,
        max_wait_s=max_wait_s,
        max_queue=max_queue,
        deadline_s=deadline_s,
        observe=observe,
    )


def model_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


async def submitted(batcher: MicroBatcher[int, int], *groups: Sequence[int]) -> list[asyncio.Task[list[int]]]:
    """A task for each group, all of them in the queue (or in the running batch) already."""
    tasks = [asyncio.create_task(batcher.submit_many(group)) for group in groups]
    await asyncio.sleep(0)
    return tasks


async def outcomes(tasks: Sequence[asyncio.Task[list[int]]]) -> list[list[int] | BaseException]:
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), _PATIENCE_S)
