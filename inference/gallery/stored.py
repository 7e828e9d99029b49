"""Samples whose vectors stay in the gallery's file: in memory is only what finds the few to be read."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from inference.domain import EmbeddingContract
from inference.errors import StoppedError
from inference.gallery import schema
from inference.gallery.centres import CentredRows
from inference.gallery.means_file import MeansFile
from inference.gallery.store import VECTOR_TYPE

N = TypeVar("N", bound=np.integer)
_KEPT_KIB = 8_192
"""Of the tree over the embeddings, some 4 MB at a million, so that only they themselves have to be read."""
_HELPERS, _HELPERS_KEPT_KIB = 8, 512
_TRIED, _LONG_S = 8, 0.0002
"""Embeddings that are read first, and how long that takes at most when they are in the system's memory."""


class StoredVectors(NamedTuple):
    """Embeddings as they are in the file."""

    keys: NDArray[np.int64]
    """Of the embeddings, ascending."""
    faces: NDArray[np.int64]
    """Keys of the faces that they are of."""
    vectors: NDArray[np.float32]
    """Of unit length, (n, dimension)."""


Read = Callable[[Sequence[int]], StoredVectors]
"""Embeddings by their keys, ascending; those that are gone from the file are missing."""


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Those of some stored rows that were still in the file."""

    rows: NDArray[np.intp]
    """Ascending."""
    vectors: NDArray[np.float32]
    """(n, dimension)."""

    def places(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where the vectors of these rows are; −1 for those that are not here."""
        return _places_in(self.rows, rows)


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

    def vectors(self, rows: NDArray[np.intp]) -> ReadRows:
        """Those of these rows, all of them different, that are still in the file."""
        rows = np.sort(rows)
        keys = self.embeddings[rows]
        found = self.read(np.sort(keys).tolist())
        places = _places_in(found.keys, keys)
        there = places >= 0
        # An embedding's key may belong to another face now.
        there[there] = found.faces[places[there]] == self.faces[rows[there]]
        return ReadRows(rows[there], found.vectors[places[there]])

    def rows_of(self, owners: NDArray[np.intp]) -> list[NDArray[np.int32]]:
        """For each of the characters the rows that were hers when they were read, ascending."""
        wanted = owners.astype(np.int32)  # searched among others, all of those would be converted
        starts = np.searchsorted(self.owners, wanted)
        ends = np.searchsorted(self.owners, wanted, side="right")
        return [self.by_owner[start:end] for start, end in zip(starts, ends, strict=True)]


def _places_in(ascending: NDArray[N], values: NDArray[N]) -> NDArray[np.intp]:
    places = np.searchsorted(ascending, values)
    places[places == len(ascending)] = -1
    if len(ascending):
        places[ascending[places] != values] = -1
    return places


class VectorFile:
    """Reads single vectors of a gallery's file, beside whoever writes to it; from any thread.

    Where the disk has to be waited for, several helpers wait for it beside each other: it answers many in
    the time of one.
    """

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self._path = path
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        """The one that reads, and those of the helpers."""
        self._helpers = ThreadPoolExecutor(_HELPERS, thread_name_prefix="vectors")
        self._closed = False

    def read(self, contract: EmbeddingContract, keys: Sequence[int]) -> StoredVectors:
        """The embeddings with these keys, ascending, that are there and under the contract.

        Raises GalleryUnavailableError, GalleryDamagedError, StoppedError.
        """
        with self._lock, schema.translated_errors(self._path):
            if self._closed:
                raise StoppedError
            rows = self._rows(contract, keys)
        found, faces, blobs = zip(*rows, strict=True) if rows else ((), (), ())
        vectors = np.frombuffer(b"".join(blobs), VECTOR_TYPE).reshape(len(rows), contract.dimension)
        return StoredVectors(np.array(found, np.int64), np.array(faces, np.int64), vectors)

    def _rows(self, contract: EmbeddingContract, keys: Sequence[int]) -> list[tuple[int, int, bytes]]:
        self._connect(1)
        started = time.perf_counter()
        # CROSS JOIN keeps this order.
        cursor = self._connections[0].execute(
            """SELECT e.seq, e.face, e.vector FROM json_each(?) wanted
               CROSS JOIN embeddings e ON e.seq = wanted.value
               WHERE e.contract = (SELECT seq FROM contracts WHERE id = ?) AND length(e.vector) = ?""",
            (json.dumps(keys), contract.id, contract.dimension * VECTOR_TYPE.itemsize),
        )
        rows = cursor.fetchmany(_TRIED)
        left = keys[len(rows) :]
        if len(left) > _HELPERS and time.perf_counter() - started > _LONG_S:
            self._bring_into_memory(left)
        return rows + cursor.fetchall()

    def _bring_into_memory(self, keys: Sequence[int]) -> None:
        """Has the system read all pages that hold these embeddings."""
        self._connect(1 + _HELPERS)
        shares = (keys[number::_HELPERS] for number in range(_HELPERS))
        for _ in self._helpers.map(_touch, self._connections[1:], shares):
            pass

    def _connect(self, count: int) -> None:
        for number in range(len(self._connections), count):
            connection = schema.open_reader(self._path)
            self._connections.append(connection)
            connection.execute(f"PRAGMA cache_size = -{_HELPERS_KEPT_KIB if number else _KEPT_KIB}")

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._helpers.shutdown()
            for connection in self._connections:
                connection.close()


def _touch(connection: sqlite3.Connection, keys: Sequence[int]) -> None:
    """Reads the pages of these embeddings, in a single step: Python's lock is not asked for between them."""
    connection.execute(
        "SELECT count(e.face) FROM json_each(?) wanted CROSS JOIN embeddings e ON e.seq = wanted.value",
        (json.dumps(keys),),
    ).fetchall()
