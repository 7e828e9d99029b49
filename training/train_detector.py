"""Train a face detector, or one that says the characters' names itself: a YOLO or an SSD.

    python -m training.train_detector --data pictures.jsonl --recipe config/recipes/detector-yolov8n.toml \\
        --run-dir runs/detector

The run folder gets the recipe, metrics.csv, checkpoints, plots and, at the end, detector.pt and detector.onnx
with a check that both see the same; of a detector of characters also detector.toml, the tables for its model
pack. With --arch ssd300 or ssdlite the recipe is that of an SSD, which has no plots and no detector.pt. A run
that was stopped or killed goes on with --resume and ends with the same schedule.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from inference.detection.ssd import OnnxSsdDetector
from inference.detection.yolo import OnnxYoloDetector
from training.command import command_parser, run_command
from training.dataset.manifest import LabelledPicture, Split, read_manifests
from training.detector.batches import as_served
from training.detector.closed_set import closed_set_tables, naming_spec
from training.detector.export import export_detector
from training.detector.pictures import PictureSet, class_names, load_pictures
from training.detector.recipe import DetectorRecipe
from training.detector.ssd import train_ssd
from training.detector.ssd_recipe import SsdRecipe
from training.detector.ultralytics_trainer import FaceDetectorTrainer
from training.errors import RunError
from training.recipes import load_recipe
from training.runs import Run, open_run

_SHOWN_REASONS = 5
_COMPARED = 24  # pictures on which the exported files are compared


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="face manifests")
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--arch", choices=("yolo", "ssd300", "ssdlite"), default="yolo")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="cpu, 0 for the first GPU; that if there is one")
    parser.add_argument(
        "--threads", type=int, default=0, help="of torch on a CPU; fewer than cores where they are shared"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that make canvases")
    parser.add_argument("--no-plots", action="store_true", help="draw no curves and no example canvases")
    run_command(parser, train)


def train(arguments: argparse.Namespace) -> None:
    """Train, validate and export as the command line says."""
    recipe: DetectorRecipe | SsdRecipe
    if arguments.arch == "yolo":
        recipe = load_recipe(arguments.recipe, DetectorRecipe, arguments.set)
    else:
        chosen = f"network.architecture={arguments.arch}"
        recipe = load_recipe(arguments.recipe, SsdRecipe, [*arguments.set, chosen])
    run = open_run(arguments.run_dir, recipe, seed=arguments.seed, resume=arguments.resume)
    pictures = read_manifests(arguments.data)
    names = class_names(pictures, recipe.network.classes)
    training, validation = (_load(pictures, split, names, recipe.kept_side) for split in ("train", "val"))
    if not len(training):
        raise RunError(run.folder, "the data has no picture in split train")
    if isinstance(recipe, SsdRecipe):
        _train_ssd(recipe, training, validation, run, arguments)
    else:
        _train_yolo(recipe, training, validation, run, arguments)


def _train_ssd(
    recipe: SsdRecipe,
    training: PictureSet,
    validation: PictureSet,
    run: Run,
    arguments: argparse.Namespace,
) -> None:
    on_gpu = arguments.device != "cpu" and torch.cuda.is_available()
    parity = train_ssd(
        recipe,
        training,
        validation,
        run,
        seed=arguments.seed,
        device=f"cuda:{arguments.device or 0}" if on_gpu else "cpu",
        threads=arguments.threads,
        workers=arguments.workers,
        resume=arguments.resume,
        report=_say,
    )
    _say(f"{run.folder / 'detector.onnx'} sees what the network sees: {parity}")
    if recipe.network.classes == "characters":
        spec = naming_spec(len(training.names), recipe.size)
        detector = OnnxSsdDetector(spec, run.folder / "detector.onnx", threads=arguments.threads)
        _write_tables(closed_set_tables(detector, validation, layout="ssd", onnx="detector.onnx"), run)


def _train_yolo(
    recipe: DetectorRecipe,
    training: PictureSet,
    validation: PictureSet,
    run: Run,
    arguments: argparse.Namespace,
) -> None:
    trainer = FaceDetectorTrainer(
        recipe,
        training,
        validation,
        run,
        seed=arguments.seed,
        device=arguments.device or ("0" if torch.cuda.is_available() else "cpu"),
        threads=arguments.threads,
        workers=arguments.workers,
        resume=arguments.resume,
        plots=not arguments.no_plots,
        report=_say,
    )
    if not trainer.finished:
        trainer.train()
    shown = (validation if len(validation) else training).scenes[:_COMPARED]
    canvases = [as_served(scene, recipe.validated_size).image for scene in shown]
    parity = export_detector(trainer.last, run.folder, canvases)
    _say(f"{run.folder / 'detector.onnx'} sees what detector.pt sees: {parity}")
    if recipe.network.classes == "characters":
        spec = naming_spec(len(training.names), recipe.validated_size)
        detector = OnnxYoloDetector(spec, run.folder / "detector.onnx", threads=arguments.threads)
        tables = closed_set_tables(
            detector, validation, layout="yolo", onnx="detector.onnx", torch="detector.pt"
        )
        _write_tables(tables, run)


def _write_tables(tables: str, run: Run) -> None:
    path = run.folder / "detector.toml"
    path.write_text(tables, encoding="utf-8")
    _say(f"{path} is for the head of the pack, which training.build_pack takes")


def _load(
    pictures: Sequence[LabelledPicture], split: Split, names: Sequence[str], kept_side: int
) -> PictureSet:
    wanted = [picture for picture in pictures if picture.split == split]
    loaded, left_out = load_pictures(wanted, names, kept_side=kept_side)
    faces = sum(len(scene.boxes) for scene in loaded.scenes)
    _say(f"split {split}: {len(loaded):,} pictures with {faces:,} faces")
    if left_out:
        _say(f"{len(left_out):,} pictures of split {split} are left out:")
        for entry in left_out[:_SHOWN_REASONS]:
            _say(f"  {entry.path}: {entry.reason}")
    return loaded


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
