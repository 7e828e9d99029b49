"""Samples whose vectors stay in the gallery's file: in memory is only what finds the few to be read."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.domain import EmbeddingContract, SampleId
from inference.errors import StoppedError
from inference.gallery import schema
from inference.gallery.centres import CentredRows
from inference.gallery.means_file import MeansFile
from inference.gallery.store import VECTOR_TYPE


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The first rows of a view."""

    index: CentredRows
    by_owner: NDArray[np.int32]
    """All these rows, those of one character behind each other, …"""
    owners: NDArray[np.int32]
    """… and whose each of them was when they were read; ascending."""
    read: Callable[[Sequence[SampleId]], Mapping[SampleId, NDArray[np.float32]]]
    """Their vectors as they are in the file; those that are gone from it are missing."""
    means: MeansFile
    """Of the characters as they were when the rows were read, by the same indices as `owners`."""

    @classmethod
    def of(
        cls,
        index: CentredRows,
        owners: NDArray[np.intp],
        read: Callable[[Sequence[SampleId]], Mapping[SampleId, NDArray[np.float32]]],
        means: MeansFile,
    ) -> StoredRows:
        """`owners`: of each row."""
        order = np.argsort(owners, kind="stable")
        return cls(index, order.astype(np.int32), owners[order].astype(np.int32), read, means)

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

    def read(
        self, contract: EmbeddingContract, sample_ids: Sequence[SampleId]
    ) -> dict[SampleId, NDArray[np.float32]]:
        """The vectors of these faces under the contract; those that are gone are missing.

        Raises GalleryUnavailableError, GalleryDamagedError, StoppedError.
        """
        with self._lock, schema.translated_errors(self._path):
            if self._closed:
                raise StoppedError
            if self._connection is None:
                self._connection = schema.open_reader(self._path)
            # CROSS JOIN keeps this order: what is asked for, its face, its embedding, each by an index.
            rows = self._connection.execute(
                """SELECT f.id, e.vector FROM json_each(?) wanted CROSS JOIN faces f ON f.id = wanted.value
                   CROSS JOIN embeddings e ON e.face = f.seq
                   AND e.contract = (SELECT seq FROM contracts WHERE id = ?) WHERE length(e.vector) = ?""",
                (json.dumps(sample_ids), contract.id, contract.dimension * VECTOR_TYPE.itemsize),
            ).fetchall()
        return {SampleId(row[0]): np.frombuffer(row[1], VECTOR_TYPE) for row in rows}

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.close()
