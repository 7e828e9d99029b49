"""Which side of the data a picture is on: decided by hash, so that more data moves nothing that was there.

A character stays on one side, and so do all characters who share a picture with one another. Only a detector
that says the names itself has to know everybody whom it is tested on: its data is split by picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from training.dataset.manifest import LabelledPicture, Split


@dataclass(frozen=True, slots=True)
class Splitting:
    """How data that came without splits is split."""

    val_share: float = 0.0
    """Of the characters or pictures, 0…1; met on average, not to the digit."""
    by: Literal["character", "picture"] = "character"
    seed: int = 0

    def side(self, key: str) -> Split:
        """The split of what goes by that key: always the same."""
        digest = hashlib.sha256(f"{self.seed}\0{key}".encode()).digest()
        return "val" if int.from_bytes(digest[:8], "big") < self.val_share * 2**64 else "train"


def assign_splits(pictures: Sequence[LabelledPicture], splitting: Splitting) -> list[LabelledPicture]:
    """The same pictures in the same order, each in its split; those without named faces go by file name."""
    leaders = _leaders(pictures) if splitting.by == "character" else {}

    def key(picture: LabelledPicture) -> str:
        named = next((face.character for face in picture.faces if face.character in leaders), None)
        return f"character/{leaders[named]}" if named else f"picture/{picture.source}/{picture.path.name}"

    return [replace(picture, split=splitting.side(key(picture))) for picture in pictures]


def _leaders(pictures: Sequence[LabelledPicture]) -> dict[str | None, str]:
    """For each character, the first by name of those it is connected with through shared pictures."""
    leaders: dict[str | None, str] = {}

    def leader(name: str) -> str:
        while (above := leaders.setdefault(name, name)) != name:
            leaders[name] = leaders[above]
            name = above
        return name

    for picture in pictures:
        together = sorted({leader(face.character) for face in picture.faces if face.character})
        for name in together:
            leaders[name] = together[0]
    return {name: leader(name) for name in [*leaders] if name is not None}
