"""Nearest neighbours: found by the cluster, compared again with the embeddings that were enrolled."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain import Character, CharacterId, EmbeddingContract, Embeddings, Match, SampleId, Scope
from inference.gallery.elasticsearch.client import Document
from inference.gallery.elasticsearch.commits import HEAD
from inference.gallery.elasticsearch.documents import CHARACTER_WITHOUT_FACES, character_from, vector_of
from inference.gallery.elasticsearch.known_means import KnownMeans
from inference.gallery.elasticsearch.mappings import VectorIndex, is_quantised
from inference.gallery.elasticsearch.queries import Queries
from inference.gallery.means import Mean, mean_of, similarities_to_means
from inference.gallery.projection import exact_similarities

HEAD_FIELDS = (
    *("state.schema", "state.commit", "state.token", "state.contracts", "state.pending.done"),
    "state.next_face",
)
MOST_NEIGHBOURS = 10_000  # that Elasticsearch gives
_FACES = ("samples", "negatives")
_MOST_ROUNDS = 12
_MOST_ATTEMPTS = 3
_OVERSAMPLING = 2.0
_SMALL_FACES = 100_000  # up to so many, the candidates that were asked for suffice


@dataclass(frozen=True, slots=True)
class Searching:
    """How nearest neighbours are asked for."""

    vector_index: VectorIndex
    candidates: int = 256
    """Vectors that a search of an HNSW graph looks at, at least; more find more and take longer."""
    faces: int = 0
    """About how many the gallery has: large ones need more candidates, see `looked_at`."""

    @property
    def looked_at(self) -> int:
        """The candidates, growing with the root of the faces in a large gallery."""
        return round(self.candidates * math.sqrt(max(1.0, self.faces / _SMALL_FACES)))

    def knn(
        self, probe: NDArray[np.float32], count: int, where: Sequence[Mapping[str, object]], **more: object
    ) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "field": "embedding",
            "query_vector": np.round(probe.astype(np.float64), 8).tolist(),
            "k": count,
            "num_candidates": min(max(count, self.looked_at), MOST_NEIGHBOURS),
            "filter": [*where],
            **more,
        }
        if is_quantised(self.vector_index):
            asked["rescore_vector"] = {"oversample": _OVERSAMPLING}
        return asked


@dataclass(slots=True)
class _Hunt:
    """What one probe has found so far."""

    probe: NDArray[np.float32]
    best: dict[CharacterId, list[tuple[float, SampleId]]] = field(default_factory=dict)
    """Of each character whose best sample is certain, the samples that may be it."""
    over: bool = False


async def search(
    queries: Queries,
    searching: Searching,
    contract: EmbeddingContract,
    probes: Embeddings,
    *,
    scopes: Sequence[Scope],
    top: int,
    known_means: KnownMeans,
    look_at_head: Callable[[Document | None], None],
) -> list[tuple[Match, ...]]:
    """For each probe the `top` characters with the nearest samples, nearest first, ties by scope and name.

    The similarities are exact. Which samples are compared is up to the index: a flat one misses none.
    """
    places = {scope: place for place, scope in enumerate(dict.fromkeys(scopes))}
    if not len(probes) or not places or top <= 0:
        return [() for _ in probes]
    slack = 4 * contract.dimension * 2.0**-24
    for attempt in range(_MOST_ATTEMPTS):
        hunts = [_Hunt(probe) for probe in probes]
        await _hunt(queries, searching, hunts, scopes=list(places), top=top, slack=slack)
        last = attempt == _MOST_ATTEMPTS - 1
        found = await _matches(
            queries,
            contract,
            hunts,
            places=places,
            top=top,
            slack=slack,
            known_means=known_means,
            look_at_head=look_at_head,
            lenient=last,
        )
        if found is not None:
            return found
    raise AssertionError("the last attempt always answers")


async def _hunt(
    queries: Queries,
    searching: Searching,
    hunts: Sequence[_Hunt],
    *,
    scopes: Sequence[Scope],
    top: int,
    slack: float,
) -> None:
    """Neighbours until `top` characters are certain, or there are no more."""
    count = min(3 * top + 16, MOST_NEIGHBOURS)
    for _ in range(_MOST_ROUNDS):
        going = [hunt for hunt in hunts if not hunt.over]
        if not going:
            return
        bodies = []
        for hunt in going:
            where: list[Mapping[str, object]] = [
                {"terms": {"scope": [*scopes]}},
                {"term": {"negative": False}},
            ]
            if hunt.best:
                where.append({"bool": {"must_not": [{"terms": {"character": [*hunt.best]}}]}})
            bodies.append(search_body(searching.knn(hunt.probe, count, where), count, "character"))
        answers = await queries.cluster.search_many(queries.faces_index, bodies)
        progress = False
        for hunt, answer in zip(going, answers, strict=True):
            before = len(hunt.best)
            _take(hunt, answer["hits"]["hits"], count, top, slack)
            progress |= hunt.over or len(hunt.best) > before
        if not progress:
            if count == MOST_NEIGHBOURS:
                return
            count = min(4 * count, MOST_NEIGHBOURS)


def _take(hunt: _Hunt, hits: Sequence[Mapping[str, Any]], count: int, top: int, slack: float) -> None:
    there = [
        (2.0 * hit["_score"] - 1.0, CharacterId(hit["fields"]["character"][0]), hit["_id"]) for hit in hits
    ]
    exhausted = len(hits) < count
    # What was not returned is no nearer than the last one that was.
    border = -np.inf if exhausted else there[-1][0] + 2 * slack
    best: dict[CharacterId, float] = {}
    for similarity, character, face in there:
        nearest = best.setdefault(character, similarity)
        if nearest > border and similarity >= nearest - slack:
            hunt.best.setdefault(character, []).append((similarity, SampleId(face)))
    hunt.over = exhausted or len(hunt.best) >= top


def search_body(knn: Mapping[str, object], size: int, *columns: str) -> dict[str, Any]:
    return {"knn": knn, "size": size, "_source": False, "docvalue_fields": [*columns]}


async def _matches(
    queries: Queries,
    contract: EmbeddingContract,
    hunts: Sequence[_Hunt],
    *,
    places: Mapping[Scope, int],
    top: int,
    slack: float,
    known_means: KnownMeans,
    look_at_head: Callable[[Document | None], None],
    lenient: bool,
) -> list[tuple[Match, ...]] | None:
    """None when something was moved or removed since it was found, unless that is fine."""
    candidates = [_candidates(hunt, top, slack) for hunt in hunts]
    owners = {face: character for some in candidates for character, faces in some.items() for face in faces}
    characters = list(dict.fromkeys(owners.values()))
    names, index = queries.names, queries.faces_index
    head, *found = await queries.cluster.get_many(
        [
            (names.meta, HEAD, HEAD_FIELDS),
            *((names.characters, one, [*CHARACTER_WITHOUT_FACES, *_FACES]) for one in characters),
            *((index, face, ["vector", "character"]) for face in owners),
        ]
    )
    look_at_head(head)
    people = {
        CharacterId(one.id): one.source
        for one in found[: len(characters)]
        if one and one.source["scope"] in places
    }
    vectors: dict[SampleId, NDArray[np.float32]] = {}
    for document in found[len(characters) :]:
        if document and document.source.get("character") == owners[SampleId(document.id)]:
            vector = vector_of(document.source, contract.dimension)
            if vector is not None:
                vectors[SampleId(document.id)] = vector
    if not lenient and (len(people) < len(characters) or len(vectors) < len(owners)):
        return None
    negatives, means = await _evidence(queries, contract, people, known_means)
    answers = []
    for hunt, some in zip(hunts, candidates, strict=True):
        matches = []
        for character, faces in some.items():
            near = {face: vectors[face] for face in faces if face in vectors}
            if character in people and near:
                found_one = character_from(character, people[character])
                against, mean = negatives.get(character), means.get(character)
                matches.append(_match(found_one, near, against, mean, hunt.probe))
        matches.sort(key=lambda m: (-m.similarity, places[m.character.scope], m.character.name))
        answers.append(tuple(matches[:top]))
    return answers


def _candidates(hunt: _Hunt, top: int, slack: float) -> dict[CharacterId, list[SampleId]]:
    """The characters that can be among the `top` best, with the samples that can be their best."""
    ranked = sorted((max(near)[0] for near in hunt.best.values()), reverse=True)
    least = ranked[top - 1] - slack if len(ranked) >= top else -np.inf
    return {
        character: [face for _, face in near]
        for character, near in hunt.best.items()
        if max(near)[0] >= least
    }


def _match(
    character: Character,
    near: Mapping[SampleId, NDArray[np.float32]],
    negatives: NDArray[np.float32] | None,
    mean: Mean | None,
    probe: NDArray[np.float32],
) -> Match:
    """The character by the nearest of these samples of hers; of equally near ones the first."""
    found = similarities(list(near.values()), probe)
    similarity, sample = min(zip((-found).tolist(), near, strict=True))
    against = None if negatives is None else float(similarities(negatives, probe).max())
    to_mean = None if mean is None else float(similarities_to_means(mean[None], probe[None])[0, 0])
    return Match(character, sample, -similarity, against, to_mean)


async def _evidence(
    queries: Queries,
    contract: EmbeddingContract,
    people: Mapping[CharacterId, Mapping[str, Any]],
    known_means: KnownMeans,
) -> tuple[dict[CharacterId, NDArray[np.float32]], dict[CharacterId, Mean]]:
    """The embeddings of what was said not to be them, and the mean of what they are, if that is several."""
    samples: dict[CharacterId, list[SampleId]] = {one: source["samples"] for one, source in people.items()}
    several = [one for one, theirs in samples.items() if len(theirs) > 1]
    means = {one: known_means.get(contract, samples[one]) for one in several}
    unread = [one for one, mean in means.items() if mean is None]
    wanted = [(one, face) for one, source in people.items() for face in source["negatives"]]
    wanted += [(one, face) for one in unread for face in samples[one]]
    documents = await queries.face_sources([face for _, face in wanted], ["vector"])
    negatives: dict[CharacterId, list[NDArray[np.float32]]] = {}
    positives: dict[CharacterId, list[NDArray[np.float32]]] = {one: [] for one in unread}
    for (character, face), document in zip(wanted, documents, strict=True):
        vector = vector_of(document.source, contract.dimension) if document else None
        if vector is not None:
            kind = negatives if face in people[character]["negatives"] else positives
            kind.setdefault(character, []).append(vector)
    for character, vectors in positives.items():
        means[character] = mean = mean_of(vectors) if len(vectors) > 1 else None
        if mean is not None and len(vectors) == len(samples[character]):  # none was removed meanwhile
            known_means.add(contract, samples[character], mean)
    return (
        {character: np.stack(vectors) for character, vectors in negatives.items()},
        {character: mean for character, mean in means.items() if mean is not None},
    )


def similarities(
    vectors: Sequence[NDArray[np.float32]] | NDArray[np.float32], probe: NDArray[np.float32]
) -> NDArray[np.float64]:
    return exact_similarities(np.asarray(vectors), probe)
