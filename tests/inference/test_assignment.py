"""`best_assignment` against trying everything, and against SciPy."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.assignment import best_assignment

rows = st.dictionaries(st.sampled_from("ABCD"), st.integers(1, 40).map(lambda n: n / 16), max_size=4)


def total(worth: Sequence[Mapping[str, float]], chosen: Sequence[str | None]) -> float:
    return sum(row[column] for row, column in zip(worth, chosen, strict=True) if column is not None)


def highest_total(worth: Sequence[Mapping[str, float]]) -> float:
    """By trying everything."""
    allowed = [chosen for chosen in product(*([None, *row] for row in worth)) if is_one_to_one(chosen)]
    return max(total(worth, chosen) for chosen in allowed)


def is_one_to_one(chosen: Sequence[str | None]) -> bool:
    named = [column for column in chosen if column is not None]
    return len(set(named)) == len(named)


@pytest.mark.parametrize(
    ("worth", "expected"),
    [
        ([], []),
        ([{}], [None]),
        ([{}, {}], [None, None]),
        ([{"A": 1}], ["A"]),
        ([{"A": 1}, {"A": 2}], [None, "A"]),
        ([{"A": 2, "B": 1}, {"A": 2, "B": 1.5}], ["A", "B"]),
        ([{"A": 3}, {"A": 4, "B": 2}], ["A", "B"]),
        ([{"A": 3}, {"A": 4, "B": 0.5}], [None, "A"]),
        ([{}, {"A": 3}, {}, {"A": 4, "B": 2}, {"C": 9}], [None, "A", None, "B", "C"]),
        # Moving one row sets off a chain of moves.
        ([{"A": 9, "B": 8}, {"B": 9, "C": 8}, {"C": 9, "D": 8}, {"A": 9}], ["B", "C", "D", "A"]),
    ],
)
def test_the_pairs_with_the_highest_total_are_chosen(
    worth: list[dict[str, float]], expected: list[str | None]
) -> None:
    assert best_assignment(worth) == expected


@given(st.lists(rows, max_size=5))
def test_no_other_choice_is_worth_more_and_no_column_is_given_twice(worth: list[dict[str, float]]) -> None:
    chosen = best_assignment(worth)
    assert is_one_to_one(chosen)
    assert all(column is None or column in row for column, row in zip(chosen, worth, strict=True))
    assert total(worth, chosen) == highest_total(worth)


@pytest.mark.parametrize(("faces", "characters"), [(64, 64), (64, 20), (30, 90)])
def test_large_and_dense_choices_agree_with_scipy_and_are_quick(faces: int, characters: int) -> None:
    from scipy.optimize import linear_sum_assignment

    worth = np.random.default_rng(7).uniform(0.01, 1, (faces, characters))
    started = time.perf_counter()
    chosen = best_assignment([dict(enumerate(row)) for row in worth.tolist()])
    assert time.perf_counter() - started < 2
    got = sum(worth[row, column] for row, column in enumerate(chosen) if column is not None)
    assert got == pytest.approx(worth[linear_sum_assignment(worth, maximize=True)].sum())
