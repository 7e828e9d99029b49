"""Samples whose vectors stay in the gallery's file: in memory is only what finds the few to be read."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.domain import EmbeddingContract
from inference.errors import StoppedError
from inference.gallery import schema
from inference.gallery.centres import CentredRows
from inference.gallery.means_file import MeansFile
from inference.gallery.store import VECTOR_TYPE

_KEPT_KIB = 8_192
"""Of the tree over the embeddings, some 4 MB at a million, so that only they themselves have to be read."""


class StoredVector(NamedTuple):
    """An embedding as it is in the file."""

    face: int
    """Key of the face that it is of."""
    vector: NDArray[np.float32]
    """Of unit length, shape (dimension,)."""


Read = Callable[[Sequence[int]], Mapping[int, StoredVector]]
"""Embeddings by their keys; those that are gone from the file are missing."""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The first rows of a view."""

    index: CentredRows
    faces: NDArray[np.int64]
    """For each row the key of its face in the file, …"""
    embeddings: NDArray[np.int64]
    """… and that of its embedding, by which it is found with a single access to the disk."""
    by_owner: NDArray[np.int32]
    """All these rows, those of one character behind each other, …"""
    owners: NDArray[np.int32]
    """… and whose each of them was when they were read; ascending."""
    read: Read
    means: MeansFile
    """Of the characters as they were when the rows were read, by the same indices as `owners`."""

    def vectors(self, rows: NDArray[np.intp]) -> dict[int, NDArray[np.float32]]:
        """Those of these rows, by row, that are still in the file."""
        faces, keys = self.faces[rows].tolist(), self.embeddings[rows].tolist()
        found = self.read(sorted(keys))
        return {
            row: stored.vector
            for row, face, key in zip(rows.tolist(), faces, keys, strict=True)
            if (stored := found.get(key)) and stored.face == face
        }

    def rows_of(self, owners: NDArray[np.intp]) -> list[NDArray[np.int32]]:
        """For each of the characters the rows that were hers when they were read, ascending."""
        wanted = owners.astype(np.int32)  # searched among others, all of those would be converted
        starts = np.searchsorted(self.owners, wanted)
        ends = np.searchsorted(self.owners, wanted, side="right")
        return [self.by_owner[start:end] for start, end in zip(starts, ends, strict=True)]


class VectorFile:
    """Reads single vectors of a gallery's file, beside whoever writes to it; from any thread."""

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    def read(self, contract: EmbeddingContract, keys: Sequence[int]) -> dict[int, StoredVector]:
        """The embeddings with these keys, by key, that are there and under the contract.

        Raises GalleryUnavailableError, GalleryDamagedError, StoppedError.
        """
        with self._lock, schema.translated_errors(self._path):
            if self._closed:
                raise StoppedError
            if self._connection is None:
                self._connection = schema.open_reader(self._path)
                self._connection.execute(f"PRAGMA cache_size = -{_KEPT_KIB}")
            # CROSS JOIN keeps this order.
            rows = self._connection.execute(
                """SELECT e.seq, e.face, e.vector FROM json_each(?) wanted
                   CROSS JOIN embeddings e ON e.seq = wanted.value
                   WHERE e.contract = (SELECT seq FROM contracts WHERE id = ?) AND length(e.vector) = ?""",
                (json.dumps(keys), contract.id, contract.dimension * VECTOR_TYPE.itemsize),
            ).fetchall()
        return {key: StoredVector(face, np.frombuffer(blob, VECTOR_TYPE)) for key, face, blob in rows}

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.close()
