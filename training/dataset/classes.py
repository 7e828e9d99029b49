"""What the classes of a detection dataset say: that there is a face, or also whose."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.errors import DatasetError

FACE = "face"
"""The class of faces without a name."""


@dataclass(frozen=True, slots=True)
class Classes:
    """Which classes of a dataset are faces, and whether they are characters."""

    mode: Literal["face", "characters"] = "face"
    only: frozenset[str] = frozenset()
    """The classes that are faces; all of them where this is empty."""

    def are_faces(self, name: str) -> bool:
        return not self.only or name in self.only

    def check(self, known: Collection[str], path: Path) -> None:
        """Raises DatasetError when one of `only` is no class of the dataset: its faces would be lost."""
        if missing := sorted(self.only - set(known)):
            raise DatasetError(
                path, f"has no class {' or '.join(missing)}; its classes are {', '.join(sorted(known))}"
            )

    def character(self, name: str) -> str | None:
        """Whom the class names; None for "face" itself and where classes name nobody."""
        return name if self.mode == "characters" and name and name.casefold() != FACE else None


def add_class_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--classes",
        choices=("face", "characters"),
        default="face",
        help="every object is a face of nobody in particular, or its class is the character's name",
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="CLASS", help="take only these classes for faces"
    )


def classes_of(arguments: argparse.Namespace) -> Classes:
    """What `add_class_arguments()` read."""
    return Classes(arguments.classes, frozenset(arguments.only))
