"""What a gallery does beside what it is asked: background tasks, and an eye on the head."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from inference.domain import EmbeddingContract
from inference.errors import AppError, ContractMismatchError
from inference.gallery.elasticsearch.client import Document
from inference.gallery.elasticsearch.commits import Commits

log = logging.getLogger(__name__)


class BackgroundTasks:
    """Runs until `close()`, which waits for them."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        for task in tuple(self._running):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


class HeadWatch:
    """Learns from the heads that searches read by the way.

    Of a change that nobody writes to the end: it does so itself, unless it must not write. Of a switch to
    another model: it says so once, and refuses once the faces under ours are dropped.
    """

    def __init__(
        self, commits: Commits, tasks: BackgroundTasks, *, abandoned_after_s: float, may_write: bool
    ) -> None:
        self._commits = commits
        self._tasks = tasks
        self._abandoned_after_s = abandoned_after_s
        self._may_write = may_write
        self._seen_pending: tuple[object, float] = (None, 0.0)
        self._told_of_switch = False

    def look(self, head: Document | None, contract: EmbeddingContract) -> None:
        """At `HEAD_FIELDS` of the head. Raises ContractMismatchError."""
        if head is None:
            return
        state: Mapping[str, Any] = head.source["state"]
        if state["contracts"][0] != asdict(contract):
            self._tell_of_switch(state["contracts"], contract)
        now = asyncio.get_running_loop().time()
        pending = (state["token"], state["pending"]) if state.get("pending") else None
        if pending is None or pending != self._seen_pending[0]:
            self._seen_pending = (pending, now)
        elif now - self._seen_pending[1] > self._abandoned_after_s and self._may_write:
            self._seen_pending = (None, now)
            self._tasks.start(self._settle(), "gallery-settle")

    def _tell_of_switch(self, contracts: Sequence[Mapping[str, object]], ours: EmbeddingContract) -> None:
        active = str(contracts[0]["model"])
        if asdict(ours) not in contracts:
            raise ContractMismatchError(gallery=active, running=ours.model)
        if not self._told_of_switch:
            self._told_of_switch = True
            log.warning("gallery_reindexed model=%s running=%s", active, ours.model)

    async def _settle(self) -> None:
        try:
            await self._commits.settled()
        except AppError as error:
            log.warning("gallery_settle_failed error=%s", error)
