"""Which faces of a character become samples: varied ones, none twice, none that seems to be somebody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.domain import Embeddings
from inference.gallery.fingerprint import MAX_DISTANCE, hamming, is_same_picture

# Measured on characters that an earlier embedder was not trained on, 4 to 40 faces each: of faces that were
# put into another character's folder 88 % are left out at 4 faces, 95 % from 6 on; of her own 1.3–2.4 %, and
# 1–3 % of those are in the wrong folder to begin with.
_OUTLIER_SHARE = 0.5
LEAST_FOR_OUTLIERS = 4
"""Among fewer faces nobody can tell which of them is the odd one."""

_ROWS_AT_ONCE = 1_024  # bounds the similarity matrix for a character with thousands of pictures


@dataclass(frozen=True, slots=True)
class Selection:
    """Every face by its index, each in exactly one of these."""

    chosen: tuple[int, ...]
    """The most typical one first; of a character with samples, the one that adds most to them."""
    duplicates: tuple[int, ...]
    """The same picture as another face, of which the largest stays in play."""
    outliers: tuple[int, ...]
    """Unlike the character's other faces."""
    surplus: tuple[int, ...]
    """Fit, but over the limit."""


def choose_faces(
    embeddings: Embeddings,
    hashes: Sequence[int],
    sides: Sequence[float],
    *,
    enrolled: Embeddings,
    at_most: int | None,
    leave_out_outliers: bool = True,
) -> Selection:
    """Choose at most that many (None: all) of one character's faces, beside those `enrolled` already.

    `embeddings` is n × d, `enrolled` m × d; `hashes` are perceptual hashes, `sides` pixels of the faces. The
    chosen ones stand for all of them as well as so few can: each next one is the face that most raises the
    summed similarity of every face to its nearest sample, which is within 1 − 1/e of the best choice
    (Nemhauser, Wolsey & Fisher, Mathematical Programming 14 (1978)). The same faces give the same choice.
    """
    # Characters new to an earlier embedder, 5 samples each, first come → these: rank-1 95.7 → 96.8 %, named
    # while 1 % of others' faces are (TPIR) 60 → 72 %. Always the farthest from those chosen: 95.6 and 64 %;
    # that collects the oddest pictures.
    distinct = _without_duplicates(embeddings, hashes, sides)
    outliers = (
        odd_ones(Embeddings(np.concatenate([embeddings[distinct], enrolled])))[: len(distinct)]
        if leave_out_outliers
        else np.zeros(len(distinct), np.bool_)
    )
    fit = distinct[~outliers]
    chosen = fit[_representatives(Embeddings(embeddings[fit]), enrolled, at_most)]
    return Selection(
        chosen=tuple(chosen.tolist()),
        duplicates=_others(len(embeddings), distinct),
        outliers=tuple(distinct[outliers].tolist()),
        surplus=tuple(np.setdiff1d(fit, chosen).tolist()),
    )


def odd_ones(embeddings: Embeddings) -> NDArray[np.bool_]:
    """Which of one character's faces are unlike the others; none among fewer than LEAST_FOR_OUTLIERS.

    A face is judged by the nearer half of the others, since a character has several looks; it is odd when
    their mean similarity is not even that share of what is usual among these faces.
    """
    total = len(embeddings)
    if total < LEAST_FOR_OUTLIERS:
        return np.zeros(total, np.bool_)
    half = total // 2  # of the total − 1 others, rounded up
    support = np.empty(total)
    for start, rows in _similarities(embeddings):
        np.fill_diagonal(rows[:, start:], -1.0)  # nobody vouches for herself
        support[start : start + len(rows)] = np.partition(rows, -half, axis=1)[:, -half:].mean(axis=1)
    odd: NDArray[np.bool_] = support < _OUTLIER_SHARE * np.median(support)
    return odd


def _without_duplicates(
    embeddings: Embeddings, hashes: Sequence[int], sides: Sequence[float]
) -> NDArray[np.intp]:
    """The faces that are left, in their order, when of every picture only the largest face stays."""
    bits = np.array(hashes, np.uint64)
    kept: list[int] = []
    for index in sorted(range(len(sides)), key=lambda i: (-sides[i], i)):
        near = [kept[at] for at in np.flatnonzero(hamming(bits[kept], hashes[index]) <= MAX_DISTANCE)]
        if not any(
            is_same_picture(hashes[other], hashes[index], float(np.dot(embeddings[other], embeddings[index])))
            for other in near
        ):
            kept.append(index)
    return np.array(sorted(kept), np.intp)


def _representatives(embeddings: Embeddings, enrolled: Embeddings, at_most: int | None) -> NDArray[np.intp]:
    """Greedy facility location; with room for all, all of them, the most typical first."""
    count = len(embeddings)
    room = count if at_most is None else min(at_most, count)
    covered = np.full(count, -1.0)
    if len(enrolled):
        covered = (embeddings.astype(np.float64) @ enrolled.astype(np.float64).T).max(axis=1)
    if room == count:
        return np.argsort(-_gains(embeddings, covered), kind="stable")
    chosen: list[int] = []
    for _ in range(room):
        gains = _gains(embeddings, covered)
        gains[chosen] = -np.inf
        best = int(gains.argmax())
        chosen.append(best)
        covered = np.maximum(covered, embeddings.astype(np.float64) @ embeddings[best])
    return np.array(chosen, np.intp)


def _gains(embeddings: Embeddings, covered: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much each face would raise the summed similarity of all faces to their nearest sample."""
    gains = np.zeros(len(embeddings))
    for start, rows in _similarities(embeddings):
        before = covered[start : start + len(rows), np.newaxis]
        gains += np.maximum(rows - before, 0.0).sum(axis=0)
    return gains


def _similarities(embeddings: Embeddings) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """The cosines of all pairs, some rows at a time, with the index of the first of them."""
    wide = embeddings.astype(np.float64)
    for start in range(0, len(wide), _ROWS_AT_ONCE):
        yield start, wide[start : start + _ROWS_AT_ONCE] @ wide.T


def _others(count: int, indices: NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(np.setdiff1d(np.arange(count), indices).tolist())
