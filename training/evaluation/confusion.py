"""Which faces are taken for somebody else: the pairs that a person should look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.evaluation.faces import FaceTable

_CHUNK = 1_024


@dataclass(frozen=True, slots=True)
class Confusion:
    """A face that is more like another character's than like any other of its own."""

    face: int
    other: int
    """Rows of the table."""
    similarity: float
    """Of the two."""
    own_similarity: float
    """To the most similar face of the same character; -1 without one."""


def worst_confusions(table: FaceTable, limit: int) -> list[Confusion]:
    """The most similar first, one for each pair of characters."""
    found: dict[frozenset[int], Confusion] = {}
    for start in range(0, len(table.faces), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(table.faces)))
        similarity = table.embeddings[rows] @ table.embeddings.T
        similarity[np.arange(len(rows)), rows] = -1
        same = table.characters[rows, None] == table.characters
        own, other = np.where(same, similarity, -1).max(axis=1), np.where(same, -1, similarity)
        for row, column in zip(range(len(rows)), other.argmax(axis=1).tolist(), strict=True):
            confusion = Confusion(int(rows[row]), column, float(other[row, column]), float(own[row]))
            if confusion.similarity <= confusion.own_similarity:
                continue
            both = frozenset((int(table.characters[confusion.face]), int(table.characters[column])))
            if both not in found or found[both].similarity < confusion.similarity:
                found[both] = confusion
    return sorted(found.values(), key=lambda confusion: -confusion.similarity)[:limit]
