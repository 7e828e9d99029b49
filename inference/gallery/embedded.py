"""The embedded gallery: one SQLite file that is the truth, and its searchable projection in memory."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import filelock

from inference.domain import (
    Character,
    CharacterId,
    EmbeddingContract,
    Embeddings,
    FaceCrop,
    Match,
    Sample,
    SampleId,
    Scope,
    as_embeddings,
)
from inference.errors import (
    AppError,
    ContractMismatchError,
    GalleryLockedError,
    GalleryUnavailableError,
    StoppedError,
)
from inference.gallery import archive, embedded_pages, schema, verify
from inference.gallery.archive import ArchivedCharacter
from inference.gallery.audit import Clock, utc_now
from inference.gallery.base import (
    AuditEntry,
    Changed,
    Contributions,
    EmbeddedFaces,
    Enrolled,
    Finding,
    GalleryStats,
    NewSample,
    Reembed,
    Report,
)
from inference.gallery.changes import Changes, find_duplicate
from inference.gallery.embedded_faces import page_of_embedded_faces
from inference.gallery.loading import Loader
from inference.gallery.projection import Projection
from inference.gallery.search import search
from inference.gallery.store import Store
from inference.gallery.stored import VectorFile
from inference.gallery.transfer import Page

log = logging.getLogger(__name__)
T = TypeVar("T")
_EXPIRE_EVERY_S = 3_600.0
_FEW_PROBES, _FEW_SAMPLES = 4, 1_024
"""What the event loop compares itself, in about a millisecond; the way to a thread would add half of one."""
_WHOLE_GALLERY = Scope("")  # in the audit log: what concerns every scope


async def open_embedded_gallery(
    path: Path,
    contract: EmbeddingContract,
    *,
    read_only: bool = False,
    any_contract: bool = False,
    undo_days: int = 0,
    exact_up_to: int = sys.maxsize,
    clock: Clock = utc_now,
) -> EmbeddedGallery:
    """The gallery in that file, which is made when it does not exist; the caller closes it.

    There is one writer at a time; `read_only` galleries may be open beside it, see what it commits, and
    answer changes with GalleryLockedError. A read-only gallery whose file does not exist is empty.
    `any_contract` opens a gallery of another contract too, under that one, for looking after it.
    Changes can be taken back for `undo_days`; with 0, what is forgotten is gone at once.
    Scopes with more than `exact_up_to` samples are searched by an index, and their vectors left in the file.
    Raises GalleryLockedError, GalleryDamagedError, ContractMismatchError, GalleryUnavailableError.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="gallery")
    try:
        gallery = await asyncio.get_running_loop().run_in_executor(
            thread,
            partial(
                _open,
                thread,
                path,
                contract,
                read_only=read_only,
                any_contract=any_contract,
                undo_days=undo_days,
                exact_up_to=exact_up_to,
                clock=clock,
            ),
        )
    except BaseException:
        thread.shutdown(wait=False)
        raise
    gallery.keep_expiring()
    return gallery


def _open(
    thread: ThreadPoolExecutor,
    path: Path,
    contract: EmbeddingContract,
    *,
    read_only: bool,
    any_contract: bool,
    undo_days: int,
    exact_up_to: int,
    clock: Clock,
) -> EmbeddedGallery:
    with ExitStack() as undo, schema.translated_errors(path):
        lock, in_memory = None, False
        if not read_only:
            lock = _locked(path)
            undo.callback(lock.release)
            connection = schema.open_writer(path)
        elif schema.is_gallery_missing(path):
            in_memory = True
            connection = schema.open_in_memory()
        else:
            connection = schema.open_reader(path)
        undo.callback(connection.close)
        store = Store(connection, undo_days=undo_days, clock=clock)
        if lock:
            with schema.transaction(connection):
                if store.active_contract() is None:
                    store.activate(contract)
                store.log.expire()
            schema.empty_log(connection)
        with schema.snapshot(connection):
            active = store.active_contract() or contract
            if active != contract and not any_contract:
                raise ContractMismatchError(gallery=active.model, running=contract.model)
            version = schema.data_version(connection)
            loader = Loader(exact_up_to, None if in_memory else VectorFile(path))
            projection = loader.load(store, active)
        undo.pop_all()
        return EmbeddedGallery(
            path, store, projection, thread, lock, loader=loader, in_memory=in_memory, version=version
        )


