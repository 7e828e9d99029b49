"""Put a trained detector and embedder together as a model pack.

    python -m training.build_pack --head pack.toml --card CARD.md \\
        --detector runs/detector --embedder runs/embedder --out data/models/my-pack

`pack.toml` is the manifest's head: name, title, licence, training_data and the `[detector]` table. The
`[embedder]` table comes from the embedder's recipe, `[files]` from the files. The pack names nobody until
`python -m training.calibrate --pack my-pack --write` has measured from which likeness it may.

A detector that names characters itself makes a pack without an embedder: leave --embedder out, and let the
head have a `[closed_set]` table too. train_detector writes both tables into its run folder, as detector.toml.
"""

from __future__ import annotations

import argparse
import shutil
import tomllib
from pathlib import Path

from inference.models import verify_pack
from inference.models.manifest import MANIFEST_NAME
from inference.models.registry import Pack, file_digest, load_pack
from training.command import command_parser, run_command
from training.embedder.batches import IMAGENET_MEAN, IMAGENET_STD
from training.embedder.export import OUTPUT
from training.embedder.recipe import EmbedderRecipe
from training.errors import TrainingError

_CARD = "CARD.md"
_EMBEDDER = "embedder.onnx"
_UNCALIBRATED = """[calibration]
measured_on = "nothing yet: names nobody until it is calibrated"
flip_average = true
gallery_characters = 2
points = [{ samples = 1, false_name_rate = 0.01, threshold = 1.0, margin = 0.0 }]
"""


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--head", type=Path, required=True, help="the head of the manifest")
    parser.add_argument("--card", type=Path, required=True, help="the model card (Markdown)")
    parser.add_argument("--detector", type=Path, required=True, help="folder with the detector's files")
    parser.add_argument("--embedder", type=Path, help="run folder of train_embedder; none for a closed set")
    parser.add_argument("--out", type=Path, required=True, help="the pack's folder, called like the pack")
    run_command(parser, _build)


def _build(arguments: argparse.Namespace) -> None:
    pack = build_pack(
        head=arguments.head,
        card=arguments.card,
        detector=arguments.detector,
        embedder=arguments.embedder,
        target=arguments.out,
    )
    print("\n".join(pack.describe()))  # noqa: T201


def build_pack(*, head: Path, card: Path, detector: Path, embedder: Path | None, target: Path) -> Pack:
    """The new pack, every network of it tried. `target` must not exist, or hold an earlier build to replace.

    Raises TrainingError for a missing file, ModelFileError for a head that is no manifest's.
    """
    text = _read(head)
    try:
        detector_table = tomllib.loads(text)["detector"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise TrainingError(f"{head}: is not the head of a manifest: {error}") from error
    names = [name for name in (detector_table.get(kind) for kind in ("onnx", "torch", "int8")) if name]
    sources = {name: detector / name for name in names}
    sources[_CARD] = card
    if embedder is not None:
        sources[_EMBEDDER] = embedder / _EMBEDDER
    for path in sources.values():
        if not path.is_file():
            raise TrainingError(f"{path}: is missing; finish the training first")
    naming = []
    if embedder is not None:
        recipe = EmbedderRecipe.model_validate_json(_read(embedder / "recipe.json"))
        naming = [_embedder_table(recipe), _UNCALIBRATED.strip()]
    part = target.with_name(f"{target.name}.part") / target.name
    shutil.rmtree(part.parent, ignore_errors=True)
    part.mkdir(parents=True)
    for name, source in sources.items():
        shutil.copyfile(source, part / name)
    sections = [text.strip(), *naming, _files_table(part)]
    (part / MANIFEST_NAME).write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    if problems := verify_pack(load_pack(part)):
        raise TrainingError("; ".join(map(str, problems)))
    if target.exists():
        load_pack(target)  # replaces a pack, not just any folder
        shutil.rmtree(target)
    part.replace(target)
    part.parent.rmdir()
    return load_pack(target)


def _embedder_table(recipe: EmbedderRecipe) -> str:
    return "\n".join(
        [
            "[embedder]",
            f'onnx = "{_EMBEDDER}"',
            f'output = "{OUTPUT}"',
            "runs_on_torch = true",
            f"side = {recipe.input.side}",
            f"margin = {recipe.input.margin:g}",
            f"dimension = {recipe.network.dimension}",
            'colour = "rgb"',
            f"mean = {list(IMAGENET_MEAN)}",
            f"std = {list(IMAGENET_STD)}",
        ]
    )


def _files_table(folder: Path) -> str:
    lines = [
        f'"{path.name}" = {{ sha256 = "{file_digest(path)}", size = {path.stat().st_size} }}'
        for path in sorted(folder.iterdir())
    ]
    return "\n".join(["[files]", *lines])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path}: {error}") from error


if __name__ == "__main__":
    main()
