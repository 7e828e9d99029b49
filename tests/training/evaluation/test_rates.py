"""Error rates are what the textbook says for distributions with known answers."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from training.evaluation.rates import THRESHOLDS, Comparisons, roc_figures, share_figure, tally


def make_comparisons(genuine: list[float] | np.ndarray, impostor: list[float] | np.ndarray) -> Comparisons:
    """All of one character."""
    sides = (np.asarray(side, dtype=np.float64) for side in (genuine, impostor))
    wanted, unwanted = (tally(side, np.zeros(len(side), dtype=np.intp), 1) for side in sides)
    return Comparisons(wanted, unwanted)


def quantiles(mean: float, deviation: float, count: int = 20_000) -> np.ndarray:
    """A normal distribution without the luck of a draw."""
    normal = NormalDist(mean, deviation)
    return np.array([normal.inv_cdf((number + 0.5) / count) for number in range(count)])


@pytest.mark.parametrize(("mean", "deviation"), [(0.6, 0.1), (0.5, 0.15), (0.3, 0.05)])
def test_two_normal_distributions_have_the_rates_of_their_distance(mean: float, deviation: float) -> None:
    roc = make_comparisons(quantiles(mean, deviation), quantiles(0.2, deviation)).roc()
    distance = (mean - 0.2) / deviation
    assert float(roc.equal_error_rate) == pytest.approx(NormalDist().cdf(-distance / 2), abs=3e-4)
    # At a false rate of 1 %, the threshold lies 2.33 deviations above the impostors' mean.
    missed = NormalDist().cdf(NormalDist().inv_cdf(0.99) - distance)
    assert float(roc.true_rate_at(0.01)) == pytest.approx(1 - missed, abs=5e-3)
    assert float(roc.threshold_at(0.01)) == pytest.approx(0.2 + 2.326 * deviation, abs=1.5e-3)
    assert float(roc.false_rate_at(1 - missed)) == pytest.approx(0.01, abs=5e-4)


@pytest.mark.parametrize(
    ("genuine", "impostor", "expected"),
    [
        ([0.9, 0.8], [0.1, 0.2], 0.0),
        ([0.1, 0.2], [0.8, 0.9], 1.0),
        ([0.5], [0.5], 0.5),
        ([0.5, 0.5, 0.5], [0.5, 0.5], 0.5),
        ([1.0, 1.0], [-1.0, -1.0], 0.0),
        ([0.9, 0.3], [0.6, 0.1], 0.5),
        ([0.9, 0.8, 0.7, 0.2], [0.6, 0.1, 0.0, 0.0], 0.25),
    ],
)
def test_small_cases_have_the_equal_error_rate_counted_by_hand(
    genuine: list[float], impostor: list[float], expected: float
) -> None:
    assert float(make_comparisons(genuine, impostor).roc().equal_error_rate) == pytest.approx(expected)


def test_a_threshold_accepts_what_reaches_it() -> None:
    roc = make_comparisons([0.5, 0.7], [0.5, 0.1, 0.1, 0.1]).roc()
    at = int(np.flatnonzero(THRESHOLDS == 0.5)[0])
    assert (roc.true_rate[at], roc.false_rate[at]) == (1.0, 0.25)
    assert (roc.true_rate[at + 1], roc.false_rate[at + 1]) == (0.5, 0.0)
    assert float(roc.true_rate_at(0.25)) == 1.0
    assert float(roc.true_rate_at(0.24)) == 0.5


def test_nothing_is_accepted_where_no_threshold_keeps_to_the_rate() -> None:
    roc = make_comparisons([1.0], [1.0]).roc()
    assert float(roc.true_rate_at(0.5)) == 0.0
    assert float(roc.threshold_at(0.5)) > 1


def test_comparisons_that_can_never_count_are_in_the_share_all_the_same() -> None:
    similarity = np.array([0.9, 0.9])
    one = tally(similarity, np.zeros(2, dtype=np.intp), 1, able=np.array([True, False]))
    assert one.share()[0] == 0.5


def test_every_character_counts_the_same_however_many_comparisons_it_has() -> None:
    similarity = np.array([0.9] * 9 + [0.1])
    characters = np.array([0] * 9 + [1])
    weight = np.array([1 / 9] * 9 + [1.0])
    share = tally(similarity, characters, 2, weight=weight).share()
    assert share[np.searchsorted(THRESHOLDS, 0.5)] == pytest.approx(0.5)


def test_a_bootstrap_interval_is_that_of_the_mean_of_the_characters() -> None:
    generator = np.random.default_rng(0)
    part = generator.random(400)
    found = share_figure(part, np.ones(400), seed=0)
    error = part.std() / np.sqrt(400)
    assert found.value == pytest.approx(part.mean())
    assert found.low == pytest.approx(part.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(part.mean() + 1.96 * error, abs=0.15 * error)
    assert share_figure(part, np.ones(400), seed=0) == found


def test_characters_without_a_comparison_change_nothing() -> None:
    part, whole = np.array([0.5, 0.0, 1.0]), np.array([1.0, 0.0, 2.0])
    assert share_figure(part, whole, seed=0).value == 0.5
    assert share_figure(part, whole, seed=0).low == 0.5
    assert np.isnan(share_figure(np.zeros(2), np.zeros(2), seed=0).value)


def test_a_measure_of_the_whole_roc_has_an_interval_around_it() -> None:
    generator = np.random.default_rng(2)
    characters = np.repeat(np.arange(50), 20)
    comparisons = Comparisons(
        tally(generator.normal(0.6, 0.15, 1000), characters, 50),
        tally(generator.normal(0.2, 0.15, 1000), characters, 50),
    )
    measures = {"eer": lambda roc: roc.equal_error_rate, "tar": lambda roc: roc.true_rate_at(0.01)}
    figures = roc_figures(comparisons, measures, seed=0)
    found = figures["eer"]
    assert found.value == float(comparisons.roc().equal_error_rate)
    assert figures["tar"].value == float(comparisons.roc().true_rate_at(0.01))
    assert figures["tar"].low < figures["tar"].value < figures["tar"].high
    assert found.low < found.value < found.high
    assert found.high - found.low < 0.08
