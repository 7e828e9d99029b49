"""Made faces in any number: embeddings of characters in styles, of new faces of them, and of strangers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.domain import CharacterId, EmbeddingContract, Scope
from inference.gallery import schema
from inference.gallery.store import Store

DIMENSION = 512
CONTRACT = EmbeddingContract("benchmark", "none", DIMENSION, "none")
SCOPE = Scope("benchmark")
_SAMPLES_PER_CHARACTER = 10
_AT_ONCE = 50_000
_NARROW = 64


@dataclass(frozen=True)
class Faces:
    vectors: NDArray[np.float32]
    owners: NDArray[np.intp]
    probes: NDArray[np.float32]
    truth: NDArray[np.intp]
    """Whom each probe shows; -1 is a stranger."""


def make_faces(samples: int, probes: int, *, narrow: bool = False) -> Faces:
    """Faces at very different distances from their character, and characters that share a style.

    With `narrow` they differ in 64 directions only, more in some than in others, and are nearer:
    about as the embedder of dareda-1 lays real ones out. Without it they fill all 512 dimensions.
    """
    rng = np.random.default_rng(7)
    characters = max(samples // _SAMPLES_PER_CHARACTER, 1)
    strangers = probes // 2
    everybody = characters + strangers
    dimension = _NARROW if narrow else DIMENSION
    spread = (np.arange(dimension) + 4.0) ** -0.75 if narrow else np.ones(dimension)
    spread = (spread * (dimension / (spread**2).sum()) ** 0.5).astype(np.float32)
    base = np.linalg.qr(rng.standard_normal((DIMENSION, dimension)))[0].T.astype(np.float32)

    def noise(rows: int) -> NDArray[np.float32]:
        return rng.standard_normal((rows, dimension), np.float32) * spread / np.float32(dimension**0.5)

    styles = _unit(noise(200))
    centres = _unit(0.6 * styles[rng.integers(0, len(styles), everybody)] + 0.8 * _unit(noise(everybody)))
    nearest, farthest = (0.3, 1.0) if narrow else (1.0, 2.4)

    def faces_of(people: NDArray[np.intp]) -> NDArray[np.float32]:
        amount = rng.uniform(nearest, farthest, (len(people), 1)).astype(np.float32)
        return _unit(centres[people] + amount * noise(len(people))) @ base

    owners = np.arange(samples) % characters
    vectors = np.empty((samples, DIMENSION), np.float32)
    for start in range(0, samples, _AT_ONCE):
        vectors[start : start + _AT_ONCE] = faces_of(owners[start : start + _AT_ONCE])
    enrolled = rng.choice(characters, probes - strangers, replace=probes - strangers > characters)
    people = np.concatenate([enrolled, np.arange(characters, everybody)])
    truth = np.where(people < characters, people, -1)
    order = rng.permutation(probes)
    return Faces(vectors, owners, _unit(faces_of(people)[order]), truth[order])


def fill(path: Path, faces: Faces, crop_bytes: int, *, contract: EmbeddingContract = CONTRACT) -> None:
    """A new gallery of these faces, written in bulk past the duplicate checks."""
    rng = np.random.default_rng(3)
    connection = schema.open_writer(path)
    connection.execute("PRAGMA synchronous = OFF")
    store, at = Store(connection), datetime.now(UTC).isoformat()
    with schema.transaction(connection):
        store.activate(contract)
        contract_seq = store.contract_seq(contract)
        seqs = [
            store.add_character(SCOPE, f"character {one}", CharacterId(str(one)))
            for one in range(int(faces.owners.max()) + 1)
        ]
    for start in range(0, len(faces.vectors), 10_000):
        rows = range(start, min(start + 10_000, len(faces.vectors)))
        hashes = rng.integers(-(1 << 63), 1 << 63, len(rows)).tolist()
        ids = [rng.bytes(8).hex() for _ in rows]
        with schema.transaction(connection):
            connection.executemany(
                "INSERT INTO faces VALUES(?, ?, ?, 0, ?, ?, '', ?, '', NULL)",
                [
                    (row + 1, sample_id, seqs[faces.owners[row]], f"{row:064x}", phash, at)
                    for row, sample_id, phash in zip(rows, ids, hashes, strict=True)
                ],
            )
            connection.executemany(
                "INSERT INTO crops VALUES(?, ?, 0, 0, 1, 1)",
                [(row + 1, rng.bytes(crop_bytes)) for row in rows],
            )
            connection.executemany(
                "INSERT INTO embeddings(face, contract, vector) VALUES(?, ?, ?)",
                [(row + 1, contract_seq, faces.vectors[row].tobytes()) for row in rows],
            )
    connection.close()


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
