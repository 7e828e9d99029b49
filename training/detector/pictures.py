"""The pictures of a manifest in memory, with their boxes and classes as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from inference.errors import AppError
from inference.scaling import resized
from training.dataset.classes import FACE
from training.dataset.manifest import LabelledPicture
from training.dataset.picture_files import read_picture, why_unreadable
from training.detector.scene import Scene


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures whose faces are all known."""

    scenes: tuple[Scene, ...]
    """At most `kept_side` on the longer side; classes index `names`."""
    names: tuple[str, ...]
    paths: tuple[Path, ...]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.scenes)


@dataclass(frozen=True, slots=True)
class LeftOut:
    path: Path
    reason: str


def class_names(
    pictures: Sequence[LabelledPicture], classes: Literal["face", "characters"]
) -> tuple[str, ...]:
    """The detector's classes: "face" alone; or the characters, after "face" if faces without a name."""
    if classes == "face":
        return (FACE,)
    found = {face.character for picture in pictures for face in picture.faces if face.state != "unsure"}
    named = sorted(name for name in found if name is not None)
    return (*([FACE] if None in found else []), *named)


def load_pictures(
    pictures: Sequence[LabelledPicture], names: Sequence[str], *, kept_side: int
) -> tuple[PictureSet, tuple[LeftOut, ...]]:
    """The pictures, and those that cannot be read or have a face that nobody is sure of, or of no class."""
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda picture: _load(picture, names, kept_side), pictures))
    kept = [
        (scene, picture) for scene, picture in zip(found, pictures, strict=True) if isinstance(scene, Scene)
    ]
    loaded = PictureSet(
        scenes=tuple(scene for scene, _ in kept),
        names=tuple(names),
        paths=tuple(picture.path for _, picture in kept),
        sources=tuple(picture.source for _, picture in kept),
    )
    return loaded, tuple(entry for entry in found if isinstance(entry, LeftOut))


def _load(picture: LabelledPicture, names: Sequence[str], kept_side: int) -> Scene | LeftOut:
    if any(face.state == "unsure" for face in picture.faces):
        return LeftOut(picture.path, "has a face that nobody is sure of")
    labels = [FACE if tuple(names) == (FACE,) else face.character or FACE for face in picture.faces]
    if missing := sorted(set(labels) - set(names)):
        return LeftOut(picture.path, f"has a face of no class: {', '.join(missing)}")
    try:
        image = read_picture(picture.path)
    except (OSError, AppError) as error:
        return LeftOut(picture.path, why_unreadable(error))
    scale = min(1.0, kept_side / max(image.shape[:2]))
    height, width = (max(1, round(extent * scale)) for extent in image.shape[:2])
    boxes = np.array([face.box.xyxy for face in picture.faces], np.float32).reshape(-1, 4)
    boxes *= np.array([width / image.shape[1], height / image.shape[0]] * 2, np.float32)
    classes = np.array([names.index(label) for label in labels], np.intp)
    return Scene(resized(image, width, height), boxes, classes)
