"""The whole of `train_embedder` on drawn faces: reproducible, resumable, and what it leaves."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from inference.onnx_session import open_session
from tests.training.embedder.drawn_faces import write_drawn_faces
from training.dataset.manifest import read_manifest
from training.embedder.export import export_onnx
from training.embedder.faces import load_faces
from training.embedder.recipe import EmbedderRecipe
from training.embedder.trainer import EmbedderTrainer, Place, load_network
from training.errors import TrainingError
from training.recipes import load_recipe
from training.runs import Run
from training.train_embedder import main

ROOT = Path(__file__).resolve().parents[3]
RECIPE = """
precision = "bfloat16"
kept_side = 64
[input]
side = 48
stages = [{ start = 0.0, side = 32 }, { start = 0.5, side = 48 }]
[network]
backbone = "timm:mobilenetv3_small_050"
dimension = 16
dropout = 0.1
[loss]
scale = 16.0
margin = 0.1
margin_full = 0.1
[schedule]
epochs = 4
batch = 8
rate = 0.05
validate_every = 2
[sampling]
pictures = 104
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    write_drawn_faces(folder, characters=16, portraits=3)
    return folder


def command(data: Path, run: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-W", "error", "-m", "training.train_embedder"),
        *("--data", str(data / "faces.jsonl"), "--recipe", str(data / "recipe.toml")),
        *("--run-dir", str(run), "--device", "cpu", "--threads", "1", "--seed", "7", "--workers", "0", *more),
    ]


def run_command(data: Path, run: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(data, run, *more), cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )


def refused(data: Path, run: Path, *more: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says when it refuses, in this process."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["train_embedder", *command(data, run, *more)[5:]])
        main()
    assert ended.value.code == 1
    return capsys.readouterr().err


def rows_of(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "finished"
    done = run_command(data, run)
    assert done.returncode == 0, done.stderr
    return run


def test_a_run_leaves_its_recipe_its_facts_its_figures_and_an_embedder(finished: Path) -> None:
    facts = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    recipe = json.loads((finished / "recipe.json").read_text(encoding="utf-8"))
    rows = rows_of(finished)

    assert facts["seed"] == 7
    assert facts["libraries"]["torch"] == version("torch")
    assert recipe["network"]["dimension"] == 16
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["side"] for row in rows] == ["32", "32", "48", "48"]
    assert [bool(row["eer"]) for row in rows] == [False, True, False, True]
    assert all(0 <= float(row["rank_1"]) <= 1 for row in rows if row["rank_1"])
    assert list((finished / "tensorboard").iterdir())
    session = open_session(finished / "embedder.onnx", threads=1, output="embeddings")
    embeddings = session.run(np.zeros((3, 3, 48, 48), dtype=np.float32))
    assert embeddings.shape == (3, 16)
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_the_network_learns_the_characters(finished: Path) -> None:
    rows = rows_of(finished)

    assert float(rows[-1]["loss"]) < float(rows[1]["loss"])  # from there on the margin is the same
    assert float(rows[-1]["accuracy"]) > 2 / 12  # twelve characters


def test_the_same_recipe_and_seed_give_the_same_losses(data: Path, finished: Path, tmp_path: Path) -> None:
    done = run_command(data, tmp_path / "again", "--workers", "1")

    assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "again") == losses(finished)
    assert len(losses(finished)) == 52