def _locked(path: Path) -> filelock.BaseFileLock:
    """The right to write, until it is released or the process ends."""
    owner = path.with_name(path.name + ".owner")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Released on another thread than it is acquired on, hence not thread-local.
        lock = filelock.FileLock(path.with_name(path.name + ".lock"), thread_local=False)
        lock.acquire(timeout=0)
        # Not in the lock file itself: older releases of filelock empty it when they fail to lock it.
        owner.write_text(f"{os.getpid()}\n", encoding="ascii")
    except filelock.Timeout as error:
        pid = owner.read_text(encoding="ascii").strip() if owner.exists() else ""
        raise GalleryLockedError(path=str(path), owner=f" (pid {pid})" if pid else "") from error
    except OSError as error:
        raise GalleryUnavailableError(reason=str(error)) from error
    return lock


class EmbeddedGallery:
    """The `Gallery` in one file; made by `open_embedded_gallery()`.

    SQLite is spoken to on one thread of its own, so changes queue up there and the event loop never waits
    for the disk. That thread publishes a new immutable projection before it acknowledges a change; searches
    run on whichever projection is published, in worker threads.
    """

    def __init__(
        self,
        path: Path,
        store: Store,
        projection: Projection,
        thread: ThreadPoolExecutor,
        lock: filelock.BaseFileLock | None,
        *,
        loader: Loader,
        in_memory: bool,
        version: int,
    ) -> None:
        self._path = path
        self._store = store
        self._loader = loader
        self._projection = projection
        self._thread = thread
        self._lock = lock
        self._in_memory = in_memory
        self._seen_version = version
        self._expiring: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def contract(self) -> EmbeddingContract:
        return self._projection.contract

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._expiring:
            self._expiring.cancel()
            with suppress(asyncio.CancelledError):
                await self._expiring
        await asyncio.get_running_loop().run_in_executor(self._thread, self._let_go)
        self._thread.shutdown(wait=False)

    # ── questions ───────────────────────────────────────────────────────────────────────────────

    async def search(
        self, probes: Embeddings, scopes: Sequence[Scope], *, top: int
    ) -> list[tuple[Match, ...]]:
        projection = await self._current_projection()
        if probes.ndim != 2 or probes.shape[1] != projection.contract.dimension:
            raise ValueError(f"expected probes (n, {projection.contract.dimension}), got {probes.shape}")
        views = [projection.view(scope) for scope in dict.fromkeys(scopes)]
        few = len(probes) <= _FEW_PROBES and sum(len(view.owners) for view in views) <= _FEW_SAMPLES
        if few and not any(view.stored for view in views):  # else the disk may be waited for
            return search(views, probes, top)
        return await asyncio.to_thread(search, views, probes, top)

    async def find_duplicate(self, scope: Scope, sample: NewSample) -> tuple[Character, SampleId, str] | None:
        await self._current_projection()
        return await self._read(
            lambda: find_duplicate(self._store, scope, sample, self._projection.view(scope))
        )

    async def characters(
        self, scopes: Sequence[Scope], *, query: str = "", offset: int = 0, limit: int | None = None
    ) -> tuple[Character, ...]:
        return await self._read(
            lambda: tuple(self._store.characters(self._store.list_characters(scopes, query, offset, limit)))
        )

    async def character(self, scopes: Sequence[Scope], name_or_id: str) -> Character:
        return await self._read(lambda: self._store.character(self._store.require(scopes, name_or_id)))

    async def samples(self, scopes: Sequence[Scope], character_id: CharacterId) -> tuple[Sample, ...]:
        return await self._read(lambda: self._store.samples(scopes, character_id))

    async def crop(self, scopes: Sequence[Scope], sample_id: SampleId) -> FaceCrop:
        return await self._read(lambda: self._store.crop(scopes, sample_id))

    async def contributions(self, contributor: str | None = None) -> tuple[Contributions, ...]:
        return await self._read(lambda: self._store.contributions(contributor))

    async def embedded_faces(self, scope: Scope, *, after: int = 0, limit: int = 4_096) -> EmbeddedFaces:
        return await self._read(
            lambda: page_of_embedded_faces(self._store, scope, self.contract, after, limit)
        )

    async def audit(self, scope: Scope | None = None, *, limit: int = 100) -> tuple[AuditEntry, ...]:
        return await self._read(lambda: self._store.log.entries(scope, limit))

    async def stats(self) -> GalleryStats:
        return await self._read(
            lambda: GalleryStats(
                characters=self._store.count_characters(),
                samples=self._store.count_faces(negative=False),
                negatives=self._store.count_faces(negative=True),
                scopes=self._store.scopes(),
                contract=self.contract,
                size_bytes=schema.size_bytes(self._store.connection),
                schema_version=schema.schema_version(self._store.connection),
            )
        )

    # ── changes ─────────────────────────────────────────────────────────────────────────────────

    async def enroll(
        self,
        scope: Scope,
        name: str,
        samples: Sequence[NewSample],
        *,
        series: str = "",
        aliases: Sequence[str] = (),
        actor: str = "",
        allow_alike: bool = False,
    ) -> Enrolled:
        def add(changes: Changes) -> Enrolled:
            view = None if allow_alike else self._projection.view(scope)
            return changes.enroll(name, samples, series, aliases, view)

        return await self._change(scope, actor, add)

    async def rename(
        self, scope: Scope, name: str, new_name: str, *, series: str | None = None, actor: str = ""
    ) -> Changed:
        return await self._change(scope, actor, lambda changes: changes.rename(name, new_name, series))

    async def set_aliases(
        self, scope: Scope, name: str, aliases: Sequence[str], *, actor: str = ""
    ) -> Changed:
        return await self._change(scope, actor, lambda changes: changes.set_aliases(name, aliases))

    async def merge(self, scope: Scope, source: str, target: str, *, actor: str = "") -> Changed:
        return await self._change(scope, actor, lambda changes: changes.merge(source, target))

    async def move_samples(
        self,
        scope: Scope,
        source: str,
        sample_ids: Sequence[SampleId],
        target: str,
        *,
        series: str = "",
        actor: str = "",
    ) -> Changed:
        return await self._change(
            scope, actor, lambda changes: changes.move_samples(source, sample_ids, target, series)
        )

    async def forget(self, scope: Scope, name: str, *, for_good: bool = False, actor: str = "") -> Changed:
        return await self._change(scope, actor, lambda changes: changes.forget(name, for_good=for_good))

    async def forget_sample(
        self, scope: Scope, sample_id: SampleId, *, for_good: bool = False, actor: str = ""
    ) -> Changed:
        return await self._change(
            scope, actor, lambda changes: changes.forget_sample(sample_id, for_good=for_good)
        )

    async def add_negative(self, scope: Scope, name: str, sample: NewSample, *, actor: str = "") -> Changed:
        return await self._change(scope, actor, lambda changes: changes.add_negative(name, sample))

    async def forget_contributions(
        self, scope: Scope, contributor: str, *, actor: str = ""
    ) -> Contributions | None:
        return await self._change(scope, actor, lambda changes: changes.forget_contributions(contributor))

    async def undo(self, scope: Scope, entry_id: int | None = None, *, actor: str = "") -> AuditEntry:
        return await self._change(scope, actor, lambda changes: changes.undo(entry_id))

    # ── care ────────────────────────────────────────────────────────────────────────────────────

    async def verify(self, *, repair: bool, reembed: Reembed | None = None) -> tuple[Finding, ...]:
        if repair:
            self._require_writable()
        contract = self.contract
        stale = await self._read(lambda: self._stale_scopes(repair=repair))
        problems = await self._beside(lambda store: verify.inspect(store, contract))
        mended: frozenset[verify.Problem] = frozenset()
        if repair and problems:
            vectors = await verify.embed_again(problems, reembed, contract, self._crops)
            mended = await self._rewrite(
                lambda: verify.mend(self._store, problems, vectors, contract), contract
            )
        return (
            *(Finding(p.kind, p.subject, repaired=p in mended, detail=p.detail) for p in problems),
            *(Finding("stale_projection", scope, repaired=repair) for scope in stale),
        )

    async def export(
        self, path: Path, scopes: Sequence[Scope] | None = None, *, report: Report | None = None
    ) -> int:
        return await self._beside(
            lambda store: archive.write(path, store, self.contract, scopes, report=report)
        )

    async def import_(self, path: Path, *, scope: Scope | None = None, actor: str = "") -> int:
        self._require_writable()
        contract = self.contract
        content = await asyncio.to_thread(archive.read, path, contract)
        with content.members:

            def add() -> int:
                added = archive.add(content, self._store, contract, scope).samples
                self._store.log.add(
                    scope or _WHOLE_GALLERY, actor, "import", archive=path.name, samples=added
                )
                return added

            return await self._rewrite(add, contract)

    async def pages_of_characters(self, limit: int) -> AsyncIterator[tuple[ArchivedCharacter, ...]]:
        after = 0
        while True:
            some, after = await self._read(
                lambda: embedded_pages.page_of_characters(self._store, after, limit)  # noqa: B023
            )
            if not some:
                return
            yield some

    async def page_of_faces(self, after: int, limit: int) -> Page:
        return await self._read(
            lambda: embedded_pages.page_of_faces(self._store, self.contract, after, limit)
        )

    async def add_page(self, page: Page, *, actor: str = "") -> int:
        def work() -> tuple[int, Projection]:
            added = archive.add(page, self._store, self.contract, None)
            count, projection = added.samples + added.negatives, self._projection
            for scope, characters in added.characters.items():
                projection = self._loader.updated(projection, self._store, scope, characters)
            if count:
                self._store.log.add(_WHOLE_GALLERY, actor, "import", archive="", samples=count)
            return count, projection

        return await self._commit(work)

    async def reindex(
        self, contract: EmbeddingContract, reembed: Reembed, *, batch: int = 64
    ) -> AsyncIterator[tuple[int, int]]:
        seq = await self._commit(lambda: (self._store.contract_seq(contract), self._projection))
        done, total = await self._read(lambda: self._store.count_embedded(seq))
        after = 0
        while True:
            yield done, max(done, total)
            faces = await self._read(lambda: self._store.without_embedding(seq, after=after, limit=batch))  # noqa: B023
            if faces:
                rows = await reembed([crop for _, crop in faces])
                vectors = as_embeddings(rows, contract.dimension)
                keys = [key for key, _ in faces]
                await self._commit(
                    lambda: (self._store.add_embeddings(keys, seq, vectors), self._projection)  # noqa: B023
                )
                done, after = done + len(faces), keys[-1]
            elif await self._switched(seq, contract):
                return
            else:
                after = 0  # a face was enrolled under a key that another one had left behind

    async def drop_old(self) -> int:
        return await self._commit(lambda: (self._store.drop_inactive(), self._projection))

    async def _switched(self, seq: int, contract: EmbeddingContract) -> bool:
        """True when nothing lacked an embedding, and so the contract is the active one now."""

        def switch() -> tuple[bool, Projection]:
            if self._store.without_embedding(seq, after=0, limit=1):
                return False, self._projection
            if contract != self.contract:
                self._store.log.add(_WHOLE_GALLERY, "", "reindex", before=self.contract.id, after=contract.id)
                self._store.activate(contract)
            return True, self._loader.load(self._store, contract)

        return await self._commit(switch)

    # ── the thread ──────────────────────────────────────────────────────────────────────────────

    async def _change(self, scope: Scope, actor: str, change: Callable[[Changes], T]) -> T:
        def work() -> tuple[tuple[T, bool], Projection]:
            erased = self._store.log.expire()
            changes = Changes(self._store, scope, self.contract, actor)
            result = change(changes)
            erased |= self._store.log.expire() | changes.erased  # with 0 days the change expires at once
            projection = self._loader.updated(self._projection, self._store, scope, changes.touched)
            return (result, erased), projection

        result, erased = await self._commit(work)
        if erased:
            await self._on_thread(lambda: schema.empty_log(self._store.connection))
        return result

    def keep_expiring(self) -> None:
        """From now on, until it is closed, what can be taken back no longer goes for good by itself."""
        if self._lock:
            self._expiring = asyncio.create_task(self._expire_for_ever(), name="gallery-expire")

    async def _expire_for_ever(self) -> None:
        def expire() -> None:
            with schema.transaction(self._store.connection):
                self._store.log.expire()
            schema.empty_log(self._store.connection)

        while True:
            await asyncio.sleep(_EXPIRE_EVERY_S)
            try:
                await self._on_thread(expire)
            except AppError as error:
                log.warning("gallery_expire_failed error=%s", error)

    async def _rewrite(self, work: Callable[[], T], contract: EmbeddingContract) -> T:
        """A change that may touch anything."""
        return await self._commit(lambda: (work(), self._loader.load(self._store, contract)))

    async def _commit(self, work: Callable[[], tuple[T, Projection]]) -> T:
        """Runs `work` as one transaction; its projection is published once that is committed.

        A caller that is cancelled meanwhile does not stop it, so rows and projection stay in step.
        """
        self._require_writable()

        def run() -> T:
            with schema.transaction(self._store.connection):
                result, projection = work()
            self._projection = projection
            return result

        return await self._on_thread(run)

    async def _read(self, work: Callable[[], T]) -> T:
        def run() -> T:
            with schema.snapshot(self._store.connection):
                return work()

        return await self._on_thread(run)

    async def _beside(self, work: Callable[[Store], T]) -> T:
        """Runs long reading on one snapshot without holding up changes, in a worker thread."""
        if self._in_memory:
            return await self._read(lambda: work(self._store))
        if self._closed:
            raise StoppedError

        def run() -> T:
            with (
                schema.translated_errors(self._path),
                closing(schema.open_reader(self._path)) as connection,
                schema.snapshot(connection),
            ):
                return work(Store(connection))

        return await asyncio.to_thread(run)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise StoppedError

        def run() -> T:
            with schema.translated_errors(self._path):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    async def _current_projection(self) -> Projection:
        """What is published; a reader first looks whether the writer has committed anything since."""
        if self._lock is None and not self._in_memory:
            await self._read(self._follow_writer)
        elif self._closed:
            raise StoppedError
        return self._projection

    def _follow_writer(self) -> None:
        version = schema.data_version(self._store.connection)
        if version == self._seen_version:
            return
        active = self._store.active_contract() or self.contract
        if active != self.contract:
            raise ContractMismatchError(gallery=active.model, running=self.contract.model)
        self._projection = self._loader.load(self._store, active)
        self._seen_version = version

    async def _crops(self, faces: Sequence[int]) -> list[FaceCrop]:
        return await self._read(lambda: self._store.crops(faces))

    def _stale_scopes(self, *, repair: bool) -> tuple[Scope, ...]:
        if self._lock is None and not self._in_memory:
            self._follow_writer()
        truth = self._loader.load(self._store, self.contract)
        stale = verify.different_scopes(self._projection, truth)
        if repair and stale:
            self._projection = truth
        return stale

    def _require_writable(self) -> None:
        if self._lock is None:
            raise GalleryLockedError(path=str(self._path), owner=" (this one is open only for reading)")

    def _let_go(self) -> None:
        self._store.connection.close()
        if self._loader.file:
            self._loader.file.close()
        if self._lock:
            self._lock.release()
