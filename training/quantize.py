"""Let a pack run in less precision on a CPU: the detector in 8-bit integers, the embedder in bfloat16.

    python -m training.quantize --pack my-pack --data pictures.jsonl --faces faces.jsonl --write

It shows the detector pictures of the training split and notes over which range each activation goes: the one
with the least squared error once it is cut into 256 steps. `--write` puts these ranges into the pack, a few
kilobytes; the weights stay as they are. The embedder may run in bfloat16 when its embeddings of faces stay
within cosine 0.999 of those in float32, which is then written into the manifest. Measure afterwards what both
cost: `python -m training.evaluate`, with and without `--precision float32`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from config.options import DetectionOptions, ModelOptions
from inference.detection.canvases import PIXELS
from inference.detection.views import cut_canvas, plan_views
from inference.domain import ImageRGB
from inference.models import Runtime, find_pack
from inference.models.integer_ranges import IntegerRanges
from inference.models.manifest import MANIFEST_NAME
from inference.models.registry import Pack, file_digest
from inference.models.runners import embedder_on
from inference.models.runtimes import openvino_precisions
from inference.quantization import ActivationTap, Range
from training.command import command_parser, run_command
from training.dataset.manifest import LabelledPicture, read_manifests
from training.errors import TrainingError
from training.evaluation.faces import NamedFace, face_crops, named_faces, open_picture

FILE_NAME = "detector.int8.json"
LOWEST_COSINE = 0.999
"""Of an embedding in less precision with the one in float32."""

_BINS = 2_048
_LEVELS = 255
_SAMPLED = 3  # one in three values tells their distribution as well as all
_SHARES = np.linspace(0.1, 1.0, 91)
"""Of the highest value, where a range may end."""

Floats = NDArray[np.float64]
Item = TypeVar("Item")


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="face manifests: pictures")
    parser.add_argument("--faces", type=Path, nargs="+", help="face manifests; without, the embedder is left")
    parser.add_argument("--split", default="train", choices=("train", "val", "test"))
    parser.add_argument("--pack", default=ModelOptions().pack)
    parser.add_argument("--packs", type=Path, default=Path("data/models"), help="folder of installed packs")
    parser.add_argument("--pictures", type=int, default=256, help="that many, and faces, drawn at random")
    parser.add_argument("--threads", type=int, default=0, help="0 for all cores")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="into the pack")
    run_command(parser, _quantize)


def _quantize(arguments: argparse.Namespace) -> None:
    pack = find_pack(arguments.pack, arguments.packs)
    chosen = _drawn(read_manifests(arguments.data, split=arguments.split), arguments)
    canvases = list(_canvases(pack, chosen))
    measured = IntegerRanges(
        network=pack.manifest.files[_network(pack)].sha256,
        measured_on=f"{len(canvases)} canvases of {len(chosen)} pictures, split {arguments.split}, "
        f"{datetime.now(UTC):%Y-%m-%d}",
        ranges=measure(pack, canvases, threads=arguments.threads),
    )
    text = measured.as_text()
    bfloat16 = None
    if arguments.faces is not None:
        faces = _drawn(named_faces(read_manifests(arguments.faces, split=arguments.split)), arguments)
        cosine = lowest_cosine(pack, faces, threads=arguments.threads)
        bfloat16 = cosine >= LOWEST_COSINE
        sys.stderr.write(f"Embedder in bfloat16: lowest cosine {cosine:.5f} of {len(faces)} faces.\n")
    if arguments.write:
        sys.stderr.write(f"Written into {write(pack, text, bfloat16=bfloat16)}.\n")
    else:
        sys.stdout.write(text)


def lowest_cosine(pack: Pack, faces: Sequence[NamedFace], *, threads: int = 0) -> float:
    """Between embeddings of a face in float32 and in bfloat16. Raises TrainingError, ModelFileError."""
    if "bfloat16" not in openvino_precisions():
        raise TrainingError("this CPU does not compute bfloat16; leave --faces out, or take another machine")
    models = ModelOptions(pack=pack.name, threads=threads)
    crops = list(face_crops(faces, pack))
    exact, less = (
        embedder_on(Runtime("openvino", "cpu", precision), pack, models).embed(crops)
        for precision in ("float32", "bfloat16")
    )
    return float(np.sum(exact * less, axis=1).min())


def measure(pack: Pack, canvases: Sequence[ImageRGB], *, threads: int = 0) -> dict[str, Range]:
    """The range of each activation of the pack's detector. Raises TrainingError, ModelFileError."""
    if not canvases:
        raise TrainingError("there is no picture to measure on")
    tap = ActivationTap(pack.checked_file(_network(pack)), threads=threads)
    low, high = np.zeros(len(tap.names)), np.zeros(len(tap.names))
    for canvas in canvases:
        for index, values in enumerate(tap.run(PIXELS.rows(canvas[None]))):
            low[index], high[index] = min(low[index], values.min()), max(high[index], values.max())
    index_of = {name: index for index, name in enumerate(tap.names)}
    groups = [[index_of[name] for name in group] for group in tap.groups]
    for group in groups:
        low[group], high[group] = low[group].min(), max(high[group].max(), np.finfo(np.float32).eps)
    counts = np.zeros((len(tap.names), _BINS))
    for canvas in canvases:
        for index, values in enumerate(tap.run(PIXELS.rows(canvas[None]))):
            counts[index] += np.histogram(values.ravel()[::_SAMPLED], _BINS, (low[index], high[index]))[0]
    ranges: dict[str, Range] = {}
    for group in groups:
        density = (counts[group] / counts[group].sum(axis=1, keepdims=True)).sum(axis=0)
        best = least_error_range(density, float(low[group[0]]), float(high[group[0]]))
        ranges |= {tap.names[index]: best for index in group}
    return ranges


