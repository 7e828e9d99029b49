from __future__ import annotations

import numpy as np
import pytest

from inference.gallery.centres import CentredRows, centres_for

DIMENSION = 32


def make_rows(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def make_index(rows: np.ndarray, centres: int | None = None) -> CentredRows:
    index = CentredRows(rows, centres or centres_for(len(rows)))
    index.add(rows)
    return index


@pytest.mark.parametrize("count", [1, 2, 4])
def test_fewer_rows_than_asked_for_are_all_found(count: int) -> None:
    found, _ = make_index(make_rows(count)).nearest(make_rows(3, seed=1), 5, everywhere=True)
    assert np.sort(found, axis=1).tolist() == [[-1] * (5 - count) + list(range(count))] * 3


@pytest.mark.parametrize("count", [40, 3_000])
def test_looking_everywhere_finds_the_nearest_rows_with_scores_as_good_as_said(count: int) -> None:
    rows, probes = make_rows(count), make_rows(20, seed=1)
    index = make_index(rows)
    found, scores = index.nearest(probes, 5, everywhere=True)
    exact = probes @ rows.T
    for one, cosines, true in zip(found, scores, exact, strict=True):
        assert np.abs(true[one] - cosines).max() <= index.slack
        assert true[one].max() >= true.max() - 2 * index.slack


def test_rows_are_numbered_as_they_were_added() -> None:
    rows = make_rows(500)
    index = make_index(rows)
    more = make_rows(100, seed=2)
    index.add(more)
    assert len(index) == 600
    found, _ = index.nearest(np.concatenate([rows[::50], more[::10]]), 1)
    assert found[:, 0].tolist() == [*range(0, 500, 50), *range(500, 600, 10)]


def test_many_equal_rows_are_no_trouble() -> None:
    rows = np.repeat(make_rows(1), 200, axis=0)
    found, scores = make_index(rows).nearest(rows[:1], 300, everywhere=True)
    assert sorted(found[0][found[0] >= 0].tolist()) == list(range(200))
    assert scores[0, 0] == pytest.approx(1.0, abs=0.02)


def test_an_element_larger_than_any_of_the_examples_does_not_wrap_around() -> None:
    rows = make_rows(200)
    index = CentredRows(rows, 4)
    peak = np.eye(DIMENSION, dtype=np.float32)[:1]
    index.add(rows)
    index.add(peak)
    found, scores = index.nearest(peak, 1, everywhere=True)
    assert found[0, 0] == 200
    assert scores[0, 0] > 0
