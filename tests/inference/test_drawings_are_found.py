"""The bundled models see our own drawings as they see anime art."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from config.options import DetectionOptions, ModelOptions
from inference.detection.base import Detector
from inference.detection.views import cut_canvas, merge_views, plan_views
from inference.domain import Detection, ImageRGB
from inference.drawing import Drawing, draw_cast, draw_group, draw_portrait
from inference.embedding.align import align_crop
from inference.models import find_pack, open_detector, open_embedder

PACK = find_pack("dareda-1", Path("no-such-folder"))
ONNX = ModelOptions(runtime="onnx")
OPTIONS = DetectionOptions()


@pytest.fixture(scope="module")
def detector() -> Detector:
    return open_detector(PACK, ONNX, OPTIONS)


def faces_in(image: ImageRGB, detector: Detector) -> tuple[Detection, ...]:
    height, width = image.shape[:2]
    views = plan_views(width, height, detector.canvas_shapes, OPTIONS)
    found = detector.detect([cut_canvas(image, view) for view in views])
    return merge_views(width, height, zip(views, found, strict=True), OPTIONS)


def drawings() -> Iterator[Drawing]:
    for character in draw_cast(8, seed=7):
        yield from (draw_portrait(character, seed=seed) for seed in range(3))
    for seed in range(3):
        yield draw_group(draw_cast(7, seed=seed), seed=seed)


def test_drawn_faces_are_found_where_they_were_drawn_and_nowhere_else(detector: Detector) -> None:
    drawn = hits = false = 0
    for drawing in drawings():
        found = faces_in(drawing.image, detector)
        drawn += len(drawing.faces)
        hits += sum(any(face.box.iou(it.box) >= 0.6 for face in found) for it in drawing.faces)
        false += sum(all(face.box.iou(it.box) < 0.3 for it in drawing.faces) for face in found)
    assert drawn == 8 * 3 + 7 * 3
    assert hits >= 0.95 * drawn
    assert false <= 0.05 * drawn


def test_drawn_characters_are_told_apart_by_three_portraits_each() -> None:
    embedder = open_embedder(PACK, ONNX)
    spec = PACK.manifest.embedder.spec

    def embed(seeds: range) -> np.ndarray:
        crops = [
            align_crop(drawing.image, drawing.faces[0].box, margin=spec.margin, side=spec.side)
            for character in draw_cast(8, seed=7)
            for drawing in (draw_portrait(character, seed=seed) for seed in seeds)
        ]
        return embedder.embed(crops).reshape(8, len(seeds), -1)

    enrolled, probes = embed(range(1, 4)), embed(range(10, 13))
    best = np.einsum("cpd,ksd->cpks", probes, enrolled).max(axis=3)  # character, probe, candidate
    right = best[np.arange(8), :, np.arange(8)]
    others = best.copy()
    others[np.arange(8), :, np.arange(8)] = -1
    assert (best.argmax(axis=2) == np.arange(8)[:, None]).mean() >= 0.95
    assert (right - others.max(axis=2)).mean() >= 0.3
