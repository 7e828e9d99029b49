"""Rows filed under the nearest of some centres, so that only those near a probe are compared. Approximate."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.cores import usable_cores

ROWS_TO_LEARN_FROM = 40
"""For each centre."""
_ROWS_LOOKED_AT = 32_000
_LEAST_LOOKED_AT = 32
_ROUNDS = 6
_LARGEST = 127.0


def centres_for(rows: int) -> int:
    """How many centres are good for so many rows."""
    return max(math.isqrt(rows), 1)


class CentredRows:
    """Unit vectors with eight bits an element, numbered as they were added, filed under the nearest centre.

    Filled by one thread first; after that any number of threads may search it. Faiss' inverted file. Its
    scores are off by less than `slack` (four standard deviations of what rounding adds up to).
    """

    def __init__(self, examples: NDArray[np.float32], centres: int) -> None:
        """Learns the centres from examples of the rows, (n, dimension), n ≥ centres."""
        import faiss  # noqa: PLC0415 - some 40 MB of memory, which only large galleries need

        self._faiss: Any = faiss
        dimension = examples.shape[1]
        # Elements of other rows are seldom larger than the largest of these, and never by much.
        self._scale = np.float32(_LARGEST / max(float(np.abs(examples).max()), 1e-3))
        self._index: Any = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dimension),
            dimension,
            centres,
            faiss.ScalarQuantizer.QT_8bit_direct_signed,
            faiss.METRIC_INNER_PRODUCT,
            False,  # not the difference to the centre: all rows share one scale
        )
        self._index.cp.niter = _ROUNDS
        # Any number of examples is fine; by default it complains on standard error about few.
        self._index.cp.min_points_per_centroid = 1
        self._index.train(self._scaled(examples))
        self.slack = np.float32(4 / (self._scale * 6**0.5))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, vectors: NDArray[np.float32]) -> None:
        self._index.add(self._scaled(vectors))

    def nearest(
        self, probes: NDArray[np.float32], count: int, *, everywhere: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each probe up to `count` rows and their cosines, about the nearest; −1 where there are no more.

        It looks under the centres nearest to the probe, at some 32,000 rows, or, with `everywhere`, at all.
        """
        parts = min(len(probes), usable_cores())
        if parts <= 1:
            return self._nearest(probes, count, everywhere)
        # Reading the rows is the work, and one core cannot read as fast as the memory gives.
        shares = np.array_split(probes, parts)
        found = [*_searchers().map(lambda share: self._nearest(share, count, everywhere), shares)]
        return np.concatenate([rows for rows, _ in found]), np.concatenate([scores for _, scores in found])

    def _nearest(
        self, probes: NDArray[np.float32], count: int, everywhere: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        # Faiss' own threads would wait for one another and spin, beside other searches. It is set by thread.
        self._faiss.omp_set_num_threads(1)
        centres = self._index.nlist
        enough = max(round(_ROWS_LOOKED_AT * centres / max(len(self), 1)), _LEAST_LOOKED_AT)
        looked_at = self._faiss.SearchParametersIVF(nprobe=centres if everywhere else min(enough, centres))
        # The products are of whole numbers, so the probes must be scaled too: each has a scale of its own.
        scales = _LARGEST / np.abs(probes).max(axis=1, keepdims=True)
        scores, rows = self._index.search(np.rint(probes * scales), count, params=looked_at)
        return rows, scores / (scales * self._scale)

    def _scaled(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32] = np.rint(vectors * self._scale).clip(-_LARGEST, _LARGEST)
        return scaled


@cache
def _searchers() -> ThreadPoolExecutor:
    """As many as there are cores, for all searches together."""
    return ThreadPoolExecutor(usable_cores(), thread_name_prefix="searcher")
