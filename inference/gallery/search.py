"""Search over scopes in memory: for each probe, who has the samples nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.domain import Match, SampleId
from inference.gallery.projection import NO_OWNER, ScopeView, exact_similarities
from inference.gallery.stored import ReadRows, StoredRows
from inference.linear_algebra import few_with_many

_PROBES_AT_ONCE = 32  # bounds the score matrix: 32 probes × 200,000 samples are 26 MB
_BLOCK_ROWS = 128
_SPARE = 32
_STORED_ROWS = 64  # stored rows that are looked at for each probe, if they suffice
_MORE_ROWS = 8  # times as many, if not


class _Evidence(NamedTuple):
    """The sample of a character that is nearest to a probe."""

    similarity: float
    sample_id: SampleId
    place: int
    """Of the view, among those that are searched."""
    slot: int


def search(views: Sequence[ScopeView], probes: NDArray[np.float32], top: int) -> list[tuple[Match, ...]]:
    """For each probe the `top` best characters of all views, best first, ties by view and name.

    The similarities are the same wherever a sample's row lies: they are summed up again in double
    precision, row by row, for the few samples that can matter. Which can is certain for rows in memory, and
    all but certain for stored ones.
    """
    found: list[list[_Evidence]] = [[] for _ in probes]
    for place, view in enumerate(views):
        if not len(view.owners) or top <= 0:
            continue
        for start in range(0, len(probes), _PROBES_AT_ONCE):
            chunk = probes[start : start + _PROBES_AT_ONCE]
            rows = _rows_that_matter(view, chunk, top)
            read = view.read(np.unique(np.concatenate(rows)))
            for offset, probe in enumerate(chunk):
                found[start + offset] += _best_of_each(view, place, probe, rows[offset], read)

    def order(evidence: _Evidence) -> tuple[float, int, str]:
        character = views[evidence.place].characters[evidence.slot]
        return -evidence.similarity, evidence.place, character.name if character else ""

    return _matches(views, probes, [sorted(one, key=order)[:top] for one in found])


def _matches(
    views: Sequence[ScopeView], probes: NDArray[np.float32], found: Sequence[Sequence[_Evidence]]
) -> list[tuple[Match, ...]]:
    """For each probe the matches that its evidence makes."""
    wanted: list[set[int]] = [set() for _ in views]
    for _, _, place, slot in chain.from_iterable(found):
        wanted[place].add(slot)
    cosines = [
        view.mean_similarities(np.array(sorted(slots), np.intp), probes) if slots else {}
        for view, slots in zip(views, wanted, strict=True)
    ]
    matches: list[tuple[Match, ...]] = []
    for number, (probe, several) in enumerate(zip(probes, found, strict=True)):
        own = []
        for similarity, sample_id, place, slot in several:
            view = views[place]
            character, negatives = view.characters[slot], view.negatives.get(slot)
            assert character is not None, "whoever has evidence is there"  # noqa: S101
            against = None
            if negatives is not None:
                against = float(exact_similarities(negatives, probe).max())
            to_mean = cosines[place].get(slot)
            mean = None if to_mean is None else float(to_mean[number])
            own.append(Match(character, sample_id, similarity, against, mean))
        matches.append(tuple(own))
    return matches


def _rows_that_matter(view: ScopeView, probes: NDArray[np.float32], top: int) -> list[NDArray[np.intp]]:
    """For each probe the rows of the view that can be the best of one of the `top` best characters."""
    stored = view.stored_count
    # A float32 dot product of unit vectors is off by at most dimension × 2⁻²⁴, either way.
    slack = np.float32(2 * probes.shape[1] * 2.0**-24)
    scores = few_with_many(probes, view.vectors[: len(view.owners) - stored])
    promising = [_promising_rows(view.owners[stored:], one, top, slack) for one in scores]
    if not view.stored:
        return [
            rows[_may_be_best(view, rows, one[rows], top, slack)]
            for rows, one in zip(promising, scores, strict=True)
        ]
    slack += 2 * view.stored.index.slack
    near = _near_stored_rows(view, view.stored, probes, top)
    matter = []
    for in_memory, one, (not_in_memory, theirs) in zip(promising, scores, near, strict=True):
        rows = np.concatenate([not_in_memory, in_memory + stored])
        both = np.concatenate([theirs, one[in_memory]])
        matter.append(rows[_may_be_best(view, rows, both, top, slack)])
    return matter


def _near_stored_rows(
    view: ScopeView, stored: StoredRows, probes: NDArray[np.float32], top: int
) -> list[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """For each probe stored rows near it, of at least `top` characters if there are so many, with scores."""
    count, everywhere = _STORED_ROWS, False
    near = [(np.empty(0, np.intp), np.empty(0, np.float32))] * len(probes)
    waiting = np.arange(len(probes))
    while len(waiting):
        rows, scores = stored.index.nearest(probes[waiting], count, everywhere=everywhere)
        too_few = []
        for number, some, theirs in zip(waiting.tolist(), rows, scores, strict=True):
            there = some >= 0
            there[there] = view.owners[some[there]] != NO_OWNER
            near[number] = some[there].astype(np.intp), theirs[there]
            too_few.append(len(np.unique(view.owners[some[there]])) < top)
        if everywhere and count >= len(stored.index):
            break
        waiting = waiting[too_few]
        count = min(_MORE_ROWS * count, len(stored.index))
        everywhere = count >= len(stored.index)
    return near


def _may_be_best(
    view: ScopeView, rows: NDArray[np.intp], scores: NDArray[np.float32], top: int, slack: np.float32
) -> NDArray[np.bool_]:
    """Which of the rows can be the best of one of the `top` best characters, at scores off by `slack`."""
    slots, owners = np.unique(view.owners[rows], return_inverse=True)
    best = np.full(len(slots), -np.inf, np.float32)
    np.maximum.at(best, owners, scores)
    # NO_OWNER comes first, if it is there: no such row comes near its owner's best.
    there = best[int(len(slots) > 0 and slots[0] == NO_OWNER) :]
    best[: len(best) - len(there)] = np.inf
    least = np.partition(there, -top)[-top] if top < len(there) else np.float32(-np.inf)
    may_be: NDArray[np.bool_] = scores >= np.maximum(best[owners], least) - slack
    return may_be


def _best_of_each(
    view: ScopeView,
    place: int,
    probe: NDArray[np.float32],
    rows: NDArray[np.intp],
    read: ReadRows,
) -> list[_Evidence]:
    """The best evidence for each character of these rows, unordered."""
    similarities = view.similarities(rows, probe, read)
    best: dict[int, tuple[float, SampleId]] = {}
    for row, slot, similarity in zip(
        rows.tolist(), view.owners[rows].tolist(), similarities.tolist(), strict=True
    ):
        sample_id = view.sample_ids[row]
        known = best.get(slot)
        if known is None or (-similarity, sample_id) < (-known[0], known[1]):
            best[slot] = similarity, sample_id
    return [
        _Evidence(similarity, sample_id, place, slot)
        for slot, (similarity, sample_id) in best.items()
        if similarity > -np.inf and view.characters[slot] is not None
    ]


def _promising_rows(
    owners: NDArray[np.intp], scores: NDArray[np.float32], top: int, slack: np.float32
) -> NDArray[np.intp]:
    """All rows that can be the best of one of the `top` best characters, and usually few others.

    Enough of the best scores usually belong to `top` characters; then no row below them matters. Of many rows
    the maxima of blocks are looked at instead of all scores.
    """
    wanted = 8 * top + _SPARE
    if len(scores) > 2 * wanted:
        blocks, best = len(scores) // _BLOCK_ROWS, scores
        if blocks > 2 * wanted:
            # A block takes every blocks-th row, because neighbours often belong to one character.
            best = scores[: blocks * _BLOCK_ROWS].reshape(_BLOCK_ROWS, blocks).max(axis=0)
        least = np.partition(best, -wanted)[-wanted]
        rows = np.flatnonzero(scores >= least - slack)
        near = owners[rows[scores[rows] >= least]]
        if len(np.unique(near[near != NO_OWNER])) >= top:
            return rows
    return np.arange(len(scores))
