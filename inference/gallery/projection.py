"""The gallery in memory: unit vectors by scope. Disposable; made from the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from inference.domain import Character, CharacterId, Embedding, EmbeddingContract, SampleId, Scope
from inference.gallery.fingerprint import MAX_DISTANCE, hamming, required_similarity
from inference.gallery.means import NO_MEAN, Mean, mean_of, similarities_to_means
from inference.gallery.stored import ReadRows, StoredRows

NO_OWNER = -1
_LEAST_CAPACITY = 64
_ROWS_AT_ONCE = 4_096
_NO_ROWS = np.empty(0, np.intp)
_MOST_MEANS = 4_096  # with 512 dimensions 16 MB


@dataclass(frozen=True, slots=True)
class CharacterFaces:
    """All that the projection holds of one character; rows of the arrays belong to `sample_ids`."""

    character: Character
    sample_ids: tuple[SampleId, ...]
    vectors: NDArray[np.float32]
    hashes: NDArray[np.uint64]
    negatives: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ScopeView:
    """One scope as it was at one moment. Later views share its buffers and only write behind its rows.

    Its first rows may be stored: their vectors stay in the file. Those of all others are in memory.
    """

    vectors: NDArray[np.float32]
    """(capacity, dimension) of the rows that are not stored."""
    hashes: NDArray[np.uint64]
    """Of all rows, and longer."""
    sample_ids: list[SampleId]
    """Grows with later views, so it may be longer than this one."""
    owners: NDArray[np.intp]
    """For each row the index of its character, or NO_OWNER when the sample is gone."""
    characters: tuple[Character | None, ...]
    """None where a character is gone."""
    slots: Mapping[CharacterId, int]
    negatives: Mapping[int, NDArray[np.float32]]
    """By index of the character; only where there are any."""
    stored: StoredRows | None = None
    changed: frozenset[int] = frozenset()
    """Indices of characters whose samples may differ from those that are stored."""
    means: dict[int, Mean] = field(default_factory=dict, compare=False)
    """By index of the character, of those that were made when asked for."""

    @classmethod
    def empty(cls, dimension: int, capacity: int = _LEAST_CAPACITY) -> ScopeView:
        return cls(
            np.empty((capacity, dimension), np.float32),
            np.empty(capacity, np.uint64),
            [],
            np.empty(0, np.intp),
            (),
            MappingProxyType({}),
            MappingProxyType({}),
        )

    @property
    def stored_count(self) -> int:
        """How many of its first rows are stored."""
        return len(self.stored.index) if self.stored else 0

    def is_worn(self, exact_up_to: int) -> bool:
        """Whether making it anew from the file is worth its time: much is not stored, or stored and gone."""
        stored = self.stored_count
        gone = int(np.count_nonzero(self.owners[:stored] == NO_OWNER))
        return len(self.owners) - stored > exact_up_to or gone > stored // 2

    def updated(self, states: Mapping[CharacterId, CharacterFaces | None]) -> ScopeView:
        """The view in which each of these characters is as given, or gone (None)."""
        characters, slots = list(self.characters), dict(self.slots)
        negatives, owners = dict(self.negatives), self.owners.copy()
        added: list[tuple[int, CharacterFaces, list[int]]] = []
        for character_id, faces in states.items():
            slot = slots.get(character_id)
            if slot is None:
                if faces is None:
                    continue
                slot = slots[character_id] = len(characters)
                characters.append(None)
            wanted = {} if faces is None else {sample: row for row, sample in enumerate(faces.sample_ids)}
            for row in np.flatnonzero(owners == slot):
                if wanted.pop(self.sample_ids[row], None) is None:
                    owners[row] = NO_OWNER
            characters[slot] = None if faces is None else faces.character
            negatives.pop(slot, None)
            if faces is None:
                del slots[character_id]
                continue
            if len(faces.negatives):
                negatives[slot] = faces.negatives
            added.append((slot, faces, list(wanted.values())))
        changed = {slot for one in states if (slot := slots.get(one, self.slots.get(one))) is not None}
        view = replace(
            self,
            owners=owners,
            characters=tuple(characters),
            slots=MappingProxyType(slots),
            negatives=MappingProxyType(negatives),
            changed=self.changed | changed if self.stored else self.changed,
            means={slot: mean for slot, mean in self.means.copy().items() if slot not in changed},
        )
        return view._with_rows(added)._compacted()

    def _with_rows(self, added: Sequence[tuple[int, CharacterFaces, list[int]]]) -> ScopeView:
        count, extra = len(self.owners), sum(len(rows) for _, _, rows in added)
        if not extra:
            return self
        view = self._with_capacity(count + extra)
        owners = np.concatenate([self.owners, np.empty(extra, np.intp)])
        start, stored = count, self.stored_count
        for slot, faces, rows in added:
            end = start + len(rows)
            view.vectors[start - stored : end - stored] = faces.vectors[rows]
            view.hashes[start:end] = faces.hashes[rows]
            # Not extend(): a change that came to nothing may have left a tail behind.
            view.sample_ids[start:end] = [faces.sample_ids[row] for row in rows]
            owners[start:end] = slot
            start = end
        return replace(view, owners=owners)

    def _with_capacity(self, needed: int) -> ScopeView:
        stored, count = self.stored_count, len(self.owners)
        if needed - stored <= len(self.vectors):
            return self
        capacity, kept = max(needed - stored, 2 * len(self.vectors)), count - stored
        vectors = np.empty((capacity, self.vectors.shape[1]), np.float32)
        hashes = np.empty(stored + capacity, np.uint64)
        vectors[:kept], hashes[:count] = self.vectors[:kept], self.hashes[:count]
        return replace(self, vectors=vectors, hashes=hashes, sample_ids=self.sample_ids[:count])

    def _compacted(self) -> ScopeView:
        """Without its gone rows, once they are more than a quarter. Stored rows keep their places."""
        if self.stored:
            return self
        kept = np.flatnonzero(self.owners != NO_OWNER)
        if len(self.owners) - len(kept) <= max(_LEAST_CAPACITY, len(self.owners) // 4):
            return self
        there = [slot for slot, character in enumerate(self.characters) if character is not None]
        moved = np.full(len(self.characters) + 1, NO_OWNER, np.intp)
        moved[there] = np.arange(len(there))
        view = ScopeView.empty(self.vectors.shape[1], max(_LEAST_CAPACITY, len(kept)))
        view.vectors[: len(kept)], view.hashes[: len(kept)] = self.vectors[kept], self.hashes[kept]
        view.sample_ids.extend(self.sample_ids[row] for row in kept)
        return replace(
            view,
            owners=moved[self.owners[kept]],
            characters=tuple(self.characters[slot] for slot in there),
            slots=MappingProxyType({key: int(moved[slot]) for key, slot in self.slots.items()}),
            negatives=MappingProxyType({int(moved[slot]): rows for slot, rows in self.negatives.items()}),
        )

    def rows(self) -> dict[SampleId, int]:
        """Where each of its samples is."""
        return {self.sample_ids[row]: row for row in np.flatnonzero(self.owners != NO_OWNER).tolist()}

    def alike(self, embedding: Embedding, perceptual_hash: int) -> tuple[Character, SampleId] | None:
        """The nearest sample that shows the same picture, encoded or cut differently."""
        count = len(self.owners)
        distances = hamming(self.hashes[:count], perceptual_hash)
        rows = np.flatnonzero((distances <= MAX_DISTANCE) & (self.owners != NO_OWNER))
        similarities = self.similarities(rows, embedding, self.read(rows))
        best: tuple[float, int] | None = None
        for row, similarity in zip(rows, similarities, strict=True):
            if similarity >= required_similarity(int(distances[row])) and (
                best is None or similarity > best[0]
            ):
                best = float(similarity), int(row)
        if best is None:
            return None
        character = self.characters[self.owners[best[1]]]
        assert character is not None, "a row with an owner has its character"  # noqa: S101
        return character, self.sample_ids[best[1]]

    def mean_similarities(
        self, slots: NDArray[np.intp], probes: NDArray[np.float32]
    ) -> dict[int, NDArray[np.float64]]:
        """The probes' cosines to the mean of each of these characters that has several samples."""
        wanted = slots.tolist()
        means = {slot: mean for slot in wanted if (mean := self.means.get(slot)) is not None}
        if self.stored:
            unchanged = (slot for slot in wanted if slot not in means and slot not in self.changed)
            means |= self.stored.means.read(unchanged)
        if unknown := [slot for slot in wanted if slot not in means]:
            means |= self._unknown_means(np.array(unknown, np.intp))
        several = {slot: mean for slot, mean in means.items() if len(mean)}
        if not several:
            return {}
        cosines = similarities_to_means(np.stack([*several.values()]), probes)
        return dict(zip(several, cosines, strict=True))

    def _unknown_means(self, slots: NDArray[np.intp]) -> dict[int, Mean]:
        """Their means, remembered from now on; empty for who has a single sample."""
        rows_of = self._rows_of(slots)
        read = self.read(np.concatenate([_NO_ROWS, *rows_of.values()]))
        stored = self.stored_count
        if len(self.means) > _MOST_MEANS:
            self.means.clear()
        means: dict[int, Mean] = {}
        for slot, rows in rows_of.items():
            places = read.places(rows[rows < stored])
            vectors = np.concatenate(
                [read.vectors[places[places >= 0]], self.vectors[rows[rows >= stored] - stored]]
            )
            means[slot] = mean_of(vectors) if len(vectors) > 1 else NO_MEAN
            if len(vectors) == len(rows):  # none has been forgotten for good since
                self.means[slot] = means[slot]
        return means

    def _rows_of(self, slots: NDArray[np.intp]) -> dict[int, NDArray[np.intp]]:
        """The rows of each of these characters, ascending."""
        asked = np.zeros(len(self.characters) + 1, np.bool_)  # its last is that of NO_OWNER
        asked[slots] = True
        stored = self.stored_count
        rows = np.flatnonzero(asked[self.owners[stored:]]) + stored
        rows = rows[np.argsort(self.owners[rows], kind="stable")]
        owners, first = np.unique(self.owners[rows], return_index=True)
        in_memory = dict(zip(owners.tolist(), np.split(rows, first[1:]), strict=False))
        if not self.stored:
            return in_memory
        of = {}
        for slot, once_hers in zip(slots.tolist(), self.stored.rows_of(slots), strict=True):
            there = once_hers[self.owners[once_hers] == slot].astype(np.intp)
            of[slot] = np.concatenate([there, in_memory.get(slot, _NO_ROWS)])
        return of

    def read(self, rows: NDArray[np.intp]) -> ReadRows:
        """The vectors of those of the rows, all of them different, that are stored."""
        stored = rows[rows < self.stored_count]
        if self.stored and len(stored):
            return self.stored.vectors(stored)
        return ReadRows(_NO_ROWS, self.vectors[:0])

    def similarities(
        self, rows: NDArray[np.intp], probe: NDArray[np.float32], read: ReadRows
    ) -> NDArray[np.float64]:
        """The exact cosines of these rows; those that are stored must have been read.

        −∞ for a sample that was gone from the file when it was: it has been forgotten for good since.
        """
        if not self.stored:
            return exact_similarities(self.vectors, probe, rows)
        similarities = np.full(len(rows), -np.inf)
        stored = self.stored_count
        in_memory = rows >= stored
        similarities[in_memory] = exact_similarities(self.vectors, probe, rows[in_memory] - stored)
        places = read.places(rows)
        similarities[places >= 0] = exact_similarities(read.vectors, probe, places[places >= 0])
        return similarities


