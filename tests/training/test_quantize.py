"""Ranges fit what was seen, keep zero what it is, and find their way into a pack."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from inference.detection.views import cut_canvas, plan_views
from inference.drawing import draw_cast, draw_portrait
from inference.models import find_pack, verify_pack
from inference.models.integer_ranges import IntegerRanges
from inference.models.registry import Pack, load_pack

pytest.importorskip("openvino")
from config.options import DetectionOptions
from training.errors import TrainingError
from training.quantize import least_error_range, measure, write

BUNDLED = find_pack("dareda-1", Path("no-such-folder"))


def copy_of_bundled(tmp_path: Path) -> Pack:
    folder = tmp_path / "dareda-1"
    shutil.copytree(BUNDLED.folder, folder)
    return load_pack(folder)


def test_a_range_covers_what_is_spread_evenly() -> None:
    low, high = least_error_range(np.ones(2_048), -1.0, 3.0)
    assert low == pytest.approx(-1, abs=0.05)
    assert high == pytest.approx(3, abs=0.05)


def test_a_range_leaves_out_a_lonely_outlier() -> None:
    density = np.zeros(2_048)
    density[:512] = 1.0
    density[-1] = 1e-6
    _, high = least_error_range(density, 0.0, 8.0)
    assert high == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.28, 7.3), (-5.0, 0.1), (-1e-3, 1e-3)])
def test_zero_is_a_step_of_every_range(low: float, high: float) -> None:
    first, last = least_error_range(np.random.default_rng(0).random(2_048), low, high)
    steps = -first / ((last - first) / 255)
    assert first <= 0 < last
    assert steps == pytest.approx(round(steps), abs=1e-6)


def test_the_bundled_detectors_activations_are_measured_and_written_into_its_pack(tmp_path: Path) -> None:
    pack = copy_of_bundled(tmp_path)
    shapes = pack.manifest.detector.canvas_shapes
    image = draw_portrait(draw_cast(1, seed=2)[0], seed=1).image
    views = plan_views(image.shape[1], image.shape[0], shapes, DetectionOptions())
    ranges = measure(pack, [cut_canvas(image, view) for view in views], threads=1)
    network = pack.manifest.files["detector.onnx"].sha256
    text = IntegerRanges(network=network, measured_on="a drawing", ranges=ranges).as_text()
    for bfloat16, expected in ((None, True), (False, False), (True, True)):
        write(pack, text, bfloat16=bfloat16)
        again = load_pack(pack.folder)
        assert again.manifest.embedder.bfloat16 is expected
        assert (pack.folder / "detector.int8.json").read_text() == text
        assert again.manifest.calibration == pack.manifest.calibration
    assert verify_pack(again) == ()


def test_without_pictures_nothing_is_measured() -> None:
    with pytest.raises(TrainingError, match="no picture"):
        measure(BUNDLED, [], threads=1)
