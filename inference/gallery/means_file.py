"""Means of a large scope's characters on the disk: read in a moment, where their samples would take long."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from errno import ENOSPC
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from inference.gallery.means import NO_MEAN, Mean, mean_of

log = logging.getLogger(__name__)

_ELEMENT = np.dtype(np.float64)
_UNKNOWN, _SINGLE = -2, -1


class MeansFile:
    """Made once from all samples of a scope, then only read; from any thread.

    It is a file without a name that goes with its last user. Where there is no room for it, the means of
    characters with several samples stay unknown to it.
    """

    def __init__(self, folder: Path, characters: int, dimension: int) -> None:
        """Characters are told apart by their slots, 0 … `characters` - 1."""
        self._dimension = dimension
        self._places = np.full(characters, _UNKNOWN, np.int32)
        self._written = 0
        self._slot, self._count, self._sum = _UNKNOWN, 0, np.zeros(dimension)
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        with self._or_without():
            # Closed with its last user. What a buffer would read in advance is never what is asked for next.
            self._file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115
            weakref.finalize(self, self._file.close)

    def add(self, slots: NDArray[np.intp], vectors: NDArray[np.float32]) -> None:
        """More samples (n, dimension); those of one character come all behind each other."""
        starts = np.flatnonzero(np.diff(slots, prepend=_UNKNOWN)).tolist()
        for start, end in pairwise([*starts, len(slots)]):
            if slots[start] != self._slot:
                self._end_character()
                self._slot, self._count, self._sum = int(slots[start]), 0, np.zeros(self._dimension)
                assert self._places[self._slot] == _UNKNOWN, "samples lie apart"  # noqa: S101
            self._count += end - start
            self._sum += mean_of(vectors[start:end])

    def finish(self) -> None:
        """There are no more samples."""
        self._end_character()
        self._count = 0

    def read(self, slots: Iterable[int]) -> dict[int, Mean]:
        """The means of those of the characters that it knows; `NO_MEAN` for a single sample."""
        means: dict[int, Mean] = {}
        size = self._dimension * _ELEMENT.itemsize
        places = {slot: int(self._places[slot]) for slot in slots}
        with self._lock:
            if self._file and sys.platform == "linux":
                # The disk answers many in the time of one, if it knows of them.
                for place in places.values():
                    if place >= 0:
                        os.posix_fadvise(self._file.fileno(), place * size, size, os.POSIX_FADV_WILLNEED)
            for slot, place in places.items():
                if place == _SINGLE:
                    means[slot] = NO_MEAN
                elif place != _UNKNOWN and self._file:
                    self._file.seek(place * size)
                    means[slot] = np.frombuffer(self._file.read(size), _ELEMENT)
        return means

    def _end_character(self) -> None:
        if self._count == 1:
            self._places[self._slot] = _SINGLE
        elif self._count and self._file:
            with self._or_without():
                data = self._sum.tobytes()
                if self._file.write(data) != len(data):
                    raise OSError(ENOSPC, "only a part was written")
                self._places[self._slot] = self._written
                self._written += 1

    @contextmanager
    def _or_without(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            log.warning("means_not_kept error=%r", error)
            self._places[self._places >= 0] = _UNKNOWN
            if self._file:
                self._file.close()
                self._file = None
