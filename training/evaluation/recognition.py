"""What embeddings are worth: verification, closed-set and open-set identification, averaged over characters.

The protocol "dareda-val": characters with at least two faces. In each of six draws 60 % of them are enrolled
with five random samples, or all but one; all their other faces and all faces of the rest are probes. How
alike a probe is to a character, and what its rivals raise the threshold by, is as in serving. All rates are
averaged over characters and draws. Six draws differ by which look-alikes they happen to keep apart: of the
validation split of dareda-1 the TPIR at an FPIR of 1 % has a standard deviation of six points.

- EER: one probe against one enrolled character, strangers among the impostors.
- rank-1 and CMC: the probes of enrolled characters, among the enrolled.
- TPIR at an FPIR: a stranger counts as soon as the best character reaches the threshold, an enrolled
  character's face only when that is also the right one (ISO/IEC 19795-1; Grother et al., NIST FRVT 1:N).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from inference.domain import Embeddings
from training.errors import TrainingError
from training.evaluation.draws import ENROLLED_SHARE, Draw, draw_galleries, standing
from training.evaluation.rates import (
    Comparisons,
    Figure,
    Floats,
    Indices,
    Tally,
    share_figure,
    sums_of,
    tally,
)

DRAWS = 6
SAMPLES = 5
RANKS = 20
_CHUNK = 2_048


@dataclass(frozen=True)
class Identification:
    """What draws of galleries with so many samples each came to."""

    samples: int
    verification: Comparisons
    """A probe against one enrolled character."""
    open_set: Comparisons
    """Rightly named probes of the enrolled against strangers that reach the threshold."""
    ranks: Floats
    """characters × RANKS: weight of the probes whose own character is among the first 1, 2, … RANKS."""
    rank_mass: Floats
    """Weight of the probes of each character while it was enrolled."""

    @property
    def characters(self) -> int:
        return len(self.rank_mass)

    @cached_property
    def cmc(self) -> Floats:
        """The share found among the first 1, 2, … RANKS."""
        found: Floats = self.ranks.sum(axis=0) / self.rank_mass.sum()
        return found

    @property
    def eer(self) -> float:
        return float(self.verification.roc().equal_error_rate)

    @property
    def rank_1(self) -> float:
        return float(self.cmc[0])

    def tpir_at(self, fpir: float) -> float:
        return float(self.open_set.roc().true_rate_at(fpir))

    def rank_figure(self, rank: int, *, seed: int) -> Figure:
        """The share found among the first `rank`."""
        return share_figure(self.ranks[:, rank - 1], self.rank_mass, seed=seed)


@dataclass(frozen=True, slots=True)
class RecognitionFigures:
    """The headline figures of the protocol, shares of 1."""

    faces: int
    characters: int
    eer: float
    rank_1: float
    tpir_at_5_percent: float
    tpir_at_1_percent: float
    tpir_at_01_percent: float


def recognition_figures(
    embeddings: Embeddings, characters: NDArray[np.intp], *, seed: int = 0
) -> RecognitionFigures:
    """The protocol's figures for faces of known characters, which `characters` names by any numbers.

    Raises TrainingError for fewer than three characters with two faces.
    """
    embeddings, characters, _ = with_two_faces(embeddings, characters)
    found = identification(embeddings, characters, samples=SAMPLES, seed=seed)
    return RecognitionFigures(
        faces=len(characters),
        characters=found.characters,
        eer=found.eer,
        rank_1=found.rank_1,
        tpir_at_5_percent=found.tpir_at(0.05),
        tpir_at_1_percent=found.tpir_at(0.01),
        tpir_at_01_percent=found.tpir_at(0.001),
    )


def with_two_faces(embeddings: Embeddings, characters: Indices) -> tuple[Embeddings, Indices, Indices]:
    """The faces of characters with at least two, their characters as 0…n - 1, and which rows they are."""
    _, inverse, counts = np.unique(characters, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(counts[inverse] >= 2)
    numbers = np.unique(inverse[rows], return_inverse=True)[1].astype(np.intp)
    if numbers.max(initial=-1) < 2:
        raise TrainingError("there are fewer than three characters with at least two faces to evaluate with")
    return Embeddings(embeddings[rows]), numbers, rows


def identification(
    embeddings: Embeddings,
    characters: Indices,
    *,
    samples: int,
    seed: int,
    draws: int = DRAWS,
    share: float = ENROLLED_SHARE,
) -> Identification:
    """The draws' tallies; `characters` is 0…n - 1 for each row, each at least twice."""
    count = int(characters.max()) + 1
    parts = [
        _of_draw(draw, count, samples)
        for draw in draw_galleries(
            embeddings, characters, samples=samples, draws=draws, seed=seed, share=share
        )
    ]
    return Identification(
        samples=samples,
        verification=_sum([part.verification for part in parts]),
        open_set=_sum([part.open_set for part in parts]),
        ranks=np.sum([part.ranks for part in parts], axis=0),
        rank_mass=np.sum([part.rank_mass for part in parts], axis=0),
    )


