"""What the networks cost on each runtime of this machine, beside plain ONNX Runtime in float32.

    python -m benchmarks.models [--pack NAME] [--threads 1] [--rounds 15] [--pictures FOLDER]

The baseline is `onnxruntime.InferenceSession(file)` as it is, with the input made in NumPy. Everything is
timed from pixels (canvases, aligned crops) to faces and embeddings. In each round everything runs once, one
after the other; a ratio is baseline time / time of the same round, and the median of the rounds is shown.

With --pictures, the classic recipe (every picture on a canvas of 640×640) on the baseline is compared with
what serving does: canvases near the pictures' shapes, on the runtimes that `auto` chooses.

"a picture" is one canvas of 640×640 and two faces, flip averaging on: what one caller waits for. "a batch" is
four canvases and eight faces: what many callers share. `auto` is what serving chooses.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from bot.terminal.pictures import picture_files
from config.options import DetectionOptions, ImageLimits, ModelOptions
from inference.detection.base import Detector
from inference.detection.views import cut_canvas, merge_views, plan_views
from inference.detection.yolo import OnnxYoloDetector
from inference.embedding.align import align_crop
from inference.embedding.arcface import OnnxEmbedder
from inference.embedding.base import Embedder
from inference.images import decode
from inference.models import Pack, contract_of, find_pack, resolve_runtimes
from inference.models.runners import detector_on, embedder_on
from inference.models.runtimes import Runtime, Runtimes, available_runtimes, openvino_precisions
from inference.network import PixelInput
from inference.onnx_session import OnnxNetwork, OnnxSession, load_library

BASELINE = "plain ONNX Runtime"
LOADS = {"a picture": (1, 2), "a batch": (4, 8)}
"""Canvases and faces."""

Calls = Mapping[str, Callable[[int], object]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pack", default=ModelOptions().pack)
    parser.add_argument("--packs", type=Path, default=Path("data/models"), help="folder of installed packs")
    parser.add_argument("--threads", type=int, default=1, help="of each network; 0 for all cores")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    pack = find_pack(arguments.pack, arguments.packs)
    models = ModelOptions(pack=pack.name, threads=arguments.threads)
    runners = _detectors(pack, models), _embedders(pack, models)
    detectors, embedders = _detections(pack, runners[0]), _embeddings(pack, runners[1])
    chosen = resolve_runtimes(models, pack)
    figures = {
        "machine": f"{platform.machine()}, {', '.join(openvino_precisions())}",
        "threads": arguments.threads,
        "auto": {"detector": str(chosen.detector), "embedder": str(chosen.embedder)},
        "detector": _measure(detectors, sorted({canvases for canvases, _ in LOADS.values()}), arguments),
        "embedder": _measure(embedders, sorted({faces for _, faces in LOADS.values()}), arguments),
        "together": _together(detectors, embedders, chosen.detector, chosen.embedder, arguments),
    }
    if arguments.pictures:
        figures["pictures"] = _pictures(pack, *runners, chosen, arguments)
    _show(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _detectors(pack: Pack, models: ModelOptions) -> dict[str, Detector]:
    options, table = DetectionOptions(), pack.manifest.detector
    assert table.onnx is not None
    spec = table.spec(score_threshold=table.score_threshold, iou_threshold=options.iou_threshold)
    plain = OnnxYoloDetector(
        spec, pack.checked_file(table.onnx), threads=models.threads, open_network=_open_plain
    )
    return {BASELINE: plain} | {
        str(runtime): detector_on(runtime, pack, models, options) for runtime in available_runtimes(pack)[0]
    }


def _detections(pack: Pack, detectors: Mapping[str, Detector]) -> Calls:
    width, height = max(pack.manifest.detector.canvas_shapes, key=lambda shape: shape[0] * shape[1])
    canvases = list(np.random.default_rng(0).integers(0, 256, (8, height, width, 3), dtype=np.uint8))
    return {
        name: lambda count, detector=detector: detector.detect(canvases[:count])
        for name, detector in detectors.items()
    }


def _embedders(pack: Pack, models: ModelOptions) -> dict[str, Embedder]:
    table = pack.manifest.embedder
    plain = OnnxEmbedder(
        table.spec,
        pack.checked_file(table.onnx),
        contract_of(pack, flip_average=True),
        flip_average=True,
        threads=models.threads,
        open_network=_open_plain,
    )
    return {BASELINE: plain} | {
        str(runtime): embedder_on(runtime, pack, models) for runtime in available_runtimes(pack)[1]
    }


def _embeddings(pack: Pack, embedders: Mapping[str, Embedder]) -> Calls:
    side = pack.manifest.embedder.side
    crops = list(np.random.default_rng(0).integers(0, 256, (8, side, side, 3), dtype=np.uint8))
    return {
        name: lambda count, embedder=embedder: embedder.embed(crops[:count])
        for name, embedder in embedders.items()
    }


def _open_plain(path: Path, pixels: PixelInput, *, threads: int, output: str | None) -> OnnxNetwork:
    onnxruntime = load_library()
    options = onnxruntime.SessionOptions()
    if threads:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return OnnxNetwork(OnnxSession(session, path, output), pixels)


def _measure(calls: Calls, sizes: list[int], arguments: argparse.Namespace) -> dict[str, dict]:
    figures = {}
    for size in sizes:
        times = _rounds({name: partial(call, size) for name, call in calls.items()}, arguments)
        figures[str(size)] = _against_baseline(times)
    return figures


def _together(
    detectors: Calls, embedders: Calls, detector: Runtime, embedder: Runtime, arguments: argparse.Namespace
) -> dict[str, dict]:
    pairs = {BASELINE: (BASELINE, BASELINE), "auto": (str(detector), str(embedder))}
    exact = "openvino on cpu, float32"
    if exact in detectors:
        pairs |= {"openvino float32": (exact, exact), "without bfloat16": (str(detector), exact)}
    figures = {}
    for load, (canvases, faces) in LOADS.items():
        calls = {
            name: partial(_both, detectors[one], embedders[other], canvases, faces)
            for name, (one, other) in pairs.items()
        }
        figures[load] = _against_baseline(_rounds(calls, arguments))
    return figures


def _pictures(
    pack: Pack,
    detectors: Mapping[str, Detector],
    embedders: Mapping[str, Embedder],
    chosen: Runtimes,
    arguments: argparse.Namespace,
) -> dict[str, dict[str, float]]:
    """Milliseconds a picture, from decoded pixels to embeddings, picture by picture."""
    shapes, spec = pack.manifest.detector.canvas_shapes, pack.manifest.embedder.spec
    side = max(max(shape) for shape in shapes)
    recipes = {
        BASELINE: (detectors[BASELINE], embedders[BASELINE], ((side, side),)),
        "auto": (detectors[str(chosen.detector)], embedders[str(chosen.embedder)], shapes),
    }
    times: dict[str, list[float]] = {name: [] for name in recipes}
    for path in picture_files([arguments.pictures]):
        image = decode(path.read_bytes(), ImageLimits()).frames[0]
        height, width = image.shape[:2]
        for name, (detector, embedder, canvas_shapes) in recipes.items():
            started = time.perf_counter()
            views = plan_views(width, height, canvas_shapes, DetectionOptions())
            found = detector.detect([cut_canvas(image, view) for view in views])
            faces = merge_views(width, height, zip(views, found, strict=True), DetectionOptions())
            embedder.embed(
                [align_crop(image, face.box, margin=spec.margin, side=spec.side) for face in faces]
            )
            times[name].append(time.perf_counter() - started)
    totals = {name: sum(own) for name, own in times.items()}
    return {
        name: {"ms": total / len(times[name]) * 1000, "ratio": totals[BASELINE] / total}
        for name, total in totals.items()
    }


def _both(detect: Callable[[int], object], embed: Callable[[int], object], canvases: int, faces: int) -> None:
    detect(canvases)
    embed(faces)


def _rounds(
    calls: Mapping[str, Callable[[], object]], arguments: argparse.Namespace
) -> dict[str, list[float]]:
    """Seconds of each round."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(arguments.rounds + 2):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if round_ >= 2:  # the first ones compile and allocate
                times[name].append(time.perf_counter() - started)
    return times


def _against_baseline(times: Mapping[str, list[float]]) -> dict[str, dict[str, float]]:
    return {
        name: {
            "ms": statistics.median(own) * 1000,
            "ratio": statistics.median(b / o for b, o in zip(times[BASELINE], own, strict=True)),
        }
        for name, own in times.items()
    }


def _show(figures: Mapping) -> None:
    print(f"{figures['machine']}; {figures['threads'] or 'all'} threads; auto: {figures['auto']}")
    for part, unit in (("detector", "canvases"), ("embedder", "faces"), ("together", "")):
        for size, rows in figures[part].items():
            print(f"\n{part}, {size} {unit}")
            for name, row in rows.items():
                print(_row(name, row))
    for name, row in figures.get("pictures", {}).items():
        print(f"pictures of the folder, each: {_row(name, row)}")


def _row(name: str, row: Mapping[str, float]) -> str:
    return f"  {name:32s} {row['ms']:8.2f} ms   {row['ratio']:5.2f} ×"


if __name__ == "__main__":
    main()
