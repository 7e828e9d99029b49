"""What in a gallery needs attention: characters enrolled twice, samples that are somebody else's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from inference.decide import Policy
from inference.domain import Embeddings
from inference.gallery.base import Report
from inference.selection import odd_ones
from inference.survey.faces import ScopeFaces
from inference.survey.likeness import Best, Floats, Indices, Nearest, best_of, nearest
from inference.survey.values import Duplicate, Misplaced, Survey

_LISTED = 1_000
"""Nobody looks at more at a time; when some are settled, others come up."""
_MOST_FOR_OUTLIERS = 2_000
"""Of a character with more samples than that, comparing each with each would take too long."""


def survey_faces(faces: ScopeFaces, policy: Policy, *, at: datetime, report: Report) -> Survey:
    """Every sample is looked up as if it were not enrolled, and judged by the policy that names faces.

    Two characters are duplicates when more than half of the samples of the one with fewer would be named the
    other. A sample of any other character is misplaced when it would be named somebody else, and leads its
    own character by the margin; or when it is unlike all its character's others.
    """
    # Measured with dareda-1 at a false-name rate of 1 %: characters of 2 to 8 faces, some cut in two, 3 % of
    # the faces given to somebody else. 159 new to it: of 23 cuts 9 are found with 1 false alarm, of
    # 20 faces 17 with 17 false ones. 762 characters, most of its training (with wrong labels of their own, so
    # some false alarms are none): of 97 cuts 55 with 27, of 76 faces 51 with 48.
    found = nearest(faces, lambda done: report(0.9 * done))
    levels = _Levels.of(faces, policy)
    astray = _astray(found, levels)
    duplicates = sorted(
        _duplicates(faces, found, levels, astray),
        key=lambda one: (-one.share, -one.similarity, one.other.name),
    )
    doubled = {frozenset((one.character.id, one.other.id)) for one in duplicates}
    misplaced = [
        one
        for one in _somebody_elses(faces, found, astray)
        if one.likely and frozenset((one.character.id, one.likely.id)) not in doubled
    ]
    misplaced.sort(key=lambda one: one.nearest_similarity - (one.likely_similarity or 0.0))
    listed = {one.sample_id for one in misplaced}
    odd = [one for one in _outliers(faces, found) if one.sample_id not in listed]
    odd.sort(key=lambda one: one.nearest_similarity)
    report(1.0)
    days = Counter(added.astimezone(UTC).date() for added in faces.added_at)
    return Survey(
        made_at=at,
        characters=len(faces.characters),
        samples=len(faces.sample_ids),
        sparse=tuple(
            one for one, count in zip(faces.characters, faces.counts.tolist(), strict=True) if count <= 1
        ),
        duplicates=tuple(duplicates[:_LISTED]),
        misplaced=tuple([*misplaced, *odd][:_LISTED]),
        additions=tuple(sorted(days.items())),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Levels:
    """What is asked of a face to be named each character."""

    thresholds: Floats
    margins: Floats

    @classmethod
    def of(cls, faces: ScopeFaces, policy: Policy) -> _Levels:
        counts, which = np.unique(np.maximum(faces.counts, 1), return_inverse=True)
        levels = [policy.level_for(count) for count in counts.tolist()]
        return cls(
            np.array([level.threshold for level in levels], np.float32)[which],
            np.array([level.margin for level in levels], np.float32)[which],
        )


def _astray(found: Nearest, levels: _Levels) -> Indices:
    """For each sample the character that it would be named instead of its own, by the margin; −1 for none.

    Never for the only sample of a character.
    """
    likely, best = _best_other(found)
    wrong = (
        (likely >= 0)
        & (found.own_row >= 0)
        & (best.likeness >= levels.thresholds[likely])
        & (best.likeness - found.own_likeness >= levels.margins[likely])
    )
    return np.where(wrong, likely, -1)


def _best_other(found: Nearest) -> tuple[Indices, Best]:
    """For each sample the other character that it is most alike."""
    place = np.arange(len(found.likeness)), found.likeness.argmax(axis=1)
    return found.candidates[place], Best(found.similarity[place], found.row[place], found.likeness[place])


def _duplicates(faces: ScopeFaces, found: Nearest, levels: _Levels, astray: Indices) -> Iterator[Duplicate]:
    for first, second in _promising_pairs(faces, found, levels):
        # The one with fewer samples is the one that is looked for in the other.
        more, fewer = (first, second) if faces.counts[first] >= faces.counts[second] else (second, first)
        # One sample that went to the wrong one of two characters must not make one of them.
        among, looked_for = _at_home(faces, astray, more, fewer), _at_home(faces, astray, fewer, more)
        best = best_of(faces, looked_for, among)
        share = float((best.likeness >= levels.thresholds[more]).mean())
        if share > 0.5:
            closest = int(best.similarity.argmax())
            yield Duplicate(
                character=faces.characters[more],
                other=faces.characters[fewer],
                sample_id=faces.sample_ids[best.row[closest]],
                other_sample_id=faces.sample_ids[looked_for[closest]],
                similarity=float(best.similarity[closest]),
                share=share,
            )


def _at_home(faces: ScopeFaces, astray: Indices, character: int, other: int) -> Indices:
    """The character's samples without those that belong to the other, where these are the lesser part."""
    rows = faces.rows_of(character)
    home = rows[astray[rows] != other]
    return home if 2 * len(home) > len(rows) else rows


def _promising_pairs(faces: ScopeFaces, found: Nearest, levels: _Levels) -> list[tuple[int, int]]:
    """Characters of whom one has a sample that would be named the other."""
    reached = (found.candidates >= 0) & (found.likeness >= levels.thresholds[found.candidates])
    rows, places = np.nonzero(reached)
    pairs = np.stack([faces.owners[rows], found.candidates[rows, places]], axis=1)
    pairs.sort(axis=1)
    return [(int(one), int(other)) for one, other in np.unique(pairs, axis=0)]


def _somebody_elses(faces: ScopeFaces, found: Nearest, astray: Indices) -> Iterator[Misplaced]:
    _, best = _best_other(found)
    owners = faces.owners
    for row in np.flatnonzero(astray >= 0).tolist():
        yield Misplaced(
            faces.characters[owners[row]],
            faces.sample_ids[row],
            faces.sample_ids[found.own_row[row]],
            float(found.own_similarity[row]),
            likely=faces.characters[astray[row]],
            likely_sample_id=faces.sample_ids[best.row[row]],
            likely_similarity=float(best.similarity[row]),
        )


def _outliers(faces: ScopeFaces, found: Nearest) -> Iterator[Misplaced]:
    """Samples that are unlike the others of their character."""
    for character in np.flatnonzero(faces.counts <= _MOST_FOR_OUTLIERS).tolist():
        rows = faces.rows_of(character)
        odd = odd_ones(Embeddings(faces.embeddings[rows]))
        for row in rows[odd].tolist():
            yield Misplaced(
                faces.characters[character],
                faces.sample_ids[row],
                faces.sample_ids[found.own_row[row]],
                float(found.own_similarity[row]),
                likely=None,
            )
