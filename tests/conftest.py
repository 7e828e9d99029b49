"""Fixtures for all tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from inference.drawing import DrawnCharacter, draw_cast, draw_group, draw_portrait
from inference.images import encode

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of local training pictures, which is not part of the project; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared data folder is not here")
    return SHARED_DATA


@dataclass(frozen=True, slots=True)
class CastPictures:
    """Drawn characters and files of them: the pictures that the flow tests post."""

    cast: tuple[DrawnCharacter, ...]
    stranger: DrawnCharacter
    folder: Path
    """One folder per character of the cast, three portraits each: what `enroll --from` takes."""
    group: Path
    """The cast and the stranger together."""
    new: tuple[Path, ...]
    """One more portrait of each of the cast, in its order."""
    stranger_portrait: Path
    empty: Path
    """A picture without a face."""


@pytest.fixture(scope="session")
def cast_pictures(tmp_path_factory: pytest.TempPathFactory) -> CastPictures:
    root = tmp_path_factory.mktemp("cast")
    *cast, stranger = draw_cast(6, seed=6)

    def portrait(character: DrawnCharacter, seed: int, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(draw_portrait(character, seed=seed).image, format="png"))
        return path

    for character in cast:
        for seed in range(1, 4):
            portrait(character, seed, root / "known" / character.name / f"{seed}.png")
    return CastPictures(
        cast=tuple(cast),
        stranger=stranger,
        folder=root / "known",
        group=_group([*cast, stranger], root / "group.png"),
        new=tuple(portrait(c, 9, root / "new" / f"{number}.png") for number, c in enumerate(cast)),
        stranger_portrait=portrait(stranger, 1, root / "stranger.png"),
        empty=_empty(root / "empty.png"),
    )


def _group(characters: Sequence[DrawnCharacter], path: Path) -> Path:
    path.write_bytes(encode(draw_group(characters, seed=3).image, format="png"))
    return path


def _empty(path: Path) -> Path:
    import numpy as np

    ramp = np.linspace(90, 200, 400, dtype=np.uint8)
    path.write_bytes(encode(np.stack([np.tile(ramp, (300, 1))] * 3, axis=2), format="png"))
    return path