def least_error_range(density: Floats, low: float, high: float) -> Range:
    """From where to where 256 steps are best, for values distributed like that between low and high.

    0 is one of the steps, because padding must stay what it is.
    """
    centres = low + (np.arange(len(density)) + 0.5) * (high - low) / len(density)
    candidates = []
    for share in _SHARES:
        step = (high * share - low) / _LEVELS
        zero = np.round(-low / step)
        restored = (np.clip(np.round(centres / step) + zero, 0, _LEVELS) - zero) * step
        error = float(density @ (centres - restored) ** 2)
        candidates.append((error, (float(-zero * step), float((_LEVELS - zero) * step))))
    return min(candidates)[1]


def write(pack: Pack, ranges: str, *, bfloat16: bool | None) -> Path:
    """Put the ranges into the pack and say so in its manifest, whose path it is; None leaves what it says."""
    (pack.folder / FILE_NAME).write_text(ranges, encoding="utf-8")
    path = pack.folder / MANIFEST_NAME
    replaced = ["int8 = ", f'"{FILE_NAME}" = ', *(["bfloat16 = "] if bfloat16 is not None else [])]
    lines = [
        line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(tuple(replaced))
    ]
    lines.insert(lines.index("[detector]") + 1, f'int8 = "{FILE_NAME}"')
    if bfloat16 is not None:
        lines.insert(lines.index("[embedder]") + 1, f"bfloat16 = {str(bfloat16).lower()}")
    file = pack.folder / FILE_NAME
    entry = f'"{FILE_NAME}" = {{ sha256 = "{file_digest(file)}", size = {file.stat().st_size} }}'
    lines.insert(lines.index("[files]") + 1, entry)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _drawn(items: Sequence[Item], arguments: argparse.Namespace) -> list[Item]:
    order = np.random.default_rng(arguments.seed).permutation(len(items))
    return [items[index] for index in order[: arguments.pictures]]


def _network(pack: Pack) -> str:
    name = pack.manifest.detector.onnx
    if name is None:
        raise TrainingError(f"the detector of {pack.name} is no ONNX file")
    return name


def _canvases(pack: Pack, pictures: Sequence[LabelledPicture]) -> Iterator[ImageRGB]:
    """What serving would show the detector."""
    shapes = pack.manifest.detector.canvas_shapes
    for picture in pictures:
        image = open_picture(picture.path)
        for view in plan_views(image.shape[1], image.shape[0], shapes, DetectionOptions()):
            yield cut_canvas(image, view)


if __name__ == "__main__":
    main()
