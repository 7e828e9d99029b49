"""What training refuses: a dataset, recipe or run that is not as it must be, with what to change."""

from __future__ import annotations

from pathlib import Path


class TrainingError(Exception):
    """Ends a training command with a sentence instead of a traceback (exit code 1)."""


class DatasetError(TrainingError):
    """A dataset's file is missing or wrong."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class RecipeError(TrainingError):
    """A recipe names an unknown key or a value that it cannot take."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class RunError(TrainingError):
    """A run's folder cannot be started or resumed."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: {reason}")
        self.folder = folder
