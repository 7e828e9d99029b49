from __future__ import annotations

import numpy as np
import pytest

from inference.gallery import centres
from inference.gallery.centres import CentredRows, centres_for

DIMENSION = 32


def make_rows(count: int, seed: int = 0, *, dimension: int = DIMENSION, directions: int = 0) -> np.ndarray:
    """Unit vectors, in so few directions if said."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, directions or dimension)).astype(np.float32)
    if directions:
        base = np.linalg.qr(np.random.default_rng(9).standard_normal((dimension, directions)))[0]
        rows = rows @ base.T.astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def make_index(rows: np.ndarray, capacity: int | None = None) -> CentredRows:
    index = CentredRows(rows, centres_for(len(rows)), capacity or len(rows))
    index.add(rows)
    return index


@pytest.fixture
def few_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sketches decide what is compared, as with many rows."""
    monkeypatch.setattr(centres, "_LEAST_CANDIDATES", 64)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_fewer_rows_than_asked_for_are_all_found(count: int) -> None:
    found, _ = make_index(make_rows(count)).nearest(make_rows(3, seed=1), 5, everywhere=True)
    assert np.sort(found, axis=1).tolist() == [[-1] * (5 - count) + list(range(count))] * 3


@pytest.fixture
def few_looked_at(few_candidates: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those under the nearest centre."""
    monkeypatch.setattr(centres, "_ROWS_LOOKED_AT", 0)
    monkeypatch.setattr(centres, "_LEAST_LOOKED_AT", 1)


@pytest.mark.usefixtures("few_looked_at")
@pytest.mark.parametrize("directions", [0, 4])
@pytest.mark.parametrize("count", [40, 3_000])
def test_looking_everywhere_finds_the_nearest_rows_with_scores_as_good_as_said(
    count: int, directions: int
) -> None:
    rows, probes = make_rows(count, directions=directions), make_rows(20, seed=1, directions=directions)
    index = make_index(rows)
    found, scores = index.nearest(probes, 5, everywhere=True)
    exact = probes @ rows.T
    for one, cosines, true in zip(found, scores, exact, strict=True):
        assert np.abs(true[one] - cosines).max() <= index.slack
        assert true[one].min() >= np.sort(true)[-5] - 2 * index.slack


@pytest.mark.parametrize("directions", [0, 12])
@pytest.mark.usefixtures("few_candidates")
def test_what_sketches_find_has_scores_as_good_as_said_best_first(directions: int) -> None:
    rows = make_rows(3_000, directions=directions)
    probes = 0.8 * rows[::150] + 0.6 * make_rows(20, seed=1, directions=directions)
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    index = make_index(rows)
    found, scores = index.nearest(probes, 8)
    exact = probes @ rows.T
    assert np.abs(np.take_along_axis(exact, found, axis=1) - scores).max() <= index.slack
    assert (np.diff(scores) <= 0).all()
    assert np.mean(found[:, 0] == exact.argmax(axis=1)) >= 0.9


@pytest.mark.usefixtures("few_candidates")
def test_rows_whose_sketches_are_all_the_same_come_in_their_true_order() -> None:
    others, (probe, aside) = make_rows(3_000), make_rows(2, seed=1)
    aside -= (aside @ probe) * probe
    nearness = np.random.default_rng(2).permutation(np.linspace(0.9, 1.0, 16)).astype(np.float32)
    alike = nearness[:, np.newaxis] * probe
    alike += np.sqrt(1 - nearness**2)[:, np.newaxis] * aside / np.linalg.norm(aside)
    index = make_index(np.concatenate([others, alike]))
    found, scores = index.nearest(probe[np.newaxis], 8)
    assert found[0].tolist() == (3_000 + np.argsort(-nearness)[:8]).tolist()
    assert np.abs(scores[0] - np.sort(nearness)[::-1][:8]).max() <= index.slack


@pytest.mark.usefixtures("few_looked_at")
def test_where_too_few_rows_are_looked_at_the_rest_is_empty() -> None:
    rows = make_rows(3_000)
    found, scores = make_index(rows).nearest(rows[:1], 300)
    there = found[0] >= 0
    assert found[0, 0] == 0
    assert 0 < np.count_nonzero(there) < 300
    assert (np.diff(there.astype(int)) <= 0).all()
    assert (scores[0, ~there] == -np.inf).all()


@pytest.mark.usefixtures("few_candidates")
@pytest.mark.parametrize("dimension", [2, 3, 6, 7, 8, 64])
def test_vectors_may_have_any_dimension(dimension: int) -> None:
    rows = make_rows(400, dimension=dimension)
    index = make_index(rows)
    found, scores = index.nearest(rows[::40], 4)
    assert scores[:, 0] == pytest.approx(1, abs=float(index.slack))
    exact = rows[::40] @ rows.T
    assert np.abs(np.take_along_axis(exact, found, axis=1) - scores).max() <= index.slack


def test_rows_are_numbered_as_they_were_added() -> None:
    rows = make_rows(500)
    index = make_index(rows, capacity=600)
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
    index = CentredRows(rows, 4, 201)
    peak = np.eye(DIMENSION, dtype=np.float32)[:1]
    index.add(rows)
    index.add(peak)
    found, scores = index.nearest(peak, 1, everywhere=True)
    assert found[0, 0] == 200
    assert scores[0, 0] > 0
