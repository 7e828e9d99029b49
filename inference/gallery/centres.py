"""Rows filed under the nearest of some centres, so that only those near a probe are compared. Approximate."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.cores import away_from, current_core, usable_cores

ROWS_TO_LEARN_FROM = 40
"""For each centre."""
_ROWS_LOOKED_AT = 64_000
_LEAST_LOOKED_AT = 32
_ROUNDS = 6
_SKETCHED_TOGETHER = 4
"""Elements of a row that become one of 16 patterns: a bit an element."""
_PATTERNS = 16
_CANDIDATES = 8
"""Times as many rows as are asked for, …"""
_LEAST_CANDIDATES = 768
"""… and no fewer than that: what looks alike as a sketch is compared again."""
_LARGEST = 127.0
_ROWS_AT_ONCE = 1_024


def centres_for(rows: int) -> int:
    """How many centres are good for so many rows."""
    return max(math.isqrt(rows), 1)


class CentredRows:
    """Unit vectors with eight bits an element, numbered as they were added, and a sketch of each to find it.

    Sketches have one bit an element and are filed under the nearest centre (Faiss' inverted file). They
    only choose the rows that are compared. Scores are off by less than `slack` (four standard deviations of
    what rounding the rows adds up to).

    Filled by one thread first; after that any number of threads may search it.
    """

    def __init__(self, examples: NDArray[np.float32], centres: int, capacity: int) -> None:
        """Learns the centres from examples of the at most `capacity` rows, (n, dimension), n ≥ centres."""
        import faiss  # noqa: PLC0415 - some 40 MB of memory, which only large galleries need

        self._faiss: Any = faiss
        dimension = examples.shape[1]
        # Elements of other rows are seldom larger than the largest of these, and never by much.
        self._scale = np.float32(_LARGEST / max(float(np.abs(examples).max()), 1e-3))
        self.slack = np.float32(4 / (self._scale * 12**0.5))
        self._rows = np.empty((capacity, dimension), np.int8)
        self._sketches: Any = faiss.IndexIVFPQFastScan(
            faiss.IndexFlatIP(dimension),
            dimension,
            centres,
            dimension // math.gcd(dimension, _SKETCHED_TOGETHER),
            _PATTERNS.bit_length() - 1,
            faiss.METRIC_INNER_PRODUCT,
        )
        self._sketches.by_residual = False  # the difference to the centre finds no more, and takes longer
        self._sketches.cp.niter = _ROUNDS
        # Any number of examples is fine; by default it complains on standard error about few.
        self._sketches.cp.min_points_per_centroid = self._sketches.pq.cp.min_points_per_centroid = 1
        if len(examples) < _PATTERNS:
            examples = np.resize(examples, (_PATTERNS, dimension))
        self._sketches.train(examples)

    def __len__(self) -> int:
        return int(self._sketches.ntotal)

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Of unit length, (n, dimension); with those before no more than the capacity."""
        scaled = vectors * self._scale
        np.rint(scaled, out=scaled)
        self._rows[len(self) : len(self) + len(vectors)] = scaled.clip(-_LARGEST, _LARGEST, out=scaled)
        self._sketches.add(vectors)

    def nearest(
        self, probes: NDArray[np.float32], count: int, *, everywhere: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each probe up to `count` rows and their cosines, best first; −1 where there are no more.

        Of probes of unit length, (n, dimension), two times (n, count).
        About the nearest: it looks under the centres nearest to the probe, at some 64,000 sketches. Or, with
        `everywhere`, the nearest: it looks at all rows.
        """
        parts = min(len(probes), usable_cores())
        if parts <= 1:
            return self._nearest(probes, count, everywhere)
        # Reading the rows is the work, and one core cannot read as fast as the memory gives.
        own, *others = np.array_split(probes, parts)
        core = current_core()
        helped = [
            _helpers().submit(away_from, core, self._nearest, share, count, everywhere) for share in others
        ]
        found = [self._nearest(own, count, everywhere), *(future.result() for future in helped)]
        return np.concatenate([rows for rows, _ in found]), np.concatenate([scores for _, scores in found])

    def _nearest(
        self, probes: NDArray[np.float32], count: int, everywhere: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        rows = np.full((len(probes), count), -1, np.int64)
        scores = np.full((len(probes), count), -np.inf, np.float32)
        for number, candidates in enumerate(self._candidates(probes, count, everywhere)):
            cosines = self._cosines(candidates, probes[number])
            best = np.argsort(-cosines)[:count]
            rows[number, : len(best)], scores[number, : len(best)] = candidates[best], cosines[best]
        return rows, scores

    def _candidates(
        self, probes: NDArray[np.float32], count: int, everywhere: bool
    ) -> list[NDArray[np.int64]]:
        """For each probe the rows that may be the nearest `count`."""
        candidates = max(_CANDIDATES * count, _LEAST_CANDIDATES)
        if everywhere or candidates >= len(self):
            return [np.arange(len(self))] * len(probes)
        # Faiss' own threads would wait for one another and spin, beside other searches. It is set by thread.
        self._faiss.omp_set_num_threads(1)
        centres = self._sketches.nlist
        enough = max(round(_ROWS_LOOKED_AT * centres / len(self)), _LEAST_LOOKED_AT)
        looked_at = self._faiss.SearchParametersIVF(nprobe=min(enough, centres))
        _, rows = self._sketches.search(probes, candidates, params=looked_at)
        return [one[one >= 0] for one in rows]

    def _cosines(self, rows: NDArray[np.int64], probe: NDArray[np.float32]) -> NDArray[np.float32]:
        """To the probe, of rows with eight bits an element."""
        scaled, cosines = probe / self._scale, np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            # A matrix product might start threads that wait for one another, beside other searches.
            np.vecdot(self._rows.take(rows[some], axis=0), scaled, out=cosines[some])
        return cosines


@cache
def _helpers() -> ThreadPoolExecutor:
    """Of the threads that search: one less than there are cores, for all searches together."""
    return ThreadPoolExecutor(usable_cores() - 1, thread_name_prefix="searcher")
