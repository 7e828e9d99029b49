"""The gallery in Elasticsearch: as many bots and servers as there are share one cluster.

Every character, face and line of the audit log is a document. A change is planned by the same code as in the
embedded gallery (`changes.py`) and made as one commit (`commits.py`).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

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
)
from inference.errors import (
    AppError,
    CharacterNotFoundError,
    ContractMismatchError,
    GalleryLockedError,
    GalleryUnavailableError,
    SampleNotFoundError,
    StoppedError,
    TransientError,
)
from inference.gallery import archive
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
from inference.gallery.changes import Changes
from inference.gallery.elasticsearch.alike import UnitAlikes, find_duplicate_now
from inference.gallery.elasticsearch.archive import (
    ClusterSource,
    look_up_characters,
    looked_up,
    page_of_faces,
)
from inference.gallery.elasticsearch.care import BackgroundTasks, HeadWatch
from inference.gallery.elasticsearch.client import Cluster, Document
from inference.gallery.elasticsearch.commits import Commits
from inference.gallery.elasticsearch.contributions import list_contributions
from inference.gallery.elasticsearch.documents import (
    FACE_WITHOUT_PICTURE,
    CharacterDocument,
    Head,
    crop_of,
)
from inference.gallery.elasticsearch.embedded_faces import page_of_embedded_faces
from inference.gallery.elasticsearch.indices import Indices
from inference.gallery.elasticsearch.known_means import KnownMeans
from inference.gallery.elasticsearch.log import as_audit_entry
from inference.gallery.elasticsearch.mappings import SCHEMA_VERSION, IndexNames, IndexSettings
from inference.gallery.elasticsearch.queries import Queries
from inference.gallery.elasticsearch.reindex import Reindexing
from inference.gallery.elasticsearch.search import Searching, search
from inference.gallery.elasticsearch.unit import Unit
from inference.gallery.elasticsearch.verify import Verification
from inference.gallery.elasticsearch.writer import Attempt, Writer
from inference.gallery.names import name_key, suggest_names
from inference.gallery.transfer import Page

log = logging.getLogger(__name__)
T = TypeVar("T")
_EXPIRE_EVERY_S = 3_600.0
_WHOLE_GALLERY = Scope("")  # in the audit log: what concerns every scope
_ABANDONED_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a gallery in Elasticsearch behaves; all of it may differ between processes."""

    prefix: str = "dareda"
    """What the names of its indices begin with."""
    index: IndexSettings = field(default_factory=IndexSettings)
    candidates: int = 256
    patience_s: float = 30.0
    """How long a change may take, with all that it waits for."""
    undo_days: int = 0


async def open_elasticsearch_gallery(
    cluster: Cluster,
    contract: EmbeddingContract,
    behaviour: Behaviour = Behaviour(),
    *,
    read_only: bool = False,
    any_contract: bool = False,
    wait: bool = False,
    clock: Clock = utc_now,
) -> ElasticsearchGallery:
    """The gallery in that cluster, with indices made where they are missing; the caller closes it.

    It closes the cluster's connection too. Any number of processes may have it open. `read_only` and
    `any_contract` are as for the embedded gallery. With `wait`, a cluster that cannot be reached is no error:
    calls raise GalleryUnavailableError until it is there. Raises GalleryUnavailableError, GalleryAccessError,
    GalleryTlsError, GalleryServerError, ContractMismatchError.
    """
    gallery = ElasticsearchGallery(
        cluster, contract, behaviour, read_only=read_only, any_contract=any_contract, clock=clock
    )
    try:
        await gallery.prepare()
    except TransientError as error:
        if not wait:
            await gallery.close()
            raise
        log.error("gallery_unavailable error=%s", error)
    except BaseException:
        await gallery.close()
        raise
    gallery.keep_well()
    return gallery


