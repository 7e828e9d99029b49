"""Turns for work in chats: bounded, fair between spaces, and in order within a channel."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from bot.chat import ChatRef
from inference.errors import OverloadedError, StoppedError

_CANCELLED_WITHIN_S = 5.0

_Space = tuple[str, str]
_Channel = tuple[str, str, str, str]


class FairQueue:
    """Gives out at most `workers` turns at a time.

    Spaces take turns one after the other, so that a busy one delays itself, not others. Within a channel
    (or topic) there is one turn at a time, in the order of asking.
    """

    def __init__(self, *, workers: int, max_waiting: int, max_waiting_per_space: int) -> None:
        self._free = workers
        self._max_waiting = max_waiting
        self._max_waiting_per_space = max_waiting_per_space
        self._waiting: OrderedDict[_Space, deque[_Waiter]] = OrderedDict()
        """In the order in which spaces get their next turn."""
        self._busy: dict[_Channel, asyncio.Task[object]] = {}
        self._overdue: set[asyncio.Task[object]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return sum(map(len, self._waiting.values()))

    @property
    def working(self) -> int:
        """How many have a turn."""
        return len(self._busy)

    @asynccontextmanager
    async def turn(self, chat: ChatRef) -> AsyncIterator[None]:
        """Work inside has a turn.

        Raises OverloadedError when too many wait, StoppedError when the queue was closed before it began or
        closed too long before it was done.
        """
        waiter = self._join(chat)
        try:
            await waiter.ready
            yield
        except asyncio.CancelledError:
            if waiter.task not in self._overdue:
                raise
            waiter.task.uncancel()
            raise StoppedError from None
        finally:
            self._leave(waiter)

    async def close(self, deadline_s: float) -> None:
        """Give no more turns: who waits gets StoppedError, whoever works may go on for that many seconds.

        Then the rest gets StoppedError too.
        """
        self._closed = True
        for waiter in [waiter for waiters in self._waiting.values() for waiter in waiters]:
            waiter.ready.set_exception(StoppedError())
        self._waiting.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), deadline_s)
        for task in self._busy.values():
            self._overdue.add(task)
            task.cancel()
        with suppress(TimeoutError):  # a task that will not be cancelled is not waited for
            await asyncio.wait_for(self._idle.wait(), _CANCELLED_WITHIN_S)

    def _join(self, chat: ChatRef) -> _Waiter:
        task = asyncio.current_task()
        if self._closed or task is None:
            raise StoppedError
        waiter = _Waiter((chat.platform, chat.space, chat.channel, chat.topic), task)
        waiters = self._waiting.setdefault(waiter.space, deque())
        waiters.append(waiter)
        self._give_turns()
        if not waiter.ready.done():
            for waiting, limit in (
                (len(waiters), self._max_waiting_per_space),
                (self.waiting, self._max_waiting),
            ):
                if waiting > limit:
                    self._forget(waiter)
                    raise OverloadedError(limit=limit)
        return waiter

    def _give_turns(self) -> None:
        while self._free and (waiter := self._next()):
            self._forget(waiter)
            if waiter.space in self._waiting:
                self._waiting.move_to_end(waiter.space)
            self._free -= 1
            self._busy[waiter.channel] = waiter.task
            self._idle.clear()
            waiter.ready.set_result(None)

    def _next(self) -> _Waiter | None:
        for waiters in self._waiting.values():
            for waiter in waiters:
                if waiter.channel not in self._busy and not waiter.ready.done():
                    return waiter
        return None

    def _leave(self, waiter: _Waiter) -> None:
        """Whether it had its turn, was refused, or gave up waiting."""
        if not waiter.ready.done() or waiter.ready.cancelled():
            self._forget(waiter)
        elif waiter.ready.exception() is None:
            del self._busy[waiter.channel]
            self._free += 1
            if not self._busy:
                self._idle.set()
        self._overdue.discard(waiter.task)
        self._give_turns()

    def _forget(self, waiter: _Waiter) -> None:
        waiters = self._waiting.get(waiter.space, deque())
        if waiter in waiters:
            waiters.remove(waiter)
        if not waiters:
            self._waiting.pop(waiter.space, None)


@dataclass(eq=False, slots=True)
class _Waiter:
    channel: _Channel
    task: asyncio.Task[object]
    ready: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def space(self) -> _Space:
        return self.channel[:2]
