"""Any number of rows goes through a network in a few batch sizes, and comes back in order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inference.fixed_batches import FloatArray, run_in_fixed_batches


@given(
    total=st.integers(1, 100),
    sizes=st.sets(st.sampled_from([2, 3, 4, 8, 16, 32]), max_size=4).map(lambda more: (1, *more)),
    pad=st.booleans(),
)
def test_every_row_comes_back_once_in_order_from_batches_of_the_given_sizes(
    total: int, sizes: tuple[int, ...], pad: bool
) -> None:
    seen: list[int] = []

    def run(batch: FloatArray) -> FloatArray:
        seen.append(len(batch))
        return batch * 2 + 1

    rows = np.arange(total, dtype=np.float32).reshape(-1, 1)
    results = run_in_fixed_batches(rows, sizes, run, pad=pad)
    assert np.array_equal(results, rows * 2 + 1)
    assert set(seen) <= set(sizes)
    if pad:
        assert len(seen) == -(-total // max(sizes))
    else:
        assert sum(seen) == total


@given(total=st.integers(1, 20), size=st.integers(2, 9))
def test_padding_needs_no_batch_of_one(total: int, size: int) -> None:
    rows = np.arange(total, dtype=np.float32).reshape(-1, 1)
    assert np.array_equal(run_in_fixed_batches(rows, (size,), np.negative, pad=True), -rows)


def test_a_single_row_is_not_copied() -> None:
    row, seen = np.ones(2, dtype=np.float32), []

    def run(batch: FloatArray) -> FloatArray:
        seen.append(batch)
        return batch

    run_in_fixed_batches([row], (1,), run, pad=False)
    assert np.shares_memory(seen[0], row)
