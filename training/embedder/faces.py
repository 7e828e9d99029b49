"""The faces of a manifest in memory, cut with room to move, and their characters as numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from config.options import ImageLimits
from inference.domain import FaceBox, ImageRGB
from inference.embedding.align import cut_square
from inference.errors import AppError
from inference.images import decode
from inference.scaling import resized
from training.dataset.manifest import LabelledFace, LabelledPicture

ROOM = 1.25
"""A face is cut this much wider than the crop, so that a shifted or larger box still finds picture."""


@dataclass(frozen=True, slots=True)
class FaceSet:
    """Faces that have a character."""

    squares: NDArray[np.uint8]
    """n × side × side × 3 RGB: each face centred, cut with `margin` around its box."""
    margin: float
    """Side of the square over the longer side of the box."""
    widths: NDArray[np.float32]
    """n × 2: width and height of the box over its longer side."""
    characters: NDArray[np.intp]
    """0…number of characters - 1 for each face."""
    names: tuple[str, ...]
    """Of the characters."""
    sources: tuple[str, ...]
    """For each face."""

    def __len__(self) -> int:
        return len(self.characters)

    def box(self, index: int) -> FaceBox:
        """The face's box in pixels of its square."""
        side = self.squares.shape[1]
        width, height = (float(share) * side / self.margin for share in self.widths[index])
        return FaceBox((side - width) / 2, (side - height) / 2, (side + width) / 2, (side + height) / 2)

    def with_at_least(self, count: int) -> FaceSet:
        """The faces of characters with that many, the characters numbered anew."""
        enough = np.flatnonzero(np.bincount(self.characters, minlength=len(self.names)) >= count)
        rows = np.flatnonzero(np.isin(self.characters, enough))
        return replace(
            self,
            squares=self.squares[rows],
            widths=self.widths[rows],
            characters=np.searchsorted(enough, self.characters[rows]),
            names=tuple(self.names[index] for index in enough),
            sources=tuple(self.sources[row] for row in rows),
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    path: Path
    reason: str


def load_faces(
    pictures: Sequence[LabelledPicture], *, margin: float, side: int, cache: Path | None = None
) -> tuple[FaceSet, tuple[LeftOut, ...]]:
    """Every face that surely is a known character, and the pictures that cannot be read.

    Where the square leaves the picture, the picture's edge is repeated, as in serving. With `cache`, the
    squares are kept in that folder for the next time.
    """
    wanted = [(picture, face) for picture in pictures for face in picture.faces if _usable(face)]
    names = tuple(sorted({face.character or "" for _, face in wanted}))
    number = {name: index for index, name in enumerate(names)}
    squares, readable, left_out = _squares(wanted, margin, side, cache)
    kept = [entry for entry, good in zip(wanted, readable, strict=True) if good]
    shapes = np.array([(face.box.width, face.box.height) for _, face in kept], np.float32).reshape(-1, 2)
    faces = FaceSet(
        squares=squares if all(readable) else squares[np.flatnonzero(readable)],
        margin=margin,
        widths=shapes / shapes.max(axis=1, keepdims=True, initial=1e-6),
        characters=np.array([number[face.character or ""] for _, face in kept], dtype=np.intp),
        names=names,
        sources=tuple(picture.source for picture, _ in kept),
    )
    return faces, left_out


def _usable(face: LabelledFace) -> bool:
    return face.character is not None and face.state != "unsure"


def _squares(
    wanted: Sequence[tuple[LabelledPicture, LabelledFace]], margin: float, side: int, cache: Path | None
) -> tuple[NDArray[np.uint8], list[bool], tuple[LeftOut, ...]]:
    key = _key(wanted, margin, side)
    stored = cache / f"faces-{key}.npy" if cache is not None else None
    if stored is not None and stored.exists():
        return np.load(stored, mmap_mode="r"), [True] * len(wanted), ()
    squares = np.zeros((len(wanted), side, side, 3), dtype=np.uint8)

    def fill(index: int) -> LeftOut | None:
        picture, face = wanted[index]
        try:
            image = decode(picture.path.read_bytes(), ImageLimits()).frames[0]
        except (OSError, AppError) as error:
            return LeftOut(picture.path, str(error))
        squares[index] = _square(image, face.box, margin, side)
        return None

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(fill, range(len(wanted))))
    left_out = tuple(entry for entry in found if entry is not None)
    if stored is not None and not left_out:
        stored.parent.mkdir(parents=True, exist_ok=True)
        part = stored.with_suffix(".part.npy")
        np.save(part, squares)
        part.replace(stored)
    return squares, [entry is None for entry in found], left_out


def _square(image: ImageRGB, box: FaceBox, margin: float, side: int) -> ImageRGB:
    square, _ = cut_square(image, box, margin)
    return resized(square, side, side)


def _key(wanted: Sequence[tuple[LabelledPicture, LabelledFace]], margin: float, side: int) -> str:
    facts = [[str(picture.path), *face.box.xyxy] for picture, face in wanted]
    return hashlib.sha256(json.dumps([facts, margin, side, cv2.__version__]).encode()).hexdigest()[:16]
