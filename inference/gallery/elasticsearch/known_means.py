"""Means of characters' samples, remembered so that their vectors need not be fetched for every search."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from inference.domain import EmbeddingContract, SampleId
from inference.gallery.means import Mean

_MOST_KEPT = 4_096  # with 512 dimensions 16 MB


class KnownMeans:
    """The means that were asked for last; for one thread.

    By the ids of the samples that they are of: a sample never changes, so a mean under one contract stays
    right, whatever other processes do to the character.
    """

    def __init__(self) -> None:
        self._means: OrderedDict[tuple[str, ...], Mean] = OrderedDict()

    def get(self, contract: EmbeddingContract, samples: Sequence[SampleId]) -> Mean | None:
        key = (contract.id, *samples)
        mean = self._means.get(key)
        if mean is not None:
            self._means.move_to_end(key)
        return mean

    def add(self, contract: EmbeddingContract, samples: Sequence[SampleId], mean: Mean) -> None:
        self._means[contract.id, *samples] = mean
        if len(self._means) > _MOST_KEPT:
            self._means.popitem(last=False)