def losses(run: Path) -> list[float]:
    """Of every step, from the TensorBoard events."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return [event.value for event in events.Scalars("loss")]


def test_a_killed_run_goes_on_and_ends_with_the_same_schedule(
    data: Path, finished: Path, tmp_path: Path
) -> None:
    run = tmp_path / "killed"
    with subprocess.Popen(
        command(data, run), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 200
        while not (run / "checkpoints" / "last.pt").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)

    done = run_command(data, run, "--resume")

    assert done.returncode == 0, done.stderr
    columns = ("epoch", "side", "rate", "margin", "loss", "accuracy")
    kept, whole = rows_of(run), rows_of(finished)
    assert [[row[name] for name in columns] for row in kept] == [
        [row[name] for name in columns] for row in whole
    ]


def test_a_run_is_not_overwritten_and_not_mixed_with_another(
    data: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = refused(data, finished, capsys=capsys)
    mixed = refused(data, finished, "--resume", "--set", "schedule.epochs=9", capsys=capsys)

    assert "--resume" in again
    assert "another recipe" in mixed
    assert len(rows_of(finished)) == 4


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["schedule.epoch=3"], "schedule.epoch"),
        (["network.backbone=vgg"], "network.backbone"),
        (["network.pool=flatten"], "input.stages"),
        (["schedule.batch=64", "sampling.pictures=20"], "do not fill one batch"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_key_that_is_wrong(
    data: Path, tmp_path: Path, overrides: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [part for override in overrides for part in ("--set", override)]

    assert named in refused(data, tmp_path / "run", *options, capsys=capsys)


def test_two_processes_train_one_network(data: Path, tmp_path: Path) -> None:
    # What torchrun does for several GPUs, on a CPU over loopback.
    run = tmp_path / "two"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    done = subprocess.run(
        [*launcher, *command(data, run, "--set", "schedule.epochs=1")[4:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert len(rows_of(run)) == 1
    assert (run / "embedder.onnx").exists()


def test_a_run_begins_with_the_weights_of_another(data: Path, finished: Path, tmp_path: Path) -> None:
    recipe = load_recipe(data / "recipe.toml", EmbedderRecipe)
    second = recipe.model_copy(update={"network": recipe.network.model_copy(update={"initial": finished})})
    faces, _ = load_faces(read_manifest(data / "faces.jsonl", split="train"), margin=1.6, side=64)

    trainer = EmbedderTrainer(
        second, faces, Run(tmp_path / "second"), seed=0, place=Place(torch.device("cpu")), workers=0
    )

    kept, begun = load_network(Run(finished), recipe).state_dict(), trainer.network.state_dict()
    assert all(torch.equal(kept[name], begun[name]) for name in kept)


@pytest.mark.parametrize(
    ("initial", "said"), [("no/such/run", "no such checkpoint"), ("", "another network")]
)
def test_initial_weights_of_another_network_are_refused(
    data: Path,
    finished: Path,
    tmp_path: Path,
    initial: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--set", f"network.initial={initial or finished}", "--set", "network.dimension=24"]

    assert said in refused(data, tmp_path / "run", *options, capsys=capsys)


def test_training_goes_on_from_an_exported_network(data: Path, tmp_path: Path) -> None:
    recipe = EmbedderRecipe.model_validate(
        {"input": {"side": 64}, "network": {"backbone": "timm:resnet10t", "dimension": 16}}
    )
    recipe = recipe.model_copy(update={"schedule": recipe.schedule.model_copy(update={"batch": 8})})
    faces, _ = load_faces(read_manifest(data / "faces.jsonl", split="train"), margin=1.6, side=64)
    first = EmbedderTrainer(recipe, faces, Run(tmp_path), seed=0, place=Place(torch.device("cpu")), workers=0)
    for module in first.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as a trained network has them
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    export_onnx(first.network, 64, tmp_path / "first.onnx")
    network = recipe.network.model_copy(update={"initial": tmp_path / "first.onnx"})

    second = EmbedderTrainer(
        recipe.model_copy(update={"network": network}),
        faces,
        Run(tmp_path),
        seed=1,
        place=Place(torch.device("cpu")),
        workers=0,
    )

    crops = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        given = [torch.nn.functional.normalize(one.network(crops)) for one in (first, second)]
    assert (given[0] * given[1]).sum(dim=1).min() > 0.999
    norms = [m for m in second.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert all(float(norm.running_var.min()) > 0 for norm in norms)


def trainer_of(data: Path, folder: Path, **changed: object) -> EmbedderTrainer:
    recipe = load_recipe(data / "recipe.toml", EmbedderRecipe)
    parts = {
        name: getattr(recipe, name).model_copy(update=update) if isinstance(update, dict) else update
        for name, update in changed.items()
    }
    faces, _ = load_faces(read_manifest(data / "faces.jsonl", split="train"), margin=1.6, side=64)
    place = Place(torch.device("cpu"))
    return EmbedderTrainer(
        recipe.model_copy(update=parts), faces, Run(folder), seed=0, place=place, workers=0
    )


def test_published_weights_of_the_backbone_are_taken_by_position(data: Path, tmp_path: Path) -> None:
    published = timm.create_model("mobilenetv3_small_050", num_classes=10).state_dict()
    torch.save(
        {f"layer.{number}": value for number, value in enumerate(published.values())}, tmp_path / "b.pth"
    )

    backbone = trainer_of(data, tmp_path, network={"initial": tmp_path / "b.pth"}).network.backbone

    own = [weights for name, weights in backbone.state_dict().items() if "num_batches" not in name]
    given = [weights for name, weights in published.items() if "num_batches" not in name]
    assert all(torch.equal(one, other) for one, other in zip(own, given, strict=False))


@pytest.mark.parametrize(("content", "said"), [(b"no weights", "cannot be read"), (None, "another network")])
def test_published_weights_that_do_not_fit_are_refused(
    data: Path, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "b.pth"
    if content is None:
        torch.save(timm.create_model("resnet10t", num_classes=10).state_dict(), path)
    else:
        path.write_bytes(content)

    with pytest.raises(TrainingError, match=said):
        trainer_of(data, tmp_path, network={"initial": path})


def test_a_batch_in_chunks_is_one_step_with_the_losses_of_the_whole(
    data: Path, finished: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    done = run_command(data, run, "--set", "schedule.chunk=4")
    assert done.returncode == 0, done.stderr

    # Not equal: batch norms see four crops at a time.
    assert float(rows_of(run)[0]["loss"]) == pytest.approx(float(rows_of(finished)[0]["loss"]), rel=0.1)
    assert float(rows_of(run)[-1]["loss"]) < float(rows_of(run)[0]["loss"])