@dataclass(frozen=True, slots=True)
class Projection:
    """All scopes as they were at one moment, under one contract."""

    contract: EmbeddingContract
    views: Mapping[Scope, ScopeView] = field(default_factory=lambda: MappingProxyType({}))

    def view(self, scope: Scope) -> ScopeView:
        return self.views.get(scope) or ScopeView.empty(self.contract.dimension, 0)

    def updated(self, scope: Scope, states: Mapping[CharacterId, CharacterFaces | None]) -> Projection:
        view = (self.views.get(scope) or ScopeView.empty(self.contract.dimension)).updated(states)
        return replace(self, views=MappingProxyType({**self.views, scope: view}))


def exact_similarities(
    vectors: NDArray[np.float32], probe: NDArray[np.float32], rows: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """The cosines of these rows or of all, each summed up alone in one order: equal rows get equal ones."""
    rows = np.arange(len(vectors)) if rows is None else rows
    wide = probe.astype(np.float64)
    parts = [
        np.add.reduce(vectors[rows[start : start + _ROWS_AT_ONCE]] * wide, axis=1)
        for start in range(0, len(rows), _ROWS_AT_ONCE)
    ]
    return np.clip(np.concatenate(parts), -1.0, 1.0) if parts else np.empty(0, np.float64)
