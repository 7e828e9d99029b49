"""Collects items of many callers into batches for one model that lives on its own thread."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from inference.batch_figures import BatcherStats, BatchReport, BatchTotals
from inference.errors import DeadlineError, OverloadedError, StoppedError

log = logging.getLogger(__name__)

In = TypeVar("In")
Out = TypeVar("Out")


class MicroBatcher(Generic[In, Out]):
    """Runs one batch function on its own thread and gives every caller the results of its own items.

    `load` runs on that thread: it loads and warms the model and returns the batch function, which gets at
    most `max_items` items and returns as many results in the same order. While one batch runs,
    the next fills. Another thread that finds the model idle may run a batch itself, see `run_now()`; never do
    two run at once.

    It waits for company only when company is likely: after a batch that served several callers, the next one
    starts when as many are back, or after `max_wait_s`. A caller who is alone does not wait.

    It belongs to the event loop that started it, and is started once.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], Callable[[Sequence[In]], Sequence[Out]]],
        *,
        max_items: int,
        max_wait_s: float,
        max_queue: int,
        deadline_s: float,
        observe: Callable[[BatchReport], None] | None = None,
    ) -> None:
        """`observe` is called on the event loop after each batch, once its callers have their results."""
        if max_items < 1 or max_queue < 1 or max_wait_s < 0 or deadline_s <= 0:
            raise ValueError(f"{max_items=}, {max_queue=}, {max_wait_s=}, {deadline_s=}")
        self.name = name
        self._load = load
        self._max_items = max_items
        self._max_wait_s = max_wait_s
        self._max_queue = max_queue
        self._deadline_s = deadline_s
        self._observe = observe

        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._thread_ended = asyncio.Event()
        self._open_calls: set[_Call[In, Out]] = set()  # of the event loop only

        # What both threads touch, held only for a few list operations.
        self._changed = threading.Condition()
        self._queue: deque[_Call[In, Out]] = deque()
        self._waiting = 0  # items in the queue that no batch has taken
        self._wake_at_calls = 1
        self._function: Callable[[Sequence[In]], Sequence[Out]] | None = None  # once it is loaded
        self._running = False
        self._stopping = False
        self._totals = BatchTotals()

        self._company = 1  # callers of the last batch; of the thread that runs one

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Return when the model is loaded and warm.

        Raises what `load` raises, leaving no thread. Cancelled, it leaves the thread to end after loading.
        """
        if self._loop is not None or self._stopping:
            raise RuntimeError(f"the batcher {self.name} can be started only once")
        self._loop = asyncio.get_running_loop()
        loaded = self._loop.create_future()
        # A daemon, so that a forgotten close() cannot keep the process from ending.
        self._thread = threading.Thread(target=self._main, args=(loaded,), name=self.name, daemon=True)
        self._thread.start()
        try:
            await loaded
        except asyncio.CancelledError:
            self._stop()
            raise
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Fail what is queued with StoppedError; return when the running batch has ended and is answered."""
        if self._loop is not None and self._loop is not asyncio.get_running_loop():
            raise self._wrong_loop()
        self._stop()
        if self._thread is not None:
            await self._thread_ended.wait()
            self._thread.join()  # at once: it has nothing left to do

    async def submit(self, item: In, *, deadline_s: float | None = None) -> Out:
        """The result of one item; see `submit_many()`."""
        return (await self.submit_many([item], deadline_s=deadline_s))[0]

    async def submit_many(self, items: Sequence[In], *, deadline_s: float | None = None) -> list[Out]:
        """The results of all items in order, or the first error of any of them.

        The items enter the queue together, and share batches as far as `max_items` allows. Raises
        OverloadedError when they do not fit into the queue (more than a whole queue fits into an empty one),
        DeadlineError, StoppedError, or what the batch function raises for one of these items alone.
        """
        if self._stopping:
            raise StoppedError
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            raise self._wrong_loop()
        if not items:
            return []
        call = _Call[In, Out](tuple(items), loop.create_future(), time.perf_counter())
        self._enqueue(call)
        seconds = self._deadline_s if deadline_s is None else deadline_s
        timer = loop.call_later(seconds, call.expire, seconds)
        self._open_calls.add(call)
        try:
            return await call.future
        finally:
            timer.cancel()
            self._open_calls.discard(call)
            del call  # its future's error holds this frame: a cycle would keep the items alive

    def run_now(self, items: Sequence[In]) -> Sequence[Out] | None:
        """The results of all items in order, if the model is idle: as one batch, run by the calling thread.

        None when it is not, when they are more than a batch, and when the batch failed: `submit_many()` waits
        for its turn, and tells whose fault it was. For any thread but that of the event loop, which would
        stand still; two ways between threads are saved.
        """
        with self._changed:
            function = self._function
            if function is None or self._running or self._queue or self._stopping:
                return None
            if not 0 < len(items) <= self._max_items:
                return None
            self._running = True
        try:
            return self._run_alone(function, items)
        finally:
            with self._changed:
                self._running = False
                self._company = 1
                if self._is_worth_waking():
                    self._changed.notify()

    def run_with(
        self, function: Callable[[Sequence[In]], Sequence[Out]], items: Sequence[In]
    ) -> Sequence[Out] | None:
        """The results of all items in order, of another such function: one batch, run by the calling thread.

        It may run while batches do, and is counted as one. None as for `run_now()`, but not for a busy model.
        """
        if self._stopping or not 0 < len(items) <= self._max_items:
            return None
        return self._run_alone(function, items)

    def stats(self) -> BatcherStats:
        """A snapshot; a caller that has its result finds its batch counted."""
        with self._changed:
            return self._totals.snapshot(waiting=self._waiting)

    # ── on the event loop ───────────────────────────────────────────────────────────────────────

    def _enqueue(self, call: _Call[In, Out]) -> None:
        with self._changed:
            if self._waiting + len(call.items) > self._max_queue:
                self._drop_abandoned()
                if self._waiting and self._waiting + len(call.items) > self._max_queue:
                    raise OverloadedError(limit=self._max_queue)
            self._queue.append(call)
            self._waiting += len(call.items)
            if self._is_worth_waking():  # else the model thread would wake only to wait again
                self._changed.notify()

    def _drop_abandoned(self) -> None:
        """Callers that gave up must not keep others out."""
        abandoned = sum(call.untaken for call in self._queue if call.future.done())
        self._queue = deque(call for call in self._queue if not call.future.done())
        self._waiting -= abandoned
        self._totals.skipped += abandoned

    def _stop(self) -> None:
        with self._changed:
            self._stopping = True
            pending, self._queue = self._queue, deque()
            self._totals.skipped += self._waiting
            self._waiting = 0
            self._changed.notify()
        for call in pending:
            call.fail(StoppedError())

    def _deliver(self, parts: Sequence[_Part[In, Out]], results: Sequence[Out], report: BatchReport) -> None:
        start = 0
        for part in parts:
            end = start + len(part.items)
            part.call.receive(results[start:end])
            start = end
        self._report(report)

    def _deliver_error(self, parts: Sequence[_Part[In, Out]], error: Exception, report: BatchReport) -> None:
        for part in parts:
            part.call.fail(error)
        self._report(report)

    def _report(self, report: BatchReport) -> None:
        if self._observe is not None:
            self._observe(report)

    def _on_thread_end(self) -> None:
        self._stop()
        # Empty by now, unless loading failed or something worse than an Exception ended the thread.
        for call in self._open_calls:
            call.fail(StoppedError())
        self._thread_ended.set()

    def _wrong_loop(self) -> RuntimeError:
        why = "is not started" if self._loop is None else "belongs to the event loop that started it"
        return RuntimeError(f"the batcher {self.name} {why}")

    # ── on the thread that runs a batch ─────────────────────────────────────────────────────────

    def _main(self, loaded: asyncio.Future[None]) -> None:
        try:
            try:
                run = self._load()
            except BaseException as error:  # whatever it is, start() raises it
                self._post(_fail, loaded, error)
                return
            with self._changed:
                self._function = run
            self._post(_succeed, loaded)
            while self._serve(run):
                pass
        finally:
            with self._changed:
                self._function = None  # it holds the model
            self._post(self._on_thread_end)

    def _serve(self, run: Callable[[Sequence[In]], Sequence[Out]]) -> bool:
        """One batch; False when there will be no more. A function, so that an idle thread holds no items."""
        parts = self._take()
        if parts:
            self._run(run, parts)
            with self._changed:
                self._running = False
        return parts is not None

    def _take(self) -> list[_Part[In, Out]] | None:
        """The next batch without the items of callers that gave up, so perhaps empty; None when stopping."""
        with self._changed:
            self._wait_for_calls(1, timeout_s=None)
            if self._company > 1:
                self._wait_for_calls(self._company, timeout_s=self._max_wait_s)
            if self._stopping:
                return None
            parts: list[_Part[In, Out]] = []
            room = self._max_items
            while room and self._queue:
                call = self._queue[0]
                if call.future.done():
                    self._totals.skipped += call.untaken
                    self._waiting -= call.untaken
                    self._queue.popleft()
                    continue
                parts.append(call.take(room))
                room -= len(parts[-1].items)
                self._waiting -= len(parts[-1].items)
                if not call.untaken:
                    self._queue.popleft()
            self._running = bool(parts)
        self._company = len(parts) or self._company
        return parts

    def _wait_for_calls(self, count: int, *, timeout_s: float | None) -> None:
        self._wake_at_calls = count
        self._changed.wait_for(self._is_worth_waking, timeout_s)

    def _is_worth_waking(self) -> bool:
        enough = len(self._queue) >= self._wake_at_calls or self._waiting >= self._max_items
        return (enough or self._stopping) and not self._running

    def _run(self, run: Callable[[Sequence[In]], Sequence[Out]], parts: Sequence[_Part[In, Out]]) -> bool:
        """Run and deliver; several items that fail together are retried one by one. False when all failed."""
        now = time.perf_counter()
        waited_s = sum((now - part.call.submitted_at) * len(part.items) for part in parts)
        items = [item for part in parts for item in part.items]
        results, error, report = self._measured(run, items, callers=len(parts), waited_s=waited_s)
        if error is None:
            self._post(self._deliver, parts, results, report)
        elif len(items) == 1 or isinstance(error, _WrongCountError):
            self._post(self._deliver_error, parts, error, report)
        else:
            log.warning("batch_retried_one_by_one batcher=%s size=%d error=%r", self.name, len(items), error)
            self._post(self._report, report)
            self._retry(run, parts)
        return error is None

    def _run_alone(
        self, run: Callable[[Sequence[In]], Sequence[Out]], items: Sequence[In]
    ) -> Sequence[Out] | None:
        results, error, report = self._measured(run, list(items), callers=1, waited_s=0.0)
        self._post(self._report, report)
        if error is None:
            return results
        log.warning("batch_put_in_turn batcher=%s size=%d error=%r", self.name, len(items), error)
        return None

    def _measured(
        self,
        run: Callable[[Sequence[In]], Sequence[Out]],
        items: list[In],
        *,
        callers: int,
        waited_s: float,
    ) -> tuple[Sequence[Out], Exception | None, BatchReport]:
        started = time.perf_counter()
        results, error = self._attempt(run, items)
        ran_s = time.perf_counter() - started
        report = BatchReport(len(items), callers, waited_s, ran_s, failed=error is not None)
        with self._changed:
            self._totals.add(report)
        return results, error, report

    def _attempt(
        self, run: Callable[[Sequence[In]], Sequence[Out]], items: list[In]
    ) -> tuple[Sequence[Out], Exception | None]:
        try:
            results = run(items)
            if len(results) != len(items):
                text = f"the batch function of {self.name} gave {len(results)} results for {len(items)} items"
                return (), _WrongCountError(text)
        except Exception as error:  # the edge of one batch: its callers get it
            return (), error
        return results, None

    def _retry(self, run: Callable[[Sequence[In]], Sequence[Out]], parts: Sequence[_Part[In, Out]]) -> None:
        skipped = 0
        for part in parts:
            items = deque(part.items)
            while items and not part.call.future.done():
                if not self._run(run, [_Part(part.call, (items.popleft(),))]):
                    break
            skipped += len(items)
        with self._changed:
            self._totals.skipped += skipped

    def _post(self, callback: Callable[..., None], *values: object) -> None:
        assert self._loop is not None  # noqa: S101  known before the thread starts
        try:
            self._loop.call_soon_threadsafe(callback, *values)
        except RuntimeError:  # the loop was closed without close(): nobody is left to serve
            with self._changed:
                self._stopping = True


