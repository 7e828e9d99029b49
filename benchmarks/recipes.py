"""What whole pictures are compared with: the two networks in a bare loop, and the classic serial recipe."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from config.options import Options
from inference.detection.views import cut_canvas, merge_views, plan_views
from inference.domain import ImageRGB
from inference.embedding.align import align_crop
from inference.models import find_pack, open_detector, open_embedder
from inference.models.runners import detector_on, embedder_on
from inference.models.runtimes import Runtime


class BareModels:
    """The two networks, on the runtimes that the options choose, and a loop over decoded pictures.

    Canvases are cut and run in full batches, then all faces. Nothing is decoded, queued, searched or decided.
    """

    def __init__(self, options: Options) -> None:
        pack = find_pack(options.models.pack, options.packs_dir)
        self._options = options
        self._spec = pack.manifest.embedder.spec
        self._detector = open_detector(pack, options.models, options.detection)
        self._embedder = open_embedder(pack, options.models)

    def run(self, images: Sequence[ImageRGB]) -> int:
        """How many faces were embedded."""
        detection = self._options.detection
        work = [
            (image, view)
            for image in images
            for view in plan_views(image.shape[1], image.shape[0], self._detector.canvas_shapes, detection)
        ]
        work.sort(key=lambda item: item[1].canvas_wh)  # full batches of one shape
        found: dict[int, list] = {id(image): [] for image in images}
        size = self._options.batching.detector_items
        for start in range(0, len(work), size):
            part = work[start : start + size]
            boxes = self._detector.detect([cut_canvas(image, view) for image, view in part])
            for (image, view), detections in zip(part, boxes, strict=True):
                found[id(image)].append((view, detections))
        crops = [
            align_crop(image, face.box, margin=self._spec.margin, side=self._spec.side)
            for image in images
            for face in merge_views(image.shape[1], image.shape[0], found[id(image)], detection)
        ]
        size = self._options.batching.embedder_items
        return sum(len(self._embedder.embed(crops[at : at + size])) for at in range(0, len(crops), size))


class ClassicSerial:
    """Pillow, YOLO on torch, then for each face a crop, the embedder on torch, and every sample one by one.

    One picture after the other, in float32, each on one canvas whatever its size.
    """

    def __init__(self, options: Options, samples: NDArray[np.float32]) -> None:
        pack = find_pack(options.models.pack, options.packs_dir)
        self._options = options
        self._spec = pack.manifest.embedder.spec
        self._detector = detector_on(Runtime("torch", "cpu"), pack, options.models, options.detection)
        self._embedder = embedder_on(Runtime("torch", "cpu"), pack, options.models)
        side = max(max(shape) for shape in self._detector.canvas_shapes)
        self._shapes = ((side, side),)
        self._samples = list(samples)

    def run(self, files: Sequence[bytes]) -> int:
        """How many faces were compared."""
        return sum(map(self._picture, files))

    def _picture(self, data: bytes) -> int:
        image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        height, width = image.shape[:2]
        view = plan_views(width, height, self._shapes, self._options.detection)[0]
        (found,) = self._detector.detect([cut_canvas(image, view)])
        faces = merge_views(width, height, [(view, found)], self._options.detection)
        for face in faces:
            crop = align_crop(image, face.box, margin=self._spec.margin, side=self._spec.side)
            (probe,) = self._embedder.embed([crop])
            scores = [float(np.dot(probe, sample)) for sample in self._samples]
            max(range(len(scores)), key=scores.__getitem__, default=None)
        return len(faces)