def pairs(embeddings: Embeddings, characters: Indices) -> tuple[Comparisons, Comparisons]:
    """Every face against every other: all pairs alike, and each character or two characters alike."""
    count = int(characters.max()) + 1
    faces = np.bincount(characters)
    alike, averaged = [], []
    for start in range(0, len(embeddings), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(embeddings)))
        similarity = embeddings[rows] @ embeddings.T
        owners = np.broadcast_to(characters[rows, None], similarity.shape)
        same = owners == characters
        other = ~same
        same[np.arange(len(rows)), rows] = False
        # Each pair is met from both of its faces, which changes no share.
        weight = 1 / (faces[owners] * np.broadcast_to(faces[characters], owners.shape))
        wanted = tally(similarity[same], owners[same], count)
        pairs_of = (faces * (faces - 1.0))[:, None]
        alike.append(Comparisons(wanted, tally(similarity[other], owners[other], count)))
        averaged.append(
            Comparisons(
                Tally(wanted.reached / pairs_of, wanted.mass / pairs_of[:, 0]),
                tally(similarity[other], owners[other], count, weight=weight[other]),
            )
        )
    return _sum(alike), _sum(averaged)


def _of_draw(draw: Draw, count: int, samples: int) -> Identification:
    likeness, own, stranger, weight = draw.likeness, draw.own, draw.stranger, draw.weight
    everyone = np.broadcast_to(draw.characters[:, None], own.shape)
    weights = np.broadcast_to(weight[:, None], own.shape)
    # All draws enroll as many characters, so what is usual only shifts the thresholds.
    best, known = standing(likeness.max(axis=1), draw.rivals, 0.0), ~stranger
    owners = draw.characters[known]
    # Behind everybody who is as alike, so that ties are no success.
    mine = likeness[own]
    place = (likeness[known] >= mine[:, None]).sum(axis=1)
    found = place[:, None] <= np.arange(1, RANKS + 1)
    ranks = np.zeros((count, RANKS))
    np.add.at(ranks, owners, found * weight[known, None])
    return Identification(
        samples=samples,
        verification=Comparisons(
            tally(mine, owners, count, weight=weight[known]),
            tally(likeness[~own], everyone[~own], count, weight=weights[~own] / own.shape[1]),
        ),
        open_set=Comparisons(
            tally(best[known], owners, count, weight=weight[known], able=place == 1),
            tally(best[stranger], draw.characters[stranger], count, weight=weight[stranger]),
        ),
        ranks=ranks,
        rank_mass=sums_of(owners, weight[known], count),
    )


def _sum(parts: Sequence[Comparisons]) -> Comparisons:
    first, *others = parts
    wanted, unwanted = first.wanted, first.unwanted
    for part in others:
        wanted, unwanted = wanted + part.wanted, unwanted + part.unwanted
    return Comparisons(wanted, unwanted)
