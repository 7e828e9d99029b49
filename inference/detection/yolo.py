"""YOLO detectors: what every runner shares, and the ONNX Runtime runner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.detection.views import suppress
from inference.domain import Detection, FaceBox, ImageRGB
from inference.errors import ModelFileError
from inference.fixed_batches import FloatArray, run_in_fixed_batches
from inference.onnx_session import open_session

_END_TO_END_COLUMNS = 6  # x1, y1, x2, y2, score, class: a network that suppresses by itself


@dataclass(frozen=True, slots=True)
class YoloSpec:
    """What a model pack's manifest says of its YOLO detector."""

    canvas_shapes: tuple[tuple[int, int], ...]
    """(width, height) in pixels, multiples of the network's stride."""
    face_classes: tuple[int, ...]
    class_count: int
    score_threshold: float
    iou_threshold: float


class YoloDetector(ABC):
    """A `Detector` for the output layouts of Ultralytics networks: raw (v8, v11) and end-to-end (v10, 26)."""

    batch_sizes: tuple[int, ...] = (1, 2, 4)  # on a CPU, 8 take twice the memory and are no faster
    pads_batches = False

    def __init__(self, spec: YoloSpec, path: Path) -> None:
        self._spec = spec
        self._path = path

    @property
    def canvas_shapes(self) -> tuple[tuple[int, int], ...]:
        return self._spec.canvas_shapes

    def warm_up(self) -> None:
        for width, height in self.canvas_shapes:
            self.detect([np.zeros((height, width, 3), dtype=np.uint8)])

    def detect(self, canvases: Sequence[ImageRGB]) -> list[tuple[Detection, ...]]:
        found: list[tuple[Detection, ...]] = [()] * len(canvases)
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for index, canvas in enumerate(canvases):
            by_shape.setdefault(canvas.shape, []).append(index)
        for indices in by_shape.values():
            pixels = np.stack([canvases[index] for index in indices]).transpose(0, 3, 1, 2)
            rows = pixels.astype(np.float32)
            rows *= np.float32(1 / 255)
            outputs = run_in_fixed_batches(rows, self.batch_sizes, self._run, pad=self.pads_batches)
            for index, output in zip(indices, outputs, strict=True):
                found[index] = self._read(output)
        return found

    @abstractmethod
    def _run(self, batch: FloatArray) -> FloatArray:
        """The network on n×3×height×width RGB in 0…1: n×(4+classes)×anchors, or n×boxes×6 end to end."""

    def _read(self, output: FloatArray) -> tuple[Detection, ...]:
        spec = self._spec
        if output.ndim == 2 and output.shape[0] == 4 + spec.class_count:
            scores = output[[4 + index for index in spec.face_classes]].max(axis=0)
            chosen = np.flatnonzero(scores >= spec.score_threshold)
            x, y, width, height = output[:4, chosen]
            corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
            scores = scores[chosen]
        elif output.ndim == 2 and output.shape[1] == _END_TO_END_COLUMNS:
            chosen = np.flatnonzero(
                (output[:, 4] >= spec.score_threshold) & np.isin(output[:, 5].astype(int), spec.face_classes)
            )
            corners, scores = output[chosen, :4], output[chosen, 4]
        else:
            raise ModelFileError(
                path=str(self._path),
                reason=f"its output {output.shape} is not that of a YOLO with {spec.class_count} classes",
                fix="Correct the number of classes in the pack's manifest.",
            )
        detections = [
            Detection(FaceBox(*map(float, corner)), float(score))
            for corner, score in zip(corners, scores, strict=True)
        ]
        return suppress(detections, spec.iou_threshold)


class OnnxYoloDetector(YoloDetector):
    """Runs a YOLO exported to ONNX with ONNX Runtime on the CPU."""

    def __init__(self, spec: YoloSpec, path: Path, *, threads: int) -> None:
        super().__init__(spec, path)
        self._session = open_session(path, threads=threads)
        if self._session.fixed_batch is not None:
            self.batch_sizes, self.pads_batches = (self._session.fixed_batch,), True

    def _run(self, batch: FloatArray) -> FloatArray:
        return self._session.run(batch)
