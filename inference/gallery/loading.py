"""Rows into memory: how the projection is made from the tables, and kept in step with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.domain import CharacterId, EmbeddingContract, SampleId, Scope
from inference.gallery.centres import ROWS_TO_LEARN_FROM, CentredRows, centres_for
from inference.gallery.means_file import MeansFile
from inference.gallery.projection import CharacterFaces, Projection, ScopeView
from inference.gallery.store import VECTOR_TYPE, Store, usable_rows
from inference.gallery.stored import Read, StoredRows, VectorFile

_ROWS_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class Loader:
    """Makes the projection, and keeps it in step with the tables."""

    exact_up_to: int
    """The vectors of a scope with more samples stay in the file, and are searched by an index."""
    file: VectorFile | None
    """Where they can be read from; without it all vectors are loaded."""

    def load(self, store: Store, contract: EmbeddingContract) -> Projection:
        """Everything that is searched under the contract; unusable embeddings are left to `verify`."""
        views = {scope: self._load_view(store, scope, contract) for scope in store.scopes()}
        return Projection(contract, MappingProxyType(views))

    def updated(
        self, projection: Projection, store: Store, scope: Scope, characters: Iterable[CharacterId]
    ) -> Projection:
        """The projection after a change to these characters of the scope."""
        contract = projection.contract
        states = {one: load_character(store, one, contract) for one in sorted(characters)}
        projection = projection.updated(scope, states)
        if self.file and projection.view(scope).is_worn(self.exact_up_to):
            view = self._load_view(store, scope, contract)
            projection = replace(projection, views=MappingProxyType({**projection.views, scope: view}))
        return projection

    def _load_view(self, store: Store, scope: Scope, contract: EmbeddingContract) -> ScopeView:
        seqs = store.scope_characters(scope)
        slots = np.full(max(seqs, default=0) + 1, -1, np.intp)
        slots[seqs] = np.arange(len(seqs))
        characters = store.characters(seqs)
        samples = _FaceRows(store, "c.scope = ? AND f.negative = 0", scope, contract)
        filing = None
        if self.file and (count := samples.count()) > self.exact_up_to:
            filing = _Filing.begun(samples, count, slots, self.file.folder)
        faces = samples.read(filing)
        negatives = _FaceRows(store, "c.scope = ? AND f.negative = 1", scope, contract).read()
        against = slots[negatives.characters]
        return ScopeView(
            faces.vectors,
            faces.hashes,
            faces.ids,
            owners=slots[faces.characters],
            characters=tuple(characters),
            slots=MappingProxyType({character.id: slot for slot, character in enumerate(characters)}),
            negatives=MappingProxyType(
                {int(slot): negatives.vectors[: len(against)][against == slot] for slot in np.unique(against)}
            ),
            stored=filing.finished(slots[faces.characters], partial(self.file.read, contract))
            if self.file and filing
            else None,
        )


def load_character(
    store: Store, character_id: CharacterId, contract: EmbeddingContract
) -> CharacterFaces | None:
    """What the projection holds of one character; None when it is gone."""
    seq = store.character_seq(character_id)
    if seq is None:
        return None
    samples = _FaceRows(store, "c.seq = ? AND f.negative = 0", seq, contract).read()
    negatives = _FaceRows(store, "c.seq = ? AND f.negative = 1", seq, contract).read()
    return CharacterFaces(
        store.character(seq),
        tuple(samples.ids),
        vectors=samples.vectors[: len(samples.ids)],
        hashes=samples.hashes[: len(samples.ids)],
        negatives=negatives.vectors[: len(negatives.ids)],
    )


class _Chunk(NamedTuple):
    ids: list[SampleId]
    keys: NDArray[np.int64]
    """(n, 2): of the face and its embedding."""
    characters: NDArray[np.intp]
    """Keys of whose they are; those of one come all behind each other, over all chunks."""
    hashes: NDArray[np.uint64]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Filing:
    """Takes the vectors of a large scope, and keeps what finds them again."""

    index: CentredRows
    means: MeansFile
    slots: NDArray[np.intp]
    """By the keys of characters."""
    keys: list[NDArray[np.int64]] = field(default_factory=list)
    """As in the chunks."""

    @classmethod
    def begun(cls, samples: _FaceRows, count: int, slots: NDArray[np.intp], folder: Path) -> _Filing | None:
        """For so many samples, as far apart as these are; None when none of them is usable."""
        centres = centres_for(count)
        every = max(count // (centres * ROWS_TO_LEARN_FROM), 1)
        parts = [chunk.vectors for chunk in samples.chunks(every)]
        examples = np.concatenate(parts) if parts else np.empty((0, 1), np.float32)
        if not len(examples):
            return None
        index = CentredRows(examples, min(centres, len(examples)), count)
        return cls(index, MeansFile(folder, int(slots.max()) + 1, examples.shape[1]), slots)

    def add(self, chunk: _Chunk) -> None:
        self.index.add(chunk.vectors)
        self.means.add(self.slots[chunk.characters], chunk.vectors)
        self.keys.append(chunk.keys)

    def finished(self, owners: NDArray[np.intp], read: Read) -> StoredRows:
        """`owners`: the slot of each row."""
        self.means.finish()
        faces, embeddings = np.concatenate(self.keys).T.copy()
        order = np.argsort(owners, kind="stable")
        return StoredRows(
            self.index,
            faces,
            embeddings,
            order.astype(np.int32),
            owners[order].astype(np.int32),
            read,
            self.means,
        )


@dataclass(slots=True)
class _Faces:
    """Faces with their embeddings."""

    ids: list[SampleId]
    characters: NDArray[np.intp]
    """Keys of whose they are."""
    hashes: NDArray[np.uint64]
    """Longer than `ids`, so that a projection can grow; as are the vectors."""
    vectors: NDArray[np.float32]
    """Empty where they have been filed."""


@dataclass(frozen=True, slots=True)
class _FaceRows:
    """Faces of some character or scope that have an embedding under the contract."""

    store: Store
    which: str
    value: object
    contract: EmbeddingContract

    def count(self) -> int:
        """How many there are at most: some may have no usable embedding."""
        (count,) = self.store.connection.execute(
            f"""SELECT count(*) FROM characters c CROSS JOIN faces f ON f.character = c.seq
                WHERE {self.which}""",
            (self.value,),
        ).fetchone()
        return int(count)

    def chunks(self, every: int = 1) -> Iterator[_Chunk]:
        """Those that are usable, or about one of `every` so many."""
        # CROSS JOIN keeps this order: characters, their faces, their embeddings, each by an index.
        rows = self.store.connection.execute(
            f"""SELECT f.id, f.seq, e.seq, f.character, f.perceptual_hash, e.vector
                FROM characters c CROSS JOIN faces f ON f.character = c.seq
                CROSS JOIN embeddings e ON e.face = f.seq AND e.contract = (
                    SELECT seq FROM contracts WHERE id = ?)
                WHERE {self.which} AND length(e.vector) = ? AND f.seq % ? = 0""",
            (self.contract.id, self.value, self.contract.dimension * VECTOR_TYPE.itemsize, every),
        )
        while chunk := rows.fetchmany(_ROWS_AT_ONCE):
            ids, faces, embeddings, characters, hashes, blobs = zip(*chunk, strict=True)
            vectors = np.frombuffer(b"".join(blobs), VECTOR_TYPE).reshape(len(chunk), -1)
            usable = np.flatnonzero(usable_rows(vectors))
            yield _Chunk(
                [ids[row] for row in usable],
                np.array([faces, embeddings], np.int64).T[usable],
                np.array(characters, np.intp)[usable],
                np.array(hashes, np.int64).view(np.uint64)[usable],
                vectors[usable],
            )

    def read(self, filing: _Filing | None = None) -> _Faces:
        """All that are usable; their vectors are filed, or else kept."""
        count = self.count()
        capacity = count + count // 8 + 1
        faces = _Faces(
            [],
            np.empty(count, np.intp),
            np.empty(capacity, np.uint64),
            np.empty((capacity if filing is None else 1, self.contract.dimension), np.float32),
        )
        for chunk in self.chunks():
            start, end = len(faces.ids), len(faces.ids) + len(chunk.ids)
            faces.ids.extend(chunk.ids)
            faces.characters[start:end], faces.hashes[start:end] = chunk.characters, chunk.hashes
            if filing:
                filing.add(chunk)
            else:
                faces.vectors[start:end] = chunk.vectors
        faces.characters = faces.characters[: len(faces.ids)]
        return faces
