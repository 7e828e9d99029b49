"""How well a naming detector finds the faces of pictures and names them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.detection.base import Detector
from inference.domain import Detection, FaceBox
from training.detector.batches import as_served
from training.detector.scene import Scene

FIGURES = ("precision", "recall", "named")
_SAME = 0.5  # IoU
_AT_ONCE = 16


def naming_shares(detector: Detector, scenes: Sequence[Scene]) -> dict[str, float | str]:
    """Shares of the boxes that are faces, of the faces found, and of those the ones with the right class.

    Every picture is shown whole on the detector's largest canvas; "" where there is nothing to divide by.
    The detector must tell class scores.
    """
    size = max(max(shape) for shape in detector.canvas_shapes)
    found = faces = hits = right = 0
    for start in range(0, len(scenes), _AT_ONCE):
        served = [as_served(scene, size) for scene in scenes[start : start + _AT_ONCE]]
        for scene, detections in zip(served, detector.detect([s.image for s in served]), strict=True):
            pairs = _pairs(detections, scene)
            found += len(detections)
            faces += len(scene.boxes)
            hits += len(pairs)
            right += sum(int(np.argmax(one.class_scores)) == int(scene.classes[face]) for one, face in pairs)
    return {
        name: part / whole if whole else ""
        for name, part, whole in zip(FIGURES, (hits, hits, right), (found, faces, hits), strict=True)
    }


def _pairs(detections: Sequence[Detection], scene: Scene) -> list[tuple[Detection, int]]:
    """Each face with the surest detection of it, as one of PASCAL VOC's rules has it."""
    free = set(range(len(scene.boxes)))
    boxes = [FaceBox(*map(float, box)) for box in scene.boxes]
    pairs = []
    for detection in detections:  # best first
        face = max(free, key=lambda index: detection.box.iou(boxes[index]), default=None)
        if face is not None and detection.box.iou(boxes[face]) >= _SAME:
            free.remove(face)
            pairs.append((detection, face))
    return pairs
