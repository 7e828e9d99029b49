"""How long one caller waits for a picture, beside what its parts take by themselves.

    python -m benchmarks.latency [--rounds 25] [--json FILE]

A drawn picture of 1000×1000 with two faces, as a JPEG. In each round the parts run one after the other in
plain calls (decode, detector, embedder, encode), then the service answers the same file with its annotated
picture; all in one process, one caller. The ratio is the service's median / the sum of the parts'. The same
ratio of CPU seconds depends less on what else the machine does, and counts what runs beside each other twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from config.options import Options
from inference.detection.views import cut_canvas, plan_views
from inference.domain import ImageRGB, Scope
from inference.drawing import draw_cast, draw_group
from inference.embedding.align import align_crop
from inference.images import decode, encode
from inference.models import find_pack, open_detector, open_embedder
from inference.scaling import resized
from inference.service import LocalFaceService, open_face_service

_SCOPE = Scope("benchmark")
_SIDE = 1_000
_WARM_UP = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_compare(Options(data_dir=Path(folder)), arguments.rounds))
    for name, milliseconds in figures.items():
        print(f"{name:28s} {milliseconds:8.2f}{'' if name.startswith('ratio') else ' ms'}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


async def _compare(options: Options, rounds: int) -> dict[str, float]:
    image = _picture()
    data = encode(image, format="jpeg", quality=92)
    parts = _parts(options, image, data)
    times: dict[str, list[float]] = {name: [] for name in (*parts, "service")}
    cpu_times: dict[str, list[float]] = {name: [] for name in times}
    stages: dict[str, list[float]] = {}
    async with open_face_service(options) as service:
        for number in range(rounds + _WARM_UP):
            spent = {name: _seconds(part) for name, part in parts.items()}
            cpu_before = time.process_time()
            seconds, timings = await _answer(service, data)
            spent["service"] = seconds, time.process_time() - cpu_before
            if number >= _WARM_UP:
                for name, (seconds, cpu) in spent.items():
                    times[name].append(seconds * 1000)
                    cpu_times[name].append(cpu * 1000)
                for name, milliseconds in timings.items():
                    stages.setdefault(name, []).append(milliseconds)
    medians = {name: statistics.median(own) for name, own in times.items()}
    total = sum(medians[name] for name in parts)
    cpu_medians = {name: statistics.median(own) for name, own in cpu_times.items()}
    of_service = {f"service: {name}": statistics.median(own) for name, own in stages.items()}
    return {
        **medians,
        "sum of the parts": total,
        **of_service,
        "ratio": medians["service"] / total,
        "CPU of the service": cpu_medians["service"],
        "CPU of the parts": sum(cpu_medians[name] for name in parts),
        "ratio of CPU": cpu_medians["service"] / sum(cpu_medians[name] for name in parts),
    }


def _picture() -> ImageRGB:
    drawn = draw_group(draw_cast(2, seed=4), seed=1)
    return resized(drawn.image, _SIDE, _SIDE)


def _parts(options: Options, image: ImageRGB, data: bytes) -> Mapping[str, Callable[[], object]]:
    pack = find_pack(options.models.pack, options.packs_dir)
    spec = pack.manifest.embedder.spec
    detector = open_detector(pack, options.models, options.detection)
    embedder = open_embedder(pack, options.models)
    views = plan_views(_SIDE, _SIDE, detector.canvas_shapes, options.detection)
    canvases = [cut_canvas(image, view) for view in views]
    (found,) = detector.detect(canvases)
    if len(found) != 2:
        raise SystemExit(f"the picture should have two faces for the detector, and has {len(found)}")
    crops = [align_crop(canvases[0], face.box, margin=spec.margin, side=spec.side) for face in found]
    return {
        "decode": lambda: decode(data, options.images),
        "detector": lambda: detector.detect(canvases),
        "embedder": lambda: embedder.embed(crops),
        "encode": lambda: encode(image, format="jpeg", quality=options.annotate.quality),
    }


def _seconds(part: Callable[[], object]) -> tuple[float, float]:
    """By the clock and of the CPU."""
    started, cpu = time.perf_counter(), time.process_time()
    part()
    return time.perf_counter() - started, time.process_time() - cpu


async def _answer(service: LocalFaceService, data: bytes) -> tuple[float, Mapping[str, float]]:
    started = time.perf_counter()
    answer = await service.identify(data, [_SCOPE])
    seconds = time.perf_counter() - started
    assert len(answer.identification.faces) == 2
    return seconds, answer.identification.timings_ms


if __name__ == "__main__":
    main()