class _Call(Generic[In, Out]):
    """The items that one caller submitted together, and the future that it waits for."""

    def __init__(self, items: tuple[In, ...], future: asyncio.Future[list[Out]], submitted_at: float) -> None:
        self.items = items
        self.future = future
        """Changed on the event loop only; the model thread just asks whether it is done."""
        self.submitted_at = submitted_at
        self.untaken = len(items)
        self._results: list[Out] = []

    def take(self, room: int) -> _Part[In, Out]:
        first = len(self.items) - self.untaken
        items = self.items[first : first + room]
        self.untaken -= len(items)
        return _Part(self, items)

    def receive(self, results: Sequence[Out]) -> None:
        """The next results: one thread makes them and hands them over in order."""
        self._results.extend(results)
        if len(self._results) == len(self.items) and not self.future.done():
            self.future.set_result(self._results)

    def expire(self, seconds: float) -> None:
        self.fail(DeadlineError(seconds=seconds))

    def fail(self, error: Exception) -> None:
        _fail(self.future, error)


@dataclass(frozen=True, slots=True)
class _Part(Generic[In, Out]):
    """What one batch holds of a call."""

    call: _Call[In, Out]
    items: tuple[In, ...]


class _WrongCountError(RuntimeError):
    """The batch function is wrong, not an item, so nobody can be told their result and no retry helps."""


def _succeed(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if future.done():
        return
    if isinstance(error, StopIteration):  # a future refuses it, and its caller would wait for ever
        wrapped = RuntimeError(f"a batch function raised {error!r}")
        wrapped.__cause__ = error
        error = wrapped
    future.set_exception(error)
