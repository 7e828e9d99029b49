"""Faces in a picture found as serving finds them, but without an event loop."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from config.options import DetectionOptions, ModelOptions
from inference.detection.views import cut_canvas, merge_views, plan_views
from inference.domain import Detection, ImageRGB
from inference.models import Pack, open_detector

LOWEST_SCORE = 0.01
"""Boxes below it are not worth a point of the curve."""

_TIMED_CALLS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """The faces of one picture, best score first, boxes in its pixels."""

    candidates: tuple[Detection, ...]
    """From LOWEST_SCORE on: what curves are made of."""
    served: tuple[Detection, ...]
    """From the pack's threshold on: exactly what a user would get."""
    milliseconds: float
    """Cutting, network and merging, of a picture that is decoded already."""


class FaceFinder:
    """A pack's detector with everything that serving does around it."""

    def __init__(self, pack: Pack, models: ModelOptions) -> None:
        self._options = DetectionOptions(score_threshold=LOWEST_SCORE)
        self._detector = open_detector(pack, models, self._options)
        self._detector.warm_up()
        self.score_threshold = pack.manifest.detector.score_threshold

    def find(self, image: ImageRGB) -> Found:
        start = time.perf_counter()
        height, width = image.shape[:2]
        views = plan_views(width, height, self._detector.canvas_shapes, self._options)
        seen = list(
            zip(views, self._detector.detect([cut_canvas(image, view) for view in views]), strict=True)
        )
        candidates = merge_views(width, height, seen, self._options)
        # Suppression goes by score, so dropping low scores before it or here leaves the same boxes.
        sure = [(view, [one for one in found if one.score >= self.score_threshold]) for view, found in seen]
        served = merge_views(width, height, sure, self._options)
        return Found(candidates, served, (time.perf_counter() - start) * 1000)

    def canvas_milliseconds(self) -> tuple[tuple[int, int], float]:
        """The (width, height) of the largest canvas, and the median time of one call with one of it."""
        width, height = max(self._detector.canvas_shapes, key=lambda shape: (shape[0] * shape[1], shape))
        canvas = np.full((height, width, 3), 127, dtype=np.uint8)
        times = []
        for _ in range(_TIMED_CALLS):
            start = time.perf_counter()
            self._detector.detect([canvas])
            times.append((time.perf_counter() - start) * 1000)
        return (width, height), float(np.median(times))
