"""YOLO detectors: how their outputs are read, and the ONNX Runtime runner."""

from __future__ import annotations

import numpy as np

from inference.detection.canvases import CanvasDetector, OnnxDetector
from inference.fixed_batches import FloatArray

_END_TO_END_COLUMNS = 6  # x1, y1, x2, y2, score, class: a network that suppresses by itself


class YoloDetector(CanvasDetector):
    """A `Detector` for the output layouts of Ultralytics networks: raw (v8, v11) and end-to-end (v10, 26).

    For a canvas, raw is (4 + classes) × anchors: centre, width, height and the classes' scores; end-to-end is
    boxes × 6, each box with its one class.
    """

    def _read(self, output: FloatArray) -> tuple[FloatArray, FloatArray]:
        spec = self._spec
        if output.ndim == 2 and output.shape[0] == 4 + spec.class_count:
            scores = output[[4 + index for index in spec.face_classes]]
            chosen = np.flatnonzero(scores.max(axis=0) >= spec.score_threshold)
            x, y, width, height = output[:4, chosen]
            corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
            return corners, scores[:, chosen].T
        if output.ndim == 2 and output.shape[1] == _END_TO_END_COLUMNS:
            classes = output[:, 5].astype(int)
            chosen = np.flatnonzero(
                (output[:, 4] >= spec.score_threshold) & np.isin(classes, spec.face_classes)
            )
            own = classes[chosen, None] == np.array(spec.face_classes)
            return output[chosen, :4], own * output[chosen, 4:5]
        raise self._unlike(output, "a YOLO")


class OnnxYoloDetector(OnnxDetector, YoloDetector):
    """Runs a YOLO exported to ONNX with ONNX Runtime on the CPU."""
