"""A calibration keeps strangers to the rate it names, and comes out as a manifest's table."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from inference.domain import Embeddings, as_embeddings
from inference.models.manifest import CalibrationTable
from training.calibrate import FALSE_NAME_RATES, SAMPLES, calibrate, toml_table


def make_faces(characters: int, pictures: int, spread: float) -> tuple[Embeddings, np.ndarray]:
    """Pictures scattered around a centre a character; two characters share almost the same centre."""
    generator = np.random.default_rng(1)
    centres = generator.normal(size=(characters, 32))
    centres[1] = centres[0] + 0.05 * generator.normal(size=32)
    labels = np.repeat(np.arange(characters), pictures)
    rows = centres[labels] + spread * generator.normal(size=(len(labels), 32))
    return as_embeddings(rows, 32), labels


@pytest.fixture(scope="module")
def points():
    return calibrate(*make_faces(40, 6, 0.5), draws=150, seed=0)


def test_there_is_a_point_for_every_rate_and_number_of_samples(points) -> None:
    assert {(point.samples, point.false_name_rate) for point in points} == {
        (samples, rate) for samples in SAMPLES for rate in FALSE_NAME_RATES
    }


def test_a_stricter_rate_has_a_higher_threshold_and_names_fewer(points) -> None:
    for samples in SAMPLES:
        own = sorted((p for p in points if p.samples == samples), key=lambda p: p.false_name_rate)
        thresholds = [point.threshold for point in own]
        assert thresholds == sorted(thresholds, reverse=True)
        named = [point.named for point in own]
        assert named == sorted(named)
        assert named[-1] > 0.9


@pytest.mark.parametrize("samples", [1, 5])
def test_strangers_are_named_at_the_rate(points, samples: int) -> None:
    """Counted anew, one stranger after another, against everybody else."""
    embeddings, labels = make_faces(40, 6, 0.5)
    for point in points:
        if point.samples != samples or point.false_name_rate < 0.01:
            continue
        generator = np.random.default_rng(7)
        named = total = 0
        for _ in range(100):
            enrolled = generator.permutation(40)[:24]
            gallery = {
                c: embeddings[generator.permutation(np.flatnonzero(labels == c))[:samples]] for c in enrolled
            }
            for row in np.flatnonzero(~np.isin(labels, enrolled)):
                best = sorted((float((gallery[c] @ embeddings[row]).max()) for c in enrolled), reverse=True)
                named += best[0] >= point.threshold and best[0] - best[1] >= point.margin
                total += 1
        assert named / total == pytest.approx(point.false_name_rate, rel=0.6, abs=0.005)


def test_without_any_spread_everybody_is_named_and_nobody_wrongly() -> None:
    points = calibrate(*make_faces(20, 4, 1e-4), draws=5, seed=0)
    assert all(point.misnamed == 0 for point in points)
    assert max(point.named for point in points) > 0.85  # all but the two that look the same


def test_the_printed_table_is_one_that_a_manifest_takes(points) -> None:
    text = toml_table(points, measured_on="made-up faces", flip_average=True, gallery_characters=24)
    table = CalibrationTable.model_validate(tomllib.loads(text)["calibration"])
    assert len(table.calibration.points) == len(points)
    assert table.points[0].threshold == pytest.approx(points[0].threshold, abs=1e-3)
