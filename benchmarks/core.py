"""How close the batched core comes to a bare loop over the same two ONNX networks.

    python -m benchmarks.core FOLDER [--repeats 5]

The baseline calls the detector and the embedder on decoded pictures, in full batches: cut the
canvases, run the detector, cut the faces, run the embedder. The core does that and everything a user needs:
decode, queue, search a gallery, decide. Both run alternately on the same pictures; the ratio is
baseline time / core time, 1.0 = nothing is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bot.terminal.pictures import picture_files
from config.options import BatchingOptions, ModelOptions, Options
from inference.detection.views import cut_canvas, merge_views, plan_views
from inference.domain import ImageRGB, Scope
from inference.embedding.align import align_crop
from inference.images import decode
from inference.models import find_pack, open_detector, open_embedder
from inference.service import FaceService, open_face_service

_SCOPE = Scope("benchmark")
_CALLERS = 32


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_compare(arguments, Path(folder)))


async def _compare(arguments: argparse.Namespace, data_dir: Path) -> None:
    options = Options(
        data_dir=data_dir,
        models=ModelOptions(runtime="onnx"),
        batching=replace(BatchingOptions(), max_queue=4_096, deadline_s=600),
    )
    files = [path.read_bytes() for path in picture_files([arguments.folder])]
    images = [decode(data, options.images).frames[0] for data in files]
    baseline = _Baseline(options)
    baseline.run(images)
    ratios, core_s, bare_s = [], [], []
    async with open_face_service(options) as service:
        await _core(service, files)
        for _ in range(arguments.repeats):
            started = time.perf_counter()
            faces = baseline.run(images)
            bare_s.append(time.perf_counter() - started)
            started = time.perf_counter()
            named = await _core(service, files)
            core_s.append(time.perf_counter() - started)
            ratios.append(bare_s[-1] / core_s[-1])
            assert named == faces, (named, faces)
    print(f"{len(files)} pictures, {faces} faces, {_CALLERS} callers, {arguments.repeats} runs of each")
    print(f"bare loop  {len(files) / statistics.median(bare_s):7.1f} pictures/s")
    print(f"core       {len(files) / statistics.median(core_s):7.1f} pictures/s")
    print(f"ratio      {statistics.median(ratios):7.3f}  ({min(ratios):.3f} … {max(ratios):.3f})")
    print(json.dumps({"ratio": statistics.median(ratios), "bare_s": bare_s, "core_s": core_s}))


class _Baseline:
    """The two networks and a loop."""

    def __init__(self, options: Options) -> None:
        pack = find_pack(options.models.pack, options.data_dir)
        self._options = options
        self._spec = pack.manifest.embedder.spec
        self._detector = open_detector(pack, options.models, options.detection)
        self._embedder = open_embedder(pack, options.models)

    def run(self, images: list[ImageRGB]) -> int:
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
        rows = [self._embedder.embed(crops[start : start + size]) for start in range(0, len(crops), size)]
        return len(np.concatenate(rows))


async def _core(service: FaceService, files: list[bytes]) -> int:
    waiting = list(files)
    faces = 0

    async def caller() -> None:
        nonlocal faces
        while waiting:
            answer = await service.identify(waiting.pop(), [_SCOPE], draw=False)
            faces += len(answer.identification.faces)

    await asyncio.gather(*(caller() for _ in range(_CALLERS)))
    return faces


if __name__ == "__main__":
    main()
