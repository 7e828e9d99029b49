"""Who is like whom among all faces of a gallery, in bounded memory and far fewer products than all pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.domain import likeness
from inference.gallery.base import Report
from inference.gallery.means import mean_of, similarities_to_means
from inference.survey.faces import ScopeFaces

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

# Of 509 samples (of 762 characters) that would be named somebody else, 8 candidates show 95 %, 5 show 93 %.
CANDIDATES = 8
_CELLS = 1 << 23  # of a block of similarities: 32 MB


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """For each row of the faces what is most similar; −2 and −1 where there is nothing."""

    own_similarity: Floats
    """To the most similar other sample of the same character."""
    own_row: Indices
    own_likeness: Floats
    """To the character as she would be without it."""
    candidates: Indices
    """n × CANDIDATES other characters, most similar mean embedding first; −1 where there are no more."""
    similarity: Floats
    """n × CANDIDATES: to the candidate's most similar sample."""
    row: Indices
    """n × CANDIDATES: that sample."""
    likeness: Floats
    """n × CANDIDATES: to the candidate."""


class Best(NamedTuple):
    """For each of some probes how alike it is to a character."""

    similarity: Floats
    """To the most similar sample."""
    row: Indices
    """That sample."""
    likeness: Floats


def nearest(faces: ScopeFaces, report: Report) -> Nearest:
    """Of other characters only those with the most similar mean embeddings are compared sample by sample."""
    own = _nearest_own(faces)
    candidates = _candidates(faces, report)
    similarity, row, alike = _nothing(candidates.shape)
    flat = candidates.ravel()
    order = np.argsort(flat, kind="stable")
    bounds = np.searchsorted(flat[order], np.arange(len(faces.characters) + 1))
    for character in np.flatnonzero(np.diff(bounds)).tolist():
        cells = order[bounds[character] : bounds[character + 1]]
        best = best_of(faces, cells // candidates.shape[1], faces.rows_of(character))
        similarity.ravel()[cells], row.ravel()[cells], alike.ravel()[cells] = best
    return Nearest(*own, candidates, similarity, row, alike)


def best_of(faces: ScopeFaces, probes: Indices, rows: Indices) -> Best:
    """How alike the probes (rows) are to a character with the samples `rows`, at least one."""
    best, at = np.empty(len(probes), np.float32), np.empty(len(probes), np.intp)
    to_mean = np.empty(len(probes), np.float32)
    samples = faces.embeddings[rows]
    mean = mean_of(samples)[np.newaxis]
    for some in _blocks(len(probes), len(samples)):
        asked = faces.embeddings[probes[some]]
        products = asked @ samples.T
        at[some] = products.argmax(axis=1)
        best[some] = np.take_along_axis(products, at[some, np.newaxis], axis=1)[:, 0]
        to_mean[some] = similarities_to_means(mean, asked)[0]
    return Best(best, rows[at], likeness(best, to_mean).astype(np.float32))


def mean_embeddings(faces: ScopeFaces) -> tuple[Indices, Floats]:
    """Who has samples, and for each of them the mean embedding, of unit length."""
    there = np.flatnonzero(faces.counts)
    if not len(there):
        return there, np.empty((0, faces.embeddings.shape[1]), np.float32)
    sums = np.add.reduceat(faces.embeddings, faces.starts[there], axis=0, dtype=np.float32)
    # Opposite samples may add up to nothing: then any direction is as good.
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
    return there, (sums / lengths).astype(np.float32)


def most_similar(means: Floats, count: int, report: Report) -> tuple[Indices, Floats]:
    """For each row the `count` most similar other rows, best first, and how similar they are."""
    count = min(count, max(len(means) - 1, 0))
    found = np.empty((len(means), count), np.intp)
    similarity = np.empty((len(means), count), np.float32)
    for some in _blocks(len(means), len(means)):
        products = means[some] @ means.T
        np.put_along_axis(products, np.arange(len(means))[some, np.newaxis], -2.0, axis=1)
        found[some], similarity[some] = _top(products, count)
        report(some.stop / len(means))
    return found, similarity


def _nothing(shape: tuple[int, ...]) -> tuple[Floats, Indices, Floats]:
    return np.full(shape, -2.0, np.float32), np.full(shape, -1, np.intp), np.full(shape, -2.0, np.float32)


def _nearest_own(faces: ScopeFaces) -> Best:
    similarity, row, alike = _nothing(faces.owners.shape)
    for character in np.flatnonzero(faces.counts > 1).tolist():
        rows = faces.rows_of(character)
        samples = faces.embeddings[rows]
        others = np.add.reduce(samples, axis=0, dtype=np.float64) - samples
        others /= np.maximum(np.linalg.norm(others, axis=1, keepdims=True), 1e-6)
        for some in _blocks(len(samples), len(samples)):
            products = samples[some] @ samples.T
            np.put_along_axis(products, np.arange(len(samples))[some, np.newaxis], -2.0, axis=1)
            at = products.argmax(axis=1)
            row[rows[some]] = rows[at]
            similarity[rows[some]] = np.take_along_axis(products, at[:, np.newaxis], axis=1)[:, 0]
        alike[rows] = likeness(similarity[rows], np.sum(samples * others, axis=1))
    return Best(similarity, row, alike)


def _candidates(faces: ScopeFaces, report: Report) -> Indices:
    there, means = mean_embeddings(faces)
    found = np.full((len(faces.sample_ids), CANDIDATES), -1, np.intp)
    count = min(CANDIDATES, len(there) - 1)
    if count <= 0:
        return found
    column = np.searchsorted(there, faces.owners)
    for some in _blocks(len(found), len(means)):
        products = faces.embeddings[some] @ means.T
        np.put_along_axis(products, column[some, np.newaxis], -2.0, axis=1)
        found[some, :count] = there[_top(products, count)[0]]
        report(some.stop / len(found))
    return found


def _top(products: Floats, count: int) -> tuple[Indices, Floats]:
    """The columns of the `count` highest of each row, highest first, and their values."""
    columns = np.empty((len(products), count), np.intp)
    values = np.empty((len(products), count), np.float32)
    for place in range(count):  # a few maxima are quicker than partitioning long rows
        columns[:, place] = products.argmax(axis=1)
        at = columns[:, place, np.newaxis]
        values[:, place] = np.take_along_axis(products, at, axis=1)[:, 0]
        np.put_along_axis(products, at, -3.0, axis=1)
    return columns, values


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    """The rows in parts whose similarities to all columns fit into _CELLS."""
    size = max(1, _CELLS // max(columns, 1))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
