"""Open-set draws: some characters enrolled with a few samples each, every other face a probe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inference.domain import Embeddings
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
    similarity: Floats
    """probes × enrolled: that of the best sample, as the gallery has it."""

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
        similarity = best_similarity(embeddings, probes, gallery)
        yield Draw(enrolled, gallery, probes, characters[probes], similarity)


def best_similarity(embeddings: Embeddings, probes: Indices, gallery: Sequence[Indices]) -> Floats:
    """probes × characters: that of each one's best sample; probes and samples are rows of the embeddings."""
    samples = Embeddings(embeddings[np.concatenate(gallery)])
    starts = np.cumsum([0, *(len(rows) for rows in gallery)])[:-1]
    similarity: Floats = np.empty((len(probes), len(gallery)))
    for start in range(0, len(probes), _CHUNK):
        part = slice(start, start + _CHUNK)
        similarity[part] = np.maximum.reduceat(embeddings[probes[part]] @ samples.T, starts, axis=1)
    return similarity
