"""From similarities to error rates: ROC curves, equal error rate, intervals; averaged over characters.

Every rate is read on one grid of thresholds, and every comparison belongs to a character, so that a bootstrap
over characters is one matrix product instead of a thousand sorts. ISO/IEC 19795-1 has the definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

_STEPS = 2_000  # thresholds for each unit of similarity
THRESHOLDS: Floats = np.arange(-_STEPS, _STEPS + 2) / _STEPS
"""-1 to 1 in steps of 0.0005, and one more that nothing reaches."""
REPLICATES = 1_000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Tally:
    """How much of each character's comparisons reaches each threshold."""

    reached: Floats
    """characters × thresholds: weight of the comparisons with similarity >= threshold."""
    mass: Floats
    """Weight of all comparisons of each character; more than reached at -1 where some can never count."""

    def share(self, counts: Floats | None = None) -> Floats:
        """The share that reaches each threshold, every character counted so often: (…, characters) in,
        (…, thresholds) out; nan where no counted character has a comparison."""
        counts = np.ones(len(self.mass)) if counts is None else counts
        mass = np.asarray(counts @ self.mass)[..., None]
        return np.divide(
            counts @ self.reached,
            mass,
            out=np.full((*mass.shape[:-1], len(THRESHOLDS)), np.nan),
            where=mass > 0,
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.reached + other.reached, self.mass + other.mass)


def tally(
    similarity: NDArray[np.floating],
    characters: Indices,
    count: int,
    *,
    weight: Floats | None = None,
    able: Flags | None = None,
) -> Tally:
    """The comparisons of characters 0…count - 1, each with its weight; those not `able` reach nothing."""
    weight = np.ones(len(similarity)) if weight is None else weight
    width = len(THRESHOLDS)
    steps = np.floor((similarity.astype(np.float64) + 1) * _STEPS + 1e-6).astype(np.intp)
    cells = characters * width + np.clip(steps, 0, width - 2)
    counted = weight if able is None else np.where(able, weight, 0)
    histogram: Floats = np.zeros(count * width)
    histogram += np.bincount(cells, weights=counted, minlength=count * width)
    return Tally(
        reached=np.cumsum(histogram.reshape(count, width)[:, ::-1], axis=1)[:, ::-1],
        mass=sums_of(characters, weight, count),
    )


def sums_of(characters: Indices, weight: Floats, count: int) -> Floats:
    """The weight of each character 0…count - 1."""
    sums: Floats = np.zeros(count)
    sums += np.bincount(characters, weights=weight, minlength=count)
    return sums


@dataclass(frozen=True, slots=True)
class Roc:
    """What each threshold accepts, rightly and wrongly; the last axis is that of THRESHOLDS."""

    true_rate: Floats
    false_rate: Floats

    @property
    def equal_error_rate(self) -> Floats:
        """Where as many are wrongly refused as wrongly accepted, between two thresholds on a line."""
        gap = (1 - self.true_rate) - self.false_rate
        after = np.argmax(gap >= 0, axis=-1)[..., None]
        before = np.maximum(after - 1, 0)
        low, high = np.take_along_axis(gap, before, -1), np.take_along_axis(gap, after, -1)
        share = np.divide(low, low - high, out=np.zeros_like(low), where=low < high)
        wrong = [np.take_along_axis(self.false_rate, index, -1) for index in (before, after)]
        rate: Floats = (wrong[0] + share * (wrong[1] - wrong[0]))[..., 0]
        return rate

    def true_rate_at(self, false_rate: float) -> Floats:
        """At the lowest threshold that accepts at most that share wrongly."""
        index = self._index_at(false_rate)[..., None]
        rate: Floats = np.take_along_axis(self.true_rate, index, -1)[..., 0]
        return rate

    def false_rate_at(self, true_rate: float) -> Floats:
        """At the highest threshold that accepts at least that share rightly."""
        index = np.sum(self.true_rate >= true_rate - 1e-12, axis=-1)[..., None] - 1
        rate: Floats = np.take_along_axis(self.false_rate, np.maximum(index, 0), -1)[..., 0]
        return rate

    def threshold_at(self, false_rate: float) -> Floats:
        """The lowest threshold that accepts at most that share wrongly."""
        threshold: Floats = THRESHOLDS[self._index_at(false_rate)]
        return threshold

    def _index_at(self, false_rate: float) -> Indices:
        index: Indices = np.argmax(self.false_rate <= false_rate + 1e-12, axis=-1)
        return index


@dataclass(frozen=True, slots=True)
class Comparisons:
    """The right and the wrong acceptances that a threshold weighs against each other."""

    wanted: Tally
    unwanted: Tally

    def roc(self, counts: Floats | None = None) -> Roc:
        return Roc(self.wanted.share(counts), self.unwanted.share(counts))


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


def roc_figures(
    comparisons: Comparisons, measures: Mapping[str, Callable[[Roc], Floats]], *, seed: int
) -> dict[str, Figure]:
    """Each measure of the curve of all characters, with its interval when they are drawn with repetition.

    Percentile intervals: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    whole = comparisons.roc()
    drawn = comparisons.roc(_replicates(len(comparisons.wanted.mass), seed))
    return {name: _figure(float(measure(whole)), measure(drawn)) for name, measure in measures.items()}


def share_figure(part: Floats, whole: Floats, *, seed: int) -> Figure:
    """What `part` is of `whole`, both given for each character, with its interval."""

    def share(counts: Floats) -> Floats:
        total = np.asarray(counts @ whole)
        rate: Floats = np.divide(counts @ part, total, out=np.full(total.shape, np.nan), where=total > 0)
        return rate

    return _figure(float(share(np.ones(len(whole)))), share(_replicates(len(whole), seed)))


def _replicates(characters: int, seed: int) -> Floats:
    """How often each character counts: REPLICATES × characters."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(characters, np.full(characters, 1 / characters), size=REPLICATES).astype(
        np.float64
    )


def _figure(value: float, drawn: Floats) -> Figure:
    known = drawn[np.isfinite(drawn)]
    if not known.size:
        return Figure(value, value, value)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Figure(value, float(low), float(high))
