"""What can be wrong with a gallery in Elasticsearch, and what of it can be mended."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain import CharacterId, EmbeddingContract, FaceCrop, SampleId, Scope, as_embeddings
from inference.errors import UserError
from inference.gallery.base import Finding, Reembed
from inference.gallery.elasticsearch.commits import HEAD, Commits, alias, delete, put
from inference.gallery.elasticsearch.documents import (
    CharacterDocument,
    FaceDocument,
    Source,
    crop_of,
    vector_of,
    with_vector,
)
from inference.gallery.elasticsearch.queries import Queries
from inference.gallery.elasticsearch.writer import Attempt, Writer
from inference.gallery.store import usable_rows

_FACES_AT_ONCE = 100
_MOST_TRIES = 3
_EVERYTHING: Mapping[str, Any] = {"match_all": {}}


@dataclass(slots=True)
class _Seen:
    """All that was seen on one walk through the gallery."""

    commit: int
    findings: list[Finding] = field(default_factory=list)
    characters: dict[CharacterId, CharacterDocument] = field(default_factory=dict)
    listed: dict[SampleId, CharacterId] = field(default_factory=dict)
    """Whose each face is by the lists of the characters."""
    owned: dict[CharacterId, list[FaceDocument]] = field(default_factory=lambda: defaultdict(list))
    """Whose the faces are by themselves."""
    hopeless: set[str] = field(default_factory=set)
    """Faces without a usable crop."""
    newest: int = 0
    """The highest version of a document; above the commit, changes to it would be taken for outdated."""
    unsearched: set[str] = field(default_factory=set)
    """Faces that have their vector, but are not searched by it."""


class Verification:
    """Of one gallery, under one contract."""

    def __init__(
        self, queries: Queries, commits: Commits, writer: Writer, contract: EmbeddingContract
    ) -> None:
        self._queries = queries
        self._commits = commits
        self._writer = writer
        self._contract = contract

    async def run(self, *, repair: bool, reembed: Reembed | None) -> tuple[Finding, ...]:
        """What changes while it is looked at is looked at again."""
        for _ in range(_MOST_TRIES):
            seen = await self._look()
            if not seen.findings or (await self._commits.settled()).commit == seen.commit:
                break
        if not repair or not seen.findings:
            return tuple(seen.findings)
        vectors = await self._embed_again(seen, reembed)
        await self._commits.raise_to(seen.newest)
        mended = await self._writer.change(lambda attempt: self._mend(attempt, seen, vectors), alone=True)
        return tuple(replace(one, repaired=one in mended) for one in seen.findings)

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    async def _look(self) -> _Seen:
        seen = _Seen((await self._commits.settled()).commit)
        async for hit in self._queries.every(self._queries.names.characters, _EVERYTHING, sort="name_key"):
            character = CharacterDocument.from_source(hit["_id"], hit["_source"])
            seen.newest = max(seen.newest, hit["_version"])
            seen.characters[character.id] = character
            seen.listed |= dict.fromkeys((*character.samples, *character.negatives), character.id)
            if not _is_filed_rightly(character, hit["_source"]):
                what = "its names are filed wrongly" if character.names else "it has no name"
                seen.findings.append(Finding("name_disagreement", character.id, False, what))
        seen.findings += _shared_names(seen.characters.values())
        unsearched = {"bool": {"must_not": [{"exists": {"field": "embedding"}}]}}
        seen.unsearched = {hit["_id"] async for hit in self._queries.every_face(unsearched, False)}
        async for sources in self._pages():
            seen.findings += await asyncio.to_thread(lambda: list(self._face_findings(sources, seen)))  # noqa: B023
        seen.findings += [finding async for finding in self._ownership_findings(seen)]
        seen.findings += [
            Finding("empty_character", one.id, False) for one in seen.characters.values() if not one.samples
        ]
        seen.findings += [finding async for finding in self._leftovers()]
        if seen.newest > seen.commit:
            what = f"a document has version {seen.newest}, the last change was number {seen.commit}"
            seen.findings.append(Finding("stale_projection", HEAD, False, what))
        return seen

    async def _pages(self) -> AsyncIterator[list[Mapping[str, Any]]]:
        page: list[Mapping[str, Any]] = []
        async for hit in self._queries.every_face(_EVERYTHING, True, page=_FACES_AT_ONCE):
            page.append(hit)
            if len(page) == _FACES_AT_ONCE:
                yield page
                page = []
        yield page

    def _face_findings(self, hits: Sequence[Mapping[str, Any]], seen: _Seen) -> Iterator[Finding]:
        from inference.embedding.align import align_kept  # noqa: PLC0415 - brings OpenCV, which opening never needs

        for hit in hits:
            face = FaceDocument.from_source(hit["_id"], hit["_source"])
            seen.newest = max(seen.newest, hit["_version"])
            if face.character is None:
                seen.listed.pop(face.id, None)
                continue
            seen.owned[face.character].append(face)
            crop = crop_of(hit["_source"])
            if crop is None:
                seen.hopeless.add(face.id)
                yield Finding("missing_crop", face.id, False)
            else:
                try:
                    align_kept(crop, margin=1.0, side=16)
                except (UserError, ValueError) as error:
                    seen.hopeless.add(face.id)
                    yield Finding("unreadable_crop", face.id, False, str(error))
            yield from self._embedding_findings(face, hit["_source"], seen)

    def _embedding_findings(self, face: FaceDocument, source: Source, seen: _Seen) -> Iterator[Finding]:
        vector = vector_of(source, self._contract.dimension)
        if not source.get("vector"):
            yield Finding("missing_embedding", face.id, False)
        elif vector is None:
            yield Finding("bad_embedding", face.id, False, "not as long as it should be")
        elif not usable_rows(vector[np.newaxis])[0]:
            yield Finding("bad_embedding", face.id, False, "not of unit length")
        elif face.id in seen.unsearched:
            yield Finding("stale_projection", face.id, False, "searches do not see it")

    async def _ownership_findings(self, seen: _Seen) -> AsyncIterator[Finding]:
        for character_id, faces in seen.owned.items():
            character = seen.characters.get(character_id)
            for face in faces:
                if character is None:
                    yield Finding("orphan", face.id, False, f"its character {character_id} is gone")
                elif face.scope != character.scope:
                    yield Finding("orphan", face.id, False, "it is in another gallery than its character")
                elif seen.listed.get(face.id) != character_id:
                    yield Finding("orphan", face.id, False, f"{character_id} does not list it")
                seen.listed.pop(face.id, None)
        for face_id, character_id in seen.listed.items():
            yield Finding("orphan", character_id, False, f"it lists {face_id}, which is not there")
        async for hit in self._queries.every_face(
            {"bool": {"must_not": [{"exists": {"field": "character"}}]}}, ["removed_by"]
        ):
            removed_by = hit["_source"].get("removed_by")
            entry = await self._queries.entry(removed_by) if removed_by is not None else None
            if entry is None or entry.delta is None:
                yield Finding("orphan", hit["_id"], False, "nothing can bring it back")

    async def _leftovers(self) -> AsyncIterator[Finding]:
        cluster, names = self._queries.cluster, self._queries.names
        await cluster.refresh(names.meta)
        found = await cluster.search(names.meta, query=_EVERYTHING, size=1_000, source=False)
        for hit in found["hits"]["hits"]:
            if hit["_id"] != HEAD:
                yield Finding("orphan", hit["_id"], False, "part of a change that never counted")
        if await cluster.alias_targets(names.faces_alias) != [self._queries.faces_index]:
            yield Finding("stale_projection", names.faces_alias, False, "it is not what is searched")

    # ── mending ─────────────────────────────────────────────────────────────────────────────────

    async def _embed_again(self, seen: _Seen, reembed: Reembed | None) -> dict[str, NDArray[np.float32]]:
        """New embeddings for the faces that lack a usable one and have a usable crop."""
        wanted = [
            one.subject
            for one in seen.findings
            if one.kind in ("missing_embedding", "bad_embedding") and one.subject not in seen.hopeless
        ]
        made: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(wanted) if reembed else 0, _FACES_AT_ONCE):
            some = [SampleId(one) for one in wanted[start : start + _FACES_AT_ONCE]]
            sources = await self._queries.face_sources(some, ["crop", "box"])
            crops: dict[str, FaceCrop] = {
                one.id: crop for one in sources if one and (crop := crop_of(one.source)) is not None
            }
            assert reembed is not None  # noqa: S101 - or there would be nothing to do
            rows = await reembed(list(crops.values()))
            made |= dict(zip(crops, as_embeddings(rows, self._contract.dimension), strict=True))
        return made

    def _mend(
        self, attempt: Attempt, seen: _Seen, vectors: Mapping[str, NDArray[np.float32]]
    ) -> frozenset[Finding]:
        unit, names = attempt.unit, self._queries.names
        mended: set[Finding] = set()
        rebuilt: set[CharacterId] = set()
        for finding in seen.findings:
            subject = finding.subject
            if finding.kind == "name_disagreement" and _can_be_filed(seen, finding):
                rebuilt.add(CharacterId(subject))
            elif finding.kind == "orphan":
                self._mend_orphan(attempt, seen, finding, rebuilt)
            elif finding.kind == "stale_projection" and subject == HEAD:
                pass  # it was raised before
            elif finding.kind == "stale_projection" and subject == names.faces_alias:
                attempt.writes.append(alias(self._contract.id))
            elif finding.kind == "stale_projection":
                self._write_face(attempt, subject, None)
            elif subject in vectors and finding.kind in ("missing_embedding", "bad_embedding"):
                self._write_face(attempt, subject, vectors[subject])
            else:
                continue
            mended.add(finding)
        for character_id in rebuilt:
            unit.changed.characters[character_id] = _rebuilt(seen, character_id)
        if mended:
            kinds = sorted({finding.kind for finding in mended})
            unit.log.add(Scope(""), "", "repair", kinds=kinds, count=len(mended))
        return frozenset(mended)

    def _mend_orphan(
        self, attempt: Attempt, seen: _Seen, finding: Finding, rebuilt: set[CharacterId]
    ) -> None:
        subject = finding.subject
        owner = _owner_of(seen, subject)
        if "part of a change" in finding.detail:
            attempt.writes.append(delete(self._queries.names.meta, subject))
        elif subject in seen.characters:
            rebuilt.add(CharacterId(subject))
        elif owner is not None and "does not list it" in finding.detail:
            rebuilt.add(owner)
        else:
            attempt.unit.changed.faces[SampleId(subject)] = None

    def _write_face(self, attempt: Attempt, face_id: str, vector: NDArray[np.float32] | None) -> None:
        """With another embedding, or with the one that it has."""
        unit = attempt.unit
        [found] = unit.wait(self._queries.face_sources([SampleId(face_id)], True))
        if found:
            source = {**found.source, "written": unit.head.commit + 1}
            kept = vector_of(source, self._contract.dimension) if vector is None else vector
            if kept is not None:
                attempt.writes.append(put(self._queries.faces_index, face_id, with_vector(source, kept)))


def _is_filed_rightly(character: CharacterDocument, source: Source) -> bool:
    should = character.to_source(written=0)
    derived = ("name_key", "keys", "pairs", "series_key", "sample_count")
    return bool(character.names) and all(_as_list(source[one]) == _as_list(should[one]) for one in derived)


def _as_list(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _shared_names(characters: Any) -> Iterator[Finding]:
    owners: dict[tuple[Scope, str], CharacterId] = {}
    for character in characters:
        for key in character.keys:
            if owners.setdefault((character.scope, key), character.id) != character.id:
                yield Finding("name_disagreement", character.id, False, "another has one of its names")


def _can_be_filed(seen: _Seen, finding: Finding) -> bool:
    return bool(seen.characters[CharacterId(finding.subject)].names) and "another has" not in finding.detail


def _owner_of(seen: _Seen, face_id: str) -> CharacterId | None:
    return next(
        (character for character, faces in seen.owned.items() if any(face.id == face_id for face in faces)),
        None,
    )


def _rebuilt(seen: _Seen, character_id: CharacterId) -> CharacterDocument:
    """The character with the faces that say they are hers."""
    character = seen.characters[character_id]
    faces = sorted(
        (face for face in seen.owned[character_id] if face.scope == character.scope), key=lambda one: one.seq
    )
    return replace(
        character,
        samples=tuple(face.id for face in faces if not face.negative),
        negatives=tuple(face.id for face in faces if face.negative),
    )
