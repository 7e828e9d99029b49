"""Rows into memory: how the projection is made from the tables."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from inference.domain import CharacterId, EmbeddingContract, SampleId, Scope
from inference.gallery.projection import CharacterFaces, Projection, ScopeView
from inference.gallery.store import VECTOR_TYPE, Store, usable_rows

_ROWS_AT_ONCE = 4_096


def load_projection(store: Store, contract: EmbeddingContract) -> Projection:
    """Everything that is searched under the contract; unusable embeddings are left to `verify`."""
    views = {scope: _load_view(store, scope, contract) for scope in store.scopes()}
    return Projection(contract, MappingProxyType(views))


def load_character(
    store: Store, character_id: CharacterId, contract: EmbeddingContract
) -> CharacterFaces | None:
    """What the projection holds of one character; None when it is gone."""
    seq = store.character_seq(character_id)
    if seq is None:
        return None
    samples = _load_faces(store, "c.seq = ? AND f.negative = 0", seq, contract)
    negatives = _load_faces(store, "c.seq = ? AND f.negative = 1", seq, contract)
    return CharacterFaces(
        store.character(seq),
        tuple(samples.ids),
        vectors=samples.vectors[: len(samples.ids)],
        hashes=samples.hashes[: len(samples.ids)],
        negatives=negatives.vectors[: len(negatives.ids)],
    )


@dataclass(slots=True)
class _Faces:
    """Faces with their embeddings; the arrays are longer than `ids`, so that a projection can grow."""

    ids: list[SampleId]
    characters: NDArray[np.intp]
    hashes: NDArray[np.uint64]
    vectors: NDArray[np.float32]


def _load_view(store: Store, scope: Scope, contract: EmbeddingContract) -> ScopeView:
    seqs = store.scope_characters(scope)
    slots = np.full(max(seqs, default=0) + 1, -1, np.intp)
    slots[seqs] = np.arange(len(seqs))
    characters = store.characters(seqs)
    samples = _load_faces(store, "c.scope = ? AND f.negative = 0", scope, contract)
    negatives = _load_faces(store, "c.scope = ? AND f.negative = 1", scope, contract)
    against = slots[negatives.characters[: len(negatives.ids)]]
    return ScopeView(
        samples.vectors,
        samples.hashes,
        samples.ids,
        owners=slots[samples.characters[: len(samples.ids)]],
        characters=tuple(characters),
        slots=MappingProxyType({character.id: slot for slot, character in enumerate(characters)}),
        negatives=MappingProxyType(
            {
                int(slot): negatives.vectors[: len(negatives.ids)][against == slot]
                for slot in np.unique(against)
            }
        ),
    )


def _load_faces(store: Store, which: str, value: object, contract: EmbeddingContract) -> _Faces:
    size = contract.dimension * VECTOR_TYPE.itemsize
    # CROSS JOIN keeps this order: characters, their faces, their embeddings, each by an index.
    source = f"""FROM characters c CROSS JOIN faces f ON f.character = c.seq
                 CROSS JOIN embeddings e ON e.face = f.seq AND e.contract = (
                     SELECT seq FROM contracts WHERE id = ?)
                 WHERE {which} AND length(e.vector) = ?"""
    values = (contract.id, value, size)
    (count,) = store.connection.execute(f"SELECT count(*) {source}", values).fetchone()
    capacity = count + count // 8 + 1
    found = _Faces(
        [],
        np.empty(capacity, np.intp),
        np.empty(capacity, np.uint64),
        np.empty((capacity, contract.dimension), np.float32),
    )
    rows = store.connection.execute(f"SELECT f.id, f.character, f.perceptual_hash, e.vector {source}", values)
    while chunk := rows.fetchmany(_ROWS_AT_ONCE):
        ids, characters, hashes, blobs = zip(*chunk, strict=True)
        vectors = np.frombuffer(b"".join(blobs), VECTOR_TYPE).reshape(len(chunk), -1)
        usable = np.flatnonzero(usable_rows(vectors))
        start, end = len(found.ids), len(found.ids) + len(usable)
        found.ids.extend(ids[row] for row in usable)
        found.characters[start:end] = np.array(characters, np.intp)[usable]
        found.hashes[start:end] = np.array(hashes, np.int64).view(np.uint64)[usable]
        found.vectors[start:end] = vectors[usable]
    return found
