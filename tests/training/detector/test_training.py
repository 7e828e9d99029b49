"""The training loop: reproducible, resumable after a kill, with a class a character, ending in an export."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from inference.drawing import draw_cast, draw_portrait
from inference.images import encode
from tests.training.detector.painted import painted
from training import train_detector
from training.dataset.manifest import LabelledFace, LabelledPicture, write_manifest
from training.detector.pictures import PictureSet
from training.detector.recipe import DetectorRecipe
from training.detector.ultralytics_trainer import FaceDetectorTrainer, load_checkpoint, network_of
from training.errors import RunError
from training.runs import Run, open_run

ROOT = Path(__file__).resolve().parents[3]
BUNDLED = ROOT / "inference" / "weights" / "dareda-1" / "detector.pt"
RECIPE = """
sizes = [{ size = 64, batch = 4 }]
validated_size = 64
[schedule]
epochs = 3
rate = 1e-3
validate_every = 2
"""
SCHEDULE = ("epoch", "lr/pg0", "lr/pg1", "lr/pg2")


def recipe(**changes: object) -> DetectorRecipe:
    base = {"sizes": [{"size": 64, "batch": 4}], "validated_size": 64, "schedule": {"epochs": 1}}
    return DetectorRecipe.model_validate(base | changes)


def pictures(count: int) -> PictureSet:
    return PictureSet(
        scenes=tuple(painted(80, 80, (10 + n, 10, 50 + n, 50)) for n in range(count)),
        names=("face",),
        paths=tuple(Path(f"{n}.png") for n in range(count)),
        sources=("test",) * count,
    )


def trained(folder: Path, what: DetectorRecipe, *, seed: int = 0) -> list[dict[str, str]]:
    run = open_run(folder, what, seed=seed, resume=False)
    trainer = FaceDetectorTrainer(
        what, pictures(8), pictures(0), run, seed=seed, device="cpu", threads=1, workers=0, plots=False
    )
    trainer.train()
    return run.rows()


def losses(rows: list[dict[str, str]]) -> list[str]:
    return [row[name] for row in rows for name in row if name.startswith("train/")]


def test_the_same_seed_gives_the_same_losses(tmp_path: Path) -> None:
    one, same = (losses(trained(tmp_path / name, recipe(), seed=4)) for name in ("one", "same"))
    assert len(one) == 3
    assert one == same


def test_bfloat16_loses_as_much_as_float32(tmp_path: Path) -> None:
    fine_tuning = {"network": {"initial": BUNDLED}, "sampling": {"pictures": 4}}
    half, full = (
        [float(loss) for loss in losses(trained(tmp_path / kind, recipe(precision=kind, **fine_tuning)))]
        for kind in ("bfloat16", "float32")
    )
    assert half != full  # it is indeed another precision
    assert half == pytest.approx(full, rel=0.03)


def test_initial_weights_must_be_a_detector_s_checkpoint(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pt"
    wrong.write_bytes(b"not a checkpoint")
    with pytest.raises(RunError, match=r"wrong\.pt.*not an Ultralytics checkpoint"):
        trained(tmp_path / "run", recipe(network={"initial": wrong}))
    with pytest.raises(RunError, match="missing"):
        load_checkpoint(tmp_path / "missing.pt")
    with pytest.raises(RunError, match="NoneType, not a detection network"):
        network_of({"model": None}, wrong)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve portraits of two drawn characters, three of them for validation."""
    folder = tmp_path_factory.mktemp("drawn")
    labelled = []
    for number in range(12):
        drawing = draw_portrait(draw_cast(2, seed=3)[number % 2], seed=number, size=96)
        path = folder / f"{number}.png"
        path.write_bytes(encode(drawing.image, format="png"))
        faces = tuple(LabelledFace(face.box, face.character.name) for face in drawing.faces)
        split = "train" if number < 9 else "val"
        labelled.append(LabelledPicture(path, 96, 96, "drawn", split, faces))
    write_manifest(folder / "faces.jsonl", labelled)
    (folder / "recipe.toml").write_text(RECIPE)
    return folder / "faces.jsonl"


def arguments(manifest: Path, run: Path, *more: str) -> list[str]:
    recipe_file = manifest.with_name("recipe.toml")
    return [
        *("--data", str(manifest), "--recipe", str(recipe_file), "--run-dir", str(run)),
        *("--device", "cpu", "--threads", "1", "--workers", "0", *more),
    ]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs the command in this process."""

    def run(*given: str) -> None:
        monkeypatch.setattr(sys, "argv", ["train_detector", *given])
        train_detector.main()

    return run


def killed_after_an_epoch(given: list[str], checkpoint: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "training.train_detector", *given],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 200
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_schedule(
    manifest: Path, tmp_path: Path, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    command(*arguments(manifest, straight, "--no-plots"))
    killed_after_an_epoch(arguments(manifest, killed, "--no-plots"), killed / "checkpoints" / "last.pt")
    assert not (killed / "detector.onnx").exists()

    with pytest.raises(SystemExit) as refused:
        command(*arguments(manifest, killed))
    assert refused.value.code == 1
    assert "--resume" in capsys.readouterr().err

    command(*arguments(manifest, killed, "--resume", "--no-plots"))
    schedules = [[[row[name] for name in SCHEDULE] for row in Run(run).rows()] for run in (straight, killed)]
    assert [row[0] for row in schedules[0]] == ["1", "2", "3"]
    assert schedules[0] == schedules[1]
    assert "epoch 3 of 3 done" in capsys.readouterr().out
    assert (killed / "detector.pt").is_file()
    assert (killed / "detector.onnx").is_file()

    command(*arguments(manifest, killed, "--resume"))
    out = capsys.readouterr().out
    assert "done" not in out  # nothing is left but the export
    assert "detector.onnx sees what detector.pt sees" in out


def test_characters_become_classes_of_the_exported_network(
    manifest: Path, tmp_path: Path, command: Callable[..., None]
) -> None:
    names = sorted(character.name for character in draw_cast(2, seed=3))
    command(
        *arguments(manifest, tmp_path, "--set", "network.classes=characters", "--set", "schedule.epochs=1")
    )
    checkpoint = tmp_path / "detector.pt"
    assert list(network_of(load_checkpoint(checkpoint), checkpoint).names.values()) == names
    assert (tmp_path / "plots" / "results.png").is_file()


def test_data_without_training_pictures_is_refused_with_a_sentence(
    manifest: Path, tmp_path: Path, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = manifest.with_name("nothing.jsonl")
    nothing.write_text("")
    with pytest.raises(SystemExit) as refused:
        command(*arguments(manifest, tmp_path / "run", "--data", str(nothing)))
    assert refused.value.code == 1
    assert capsys.readouterr().err.strip().endswith("has no picture in split train")
