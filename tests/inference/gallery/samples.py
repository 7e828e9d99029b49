"""Faces to enroll in tests, without pictures or models: everything follows from a seed."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image

from inference.domain import (
    Embedding,
    EmbeddingContract,
    Embeddings,
    FaceBox,
    FaceCrop,
    Match,
    as_embedding,
    as_embeddings,
)
from inference.gallery.base import NewSample

DIMENSION = 16


def make_contract(model: str = "first", dimension: int = DIMENSION) -> EmbeddingContract:
    return EmbeddingContract(model, f"digest of {model}", dimension, "112 RGB")


def make_embedding(seed: int, dimension: int = DIMENSION) -> Embedding:
    return as_embedding(np.random.default_rng(seed).standard_normal(dimension), dimension)


def make_sample(
    seed: int,
    *,
    embedding: Embedding | None = None,
    content_hash: str | None = None,
    perceptual_hash: int | None = None,
    added_by: str = "somebody",
) -> NewSample:
    return NewSample(
        crop=make_crop(seed),
        embedding=make_embedding(seed) if embedding is None else embedding,
        content_hash=f"content {seed}" if content_hash is None else content_hash,
        perceptual_hash=hash_of(seed) if perceptual_hash is None else perceptual_hash,
        added_by=added_by,
        source=f"picture {seed}",
    )


def hash_of(seed: int) -> int:
    return int(np.random.default_rng([seed, 1]).integers(0, 1 << 64, dtype=np.uint64))


@cache
def make_crop(seed: int) -> FaceCrop:
    pixels = np.random.default_rng([seed, 2]).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((24, 24)).save(file, "WEBP", lossless=True)
    return FaceCrop(file.getvalue(), FaceBox(6, 6, 18, 18))


def probes(*embeddings: Embedding) -> Embeddings:
    return as_embeddings(np.stack(embeddings), len(embeddings[0]))


def near(embedding: Embedding, seed: int, amount: float = 0.2) -> Embedding:
    """An embedding not far from that one."""
    noise = np.random.default_rng([seed, 3]).standard_normal(len(embedding)) * amount / len(embedding) ** 0.5
    return as_embedding(embedding + noise, len(embedding))


def names(matches: tuple[Match, ...]) -> list[str]:
    return [match.character.name for match in matches]


class HashEmbedder:
    """A `Reembed` whose embeddings follow from the bytes of the crops."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.calls = 0

    async def __call__(self, crops: list[FaceCrop]) -> Embeddings:
        self.calls += 1
        return as_embeddings(np.stack([self.embed(crop) for crop in crops]), self.dimension)

    def embed(self, crop: FaceCrop) -> Embedding:
        return as_embedding(
            np.random.default_rng(list(crop.data)).standard_normal(self.dimension), self.dimension
        )
