"""What the health page says of the process's figures."""

from __future__ import annotations

import pytest

from bot.web.figures import figures_of
from inference.batch_figures import BatcherStats
from inference.domain import Identification
from inference.metrics import Metrics
from inference.pipeline import PipelineStats


def looked_at(metrics: Metrics, seconds: float, **timings_ms: float) -> None:
    metrics.identified(Identification(10, 10, (), timings_ms=timings_ms))
    metrics.done("identify", seconds)


def test_before_the_first_picture_there_is_nothing_to_say() -> None:
    figures = figures_of(Metrics())
    assert (figures.pictures, figures.average_ms, figures.within_s) == (0, 0.0, None)
    assert figures.stages == figures.waiting == figures.refusals == ()


def test_times_are_told_of_pictures_and_stages() -> None:
    metrics = Metrics()
    for _ in range(19):
        looked_at(metrics, 0.07, decode=4.0, detect=40.0, total=60.0)
    looked_at(metrics, 7.0, decode=4.0, detect=80.0, total=90.0)
    metrics.done("enroll", 29.0)
    figures = figures_of(metrics)
    assert figures.pictures == 20
    assert figures.average_ms == pytest.approx((19 * 70 + 7_000) / 20)
    assert figures.within_s == 0.1
    assert [name for name, _ in figures.stages] == ["decode", "detect"]
    assert dict(figures.stages) == pytest.approx({"decode": 4.0, "detect": 42.0})


@pytest.mark.parametrize(("seconds", "within_s"), [(29.0, 30.0), (31.0, None)])
def test_what_takes_longer_than_is_told_apart_is_not_made_up(seconds: float, within_s: float | None) -> None:
    metrics = Metrics()
    looked_at(metrics, seconds)
    assert figures_of(metrics).within_s == within_s


def test_what_waits_and_what_could_not_be_done_is_counted() -> None:
    metrics = Metrics()
    batcher = BatcherStats(0, 0, 0, 0, {}, 0.0, 0.0, waiting=3)
    metrics.watch_pipeline(lambda: PipelineStats(batcher, None))
    for use_case, code in (("identify", "no_face"), ("enroll", "no_face"), ("identify", "overloaded")):
        metrics.refused(use_case, code)
    figures = figures_of(metrics)
    assert figures.waiting == (("detector", 3),)
    assert figures.refusals == (("no_face", 2), ("overloaded", 1))
