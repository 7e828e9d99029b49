"""How fast whole pictures are identified, beside the bare networks and the classic serial recipe.

    python -m benchmarks.core FOLDER [--rounds 5] [--callers 1,4,16,64,256] [--json FILE] [--plot FILE]

In each round everything runs once over the pictures of the folder, one after the other; ratios are those of
the same round, and their median is shown.

- bare models: the two networks on the same runtimes, in full batches, on pictures that are decoded already
- classic recipe: one picture after the other, torch in float32, every sample compared in Python
- identify: the service, from the file's bytes to the decision, with so many callers at a time
- with picture: the same, and the annotated answer painted and encoded

The gallery holds 1,000 made samples. CPU seconds depend less on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.faces import SCOPE, fill, make_faces
from benchmarks.recipes import BareModels, ClassicSerial
from bot.terminal.pictures import picture_files
from config.options import BatchingOptions, ModelOptions, Options
from inference.images import decode
from inference.models import contract_of, find_pack, resolve_runtimes
from inference.service import FaceService, open_face_service

_SAMPLES = 1_000
_USUAL = 16
"""Callers that the ratios are about."""

Seconds = tuple[float, float]
"""By the clock and of the CPU."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every so many-th picture only")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--callers", default="1,4,16,64,256", help="numbers, with commas between them")
    parser.add_argument("--runtime", default="auto", choices=("auto", "openvino", "onnx", "torch"))
    parser.add_argument("--threads", type=int, default=0, help="of each network; 0 for all cores")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--plot", type=Path, help="draw them there, as SVG or PNG")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_compare(arguments, Path(folder)))
    _show(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if arguments.plot:
        _plot(figures, arguments.plot)


async def _compare(arguments: argparse.Namespace, data_dir: Path) -> dict:
    options = Options(
        data_dir=data_dir,
        models=ModelOptions(runtime=arguments.runtime, threads=arguments.threads),
        batching=replace(BatchingOptions(), max_queue=4_096, deadline_s=600),
    )
    callers = sorted({_USUAL, *map(int, arguments.callers.split(","))})
    pack = find_pack(options.models.pack, options.packs_dir)
    made = make_faces(_SAMPLES, 2)
    contract = contract_of(pack, flip_average=options.models.flip_average)
    fill(data_dir / options.gallery.file, made, 6_000, contract=contract)
    files = [path.read_bytes() for path in picture_files([arguments.folder])[:: arguments.every]]
    images = [decode(data, options.images).frames[0] for data in files]
    bare, classic = BareModels(options), ClassicSerial(options, made.vectors)
    times: dict[str, list[Seconds]] = {}
    async with open_face_service(options) as service:
        faces = bare.run(images)
        classic.run(files[:3])
        await answer_all(service, files, _USUAL)
        for _ in range(arguments.rounds):
            _note(times, "bare models", bare.run, images)
            _note(times, "classic recipe", classic.run, files)
            for draw, counts in ((False, callers), (True, [_USUAL])):
                for count in counts:
                    started = _now()
                    found = await answer_all(service, files, count, draw=draw)
                    name = f"{'with picture' if draw else 'identify'}, {count} callers"
                    times.setdefault(name, []).append(_since(started))
                    assert found == faces, (name, found, faces)
    return {
        "machine": platform.machine(),
        "runtimes": str(resolve_runtimes(options.models, pack)),
        "pictures": len(files),
        "faces": faces,
        "rounds": arguments.rounds,
        "recipes": {name: _figures(own, times, len(files)) for name, own in times.items()},
    }


def _note(times: dict[str, list[Seconds]], name: str, run: Callable, pictures: Sequence) -> None:
    started = _now()
    run(pictures)
    times.setdefault(name, []).append(_since(started))


async def answer_all(
    service: FaceService, files: Sequence[bytes], callers: int, *, draw: bool = False
) -> int:
    """How many faces the service finds in all pictures, asked by so many callers at a time."""
    waiting = list(files)
    faces = 0

    async def caller() -> None:
        nonlocal faces
        while waiting:
            answer = await service.identify(waiting.pop(), [SCOPE], draw=draw)
            faces += len(answer.identification.faces)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return faces


def _now() -> Seconds:
    return time.perf_counter(), time.process_time()


def _since(started: Seconds) -> Seconds:
    clock, cpu = _now()
    return clock - started[0], cpu - started[1]


def _figures(
    own: Sequence[Seconds], times: Mapping[str, Sequence[Seconds]], pictures: int
) -> dict[str, float]:
    clock, cpu = (statistics.median(one) for one in zip(*own, strict=True))
    against = {
        f"{unit}_of_{name.split()[0]}": statistics.median(
            theirs[index] / ours[index] for theirs, ours in zip(times[name], own, strict=True)
        )
        for index, unit in enumerate(("ratio", "cpu_ratio"))
        for name in ("bare models", "classic recipe")
    }
    return {"pictures_per_s": pictures / clock, "cpu_ms": cpu / pictures * 1000, **against}


def _show(figures: Mapping) -> None:
    print(f"{figures['pictures']} pictures, {figures['faces']} faces, {figures['rounds']} rounds")
    print(f"{figures['runtimes']}\n")
    print(f"{'':26s} pictures/s   CPU a picture   speed of the bare models   of the classic recipe")
    for name, row in figures["recipes"].items():
        print(
            f"{name:26s} {row['pictures_per_s']:10.1f}   {row['cpu_ms']:10.1f} ms"
            f"   {row['ratio_of_bare']:10.2f} (CPU {row['cpu_ratio_of_bare']:.2f})"
            f"   {row['ratio_of_classic']:12.2f} (CPU {row['cpu_ratio_of_classic']:.2f})"
        )


def _plot(figures: Mapping, path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415  # only where it is asked for

    mpl.use("Agg")
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "benchmark"}
    from matplotlib import pyplot as plt  # noqa: PLC0415

    rates = {name: row["pictures_per_s"] for name, row in figures["recipes"].items()}
    callers = {int(name.split()[1]): rate for name, rate in rates.items() if name.startswith("identify,")}
    plot, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
    axes.plot(list(callers), list(callers.values()), marker="o", label="identify")
    axes.axhline(rates["bare models"], color="0.4", linestyle="--", label="bare models")
    axes.axhline(rates["classic recipe"], color="0.6", linestyle=":", label="classic recipe")
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(callers), [str(count) for count in callers])
    axes.set(xlabel="callers", ylabel="pictures a second", ylim=(0, None))
    axes.legend(frameon=False, loc="center right")
    axes.grid(alpha=0.2)
    plot.savefig(path)


if __name__ == "__main__":
    main()
