"""Where bars go, and what is counted for them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.web import charts
from bot.web.pages.statistics import periods, samples_per_character, series_by_samples
from inference.domain import Character, CharacterId, Scope

TODAY = date(2024, 3, 1)


def make_character(samples: int, series: str = "") -> Character:
    return Character(CharacterId("id"), Scope("here"), "Her", series, (), samples)


@pytest.mark.parametrize(
    ("most", "lines"),
    [
        (0, ["0", "1"]),
        (1, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (7, ["0", "2", "4", "6", "8"]),
        (82, ["0", "50", "100"]),
        (1_000, ["0", "500", "1000"]),
        (99_999, ["0", "50000", "100000"]),
    ],
)
def test_the_scale_has_round_numbers_and_reaches_over_the_highest_column(most: int, lines: list[str]) -> None:
    chart = charts.columns(["a"], {"count": [most]}, head="what")
    assert [mark.text for mark in chart.scale] == lines
    assert min([bar.y for bar in chart.bars], default=chart.baseline) >= chart.scale[-1].at - 1e-9


def test_columns_are_as_high_as_their_numbers_and_stacked_without_gaps() -> None:
    chart = charts.columns(["a", "b"], {"one": [1, 0], "two": [3, 2]}, head="what")
    assert [(bar.series, bar.title) for bar in chart.bars] == [
        (0, "a · one: 1"),
        (1, "a · two: 3"),
        (1, "b · two: 2"),
    ]
    one, two, other = chart.bars
    assert two.height == pytest.approx(3 * one.height)
    assert other.height == pytest.approx(2 * one.height)
    assert one.y + one.height == pytest.approx(chart.baseline)
    assert two.y + two.height == pytest.approx(one.y)
    assert one.x == two.x < other.x
    assert chart.rows == (("a", "1", "3"), ("b", "0", "2"))
    assert chart.heads == ("what", "one", "two")


@pytest.mark.parametrize("count", [0, 1, 7, 8, 31, 500])
def test_everything_stays_within_the_drawing_and_labels_stay_few(count: int) -> None:
    chart = charts.columns([str(n) for n in range(count)], {"n": list(range(count))}, head="what")
    for bar in chart.bars:
        assert chart.left <= bar.x <= bar.x + bar.width <= chart.width
        assert 0 <= bar.y <= bar.y + bar.height <= chart.height
    assert len(chart.labels) <= 7
    assert len(chart.rows) == count


def test_rows_are_as_long_as_their_numbers() -> None:
    chart = charts.rows(["a", "b", "c"], [10, 5, 0], head="what", name="samples")
    assert [bar.width for bar in chart.bars] == [chart.bars[0].width, chart.bars[0].width / 2, 0]
    assert max(mark.at for mark in chart.scale) < chart.width
    assert chart.rows == (("a", "10"), ("b", "5"), ("c", "0"))
    assert charts.rows([], [], head="what", name="samples").bars == ()


def test_characters_are_counted_by_their_samples() -> None:
    assert samples_per_character([]) == (["1"], [0])
    found = samples_per_character([make_character(n) for n in (1, 1, 2, 6, 10, 11, 500)])
    assert dict(zip(*found, strict=True)) == {
        "1": 2, "2": 1, "3": 0, "4": 0, "5": 0, "6–10": 2, "11–20": 1, "21–50": 0, "51–100": 0, "101+": 1
    }  # fmt: skip
    assert samples_per_character([make_character(0), make_character(1)]) == (["0", "1"], [1, 1])


def test_the_series_with_most_samples_come_first() -> None:
    characters = [make_character(2, "b"), make_character(3, "a"), make_character(4), make_character(2, "b")]
    assert series_by_samples(characters) == [("", 4), ("b", 4), ("a", 3)]
    many = [make_character(n, str(n)) for n in range(30)]
    assert [name for name, _ in series_by_samples(many)] == [str(n) for n in range(29, 17, -1)]


def test_periods_are_days_then_weeks_then_months_and_lose_nothing() -> None:
    assert periods({}, TODAY) == []
    days = {TODAY - timedelta(days=2): (1, 0), TODAY: (2, 5)}
    assert periods(days, TODAY) == [("2024-02-28", (1, 0)), ("2024-02-29", (0, 0)), ("2024-03-01", (2, 5))]
    weeks = periods({TODAY - timedelta(days=40): (1,), TODAY: (2,)}, TODAY)
    assert weeks[0] == ("2024-01-15", (1,))
    assert [count for _, (count,) in weeks] == [1, 0, 0, 0, 0, 0, 2]
    months = periods({date(2022, 12, 31): (1,), date(2023, 2, 1): (4,)}, TODAY)
    assert months[:3] == [("2022-12", (1,)), ("2023-01", (0,)), ("2023-02", (4,))]
    assert months[-1] == ("2024-03", (0,))


def test_a_clock_that_is_behind_hides_no_day() -> None:
    ahead = TODAY + timedelta(days=1)
    assert periods({ahead: (3,)}, TODAY) == [("2024-03-02", (3,))]
