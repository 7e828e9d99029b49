"""Run folders: what a training run is, was made with and came to, in one place that can be resumed."""

from __future__ import annotations

import csv
import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import ValidationError

from training.errors import RunError
from training.recipes import Recipe

_LIBRARIES = (
    "torch",
    "torchvision",
    "timm",
    "ultralytics-opencv-headless",
    "numpy",
    "opencv-python-headless",
)


@dataclass(frozen=True, slots=True)
class Run:
    """One training run's folder: recipe.json, run.json, metrics.csv, checkpoints, plots, exports."""

    folder: Path

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    def log(self, row: Mapping[str, float | int | str]) -> None:
        """Append to metrics.csv. Every row must have the columns of the first."""
        path = self.folder / "metrics.csv"
        is_new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if is_new:
                writer.writeheader()
            writer.writerow(row)

    def rows(self) -> list[dict[str, str]]:
        """What was logged so far."""
        path = self.folder / "metrics.csv"
        if not path.exists():
            return []
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def keep_rows(self, count: int) -> None:
        """Drop what was logged after the checkpoint that a run is resumed from."""
        path = self.folder / "metrics.csv"
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            path.write_text("".join(lines[: count + 1]), encoding="utf-8")


def open_run(folder: Path, recipe: Recipe, *, seed: int, resume: bool) -> Run:
    """Start a run in a new or empty folder, or go on with the one in there.

    Raises RunError when a run is there and `resume` is not set, or was made with another recipe or seed.
    """
    recipe_file, facts_file = folder / "recipe.json", folder / "run.json"
    if recipe_file.exists():
        if not resume:
            raise RunError(folder, "holds a run already; give --resume to go on with it, or another folder")
        if not _is_recipe(recipe_file, recipe) or _seed_of(facts_file) != seed:
            raise RunError(folder, "was started with another recipe or seed; resume it with the same")
        return Run(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checkpoints").mkdir(exist_ok=True)
    facts_file.write_text(json.dumps(_facts(seed), indent=2) + "\n", encoding="utf-8")
    recipe_file.write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return Run(folder)


def _is_recipe(file: Path, recipe: Recipe) -> bool:
    """Whether the file holds that recipe; options that came later have their defaults."""
    try:
        return type(recipe).model_validate_json(file.read_text(encoding="utf-8")) == recipe
    except ValidationError:
        return False


def _seed_of(facts_file: Path) -> int | None:
    try:
        seed: int = json.loads(facts_file.read_text(encoding="utf-8"))["seed"]
    except (OSError, ValueError, KeyError):
        return None
    return seed


def _facts(seed: int) -> dict[str, object]:
    return {
        "seed": seed,
        "started": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "command": ["python", "-m", Path(sys.argv[0]).stem, *sys.argv[1:]],
        "git": _git_id(),
        "python": platform.python_version(),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
    }


def _git_id() -> str | None:
    """The commit of the code, with "+" when there are changes that are not committed; None outside of git."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+"],  # noqa: S607  # the user's own git
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
