"""All samples of one scope in memory, each character's side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from inference.domain import Character, Embeddings, SampleId, Scope
from inference.gallery.base import EmbeddedFaces, StoredGallery


@dataclass(frozen=True, slots=True, eq=False)
class ScopeFaces:
    """Rows `starts[i]` to `starts[i + 1]` are the samples of character i, in the order in which they came."""

    characters: tuple[Character, ...]
    """All of the scope, by name, also those without samples."""
    starts: NDArray[np.intp]
    """One more than there are characters."""
    sample_ids: tuple[SampleId, ...]
    added_at: tuple[datetime, ...]
    embeddings: Embeddings

    @property
    def counts(self) -> NDArray[np.intp]:
        """Samples of each character."""
        return np.diff(self.starts)

    @property
    def owners(self) -> NDArray[np.intp]:
        """For each row the index of its character."""
        return np.repeat(np.arange(len(self.characters)), self.counts)

    def rows_of(self, character: int) -> NDArray[np.intp]:
        return np.arange(self.starts[character], self.starts[character + 1])


async def read_faces(gallery: StoredGallery, scope: Scope) -> ScopeFaces:
    """Everything that is there when it is read; 2 KiB a sample, and as much again while it is sorted.

    What changes meanwhile may be in it or not: a sample whose character is not listed is left out.
    """
    characters = await gallery.characters([scope])
    slots = {character.id: slot for slot, character in enumerate(characters)}
    pages: list[EmbeddedFaces] = []
    after = 0
    while (page := await gallery.embedded_faces(scope, after=after)).sample_ids:
        pages.append(page)
        after = page.last
    return _sorted(characters, [[slots.get(one, -1) for one in page.character_ids] for page in pages], pages)


def _sorted(
    characters: tuple[Character, ...], slots: list[list[int]], pages: list[EmbeddedFaces]
) -> ScopeFaces:
    owners = np.array([slot for some in slots for slot in some], np.intp)
    negative = np.array([one for page in pages for one in page.negative], np.bool_)
    order = np.argsort(owners, kind="stable")
    order = order[~negative[order] & (owners[order] >= 0)]
    target = np.full(len(owners), -1, np.intp)
    target[order] = np.arange(len(order))
    ids = [one for page in pages for one in page.sample_ids]
    times = [one for page in pages for one in page.added_at]
    dimension = pages[0].embeddings.shape[1] if pages else 0
    embeddings = np.empty((len(order), dimension), np.float32)
    first = len(owners)
    while pages:  # each page is let go of as soon as its rows are where they belong
        rows = pages.pop().embeddings
        first -= len(rows)
        to = target[first : first + len(rows)]
        embeddings[to[to >= 0]] = rows[to >= 0]
    return ScopeFaces(
        characters,
        starts=np.searchsorted(owners[order], np.arange(len(characters) + 1)),
        sample_ids=tuple(ids[row] for row in order),
        added_at=tuple(times[row] for row in order),
        embeddings=Embeddings(embeddings),
    )
