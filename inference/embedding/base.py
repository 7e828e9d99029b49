"""The `Embedder` protocol: aligned crops in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from inference.domain import EmbeddingContract, Embeddings, ImageRGB


class Embedder(Protocol):
    """Turns aligned crops into embeddings. One thread at a time may call it."""

    @property
    def contract(self) -> EmbeddingContract:
        """What its embeddings mean."""

    def warm_up(self) -> None:
        """Run the network once, in each size if it has fixed ones, so that the first user does not wait."""

    def embed(self, crops: Sequence[ImageRGB]) -> Embeddings:
        """One row a crop. Each crop is side × side × 3 RGB as `embedding.align` makes it for this pack."""
