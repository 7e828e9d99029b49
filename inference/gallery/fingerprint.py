"""When two pictures of a face are the same picture: by their pixels, or by how they look and embed."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from inference.domain import FaceBox, ImageRGB
from inference.embedding.align import cut_square

# Measured by `python -m benchmarks.duplicates` with the embedder of dareda-1, on characters that are new to
# it: of faces saved again, halved, moved or scaled by 2–4 %, 99.8 % or more of each kind are found. Of 20,420
# pairs of different pictures of one character 0.06 % are taken for the same.
MAX_DISTANCE = 12
"""Bits of 64 in which the perceptual hashes of one picture may differ."""
_NEAR_DISTANCE = 2
_NEAR_SIMILARITY, _FAR_SIMILARITY = 0.86, 0.98

_HASH_MARGIN = 1.75  # more than the face: a tighter cut changes too much when the box moves a little


def content_hash(image: ImageRGB, box: FaceBox) -> str:
    """sha256 of the face's pixels: equal for the same face of the same decoded picture."""
    face, _ = cut_square(image, box, 1.0)
    return hashlib.sha256(repr(face.shape).encode() + face.tobytes()).hexdigest()


def perceptual_hash(image: ImageRGB, box: FaceBox) -> int:
    """The 64-bit pHash of the face with some room around it; survives re-encoding and resizing."""
    import imagehash  # noqa: PLC0415 - brings SciPy, which only enrollment needs
    from PIL import Image  # noqa: PLC0415

    square, _ = cut_square(image, box, _HASH_MARGIN)
    bits = imagehash.phash(Image.fromarray(square)).hash
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")


def required_similarity(distance: int) -> float:
    """The cosine from which faces at that Hamming distance (≤ MAX_DISTANCE) are the same picture.

    Where the hashes differ, the embeddings must be all but equal.
    """
    return _NEAR_SIMILARITY if distance <= _NEAR_DISTANCE else _FAR_SIMILARITY


def is_same_picture(hash_a: int, hash_b: int, similarity: float) -> bool:
    """For one pair; `similarity` is the cosine of their embeddings."""
    distance = (hash_a ^ hash_b).bit_count()
    return distance <= MAX_DISTANCE and similarity >= required_similarity(distance)


def hamming(hashes: NDArray[np.uint64], other: int) -> NDArray[np.uint8]:
    """In how many bits each hash differs from `other`."""
    distances: NDArray[np.uint8] = np.bitwise_count(hashes ^ np.uint64(other))
    return distances
