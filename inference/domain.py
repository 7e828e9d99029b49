"""The words of the domain: immutable values that every other module speaks in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType, TypeVar

import numpy as np
from numpy.typing import NDArray

ImageRGB = NDArray[np.uint8]
"""height × width × 3, 8 bit, RGB, upright."""

Embedding = NewType("Embedding", NDArray[np.float32])
"""A unit vector, shape (dimension,); made only by `as_embedding()`."""

Embeddings = NewType("Embeddings", NDArray[np.float32])
"""Unit vectors as rows, shape (n, dimension), C-contiguous; made only by `as_embeddings()`."""

Cosines = TypeVar("Cosines", float, NDArray[np.floating])

CharacterId = NewType("CharacterId", str)
SampleId = NewType("SampleId", str)
Scope = NewType("Scope", str)
"""Where a question is asked, e.g. "cli", "discord:123"; also the name of that scope's own gallery."""


def as_embeddings(rows: NDArray[np.floating], dimension: int) -> Embeddings:
    """Rows scaled to unit length as C-contiguous float32.

    Raises ValueError for another shape than (n, dimension), a zero row or a value that is not finite.
    """
    if rows.ndim != 2 or rows.shape[1] != dimension:
        raise ValueError(f"expected shape (n, {dimension}), got {rows.shape}")
    wide = rows.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.all(np.isfinite(norms)) or np.any(norms < 1e-12):
        raise ValueError("an embedding is zero or not finite")
    return Embeddings(np.ascontiguousarray(wide / norms, dtype=np.float32))


def as_embedding(vector: NDArray[np.floating], dimension: int) -> Embedding:
    """One vector scaled to unit length; see `as_embeddings()`."""
    return Embedding(as_embeddings(vector.reshape(1, -1), dimension)[0])


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A rectangle in pixels of the decoded, upright image; x2 and y2 are exclusive edges."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        return self.x1, self.y1, self.x2, self.y2

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def center(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def iou(self, other: FaceBox) -> float:
        """Intersection over union, 0…1."""
        overlap = self.intersection(other)
        union = self.area + other.area - overlap
        return overlap / union if union > 0 else 0.0

    def intersection(self, other: FaceBox) -> float:
        """Shared area in square pixels."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0.0, width) * max(0.0, height)

    def shifted(self, dx: float, dy: float) -> FaceBox:
        return FaceBox(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy)

    def scaled(self, factor: float) -> FaceBox:
        return FaceBox(self.x1 * factor, self.y1 * factor, self.x2 * factor, self.y2 * factor)

    def clipped(self, width: int, height: int) -> FaceBox:
        """The part inside a picture of that size."""
        return FaceBox(
            min(max(self.x1, 0.0), width),
            min(max(self.y1, 0.0), height),
            min(max(self.x2, 0.0), width),
            min(max(self.y2, 0.0), height),
        )


def reading_order(boxes: Sequence[FaceBox]) -> list[int]:
    """The indices of the boxes row by row, each row from left to right.

    A box belongs to the row above when its centre lies within that row's first box.
    """
    rows: list[list[int]] = []
    for index in sorted(range(len(boxes)), key=lambda i: (boxes[i].center[1], boxes[i].center[0])):
        first = boxes[rows[-1][0]] if rows else None
        if first is not None and boxes[index].center[1] < first.y2:
            rows[-1].append(index)
        else:
            rows.append([index])
    return [index for row in rows for index in sorted(row, key=lambda i: boxes[i].center)]


@dataclass(frozen=True, slots=True)
class Detection:
    box: FaceBox
    score: float
    """Detector confidence, 0…1."""
    class_scores: tuple[float, ...] = ()
    """From a detector that names characters: the score of each of its face classes; else empty."""


@dataclass(frozen=True, slots=True)
class FaceAt:
    """Where in a picture a face was seen, to find it again when the picture is read once more."""

    box: FaceBox
    frame: int = 0
    """Index of the sampled frame; 0 in a still picture."""


@dataclass(frozen=True, slots=True)
class EmbeddingContract:
    """What an embedding means: two embeddings may be compared only under the same contract."""

    model: str
    digest: str
    """sha256 of the weights."""
    dimension: int
    preprocessing: str
    """Canonical text of input size, colour order, normalisation, crop margin and flip averaging."""

    @property
    def id(self) -> str:
        """A short hash; stored with the gallery."""
        text = json.dumps([self.model, self.digest, self.dimension, self.preprocessing])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """A face cut out of its picture with room around it, kept so that a new embedder can be applied later."""

    data: bytes
    """The encoded picture (WebP)."""
    box: FaceBox
    """The face box in pixels of the crop."""


@dataclass(frozen=True, slots=True)
class Character:
    id: CharacterId
    scope: Scope
    name: str
    series: str = ""
    aliases: tuple[str, ...] = ()
    sample_count: int = 0

    @property
    def display_name(self) -> str:
        """The name with the series, where there is one."""
        return f"{self.name} ({self.series})" if self.series else self.name


@dataclass(frozen=True, slots=True)
class Sample:
    """One enrolled face, without its crop and embeddings (ask the gallery for those)."""

    id: SampleId
    character_id: CharacterId
    added_by: str
    added_at: datetime
    source: str


SAME_PIXELS = 0.999
"""From this cosine on two crops are taken for the same pixels: the very picture that somebody spoke about."""


@dataclass(frozen=True, slots=True)
class Match:
    """The best evidence that a probe is one character."""

    character: Character
    sample_id: SampleId
    similarity: float
    """Raw cosine, −1…1; of a closed set the probability that its detector gives the character, 0…1."""
    negative_similarity: float | None = None
    """The best cosine to a face that somebody said is not this character; None when there is none."""
    mean_similarity: float | None = None
    """The cosine to the mean of her samples' embeddings, to nine decimals; None with a single sample."""

    @property
    def likeness(self) -> float:
        """How alike probe and character are, −1…1, see `likeness()`."""
        if self.mean_similarity is None:
            return self.similarity
        return float(likeness(self.similarity, self.mean_similarity))


def likeness(nearest: Cosines, mean: Cosines) -> Cosines:
    """Halfway between the cosines to a character's nearest sample and to the mean of all her samples.

    The nearest sample knows her outfits and moods; the mean does not fall for what a stranger has in common
    with one picture alone. The very pixels of a sample are as alike as that sample.
    """
    same = nearest >= SAME_PIXELS
    return same * nearest + (1 - same) * (nearest + mean) / 2


def most_alike_first(matches: Iterable[Match]) -> tuple[Match, ...]:
    """Equally alike ones stay in their order."""
    return tuple(sorted(matches, key=lambda match: -match.likeness))


class Decision(StrEnum):
    KNOWN = "known"
    UNSURE = "unsure"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FaceResult:
    """One face (in an animation: one tracked face) and who it may be."""

    detection: Detection
    frame: int
    """Index of the sampled frame that `detection` is from; 0 in a still picture."""
    decision: Decision
    character: Character | None
    """Whom the face is named as (KNOWN), or the likeliest (UNSURE); None when UNKNOWN."""
    matches: tuple[Match, ...]
    """Best first, whatever was decided."""


@dataclass(frozen=True, slots=True)
class Identification:
    """What was seen in one picture."""

    width: int
    height: int
    faces: tuple[FaceResult, ...]
    """In reading order: row by row, left to right."""
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    frame_count: int = 1
    """Sampled frames."""
