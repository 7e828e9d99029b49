"""Runs a network on any number of rows with only a few batch sizes, so that its memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

Number = TypeVar("Number", bound=np.generic)


def run_in_fixed_batches(
    rows: Sequence[NDArray[Number]],
    sizes: tuple[int, ...],
    run: Callable[[NDArray[Number]], FloatArray],
    *,
    pad: bool,
) -> FloatArray:
    """`run` over all rows, of one shape, in batches of the given sizes; results in order; at least one row.

    With `pad`, a last short batch is filled with zeros up to the next size (right on a GPU, where a batch
    costs about the same whatever is in it); without, it is split into smaller sizes (right on a CPU). Sizes
    must include 1 when not padding.
    """
    parts = []
    for start, count, size in _batches(len(rows), sorted(sizes, reverse=True), pad=pad):
        batch = rows[start : start + count]
        filler = [np.zeros_like(batch[0])] * (size - count)
        # A single row may be large, so it is not copied.
        parts.append(run(batch[0][np.newaxis] if size == 1 else np.stack([*batch, *filler]))[:count])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _batches(total: int, descending: list[int], *, pad: bool) -> Iterator[tuple[int, int, int]]:
    """(start, count, size) of each batch."""
    start = 0
    while start < total:
        left = total - start
        if pad:
            size = min((size for size in descending if size >= left), default=descending[0])
        else:
            size = next(size for size in descending if size <= left)
        count = min(left, size)
        yield start, count, size
        start += count
