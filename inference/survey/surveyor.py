"""Makes surveys and maps in the background, one at a time, and keeps the newest of each scope."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from inference.decide import Policy
from inference.domain import Scope
from inference.errors import StoppedError
from inference.gallery.audit import Clock, utc_now
from inference.gallery.base import Report, StoredGallery
from inference.survey.attention import survey_faces
from inference.survey.faces import ScopeFaces, read_faces
from inference.survey.gallery_map import draw_map
from inference.survey.values import GalleryMap, Progress, Survey

T = TypeVar("T")

_WHOLE_GALLERY = Scope("")  # in the audit log: what concerns every scope
_KEPT = 8
"""Scopes whose newest results are kept."""
_REST = 5.0
"""While the gallery changes all the time: how many times as long as making one took, until the next."""
_NICER_BY = 5

Version = tuple[int | str, ...]


class Surveyor:
    """Looks over the scopes of one gallery, when it is asked and something has changed since."""

    def __init__(self, gallery: StoredGallery, policy: Policy, *, clock: Clock = utc_now) -> None:
        self._gallery = gallery
        self._policy = policy
        self._clock = clock
        self._surveys: dict[Scope, _Work[Survey]] = {}
        self._maps: dict[Scope, _Work[GalleryMap]] = {}
        self._turn = asyncio.Lock()  # the embeddings of two galleries in memory would be one too many
        self._stopped = threading.Event()

    async def survey(self, scope: Scope, *, wait_s: float = 0.0) -> Progress[Survey]:
        """The newest; a newer one is begun when the gallery has changed, and waited for up to `wait_s`.

        Raises what reading the gallery raises, and StoppedError.
        """
        work = _of(self._surveys, scope, partial(self._make, scope, survey_faces, self._policy))
        return await work.progress(await self._version(scope), wait_s)

    async def map(self, scope: Scope, *, wait_s: float = 0.0) -> Progress[GalleryMap]:
        """As `survey()`."""
        work = _of(self._maps, scope, partial(self._make, scope, draw_map))
        return await work.progress(await self._version(scope), wait_s)

    async def close(self) -> None:
        """Give up what is being made; its thread ends at its next step."""
        self._stopped.set()
        await asyncio.gather(
            *(work.stop() for work in self._surveys.values()), *(work.stop() for work in self._maps.values())
        )

    async def _version(self, scope: Scope) -> Version:
        """Another one whenever the scope has changed."""
        if self._stopped.is_set():
            raise StoppedError
        newest = [await self._gallery.audit(one, limit=1) for one in (scope, _WHOLE_GALLERY)]
        return self._gallery.contract.id, *(entries[0].id if entries else 0 for entries in newest)

    async def _make(self, scope: Scope, make: Callable[..., T], *values: object, report: Report) -> T:
        def told(done: float) -> None:
            if self._stopped.is_set():
                raise StoppedError
            report(done)

        async with self._turn:
            faces: list[ScopeFaces] = [await read_faces(self._gallery, scope)]
            return await _aside(partial(make, faces.pop(), *values, at=self._clock(), report=told))


class _Work(Generic[T]):
    """One thing that is made of one scope, again and again."""

    def __init__(self, make: Callable[..., Awaitable[T]]) -> None:
        self._make = make
        self._result: T | None = None
        self._version: Version | None = None
        self._done = 0.0
        self._rests_until = 0.0
        self._task: asyncio.Task[None] | None = None

    async def progress(self, version: Version, wait_s: float) -> Progress[T]:
        if self._task is None and version != self._version and time.monotonic() >= self._rests_until:
            self._task = asyncio.create_task(self._run(version), name="survey")
        if (task := self._task) is not None:
            await asyncio.wait([task], timeout=wait_s)
            if task.done():
                self._task = None
                task.result()
        return Progress(self._result, version == self._version, self._done if self._task else None)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, version: Version) -> None:
        started, self._done = time.monotonic(), 0.0
        self._result = await self._make(report=self._report)
        self._version = version
        ended = time.monotonic()
        self._rests_until = ended + _REST * (ended - started)

    def _report(self, done: float) -> None:
        self._done = done


def _of(works: dict[Scope, _Work[T]], scope: Scope, make: Callable[..., Awaitable[T]]) -> _Work[T]:
    """That of the scope; of many scopes, the one asked for longest ago gives way."""
    work = works.pop(scope, None) or _Work(make)
    works[scope] = work
    if len(works) > _KEPT:
        del works[next(iter(works))]
    return work


async def _aside(work: Callable[[], T]) -> T:
    """What the work returns, done on a thread of its own that nobody waits for when the process ends.

    So no executor, whose threads are waited for: t-SNE cannot be stopped.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(outcome: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(lambda: None if future.done() else outcome())

    def run() -> None:
        _step_back()
        try:
            result = work()
        except Exception as error:
            settle(partial(future.set_exception, error))
        else:
            settle(partial(future.set_result, result))

    threading.Thread(target=run, name="survey", daemon=True).start()
    return await future


def _step_back() -> None:
    """This thread gives way to those that somebody waits for."""
    if sys.platform == "linux":  # elsewhere niceness belongs to the whole process
        os.nice(_NICER_BY)
