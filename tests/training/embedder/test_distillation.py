"""A student of trained networks: what it aims at, that it gets nearer, and teachers that cannot teach it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from tests.training.embedder.drawn_faces import write_drawn_faces
from training.dataset.manifest import read_manifest
from training.embedder.batches import normalised
from training.embedder.distillation import Student, Teachers, load_teachers
from training.embedder.faces import FaceSet, load_faces
from training.embedder.recipe import DistillRecipe, EmbedderRecipe
from training.embedder.trainer import EmbedderTrainer, Place, load_network
from training.errors import TrainingError
from training.runs import Run, open_run

RECIPE = EmbedderRecipe.model_validate(
    {
        "precision": "float32",
        "kept_side": 64,
        "input": {"side": 32},
        "network": {"backbone": "timm:mobilenetv3_small_050", "dimension": 16},
        "schedule": {"epochs": 2, "batch": 8, "rate": 0.05, "validate_every": 9, "average": 0.5},
        "sampling": {"pictures": 80},
    }
)
CPU = Place(torch.device("cpu"))


class Silent:
    """A reporter of nothing."""

    def step(self, report: object) -> None:
        pass

    def epoch(self, row: object, step: int) -> None:
        pass


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> FaceSet:
    folder = tmp_path_factory.mktemp("drawn")
    manifest = write_drawn_faces(folder, characters=12, portraits=3)
    pictures = [picture for picture in read_manifest(manifest) if picture.split == "train"]
    found, _ = load_faces(pictures, margin=1.4 * 1.25, side=64)
    return found


def changed(**sections: dict[str, object]) -> EmbedderRecipe:
    values = RECIPE.model_dump()
    for name, section in sections.items():
        values[name] |= section
    return EmbedderRecipe.model_validate(values)


def trained(recipe: EmbedderRecipe, faces: FaceSet, folder: Path, *, seed: int) -> list[float]:
    """Train into that folder. Returns the loss of each epoch."""
    run = open_run(folder, recipe, seed=seed, resume=False)
    EmbedderTrainer(recipe, faces, run, seed=seed, place=CPU, workers=0).train(Silent())
    return [float(row["loss"]) for row in run.rows()]


@pytest.fixture(scope="module")
def teachers(faces: FaceSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("teachers")
    trained(RECIPE, faces, folder / "first", seed=1)
    trained(changed(input={"side": 48}), faces, folder / "second", seed=2)
    return folder / "first", folder / "second"


def crops(count: int, side: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    low = torch.randint(0, 256, (count, 3, 4, 4), generator=generator).float()
    return normalised(functional.interpolate(low, size=(side, side), mode="bilinear"), CPU.device)


def test_a_student_that_is_its_teacher_already_has_nothing_to_learn(teachers: tuple[Path, ...]) -> None:
    recipe = changed(distill={"teachers": teachers[:1], "blend": 0.0})
    own = load_network(Run(teachers[0]), RECIPE)
    student = Student(own, load_teachers(recipe, CPU.device), recipe.distill, crops(64, 32)).eval()

    loss, right = student(symmetric(crops(20, 32)), torch.zeros(20), 0.0)

    assert loss.item() == pytest.approx(0, abs=1e-3 * recipe.distill.scale)
    assert right.all()


def symmetric(faces: torch.Tensor) -> torch.Tensor:
    """Faces that are their own mirror images."""
    return (faces + faces.flip(3)) / 2


def test_teachers_say_the_same_of_a_face_and_its_mirror_image(teachers: tuple[Path, ...]) -> None:
    asked = load_teachers(changed(distill={"teachers": teachers}), CPU.device)
    faces = crops(20, 32)
    assert torch.allclose(asked(faces), asked(faces.flip(3)), atol=1e-5)
    single = Run(teachers[0]), RECIPE
    alone = functional.normalize(load_network(*single).eval()(faces).detach())
    assert not torch.allclose(asked(faces)[:, : alone.shape[1]], alone / 2**0.5, atol=1e-2)


def test_blended_faces_are_shown_to_student_and_teachers_alike(teachers: tuple[Path, ...]) -> None:
    recipe = changed(distill={"teachers": teachers[:1], "blend": 1.0})
    seen = []

    class Watching(Teachers):
        def __call__(self, crops: torch.Tensor) -> torch.Tensor:
            seen.append(crops.clone())
            return super().__call__(crops)

    own = load_network(Run(teachers[0]), RECIPE)
    student = Student(own, Watching([(own, 32)], CPU.device), recipe.distill, crops(64, 32)).eval()
    own.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    seen.clear()
    loss, _ = student(symmetric(crops(20, 32)), torch.zeros(20), 0.0)

    asked, by_teachers, by_student = seen
    assert torch.equal(by_teachers, torch.cat([asked, asked.flip(3)]))
    assert torch.equal(by_student, asked)
    assert not torch.equal(asked, symmetric(crops(20, 32)))
    assert loss.item() == pytest.approx(0, abs=1e-3 * recipe.distill.scale)


def test_a_student_comes_nearer_to_all_its_teachers(
    faces: FaceSet, teachers: tuple[Path, ...], tmp_path: Path
) -> None:
    recipe = changed(distill={"teachers": teachers}, schedule={"epochs": 4})

    losses = trained(recipe, faces, tmp_path / "student", seed=3)

    assert losses[-1] < losses[0] / 2


def test_a_student_goes_on_towards_the_same_targets_after_a_stop(
    faces: FaceSet, teachers: tuple[Path, ...], tmp_path: Path
) -> None:
    recipe = changed(distill={"teachers": teachers}, schedule={"epochs": 1})
    run = open_run(tmp_path / "run", recipe, seed=3, resume=False)
    trainer = EmbedderTrainer(recipe, faces, run, seed=3, place=CPU, workers=0)
    trainer.train(Silent())

    kept = torch.load(run.checkpoints / "last.pt", weights_only=True)["model"]

    assert kept["basis"].shape == (32, 16)
    assert kept["basis"].T @ kept["basis"] == pytest.approx(torch.eye(16), abs=1e-4)
    again = EmbedderTrainer(recipe, faces, run, seed=3, place=CPU, workers=0)
    assert again.resume() == again.steps


def test_teachers_that_saw_other_crops_are_refused(
    faces: FaceSet, teachers: tuple[Path, ...], tmp_path: Path
) -> None:
    recipe = changed(distill={"teachers": teachers}, input={"margin": 1.2})

    with pytest.raises(TrainingError, match=r"margin 1\.3, not 1\.2"):
        trained(recipe, faces, tmp_path / "run", seed=3)


def test_what_is_no_run_cannot_teach(faces: FaceSet, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    recipe = changed(distill={"teachers": [tmp_path / "empty"]})

    with pytest.raises(TrainingError, match="no embedder's run"):
        trained(recipe, faces, tmp_path / "run", seed=3)


def test_too_few_faces_are_said_to_be_too_few(teachers: tuple[Path, ...]) -> None:
    own = load_network(Run(teachers[0]), RECIPE)

    with pytest.raises(TrainingError, match="16"):
        Student(own, Teachers([(own, 32)], CPU.device), DistillRecipe(), crops(15, 32))


def test_a_backbone_learns_at_its_share_of_the_rate(faces: FaceSet, tmp_path: Path) -> None:
    recipe = changed(schedule={"epochs": 1, "backbone_rate": 1e-9})
    run = open_run(tmp_path / "run", recipe, seed=3, resume=False)
    trainer = EmbedderTrainer(recipe, faces, run, seed=3, place=CPU, workers=0)
    before = {name: weights.clone() for name, weights in trainer.network.named_parameters()}

    trainer.train(Silent())

    moved = {
        name
        for name, weights in trainer.network.named_parameters()
        if not torch.allclose(weights, before[name], atol=1e-6)
    }
    assert "project.weight" in moved
    assert not {name for name in moved if name.startswith("backbone.")}
