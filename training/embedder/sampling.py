"""Which faces an epoch shows, and how often: characters balanced, no source over its cap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from training.embedder.recipe import SamplingRecipe

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def character_shares(characters: Indices, sources: Sequence[str], recipe: SamplingRecipe) -> Floats:
    """The share of an epoch for each face; adds up to 1.

    A character's faces share alike. Where the caps leave less than a whole epoch (too few sources), the rest
    goes to all in proportion.
    """
    counts = np.bincount(characters)
    weights = np.array([recipe.source_weights.get(source, 1.0) for source in sources])
    shares: Floats = weights * counts[characters] ** (recipe.balance - 1.0)
    return _capped(shares / shares.sum(), sources, recipe.source_cap)


def epoch_of(shares: Floats, characters: Indices, count: int, generator: np.random.Generator) -> Indices:
    """`count` faces in random order, each as often as its share says, rounded up or down by chance.

    Systematic sampling, so that an epoch is never far from the shares; within a character, which face gets
    the odd turn is random.
    """
    order = generator.permutation(len(shares))
    order = order[np.argsort(characters[order], kind="stable")]
    ends = np.cumsum(shares[order])
    points = (np.arange(count) + generator.random()) / count * ends[-1]
    chosen = order[np.minimum(np.searchsorted(ends, points, side="right"), len(order) - 1)]
    return generator.permutation(chosen)


def _capped(shares: Floats, sources: Sequence[str], cap: float) -> Floats:
    _, source = np.unique(list(sources), return_inverse=True)
    capped: Floats = shares.copy()
    fixed = np.zeros(source.max() + 1, dtype=bool)
    while True:
        totals = np.bincount(source, capped)
        over = (totals > cap * (1 + 1e-9)) & ~fixed
        fixed |= over
        held = fixed[source]
        free = float(capped[~held].sum())
        if not over.any() or free <= 0:
            break
        capped[held] *= (cap / totals)[source][held]
        capped[~held] *= max(0.0, 1 - cap * fixed.sum()) / free
    capped /= capped.sum()
    return capped


def source_shares(shares: Floats, sources: Sequence[str]) -> Mapping[str, float]:
    """What share of an epoch each source has, largest first."""
    names, source = np.unique(list(sources), return_inverse=True)
    totals = np.bincount(source, shares)
    return {str(names[index]): float(totals[index]) for index in np.argsort(-totals)}
