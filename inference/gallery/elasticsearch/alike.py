"""Whether a picture is enrolled already, by its pixels or by how it looks and embeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.domain import Character, CharacterId, Embedding, EmbeddingContract, SampleId, Scope
from inference.gallery.base import NewSample
from inference.gallery.elasticsearch.documents import vector_of
from inference.gallery.elasticsearch.queries import Queries
from inference.gallery.elasticsearch.search import MOST_NEIGHBOURS, Searching, search_body, similarities
from inference.gallery.elasticsearch.unit import Unit
from inference.gallery.fingerprint import MAX_DISTANCE, required_similarity

_FEWEST_ALIKE = 64
_LEAST_ALIKE = required_similarity(0) - 0.02  # a quantised search is off by less


class UnitAlikes:
    """The `Alikes` of one scope, as one attempt at changes sees them."""

    def __init__(self, unit: Unit, scope: Scope, searching: Searching, contract: EmbeddingContract) -> None:
        self._unit = unit
        self._scope = scope
        self._searching = searching
        self._contract = contract

    def alike(self, embedding: Embedding, perceptual_hash: int) -> tuple[Character, SampleId] | None:
        unit = self._unit
        there: list[_Alike] = unit.wait(
            _alike_samples(
                unit.queries,
                self._searching,
                self._contract.dimension,
                scope=self._scope,
                embedding=embedding,
                perceptual_hash=perceptual_hash,
            )
        )
        candidates = [one for one in there if one.id not in unit.changed.faces]
        candidates += [
            _Alike(face.id, face.perceptual_hash, vector)
            for face in unit.changed_samples(self._scope)
            if _is_near(face.perceptual_hash, perceptual_hash)
            and (vector := unit.embedding(face.id)) is not None
        ]
        found = _most_alike(candidates, embedding, perceptual_hash)
        return None if found is None else (unit.character(unit.sample_owner(self._scope, found)), found)


async def find_duplicate_now(
    queries: Queries, searching: Searching, contract: EmbeddingContract, scope: Scope, sample: NewSample
) -> tuple[Character, SampleId, str] | None:
    """The sample of the scope that shows the same picture, and how ("identical" or "alike")."""
    owner: CharacterId | None = None
    face: SampleId | None = None
    identical = await queries.samples_with_content(scope, [sample.content_hash])
    if identical:
        face, owner, how = identical[0].id, identical[0].character, "identical"
    else:
        near = await _alike_samples(
            queries,
            searching,
            contract.dimension,
            scope=scope,
            embedding=sample.embedding,
            perceptual_hash=sample.perceptual_hash,
        )
        face, how = _most_alike(near, sample.embedding, sample.perceptual_hash), "alike"
        if face is not None:
            [document] = await queries.faces([face], True)
            owner = document.character if document else None
    if face is None or owner is None:
        return None
    [character] = await queries.characters([owner])
    return (character.as_character(), face, how) if character else None


@dataclass(frozen=True, slots=True)
class _Alike:
    """A sample that may show the same picture."""

    id: SampleId
    perceptual_hash: int
    embedding: NDArray[np.float32]


async def _alike_samples(
    queries: Queries,
    searching: Searching,
    dimension: int,
    *,
    scope: Scope,
    embedding: Embedding,
    perceptual_hash: int,
) -> list[_Alike]:
    """The samples of the scope whose hash and embedding are near enough to be looked at."""
    where: list[Mapping[str, object]] = [{"term": {"scope": scope}}, {"term": {"negative": False}}]
    count = _FEWEST_ALIKE
    while True:
        knn = searching.knn(embedding, count, where, similarity=_LEAST_ALIKE)
        [answer] = await queries.cluster.search_many(
            queries.faces_index, [search_body(knn, count, "perceptual_hash")]
        )
        hits = answer["hits"]["hits"]
        if len(hits) < count or count == MOST_NEIGHBOURS:
            break
        count = min(4 * count, MOST_NEIGHBOURS)
    hashes = {SampleId(hit["_id"]): int(hit["fields"]["perceptual_hash"][0], 16) for hit in hits}
    near = [face for face, other in hashes.items() if _is_near(other, perceptual_hash)]
    return [
        _Alike(face, hashes[face], vector)
        for face, document in zip(near, await queries.face_sources(near, ["vector"]), strict=True)
        if document and (vector := vector_of(document.source, dimension)) is not None
    ]


def _is_near(hash_a: int, hash_b: int) -> bool:
    """Whether hashes may be of the same picture."""
    return (hash_a ^ hash_b).bit_count() <= MAX_DISTANCE


def _most_alike(
    candidates: Iterable[_Alike], embedding: NDArray[np.float32], perceptual_hash: int
) -> SampleId | None:
    """The nearest that shows the same picture; of equally near ones the first."""
    best: tuple[float, SampleId] | None = None
    for one in candidates:
        distance = (one.perceptual_hash ^ perceptual_hash).bit_count()
        [similarity] = similarities([one.embedding], embedding)
        same = distance <= MAX_DISTANCE and similarity >= required_similarity(distance)
        if same and (best is None or similarity > best[0]):
            best = float(similarity), one.id
    return best[1] if best else None
