"""How the cost of a picture grows: with its size, its faces and the gallery.

    python -m benchmarks.growth [--rounds 15] [--json FILE] [--plot FILE]

Drawn JPEGs, one caller, each answered with its annotated picture. From a picture of one megapixel with two
faces and a gallery of 1,000 made samples, one thing changes at a time; the pictures of a series are asked for
in turn, so that other work on the machine is spread over them. Milliseconds are medians, by stage as the
service itself tells them; the ratio is that of each whole to the picture from which everything starts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faces import SCOPE, fill, make_faces
from config.options import Options
from inference.domain import ImageRGB
from inference.drawing import draw_cast, draw_group
from inference.images import encode
from inference.models import contract_of, find_pack
from inference.scaling import resized
from inference.service import FaceService, open_face_service

_MEGAPIXELS = (0.1, 0.25, 0.5, 1, 2, 4, 8, 16)
_FACES = (1, 2, 4, 8, 16, 32)
_SAMPLES = (1_000, 10_000, 100_000)
_USUAL_FACES = 2
_STAGES = ("decode", "detect", "embed", "search", "annotate")
_WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Point:
    """What one picture costs in one gallery."""

    value: float
    """Of what the series changes."""
    faces: int
    """Found by the detector."""
    milliseconds: float
    cpu_milliseconds: float
    stages: Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--plot", type=Path, help="draw them there, as SVG or PNG")
    arguments = parser.parse_args()
    series = asyncio.run(_measure(arguments.rounds))
    _show(series)
    if arguments.json:
        rows = {name: [_row(point) for point in points] for name, points in series.items()}
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if arguments.plot:
        _plot(series, arguments.plot)


async def _measure(rounds: int) -> dict[str, list[Point]]:
    whole = _group(_USUAL_FACES, 4_000)
    sizes = {size: _file(_of_size(whole, size)) for size in _MEGAPIXELS}
    groups = {count: _file(_group(count, 1_000)) for count in _FACES}
    series: dict[str, list[Point]] = {"samples in the gallery": []}
    for samples in _SAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            options = Options(data_dir=Path(folder))
            pack = find_pack(options.models.pack, options.packs_dir)
            contract = contract_of(pack, flip_average=options.models.flip_average)
            fill(options.data_dir / options.gallery.file, make_faces(samples, 2), 1_000, contract=contract)
            async with open_face_service(options) as service:
                series["samples in the gallery"] += await _points(service, {samples: sizes[1]}, rounds)
                if samples == _SAMPLES[0]:
                    series["megapixels"] = await _points(service, sizes, rounds)
                    series["faces"] = await _points(service, groups, rounds)
    return series


async def _points(service: FaceService, files: Mapping[float, bytes], rounds: int) -> list[Point]:
    answers: dict[float, list[tuple[float, float, Mapping[str, float], int]]] = {value: [] for value in files}
    for number in range(rounds + _WARM_UP):
        for value, data in files.items():
            clock, cpu = time.perf_counter(), time.process_time()
            answer = await service.identify(data, [SCOPE], draw=True)
            spent = time.perf_counter() - clock, time.process_time() - cpu
            if number >= _WARM_UP:
                found = answer.identification
                answers[value].append((*spent, found.timings_ms, len(found.faces)))
    return [
        Point(
            value,
            own[0][3],
            1_000 * statistics.median(one[0] for one in own),
            1_000 * statistics.median(one[1] for one in own),
            {stage: statistics.median(one[2].get(stage, 0.0) for one in own) for stage in _STAGES},
        )
        for value, own in answers.items()
    ]


def _group(count: int, side: int) -> ImageRGB:
    return draw_group(draw_cast(count, seed=4), seed=1, size_wh=(side, side)).image


def _of_size(image: ImageRGB, megapixels: float) -> ImageRGB:
    side = round((megapixels * 1e6) ** 0.5)
    return resized(image, side, side)


def _file(image: ImageRGB) -> bytes:
    return encode(image, format="jpeg", quality=92)


def _row(point: Point) -> dict[str, object]:
    return {
        "value": point.value,
        "faces": point.faces,
        "ms": point.milliseconds,
        "cpu_ms": point.cpu_milliseconds,
        "stages_ms": dict(point.stages),
    }


def _show(series: Mapping[str, Sequence[Point]]) -> None:
    usual = next(point for point in series["megapixels"] if point.value == 1)
    for name, points in series.items():
        print(f"\n{name:>24s}   faces      ms    ratio   CPU ms   {'   '.join(_STAGES)}")
        for point in points:
            stages = "   ".join(f"{point.stages[stage]:{len(stage)}.1f}" for stage in _STAGES)
            print(
                f"{point.value:24,.10g}   {point.faces:5d}   {point.milliseconds:5.1f}   "
                f"{point.milliseconds / usual.milliseconds:6.2f}   {point.cpu_milliseconds:6.1f}   {stages}"
            )


def _plot(series: Mapping[str, Sequence[Point]], path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415  # only where it is asked for

    mpl.use("Agg")
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "benchmark"}
    from matplotlib import pyplot as plt  # noqa: PLC0415

    widths = [len(points) + 1 for points in series.values()]
    plot, panels = plt.subplots(1, len(series), figsize=(10, 3.6), width_ratios=widths, layout="constrained")
    for axes, (name, points) in zip(panels, series.items(), strict=True):
        bottom = [0.0] * len(points)
        for stage in _STAGES:
            heights = [point.stages[stage] for point in points]
            axes.bar(range(len(points)), heights, 0.75, bottom=bottom, label=stage)
            bottom = [below + height for below, height in zip(bottom, heights, strict=True)]
        axes.set_xticks(range(len(points)), [f"{point.value:,g}" for point in points])
        axes.set_xlabel(name)
        axes.grid(axis="y", alpha=0.2)
        axes.set_axisbelow(True)
    panels[0].set_ylabel("milliseconds a picture, one caller")
    plot.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False)
    plot.savefig(path)


if __name__ == "__main__":
    main()
