"""The exported files see what the trained network sees, at every size and batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inference.detection.canvases import DetectorSpec
from inference.detection.ultralytics_yolo import UltralyticsYoloDetector
from inference.detection.yolo import OnnxYoloDetector
from inference.domain import Detection, FaceBox, ImageRGB
from inference.drawing import draw_cast, draw_portrait
from training.detector.export import ParityError, compare, export_detector

BUNDLED = Path(__file__).resolve().parents[3] / "inference" / "weights" / "dareda-1" / "detector.pt"


def found(*rows: tuple[float, float, float, float, float]) -> list[Detection]:
    return [Detection(FaceBox(*row[:4]), row[4]) for row in rows]


ONE = found((0, 0, 100, 100, 0.9))


@pytest.mark.parametrize(
    ("other", "faces", "missed", "lowest_iou", "difference"),
    [
        (ONE, 1, 0, 1.0, 0.0),
        (found((0, 0, 100, 80, 0.8)), 1, 0, 0.8, 0.1),
        ([], 1, 1, 1.0, 0.0),
        (found((0, 0, 100, 20, 0.9)), 2, 2, 1.0, 0.0),  # another face altogether
        (found((0, 0, 100, 100, 0.9), (200, 0, 300, 100, 0.26)), 1, 0, 1.0, 0.0),  # just above the threshold
        (found((0, 0, 100, 90, 0.9), (0, 0, 100, 100, 0.7)), 2, 1, 1.0, 0.2),  # the best overlap is the pair
    ],
)
def test_faces_are_matched_one_to_one(
    other: list[Detection], faces: int, missed: int, lowest_iou: float, difference: float
) -> None:
    for left, right in ((ONE, other), (other, ONE)):
        parity = compare([left], [right], near=0.27)
        assert (parity.faces, parity.missed) == (faces, missed)
        assert parity.lowest_iou == pytest.approx(lowest_iou)
        assert parity.largest_score_difference == pytest.approx(difference)


@pytest.fixture(scope="module")
def canvases() -> list[ImageRGB]:
    pictures = [
        draw_portrait(character, seed=1, size=size).image
        for character, size in zip(draw_cast(3, seed=2), (320, 320, 256), strict=True)
    ]
    return [*pictures, np.ascontiguousarray(pictures[0][32:256])]  # and one that is no square


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, canvases: list[ImageRGB]) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    parity = export_detector(BUNDLED, folder, canvases)
    assert parity.faces >= 3
    assert parity.missed == 0
    return folder


def test_both_files_see_what_the_checkpoint_saw(exported: Path, canvases: list[ImageRGB]) -> None:
    spec = DetectorSpec(((320, 320), (256, 256), (320, 224)), (0,), 1, 0.25, 0.5)
    before = UltralyticsYoloDetector(spec, BUNDLED, device="cpu").detect(canvases)
    for detector in (
        UltralyticsYoloDetector(spec, exported / "detector.pt", device="cpu"),
        OnnxYoloDetector(spec, exported / "detector.onnx", threads=1),
    ):
        parity = compare(before, detector.detect(canvases), near=0.27)
        assert parity.missed == 0
        assert parity.lowest_iou > 0.98


def test_the_weights_are_stored_in_half_precision(exported: Path) -> None:
    assert (exported / "detector.onnx").stat().st_size < 6_500_000
    assert (exported / "detector.pt").stat().st_size < 6_500_000


def test_the_checkpoint_says_nothing_of_where_it_was_trained(exported: Path) -> None:
    checkpoint = torch.load(exported / "detector.pt", map_location="cpu", weights_only=False)
    assert set(checkpoint) == {"model", "train_args", "date", "license"}
    assert checkpoint["model"].args == checkpoint["train_args"] == {"task": "detect"}
    assert "yaml_file" not in checkpoint["model"].yaml


def test_files_that_see_differently_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, canvases: list[ImageRGB]
) -> None:
    monkeypatch.setattr(OnnxYoloDetector, "detect", lambda self, canvases: [() for _ in canvases])
    with pytest.raises(ParityError, match="of them seen by one file only"):
        export_detector(BUNDLED, tmp_path, canvases)


@pytest.mark.parametrize("architecture", ["yolo11n", "yolo26n"])
def test_newer_architectures_are_exported_too(architecture: str, tmp_path: Path) -> None:
    from ultralytics.nn.tasks import DetectionModel

    network = DetectionModel(f"{architecture}.yaml", nc=2, verbose=False)
    torch.save({"model": network, "train_args": {}}, tmp_path / "new.pt")
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    export_detector(tmp_path / "new.pt", tmp_path, [noise])
    spec = DetectorSpec(((96, 64),), (0, 1), 2, 0.25, 0.5)
    detector = OnnxYoloDetector(spec, tmp_path / "detector.onnx", threads=1)
    assert detector.detect([noise, noise]) == [(), ()]  # nobody trained it, but it runs
