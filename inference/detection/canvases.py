"""What the runners of all detectors share: canvases in batches of one shape, and suppression."""

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
from inference.network import NetworkOpener, PixelBatch, PixelInput
from inference.onnx_session import open_onnx

PIXELS = PixelInput()
"""Canvases as every detector takes them: RGB in 0…1."""


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """What a model pack's manifest says of its detector."""

    canvas_shapes: tuple[tuple[int, int], ...]
    """(width, height) in pixels, as the network takes them."""
    face_classes: tuple[int, ...]
    class_count: int
    score_threshold: float
    iou_threshold: float
    names_faces: bool = False
    """Detections tell the score of each face class, because the classes are characters."""


class CanvasDetector(ABC):
    """A `Detector` of one network, whatever runs it and whatever its output looks like."""

    batch_sizes: tuple[int, ...] = (1, 2, 4)  # on a CPU, 8 take twice the memory and are no faster
    pads_batches = False

    def __init__(self, spec: DetectorSpec, path: Path) -> None:
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
            alike = [canvases[index] for index in indices]
            outputs = run_in_fixed_batches(alike, self.batch_sizes, self._run, pad=self.pads_batches)
            for index, output in zip(indices, outputs, strict=True):
                found[index] = self._suppressed(*self._read(output))
        return found

    @abstractmethod
    def _run(self, batch: PixelBatch) -> FloatArray:
        """The network's output for canvases of one shape."""

    @abstractmethod
    def _read(self, output: FloatArray) -> tuple[FloatArray, FloatArray]:
        """One canvas's boxes that reach the threshold: m×4 corners in its pixels, m×(face classes) scores."""

    def _unlike(self, output: FloatArray, expected: str) -> ModelFileError:
        return ModelFileError(
            path=str(self._path),
            reason=f"its output {output.shape} is not that of {expected} "
            f"with {self._spec.class_count} classes",
            fix="Correct the number of classes in the pack's manifest.",
        )

    def _suppressed(self, corners: FloatArray, scores: FloatArray) -> tuple[Detection, ...]:
        told = scores.tolist() if self._spec.names_faces else [()] * len(scores)
        detections = [
            Detection(FaceBox(*corner), best, tuple(classes))
            for corner, best, classes in zip(
                corners.tolist(), scores.max(axis=1, initial=0).tolist(), told, strict=True
            )
        ]
        return suppress(detections, self._spec.iou_threshold)


class OnnxDetector(CanvasDetector):
    """Runs a detector exported to ONNX on the CPU."""

    def __init__(
        self, spec: DetectorSpec, path: Path, *, threads: int, open_network: NetworkOpener = open_onnx
    ) -> None:
        super().__init__(spec, path)
        self._network = open_network(path, PIXELS, threads=threads, output=None)
        if self._network.fixed_batch is not None:
            self.batch_sizes, self.pads_batches = (self._network.fixed_batch,), True

    def _run(self, batch: PixelBatch) -> FloatArray:
        return self._network.run(batch)
