"""Train an embedder with a margin loss on faces of known characters.

    python -m training.train_embedder --data faces.jsonl --recipe config/recipes/embedder-mobilenetv2.toml \\
        --run-dir runs/embedder

The run folder gets the recipe, metrics.csv, TensorBoard events, checkpoints and, at the end, embedder.onnx. A
run that was stopped or killed goes on with --resume and ends with the same schedule. Several GPUs:
`torchrun --nproc-per-node 4 -m training.train_embedder …`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from rich.console import Console

from training.command import command_parser, run_command
from training.dataset.manifest import Split, read_manifests
from training.embedder.export import export_onnx
from training.embedder.faces import ROOM, FaceSet, load_faces
from training.embedder.recipe import EmbedderRecipe
from training.embedder.reporting import reporting
from training.embedder.sampling import character_shares, source_shares
from training.embedder.trainer import FIGURES, EmbedderTrainer, Place
from training.embedder.validation import can_measure, validator
from training.errors import RunError
from training.recipes import load_recipe
from training.runs import Run, open_run

_SHOWN_REASONS = 5


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="face manifests")
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="cpu, cuda, …; the first GPU if there is one")
    parser.add_argument("--threads", type=int, default=0, help="of torch on a CPU; 0 for all cores")
    parser.add_argument("--workers", type=int, default=1, help="processes that make crops")
    run_command(parser, train)


def train(arguments: argparse.Namespace) -> None:
    """Train, validate and export as the command line says."""
    with _place(arguments.device) as place:
        if arguments.threads:
            torch.set_num_threads(arguments.threads)
        recipe = load_recipe(arguments.recipe, EmbedderRecipe, arguments.set)
        with place.lead_first():
            run = Run(arguments.run_dir)
            if place.leads:
                run = open_run(arguments.run_dir, recipe, seed=arguments.seed, resume=arguments.resume)
            console = Console(quiet=not place.leads)
            faces = _faces(arguments.data, "train", recipe, run, console)
            held_out = _faces(arguments.data, "val", recipe, run, console)
        _describe(faces, recipe, console)
        trainer = EmbedderTrainer(
            recipe, faces, run, seed=arguments.seed, place=place, workers=arguments.workers
        )
        done = trainer.resume() if arguments.resume else 0
        validate = validator(held_out, recipe.input, place.device) if can_measure(held_out) else None
        if validate is None:
            console.print("Split val has too few characters with two faces: nothing will be measured.")
        with reporting(run.folder, console, steps=trainer.steps, done=done) as reporter:
            trainer.train(reporter, validate)
        if place.leads:
            parity = export_onnx(trainer.network, recipe.input.side, run.folder / "embedder.onnx")
            console.print(
                f"{run.folder / 'embedder.onnx'}: cosine to the network ≥ {parity.lowest_cosine:.5f}"
            )
            _conclude(run, console)


@contextmanager
def _place(device: str | None) -> Iterator[Place]:
    """This process's part, as torchrun's variables say; alone without them."""
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if ranks == 1:
        yield Place(chosen)
        return
    rank, local = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
    if chosen.type == "cuda":
        chosen = torch.device("cuda", local)
        torch.cuda.set_device(chosen)
    torch.distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Place(chosen, rank, ranks)
    finally:
        torch.distributed.destroy_process_group()


def _faces(data: list[Path], split: Split, recipe: EmbedderRecipe, run: Run, console: Console) -> FaceSet:
    faces, left_out = load_faces(
        read_manifests(data, split=split),
        margin=recipe.input.margin * ROOM,
        side=recipe.kept_side,
        cache=run.folder / "faces",
    )
    if left_out:
        console.print(f"{len(left_out):,} pictures of split {split} cannot be read:")
        for entry in left_out[:_SHOWN_REASONS]:
            console.print(f"  {entry.path}: {entry.reason}")
    if split != "train":
        return faces
    faces = faces.with_at_least(recipe.sampling.fewest)
    if len(faces.names) < 2:
        raise RunError(run.folder, "the data has fewer than two characters in split train")
    return faces


def _describe(faces: FaceSet, recipe: EmbedderRecipe, console: Console) -> None:
    shares = source_shares(character_shares(faces.characters, faces.sources, recipe.sampling), faces.sources)
    listed = ", ".join(f"{source} {share:.0%}" for source, share in list(shares.items())[:8])
    console.print(f"{len(faces):,} faces of {len(faces.names):,} characters; sources: {listed}")


def _conclude(run: Run, console: Console) -> None:
    last = run.rows()[-1]
    found = [f"{name} {float(last[name]):.1%}" for name in FIGURES if last.get(name)]
    if found:
        console.print(f"Validation: {', '.join(found)}")


if __name__ == "__main__":
    main()
