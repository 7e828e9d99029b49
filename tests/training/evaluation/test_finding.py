"""Faces are found exactly as in serving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.options import ModelOptions, Options
from inference.domain import ImageRGB
from inference.drawing import draw_cast, draw_group
from inference.models import find_pack
from inference.service import open_pipeline
from training.evaluation.detection_page import is_greyscale
from training.evaluation.finding import LOWEST_SCORE, FaceFinder


@pytest.fixture(scope="module")
def group() -> ImageRGB:
    return draw_group(draw_cast(5, seed=6), seed=3).image


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> FaceFinder:
    return FaceFinder(find_pack("dareda-1", tmp_path_factory.mktemp("packs")), ModelOptions(threads=1))


async def test_the_served_faces_are_those_of_the_serving_pipeline(
    group: ImageRGB, finder: FaceFinder, tmp_path: Path
) -> None:
    # A tall picture as well, for its tiles.
    tall = np.concatenate([group] * 4)
    async with open_pipeline(Options(data_dir=tmp_path, models=ModelOptions(threads=1))) as pipeline:
        for image in (group, tall):
            expected = await pipeline.detect(image)
            found = finder.find(image)
            assert len(expected) >= 5
            assert [one.score for one in found.served] == pytest.approx(
                [one.score for one in expected], abs=1e-4
            )
            for one, other in zip(found.served, expected, strict=True):
                assert one.box.iou(other.box) > 0.999


def test_candidates_go_further_down_than_what_is_served(group: ImageRGB, finder: FaceFinder) -> None:
    found = finder.find(group)
    assert len(found.candidates) >= len(found.served) > 0
    assert min(one.score for one in found.served) >= finder.score_threshold
    assert min(one.score for one in found.candidates) >= LOWEST_SCORE
    assert found.milliseconds > 0


def test_the_largest_canvas_is_timed(finder: FaceFinder) -> None:
    canvas, milliseconds = finder.canvas_milliseconds()
    assert canvas == (640, 640)
    assert milliseconds > 1


def test_a_picture_without_colour_is_told_from_one_with(group: ImageRGB) -> None:
    grey = np.repeat(group.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    noise = np.random.default_rng(0).integers(-3, 4, grey.shape)
    assert is_greyscale(np.clip(grey.astype(int) + noise, 0, 255).astype(np.uint8))
    assert not is_greyscale(group)
    half = grey.copy()
    half[:40] = group[:40]
    assert not is_greyscale(half)
