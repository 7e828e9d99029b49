"""The mean of a character's samples: evens out what single pictures show by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mean = NDArray[np.float64]
"""A mean embedding, shape (dimension,), of any length: only its direction counts."""

NO_MEAN: Mean = np.empty(0)
"""Of a single sample, which is compared by itself."""

_DIGITS = 9


def mean_of(vectors: Sequence[NDArray[np.float32]] | NDArray[np.float32]) -> Mean:
    """The sum of unit vectors (n ≥ 1, dimension) in double precision."""
    total: Mean = np.add.reduce(np.asarray(vectors), axis=0, dtype=np.float64)
    return total


def similarities_to_means(means: NDArray[np.float64], probes: NDArray[np.float32]) -> NDArray[np.float64]:
    """means × probes: the cosines, rounded so that the order in which samples were added up is no matter."""
    # Opposite samples may add up to nothing, which is alike to nothing.
    lengths = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
    cosines: NDArray[np.float64] = np.round(means @ probes.T.astype(np.float64) / lengths, _DIGITS)
    return np.minimum(cosines, 1.0)
