"""One queue for the changes of one process: those that wait together are made together, as one commit.

Changes of several processes meet at the head (`commits.py`): the one that comes second starts
its attempt afresh. Within a process nobody needs to lose that race against a neighbour.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from inference.domain import EmbeddingContract
from inference.errors import GalleryUnavailableError, SetupError, StoppedError, TransientError
from inference.gallery.elasticsearch.commits import MOST_BYTES, Commits, Write, new_token
from inference.gallery.elasticsearch.documents import Head
from inference.gallery.elasticsearch.mappings import IndexNames
from inference.gallery.elasticsearch.refusals import ConflictError
from inference.gallery.elasticsearch.unit import Unit

T = TypeVar("T")
_MOST_TOGETHER = 64
_MOST_WAITING = 4_096
_MOST_ATTEMPTS = 40
_LONGEST_WAIT_S = 1.0


@dataclass(slots=True)
class Attempt:
    """What one commit is made of, while it is being put together on the planning thread."""

    unit: Unit
    token: str
    parts: int = 0
    contracts: tuple[EmbeddingContract, ...] | None = None
    """Other contracts for the head."""
    writes: list[Write] = field(default_factory=list)
    """Beside those of the unit."""

    def discard(self) -> None:
        """As if nothing but the unit had been touched."""
        self.parts, self.contracts = 0, None
        self.writes.clear()


Work = Callable[[Attempt], T]


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    alone: bool
    done: asyncio.Future[Any]


class Writer:
    """Makes changes one commit after another; `start()` it on the event loop that uses it."""

    def __init__(self, commits: Commits, names: IndexNames, make_unit: Callable[[Head], Unit]) -> None:
        self._commits = commits
        self._names = names
        self._make_unit = make_unit
        self._waiting: asyncio.Queue[_Job] = asyncio.Queue(_MOST_WAITING)
        self._held_back: _Job | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gallery")
        self._serving: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Does nothing when it was started before."""
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="gallery-writer")

    async def close(self) -> None:
        """Makes what was asked for, and takes nothing more."""
        self._closed = True
        if self._serving:
            await self._waiting.join()
            self._serving.cancel()
            with suppress(asyncio.CancelledError):
                await self._serving
        self._thread.shutdown(wait=False)

    async def change(self, work: Work[T], *, alone: bool = False, patience_s: float | None = None) -> T:
        """What `work` gives, once all that it changed is seen by every search.

        `work` runs on another thread, and again when somebody else was quicker. A caller that does not wait
        to the end does not stop it. `alone`: with no other change in the same commit.
        """
        if self._closed:
            raise StoppedError
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait(_Job(work, alone, done))
        except asyncio.QueueFull as error:
            raise GalleryUnavailableError(reason="too many changes are waiting") from error
        try:
            async with asyncio.timeout(patience_s):
                result: T = await done
        except TimeoutError as error:
            raise GalleryUnavailableError(
                reason=f"the change could not be made within {patience_s:g} s"
            ) from error
        return result

    def write_part(self, attempt: Attempt) -> None:
        """Writes down the new faces of a large change once they have become many.

        On the planning thread, by a change that is made alone.
        """
        if attempt.unit.new_bytes >= MOST_BYTES:
            writes = attempt.unit.take_new_faces(self._names)
            attempt.unit.wait(self._commits.write_part(attempt.token, attempt.parts, writes))
            attempt.parts += 1

    async def _serve(self) -> None:
        while True:
            jobs = [await self._next()]
            while len(jobs) < _MOST_TOGETHER and not jobs[0].alone and not self._waiting.empty():
                job = self._waiting.get_nowait()
                if job.alone:
                    self._held_back = job
                    break
                jobs.append(job)
            try:
                await self._make([job for job in jobs if not job.done.done()])
            finally:
                for _ in jobs:
                    self._waiting.task_done()

    async def _next(self) -> _Job:
        job, self._held_back = self._held_back, None
        return job or await self._waiting.get()

    async def _make(self, jobs: Sequence[_Job]) -> None:
        longest_wait = 0.02
        for _ in range(_MOST_ATTEMPTS):
            if not jobs:
                return
            try:
                outcomes = await self._attempt(jobs)
            except ConflictError:
                await asyncio.sleep(random.uniform(0, longest_wait))  # noqa: S311 - no secret
                longest_wait = min(2 * longest_wait, _LONGEST_WAIT_S)
                continue
            except asyncio.CancelledError:
                _settle(jobs, [StoppedError()] * len(jobs))
                raise
            except Exception as error:
                _settle(jobs, [error] * len(jobs))
                return
            _settle(jobs, outcomes)
            return
        _settle(jobs, [GalleryUnavailableError(reason="too many others are changing it")] * len(jobs))

    async def _attempt(self, jobs: Sequence[_Job]) -> list[Any]:
        """One outcome or exception a job. Raises ConflictError."""
        head = await self._commits.settled()
        unit = self._make_unit(head)
        attempt = Attempt(unit, new_token())
        try:
            outcomes = await asyncio.get_running_loop().run_in_executor(self._thread, _plan, attempt, jobs)
            await self._commit(attempt)
        except ConflictError:
            await self._commits.delete_parts(attempt.token)
            raise
        return outcomes

    async def _commit(self, attempt: Attempt) -> None:
        unit, head = attempt.unit, attempt.unit.head
        if unit.has_changes() or attempt.writes or attempt.contracts or attempt.parts:
            after = replace(
                head,
                next_face=unit.changed.next_face,
                next_entry=unit.changed.next_entry,
                contracts=attempt.contracts or head.contracts,
            )
            writes = [*unit.take_writes(self._names), *attempt.writes]
            await self._commits.commit(head, after, writes, token=attempt.token, parts=attempt.parts)


def _plan(attempt: Attempt, jobs: Sequence[_Job]) -> list[Any]:
    outcomes: list[Any] = []
    for job in jobs:
        savepoint = attempt.unit.savepoint()
        try:
            outcomes.append(job.work(attempt))
        except (TransientError, SetupError):
            raise  # it is not about this one: the others would only wait for the same
        except Exception as error:
            attempt.unit.roll_back(savepoint)
            attempt.discard()
            outcomes.append(error)
    return outcomes


def _settle(jobs: Sequence[_Job], outcomes: Sequence[Any]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.done.done():  # nobody waits for it any more
            continue
        if isinstance(outcome, Exception):
            job.done.set_exception(outcome)
        else:
            job.done.set_result(outcome)