class ElasticsearchGallery:
    """The `Gallery` in a cluster; made by `open_elasticsearch_gallery()`.

    A search asks the cluster, so it sees every change that any process has been told is made. After a reindex
    by another process it goes on under the contract it was opened with, for as long as that one's faces are
    kept; but changes are refused then.
    """

    def __init__(
        self,
        cluster: Cluster,
        contract: EmbeddingContract,
        behaviour: Behaviour,
        *,
        read_only: bool,
        any_contract: bool,
        clock: Clock,
    ) -> None:
        self._cluster = cluster
        self._contract = contract
        self._behaviour = behaviour
        self._read_only = read_only
        self._any_contract = any_contract
        self._clock = clock
        self._names = IndexNames(behaviour.prefix)
        self._searching = Searching(behaviour.index.vector_index, behaviour.candidates)
        self._known_means = KnownMeans()
        self._undo_period = timedelta(days=behaviour.undo_days)
        self._commits = Commits(cluster, self._names, abandoned_after_s=_ABANDONED_AFTER_S)
        self._writer = Writer(self._commits, self._names, self._make_unit)
        self._preparing = asyncio.Lock()
        self._prepared = False
        self._indices = Indices(cluster, self._names, behaviour.index)
        self._tasks = BackgroundTasks()
        self._watch = HeadWatch(
            self._commits,
            self._tasks,
            abandoned_after_s=2 * _ABANDONED_AFTER_S,
            may_write=not read_only,
        )
        self._closed = False
        self._loop = asyncio.get_running_loop()

    @property
    def contract(self) -> EmbeddingContract:
        return self._contract

    async def prepare(self) -> None:
        """Sees that the indices are there and fit; does nothing once they did."""
        async with self._preparing:
            if self._prepared:
                return
            await self._cluster.require_known_server()
            head = await self._commits.head()
            if head is None and not self._read_only:
                await self._indices.make_shared()
                head = await self._commits.begin(self._contract)
            if head is not None:
                if head.contract != self._contract and not self._any_contract:
                    raise ContractMismatchError(gallery=head.contract.model, running=self._contract.model)
                self._contract = head.contract
                self._searching = replace(self._searching, faces=head.next_face)
            if not self._read_only:
                await self._indices.make_faces(self._contract, active=True)
                self._writer.start()
                await self._writer.change(_expire)
            self._prepared = True

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._tasks.close()
        await self._writer.close()
        await self._cluster.close()

    # ── questions ───────────────────────────────────────────────────────────────────────────────

    async def search(
        self, probes: Embeddings, scopes: Sequence[Scope], *, top: int
    ) -> list[tuple[Match, ...]]:
        if probes.ndim != 2 or probes.shape[1] != self._contract.dimension:
            raise ValueError(f"expected probes (n, {self._contract.dimension}), got {probes.shape}")
        async with self._asking() as queries:
            return await search(
                queries,
                self._searching,
                self._contract,
                probes,
                scopes=scopes,
                top=top,
                known_means=self._known_means,
                look_at_head=self._look_at_head,
            )

    def _look_at_head(self, head: Document | None) -> None:
        self._watch.look(head, self._contract)
        if head is not None:
            self._searching = replace(self._searching, faces=head.source["state"]["next_face"])

    async def find_duplicate(self, scope: Scope, sample: NewSample) -> tuple[Character, SampleId, str] | None:
        async with self._asking() as queries:
            return await find_duplicate_now(queries, self._searching, self._contract, scope, sample)

    async def characters(
        self, scopes: Sequence[Scope], *, query: str = "", offset: int = 0, limit: int | None = None
    ) -> tuple[Character, ...]:
        async with self._asking() as queries:
            return tuple(await queries.listed_characters(scopes, query, offset, limit))

    async def character(self, scopes: Sequence[Scope], name_or_id: str) -> Character:
        async with self._asking() as queries:
            found = await _find_character(queries, scopes, name_or_id)
            if found is None:
                known = await queries.similar_names(scopes, name_or_id)
                raise CharacterNotFoundError(
                    name=name_or_id[:100], suggestions=suggest_names(name_or_id, sorted(known))
                )
            return found.as_character()

    async def samples(self, scopes: Sequence[Scope], character_id: CharacterId) -> tuple[Sample, ...]:
        async with self._asking() as queries:
            [character] = await queries.characters([character_id])
            if character is None or character.scope not in scopes:
                return ()
            faces = await queries.faces(character.samples, FACE_WITHOUT_PICTURE)
            there = [face for face in faces if face and face.character == character_id]
            there.sort(key=lambda face: (face.added_at, face.seq))
            return tuple(face.as_sample() for face in there)

    async def crop(self, scopes: Sequence[Scope], sample_id: SampleId) -> FaceCrop:
        async with self._asking() as queries:
            [found] = await queries.face_sources([sample_id], ["scope", "crop", "box"])
            crop = crop_of(found.source) if found and found.source.get("scope") in scopes else None
            if crop is None:
                raise SampleNotFoundError(sample_id=sample_id)
            return crop

    async def embedded_faces(self, scope: Scope, *, after: int = 0, limit: int = 4_096) -> EmbeddedFaces:
        async with self._asking() as queries:
            return await page_of_embedded_faces(queries, self._contract, scope, after=after, limit=limit)

    async def contributions(self, contributor: str | None = None) -> tuple[Contributions, ...]:
        async with self._asking() as queries:
            return await list_contributions(queries, contributor, None)

    async def audit(self, scope: Scope | None = None, *, limit: int = 100) -> tuple[AuditEntry, ...]:
        async with self._asking() as queries:
            entries = await queries.entries(scope, limit)
        return tuple(as_audit_entry(entry, self._undo_period, self._clock()) for entry in entries)

    async def stats(self) -> GalleryStats:
        async with self._asking() as queries:
            faces = queries.faces_index
            there = {"exists": {"field": "character"}}
            negatives = {"bool": {"filter": [there, {"term": {"negative": True}}]}}
            all_faces = await self._cluster.count(faces, there)
            negative_count = await self._cluster.count(faces, negatives)
            return GalleryStats(
                characters=await self._cluster.count(self._names.characters, {"match_all": {}}),
                samples=all_faces - negative_count,
                negatives=negative_count,
                scopes=await queries.scopes(),
                contract=self._contract,
                size_bytes=await self._cluster.size_bytes(self._names.everything),
                schema_version=SCHEMA_VERSION,
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
        def add(changes: Changes, unit: Unit) -> Enrolled:
            view = None if allow_alike else UnitAlikes(unit, scope, self._searching, self._contract)
            return changes.enroll(name, samples, series, aliases, view)

        return await self._change(scope, actor, add)

    async def rename(
        self, scope: Scope, name: str, new_name: str, *, series: str | None = None, actor: str = ""
    ) -> Changed:
        return await self._change(scope, actor, lambda changes, _: changes.rename(name, new_name, series))

    async def set_aliases(
        self, scope: Scope, name: str, aliases: Sequence[str], *, actor: str = ""
    ) -> Changed:
        return await self._change(scope, actor, lambda changes, _: changes.set_aliases(name, aliases))

    async def merge(self, scope: Scope, source: str, target: str, *, actor: str = "") -> Changed:
        return await self._change(scope, actor, lambda changes, _: changes.merge(source, target))

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
            scope, actor, lambda changes, _: changes.move_samples(source, sample_ids, target, series)
        )

    async def forget(self, scope: Scope, name: str, *, for_good: bool = False, actor: str = "") -> Changed:
        return await self._change(scope, actor, lambda changes, _: changes.forget(name, for_good=for_good))

    async def forget_sample(
        self, scope: Scope, sample_id: SampleId, *, for_good: bool = False, actor: str = ""
    ) -> Changed:
        return await self._change(
            scope, actor, lambda changes, _: changes.forget_sample(sample_id, for_good=for_good)
        )

    async def add_negative(self, scope: Scope, name: str, sample: NewSample, *, actor: str = "") -> Changed:
        return await self._change(scope, actor, lambda changes, _: changes.add_negative(name, sample))

    async def forget_contributions(
        self, scope: Scope, contributor: str, *, actor: str = ""
    ) -> Contributions | None:
        """Its bytes go when the cluster merges the segments that held them, which is asked for."""

        def forget(attempt: Attempt) -> Contributions | None:
            changes = Changes(attempt.unit, scope, self._contract, actor)
            return changes.forget_contributions(contributor)

        self._require_writable()
        await self._ready()
        # What it reads of the cluster must be all that there is, so nothing else is in its commit.
        await self._writer.change(_expire)
        found = await self._writer.change(forget, alone=True, patience_s=self._behaviour.patience_s)
        if found is not None:
            await self._cluster.expunge_deleted(self._names.everything)
        return found

    async def undo(self, scope: Scope, entry_id: int | None = None, *, actor: str = "") -> AuditEntry:
        return await self._change(scope, actor, lambda changes, _: changes.undo(entry_id))

    # ── care ────────────────────────────────────────────────────────────────────────────────────

    async def verify(self, *, repair: bool, reembed: Reembed | None = None) -> tuple[Finding, ...]:
        if repair:
            self._require_writable()
        await self._ready()
        check = Verification(self._queries, self._commits, self._writer, self._contract)
        return await check.run(repair=repair, reembed=reembed)

    async def export(
        self, path: Path, scopes: Sequence[Scope] | None = None, *, report: Report | None = None
    ) -> int:
        await self._ready()
        source = ClusterSource(self._queries, await self._queries.scopes(), self._wait)
        return await asyncio.to_thread(archive.write, path, source, self._contract, scopes, report=report)

    async def import_(self, path: Path, *, scope: Scope | None = None, actor: str = "") -> int:
        self._require_writable()
        await self._ready()
        contract = self._contract
        content = await asyncio.to_thread(archive.read, path, contract)

        def add(attempt: Attempt) -> int:
            unit = attempt.unit
            look_up_characters(content, unit, scope)
            faces = looked_up(content, unit, scope, after_some=lambda: self._writer.write_part(attempt))
            added = archive.add(content, unit, contract, scope, faces=faces).samples
            unit.log.add(scope or _WHOLE_GALLERY, actor, "import", archive=path.name, samples=added)
            return added

        with content.members:
            return await self._writer.change(add, alone=True)

    async def pages_of_characters(self, limit: int) -> AsyncIterator[tuple[ArchivedCharacter, ...]]:
        await self._ready()
        some: list[ArchivedCharacter] = []
        async for one in self._queries.every_character():
            some.append(ArchivedCharacter.of(one.as_character()))
            if len(some) == limit:
                yield tuple(some)
                some = []
        if some:
            yield tuple(some)

    async def page_of_faces(self, after: int, limit: int) -> Page:
        await self._ready()
        return await page_of_faces(self._queries, self._contract, after, limit)

    async def add_page(self, page: Page, *, actor: str = "") -> int:
        contract = self._contract

        def add(attempt: Attempt) -> int:
            unit = attempt.unit
            look_up_characters(page, unit, None)
            faces = looked_up(page, unit, None, after_some=lambda: self._writer.write_part(attempt))
            added = archive.add(page, unit, contract, None, faces=faces)
            count = added.samples + added.negatives
            if count:
                unit.log.add(_WHOLE_GALLERY, actor, "import", archive="", samples=count)
            return count

        self._require_writable()
        await self._ready()
        return await self._writer.change(add, alone=True)

    async def reindex(
        self, contract: EmbeddingContract, reembed: Reembed, *, batch: int = 64
    ) -> AsyncIterator[tuple[int, int]]:
        self._require_writable()
        await self._ready()
        await self._indices.make_faces(contract, active=contract == self._contract)
        reindexing = Reindexing(
            self._queries,
            self._commits,
            self._writer,
            searching=self._searching,
            before=self._contract,
            after=contract,
            reembed=reembed,
        )
        async for progress in reindexing.run(batch):
            yield progress
        self._contract = contract

    async def drop_old(self) -> int:
        self._require_writable()
        await self._ready()

        def drop(attempt: Attempt) -> tuple[EmbeddingContract, ...]:
            active, *old = attempt.unit.head.contracts
            attempt.contracts = (active,)
            return tuple(old)

        old = await self._writer.change(drop, alone=True)
        for contract in old:
            await self._cluster.delete_index(self._names.faces(contract.id))
        return len(old)

    # ── how ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def _queries(self) -> Queries:
        return Queries(self._cluster, self._names, self._contract.id)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Queries]:
        """For questions, which together may take as long as one call."""
        await self._ready()
        try:
            async with asyncio.timeout(self._cluster.timeout_s):
                yield self._queries
        except TimeoutError as error:
            self._cluster.did_not_answer()
            raise GalleryUnavailableError(
                reason=f"{self._cluster.address} did not answer within {self._cluster.timeout_s:g} s"
            ) from error

    async def _ready(self) -> None:
        if self._closed:
            raise StoppedError
        if not self._prepared:
            await self.prepare()

    def _require_writable(self) -> None:
        if self._read_only:
            raise GalleryLockedError(path=self._cluster.address, owner=" (this one is open only for reading)")

    async def _change(self, scope: Scope, actor: str, change: Callable[[Changes, Unit], T]) -> T:
        def work(attempt: Attempt) -> T:
            attempt.unit.log.expire()
            result = change(Changes(attempt.unit, scope, self._contract, actor), attempt.unit)
            attempt.unit.log.expire()  # with 0 days the change expires at once
            return result

        self._require_writable()
        await self._ready()
        return await self._writer.change(work, patience_s=self._behaviour.patience_s)

    def _make_unit(self, head: Head) -> Unit:
        if head.contract != self._contract:
            raise ContractMismatchError(gallery=head.contract.model, running=self._contract.model)
        return Unit(head, self._queries, self._wait, undo_period=self._undo_period, clock=self._clock)

    def _wait(self, question: Awaitable[T]) -> T:
        """What the question gives; for another thread than the event loop's, which goes on meanwhile."""

        async def ask() -> T:
            return await question

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result()

    def keep_well(self) -> None:
        """From now on, until it is closed: connects when the cluster comes, and lets old undos expire."""
        if not self._read_only:
            self._tasks.start(self._expire_for_ever(), "gallery-expire")
        if not self._prepared:
            self._tasks.start(self._prepare_patiently(), "gallery-prepare")

    async def _prepare_patiently(self) -> None:
        wait = 1.0
        while not self._prepared:
            await asyncio.sleep(random.uniform(wait / 2, wait))  # noqa: S311 - no secret
            wait = min(2 * wait, 30.0)
            try:
                await self.prepare()
                log.warning("gallery_reached address=%s", self._cluster.address)
            except AppError as error:
                log.warning("gallery_unavailable error=%s next_try_s=%.0f", error, wait)

    async def _expire_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_EXPIRE_EVERY_S)
            try:
                await self._ready()
                await self._writer.change(_expire)
            except AppError as error:
                log.warning("gallery_expire_failed error=%s", error)


def _expire(attempt: Attempt) -> None:
    attempt.unit.log.expire()


async def _find_character(
    queries: Queries, scopes: Sequence[Scope], name_or_id: str
) -> CharacterDocument | None:
    [found] = await queries.characters([CharacterId(name_or_id)])
    if found and found.scope in scopes:
        return found
    for scope in scopes:
        named = await queries.characters_named(scope, [name_key(name_or_id)])
        if named:
            return named[0]
    return None
