"""Galleries to look over, as arrays: characters are directions, their samples lie around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from inference.decide import Level, Policy
from inference.domain import Character, CharacterId, Embedding, Embeddings, SampleId, Scope
from inference.survey.faces import ScopeFaces
from tests.inference.gallery.samples import make_embedding, near

DIMENSION = 64
"""Random directions in it are as unlike as strangers are: cosines around 0 ± 0.13."""
POLICY = Policy((Level(1, 0.7, 0.05),))
AT = datetime(2024, 2, 28, 12, tzinfo=UTC)


def looks(seed: int, count: int, *, amount: float = 0.4) -> list[Embedding]:
    """Samples of one character; their cosines to each other are around 0.87."""
    return [near(make_embedding(seed, DIMENSION), 100 * seed + one, amount) for one in range(count)]


def make_faces(characters: Mapping[str, Sequence[Embedding]]) -> ScopeFaces:
    """Sample i of a character is called "name/i"."""
    counts = [len(samples) for samples in characters.values()]
    rows = [row for samples in characters.values() for row in samples]
    return ScopeFaces(
        tuple(
            Character(CharacterId(f"id of {name}"), Scope("here"), name, "", (), len(samples))
            for name, samples in characters.items()
        ),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.intp),
        sample_ids=tuple(
            SampleId(f"{name}/{one}") for name, samples in characters.items() for one in range(len(samples))
        ),
        added_at=(AT,) * len(rows),
        embeddings=Embeddings(np.stack(rows) if rows else np.empty((0, DIMENSION), np.float32)),
    )
