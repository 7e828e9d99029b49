"""Another model: the faces embedded again into an index of their own, while searches and changes go on.

Both indices are the cluster's until the old one is dropped: what is moved or removed meanwhile, or later, is
so under every contract. Faces that come meanwhile have only the old embedding, but each face says in which
commit it was written last; so the new index has caught up when nothing was written since its last round.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from inference.domain import EmbeddingContract, FaceCrop, SampleId, Scope, as_embeddings
from inference.errors import GalleryDamagedError
from inference.gallery.base import Reembed
from inference.gallery.elasticsearch.client import Document
from inference.gallery.elasticsearch.commits import Commits, alias
from inference.gallery.elasticsearch.documents import crop_of, vector_of, with_vector
from inference.gallery.elasticsearch.queries import Queries
from inference.gallery.elasticsearch.search import Searching
from inference.gallery.elasticsearch.writer import Attempt, Writer

_FEW = 200
"""So many faces that came in the last moment are embedded while changes wait."""
_SAMPLED = 24
_SAME = 0.9995  # a score, (1 + cosine) / 2
_LEAST_FOUND = 0.9
"""Share of the sampled faces that the new index must find by their own embedding."""


class Reindexing:
    """From the active contract, under which `queries` ask, to another one."""

    def __init__(
        self,
        queries: Queries,
        commits: Commits,
        writer: Writer,
        *,
        searching: Searching,
        before: EmbeddingContract,
        after: EmbeddingContract,
        reembed: Reembed,
    ) -> None:
        self._old = queries
        self._new = Queries(queries.cluster, queries.names, after.id)
        self._commits = commits
        self._writer = writer
        self._searching = searching
        self._before = before
        self._after = after
        self._reembed = reembed
        self._reached = 0
        """The last commit whose faces are all in the new index."""
        self._done = 0

    async def run(self, batch: int) -> AsyncIterator[tuple[int, int]]:
        """Yields (done, total); the switch comes after the last value."""
        await self._writer.change(self._announce, alone=True)
        await self._new.cluster.refresh(self._new.faces_index)
        everything: Mapping[str, Any] = {"match_all": {}}
        self._done = await self._new.cluster.count(self._new.faces_index, everything)
        total = await self._old.cluster.count(self._old.faces_index, everything)
        while True:
            yield self._done, max(self._done, total)
            moved = False
            async for _ in self._round(batch):
                moved = True
                yield self._done, max(self._done, total)
            if not moved:
                await self._require_answers()
                if await self._writer.change(self._switch, alone=True):
                    return

    def _announce(self, attempt: Attempt) -> None:
        """From now on, faces are moved and removed in the new index too."""
        contracts = attempt.unit.head.contracts
        if self._after not in contracts:
            attempt.contracts = (*contracts, self._after)

    async def _round(self, batch: int) -> AsyncIterator[None]:
        """Brings the new index up to now."""
        upto = (await self._commits.settled()).commit
        page: list[Mapping[str, Any]] = []
        async for hit in self._written_since(self._reached, upto, batch):
            page.append(hit)
            if len(page) == batch:
                if await self._bring(page):
                    yield
                page = []
        if page and await self._bring(page):
            yield
        self._reached = upto

    def _written_since(self, after: int, upto: int, page: int) -> AsyncIterator[Mapping[str, Any]]:
        return self._old.every(
            self._old.faces_index,
            {"range": {"written": {"gt": after, "lte": upto}}},
            sort="written",
            then="seq",
            page=page,
        )

    async def _bring(self, hits: Sequence[Mapping[str, Any]]) -> bool:
        """Writes these faces into the new index, where they are not there yet; True when any was embedded."""
        there = await self._new.face_sources([SampleId(hit["_id"]) for hit in hits], ["written", "vector"])
        operations: list[Mapping[str, Any]] = []
        missing: list[tuple[Mapping[str, Any], FaceCrop]] = []
        for hit, known in zip(hits, there, strict=True):
            source = hit["_source"]
            vector = vector_of(known.source, self._after.dimension) if known else None
            crop = crop_of(source)
            if vector is not None and known and known.source["written"] != source["written"]:
                operations += self._writing(hit, with_vector(source, vector))
            elif vector is None and crop is not None:
                missing.append((hit, crop))
        if missing:
            rows = await self._reembed([crop for _, crop in missing])
            vectors = as_embeddings(rows, self._after.dimension)
            for (hit, _), vector in zip(missing, vectors, strict=True):
                operations += self._writing(hit, with_vector(hit["_source"], vector))
        for _, item in await self._new.cluster.bulk(operations):
            if item.get("error") and item["status"] != 409:  # 409: changed or removed since it was read
                raise self._new.cluster.refusals.by_status(item["status"], item["error"])
        self._done += len(missing)
        return bool(missing)

    def _writing(self, hit: Mapping[str, Any], source: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        where = {"_index": self._new.faces_index, "_id": hit["_id"]}
        version = {"version": source["written"], "version_type": "external_gte"}
        return [{"index": {**where, **version}}, source]

    async def _require_answers(self) -> None:
        """Raises GalleryDamagedError unless the new index holds as much as the old one, and finds it."""
        cluster = self._new.cluster
        await cluster.refresh(self._new.faces_index)
        found = await cluster.search(
            self._new.faces_index,
            query={
                "function_score": {
                    "query": {"bool": {"filter": [{"exists": {"field": "scope"}}]}},
                    "random_score": {},
                }
            },
            size=_SAMPLED,
            source=["vector", "scope", "negative"],
        )
        hits = found["hits"]["hits"]
        bodies = [self._probe(hit) for hit in hits]
        answers = await cluster.search_many(self._new.faces_index, bodies)
        right = sum(
            bool(answer["hits"]["hits"]) and answer["hits"]["hits"][0]["_score"] > _SAME for answer in answers
        )
        if right < _LEAST_FOUND * len(hits):
            raise self._damaged(f"it finds only {right} of {len(hits)} faces by their own embedding")

    def _probe(self, hit: Mapping[str, Any]) -> Mapping[str, Any]:
        source = hit["_source"]
        vector = vector_of(source, self._after.dimension)
        if vector is None:
            raise self._damaged(f"{hit['_id']} has no embedding")
        where = [{"term": {"scope": source["scope"]}}, {"term": {"negative": source["negative"]}}]
        return {"knn": self._searching.knn(vector, 1, where), "size": 1, "_source": False}

    def _damaged(self, reason: str) -> GalleryDamagedError:
        return GalleryDamagedError(
            path=self._new.faces_index,
            reason=reason,
            fix="The old index is still the active one. Delete the new one and run `gallery reindex` again.",
        )

    def _switch(self, attempt: Attempt) -> bool:
        """True when nothing was missing, and so the new contract is the active one now."""
        unit = attempt.unit
        query = {"range": {"written": {"gt": self._reached}}}
        late = unit.wait(self._old.cluster.count(self._old.faces_index, query))
        if late > _FEW:
            return False
        if late:
            unit.wait(self._catch_up(unit.head.commit))
        lacking = unit.wait(self._lacking())
        if lacking:
            raise self._damaged(f"it lacks {lacking} faces")
        others = [one for one in unit.head.contracts if one not in (self._before, self._after)]
        attempt.contracts = (
            (self._after, *others) if self._before == self._after else (self._after, self._before, *others)
        )
        if self._before != self._after:
            unit.log.add(Scope(""), "", "reindex", before=self._before.id, after=self._after.id)
        attempt.writes.append(alias(self._after.id))
        return True

    async def _catch_up(self, upto: int) -> None:
        hits = [hit async for hit in self._written_since(self._reached, upto, _FEW)]
        await self._bring(hits)
        self._reached = upto

    async def _lacking(self) -> int:
        """How many faces that could be embedded are not in the new index."""
        cluster = self._new.cluster
        await cluster.refresh(self._new.faces_index)
        everything: Mapping[str, Any] = {"match_all": {}}
        old = await cluster.count(self._old.faces_index, everything)
        new = await cluster.count(self._new.faces_index, everything)
        if old <= new:
            return 0
        lacking = 0
        pending: list[tuple[str, bool]] = []
        async for hit in self._old.every_face(everything, ["box"]):
            pending.append((hit["_id"], bool(hit["_source"].get("box"))))
            if len(pending) == _FEW:
                lacking += await self._missing_of(pending)
                pending = []
        return lacking + await self._missing_of(pending)

    async def _missing_of(self, faces: Sequence[tuple[str, bool]]) -> int:
        """Faces without a crop cannot be embedded again; `verify` tells about those."""
        there: list[Document | None] = await self._new.face_sources(
            [SampleId(one) for one, _ in faces], False
        )
        return sum(found is None and crop for (_, crop), found in zip(faces, there, strict=True))
