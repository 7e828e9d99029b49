"""What looking over a gallery comes to. Plain values, so that they can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

from inference.domain import Character, SampleId

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two characters that are closer than strangers are: probably one, enrolled under two names."""

    character: Character
    """The one with more samples: to be kept."""
    other: Character
    sample_id: SampleId
    """Of `character`: with `other_sample_id` the most similar two."""
    other_sample_id: SampleId
    similarity: float
    """Of these two samples, raw cosine."""
    share: float
    """Of `other`'s samples that would be named `character` if they were not enrolled, 0…1."""


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A sample that contradicts its character."""

    character: Character
    sample_id: SampleId
    nearest_sample_id: SampleId
    """The character's most similar other sample."""
    nearest_similarity: float
    likely: Character | None
    """Whom it would be named if it were not enrolled; None when it is only unlike the character's others."""
    likely_sample_id: SampleId | None = None
    likely_similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What one scope looked like at one time."""

    made_at: datetime
    characters: int
    samples: int
    sparse: tuple[Character, ...]
    """Those with one sample or none, by name."""
    duplicates: tuple[Duplicate, ...]
    """The surest first; the best thousand at most, as of `misplaced`."""
    misplaced: tuple[Misplaced, ...]
    """The surest first."""
    additions: tuple[tuple[date, int], ...]
    """Today's samples by the day (UTC) they were added on, oldest first; days without any are left out."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    place: int
    """Index in `GalleryMap.places`."""
    similarity: float
    """Cosine of the two characters' mean embeddings."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a character is on the map."""

    character: Character
    x: float
    """0…1, as is y; near is alike."""
    y: float
    neighbours: tuple[Neighbour, ...]
    """The most similar characters, best first. The map can only hint at what these say exactly."""


@dataclass(frozen=True, slots=True)
class GalleryMap:
    """A scope's characters in two dimensions; by name."""

    made_at: datetime
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Progress(Generic[T]):
    """What there is of something that takes a while to make."""

    result: T | None
    """The newest; None before the first is done."""
    is_current: bool
    """True when the gallery has not changed since."""
    done: float | None
    """How much of a newer one is done, 0…1; None when none is being made."""
