"""Class probabilities of a detector that names characters itself, as the embeddings of its faces.

A face's probe is the vector of the square roots of its probabilities, the last one that of being nobody of
the set. It has unit length, the cosine of two probes is the Bhattacharyya coefficient of their distributions,
and so tracking and searching work on it as on any embedding (Bhattacharyya, Sankhyā 7 (1946)).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NewType

import numpy as np
from numpy.typing import NDArray

from inference.domain import Detection, Embeddings, as_embeddings

Probabilities = NewType("Probabilities", NDArray[np.float64])
"""n × face classes, each 0…1, of which no row exceeds 1 in total; made only by `class_probabilities()`."""


def as_probes(detections: Sequence[Detection], dimension: int) -> Embeddings:
    """One row a detection, of its class scores; `dimension` is one more than there are face classes.

    Scores that exceed 1 in total, as those of sigmoids may, are scaled to 1.
    """
    scores = np.array([one.class_scores for one in detections], np.float64).reshape(-1, dimension - 1)
    shares = scores / np.maximum(1.0, scores.sum(axis=1, keepdims=True))
    rest = np.clip(1.0 - shares.sum(axis=1, keepdims=True), 0.0, 1.0)
    return as_embeddings(np.sqrt(np.concatenate([shares, rest], axis=1)), dimension)


def class_probabilities(probes: Embeddings) -> Probabilities:
    """What the probes were made of."""
    return Probabilities(np.square(probes[:, :-1].astype(np.float64)))
