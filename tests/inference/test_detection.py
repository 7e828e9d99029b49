"""Both runners of the real detector find the same faces, in pictures of any size."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from config.options import DetectionOptions, ImageLimits, ModelOptions
from inference.detection.base import Detector
from inference.detection.canvases import DetectorSpec
from inference.detection.views import cut_canvas, merge_views, plan_views
from inference.detection.yolo import YoloDetector
from inference.domain import Detection, FaceBox, ImageRGB
from inference.drawing import draw_cast, draw_group, draw_portrait
from inference.errors import ModelFileError
from inference.fixed_batches import FloatArray
from inference.images import decode
from inference.models import Pack, Runtime, find_pack
from inference.models.runners import detector_on
from inference.scaling import resized

OPTIONS = DetectionOptions()
MODELS = ModelOptions()


@pytest.fixture(scope="module")
def pack() -> Pack:
    return find_pack("dareda-1", Path("no installed packs"))


@pytest.fixture(scope="module")
def onnx_detector(pack: Pack) -> Detector:
    return detector_on(Runtime("onnx", "cpu"), pack, MODELS, OPTIONS)


@pytest.fixture(scope="module")
def torch_detector(pack: Pack) -> Detector:
    pytest.importorskip("ultralytics")
    return detector_on(Runtime("torch", "cpu"), pack, MODELS, OPTIONS)


def read(path: Path) -> ImageRGB:
    return decode(path.read_bytes(), ImageLimits()).frames[0]


def find(detector: Detector, image: ImageRGB) -> tuple[Detection, ...]:
    height, width = image.shape[:2]
    views = plan_views(width, height, detector.canvas_shapes, OPTIONS)
    boxes = detector.detect([cut_canvas(image, view) for view in views])
    return merge_views(width, height, zip(views, boxes, strict=True), OPTIONS)


# ── parity ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def drawn_pictures() -> list[ImageRGB]:
    cast = draw_cast(16, seed=3)
    portraits = [draw_portrait(one, seed=seed).image for one in cast for seed in (1, 2, 3)][:46]
    return [*portraits, *(draw_group(cast[first : first + 4], seed=first).image for first in range(0, 16, 4))]


@pytest.fixture(scope="module")
def shared_pictures(shared_data: Path) -> list[ImageRGB]:
    return [read(path) for path in sorted((shared_data / "pictures").iterdir())[::4]]


def unmatched(some: Sequence[Detection], others: Sequence[Detection], threshold: float) -> list[Detection]:
    """Those without the same box among the others, apart from those that are barely above the threshold."""
    return [
        one
        for one in some
        if one.score > threshold + 0.02
        and not any(
            one.box.iou(other.box) >= 0.999 and abs(one.score - other.score) <= 1e-3 for other in others
        )
    ]


@pytest.mark.parametrize("source", ["drawn_pictures", "shared_pictures"])
def test_torch_and_onnx_give_the_same_boxes(
    source: str,
    request: pytest.FixtureRequest,
    pack: Pack,
    onnx_detector: Detector,
    torch_detector: Detector,
) -> None:
    pictures: list[ImageRGB] = request.getfixturevalue(source)
    assert len(pictures) >= 50
    threshold = pack.manifest.detector.score_threshold
    faces = 0
    for picture in pictures:
        onnx, torch = find(onnx_detector, picture), find(torch_detector, picture)
        assert unmatched(onnx, torch, threshold) == unmatched(torch, onnx, threshold) == []
        faces += len(onnx)
    assert faces >= 30, "or there is nothing to compare"


def test_a_batch_of_mixed_canvases_gives_what_each_gives_alone(
    onnx_detector: Detector, drawn_pictures: list[ImageRGB]
) -> None:
    canvases = []
    for image in drawn_pictures[:7]:
        for width in (200, 500, 900):
            small = resized(image, width, round(image.shape[0] * width / image.shape[1]))
            views = plan_views(small.shape[1], small.shape[0], onnx_detector.canvas_shapes, OPTIONS)
            canvases += [cut_canvas(small, view) for view in views]
    together = onnx_detector.detect(canvases)
    assert any(together)
    for canvas, boxes in zip(canvases, together, strict=True):
        (alone,) = onnx_detector.detect([canvas])
        assert [d.score for d in alone] == pytest.approx([d.score for d in boxes], abs=1e-4)
        assert [d.box.xyxy for d in alone] == [pytest.approx(d.box.xyxy, abs=0.05) for d in boxes]


# ── tall and huge pictures ──────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def face_pictures(shared_data: Path) -> list[ImageRGB]:
    """Squares twice as wide as the face in their middle."""
    folder = shared_data / "recognition"
    with (folder / "index.csv").open(encoding="utf-8") as file:
        rows = [row["path"] for row in csv.DictReader(file) if row["source"] == "umamusume-support-cards"]
    return [read(folder / path) for path in rows[:40]]


@pytest.mark.parametrize(
    ("width", "height", "face"),
    [(800, 12_000, 100), (800, 12_000, 300), (7_680, 4_320, 150)],
)
def test_faces_in_strips_and_wallpapers_are_found(
    onnx_detector: Detector, face_pictures: list[ImageRGB], width: int, height: int, face: int
) -> None:
    generator = np.random.default_rng(face)
    canvas = np.full((height, width, 3), 230, dtype=np.uint8)
    truth = []
    for number, top in enumerate(range(40, height - 2 * face - 40, max(2 * face + 50, height // 14))):
        picture = resized(face_pictures[number % len(face_pictures)], 2 * face, 2 * face)
        left = int(generator.integers(0, width - 2 * face + 1))
        canvas[top : top + 2 * face, left : left + 2 * face] = picture
        truth.append(FaceBox(left + face / 2, top + face / 2, left + face * 1.5, top + face * 1.5))
    found = find(onnx_detector, canvas)
    hits = sum(any(box.iou(detection.box) > 0.5 for detection in found) for box in truth)
    assert hits >= 0.8 * len(truth)
    assert len(found) <= len(truth) + 1


# ── output layouts ──────────────────────────────────────────────────────────────────────────────


class FixedYolo(YoloDetector):
    """A detector whose network always answers the same."""

    def __init__(self, answer: FloatArray, *, classes: int, faces: tuple[int, ...]) -> None:
        super().__init__(DetectorSpec(((64, 64),), faces, classes, 0.5, 0.5), Path("fixed.onnx"))
        self._answer = answer

    def _run(self, batch: FloatArray) -> FloatArray:
        return np.repeat(self._answer[None], len(batch), axis=0)


BLANK = np.zeros((64, 64, 3), dtype=np.uint8)


def test_a_raw_output_is_centres_and_sizes_with_a_row_of_scores_a_class() -> None:
    answer = np.array(
        [[20, 40, 50], [20, 40, 10], [10, 8, 8], [10, 20, 8], [0.9, 0.1, 0.2], [0.2, 0.7, 0.4]],
        dtype=np.float32,
    )
    (found,) = FixedYolo(answer, classes=2, faces=(1,)).detect([BLANK])
    assert found == (Detection(FaceBox(36, 30, 44, 50), pytest.approx(0.7)),)
    (found,) = FixedYolo(answer, classes=2, faces=(0, 1)).detect([BLANK])
    assert [d.score for d in found] == pytest.approx([0.9, 0.7])


def test_an_end_to_end_output_is_corners_score_and_class() -> None:
    answer = np.array(
        [[1, 2, 30, 40, 0.9, 0], [5, 5, 20, 20, 0.8, 1], [5, 5, 20, 20, 0.4, 1], [0, 0, 0, 0, 0, 0]],
        dtype=np.float32,
    )
    for classes in (2, 80):
        (found,) = FixedYolo(answer, classes=classes, faces=(1,)).detect([BLANK])
        assert found == (Detection(FaceBox(5, 5, 20, 20), pytest.approx(0.8)),)


@pytest.mark.parametrize("shape", [(7, 100), (100,), (6, 4, 4)])
def test_another_output_is_a_setup_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelFileError, match="not that of a YOLO with 2 classes"):
        FixedYolo(np.zeros(shape, dtype=np.float32), classes=2, faces=(0,)).detect([BLANK])


def test_no_canvas_gives_no_answer() -> None:
    assert FixedYolo(np.zeros((6, 1), dtype=np.float32), classes=2, faces=(0,)).detect([]) == []
