"""Open-set draws: some characters enrolled with a few samples each, every other face a probe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inference.decide import RIVALS, raised_by
from inference.domain import SAME_PIXELS, Embeddings, likeness
from inference.gallery.means import mean_of, similarities_to_means
from training.evaluation.rates import Flags, Floats, Indices

ENROLLED_SHARE = 0.6

_CHUNK = 2_048  # probes at a time


@dataclass(frozen=True, slots=True)
class Draw:
    """Who is enrolled, and how alike each probe is to each of them."""

    enrolled: Indices
    """Characters."""
    gallery: tuple[Indices, ...]
    """Rows of the embeddings that are each one's samples."""
    probes: Indices
    """Rows of the embeddings."""
    characters: Indices
    """Of the probes."""
    likeness: Floats
    """probes × enrolled: the likeness that decides in serving."""

    @property
    def rivals(self) -> Floats:
        """probes × `RIVALS`: how alike the next characters after the likeliest are; NaN beyond the last."""
        count = min(RIVALS, self.likeness.shape[1] - 1)
        found = np.full((len(self.likeness), RIVALS), np.nan)
        found[:, :count] = -np.partition(-self.likeness, range(count + 1), axis=1)[:, 1 : count + 1]
        return found

    @property
    def own(self) -> Flags:
        """probes × enrolled: whether the probe is that character."""
        own: Flags = self.characters[:, None] == self.enrolled
        return own

    @property
    def stranger(self) -> Flags:
        """Probes whose character is not enrolled."""
        return ~np.isin(self.characters, self.enrolled)

    @property
    def weight(self) -> Floats:
        """So that the probes of each character count 1 together."""
        weight: Floats = 1 / np.bincount(self.characters)[self.characters]
        return weight


def draw_galleries(
    embeddings: Embeddings,
    characters: Indices,
    *,
    samples: int,
    draws: int,
    seed: int,
    share: float = ENROLLED_SHARE,
    pictures: Indices | None = None,
) -> Iterator[Draw]:
    """Random draws of that share of the characters with up to `samples` faces each, one always left out.

    `characters` is 0…n - 1 for each row; who has one face only is never enrolled. The same seed draws the
    same characters and, as far as `samples` goes, the same faces. Where `pictures` says which picture each
    face is from, all faces of a picture that a sample is from are left out.
    """
    generator = np.random.default_rng(seed)
    counts = np.bincount(characters)
    able = np.flatnonzero(counts >= 2)
    for _ in range(draws):
        enrolled = generator.permutation(able)[: round(share * len(counts))]
        # Faces in random order, so that the first ones of each character are a random choice.
        order = generator.permutation(len(characters))
        gallery = tuple(order[characters[order] == c][: min(samples, counts[c] - 1)] for c in enrolled)
        rows = np.concatenate(gallery)
        seen = rows if pictures is None else np.flatnonzero(np.isin(pictures, pictures[rows]))
        probes = np.setdiff1d(np.arange(len(characters)), seen)
        found = likenesses(embeddings, probes, gallery)
        yield Draw(enrolled, gallery, probes, characters[probes], found)


def likenesses(embeddings: Embeddings, probes: Indices, gallery: Sequence[Indices]) -> Floats:
    """probes × characters, by nearest sample and mean; probes and samples are rows of the embeddings."""
    samples = Embeddings(embeddings[np.concatenate(gallery)])
    starts = np.cumsum([0, *(len(rows) for rows in gallery)])[:-1]
    means = np.stack([mean_of(embeddings[rows]) for rows in gallery])
    found: Floats = np.empty((len(probes), len(gallery)))
    for start in range(0, len(probes), _CHUNK):
        part = slice(start, start + _CHUNK)
        asked = embeddings[probes[part]]
        nearest = np.maximum.reduceat(asked @ samples.T, starts, axis=1)
        found[part] = likeness(nearest.astype(np.float64), similarities_to_means(means, asked).T)
    return found


def standing(best: Floats, rivals: Floats, usual: float) -> Floats:
    """What each probe's threshold is compared with, as `decide()` does.

    `best` is the likeness to the likeliest character; `rivals` as in `Draw`.
    """
    raised = raised_by([*np.where(np.isnan(rivals), usual, rivals).T], usual)
    lowered = np.clip(best - raised, -1.0, SAME_PIXELS)
    return np.where(best >= SAME_PIXELS, best, lowered)
