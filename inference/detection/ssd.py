"""SSD detectors (Liu et al., ECCV 2016): how their output is read, and the ONNX Runtime runner."""

from __future__ import annotations

from inference.detection.canvases import CanvasDetector, OnnxDetector
from inference.fixed_batches import FloatArray


class SsdDetector(CanvasDetector):
    """A `Detector` for networks whose boxes are decoded already.

    For a canvas, the output is boxes × (4 + classes): x1, y1, x2, y2 in pixels of the canvas and the classes'
    probabilities, which with that of the background, left out, come to 1. It takes canvases of one shape,
    for which its default boxes are made.
    """

    def _read(self, output: FloatArray) -> tuple[FloatArray, FloatArray]:
        spec = self._spec
        if output.ndim != 2 or output.shape[1] != 4 + spec.class_count:
            raise self._unlike(output, "an SSD")
        scores = output[:, [4 + index for index in spec.face_classes]]
        chosen = scores.max(axis=1) >= spec.score_threshold
        return output[chosen, :4], scores[chosen]


class OnnxSsdDetector(OnnxDetector, SsdDetector):
    """Runs an SSD exported to ONNX with ONNX Runtime on the CPU."""
