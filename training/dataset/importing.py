"""What importers share: pictures measured, boxes made sound, and an account of what was left out and why."""

from __future__ import annotations

import argparse
import csv
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from inference.domain import FaceBox
from inference.errors import AppError
from training.dataset.manifest import LabelledFace, LabelledPicture, Split, write_manifest
from training.dataset.picture_files import picture_size, why_unreadable
from training.dataset.splits import Splitting, assign_splits
from training.dataset.tally import Tally
from training.errors import DatasetError, TrainingError

_TOLERANCE = 1.0  # pixels a box may leave the picture without it being worth a word
_LEAST_SIDE = 1.0  # pixels of a box
_SAME_SHAPE = 0.02  # sides may differ by this share after a picture was scaled


class Collection:
    """The pictures of one import. Whatever is left out of it or changed is counted with the reason."""

    def __init__(self, *, decode_all: bool = False) -> None:
        self.pictures: list[LabelledPicture] = []
        self.left_out = Tally()
        self.mended = Tally()
        self._decode_all = decode_all
        self._paths: set[Path] = set()

    def measure(self, path: Path) -> tuple[int, int] | None:
        """Width and height of an upright picture that is to be added; None, and counted, if it cannot be."""
        path = path.absolute()
        if path in self._paths:
            self.left_out.add("picture is listed again", path.name)
            return None
        self._paths.add(path)
        try:
            return picture_size(path, decoded=self._decode_all)
        except (OSError, AppError) as error:
            self.left_out.add(why_unreadable(error), path.name)
        return None

    def knows(self, path: Path) -> bool:
        """Whether the picture was taken in or left out already."""
        return path.absolute() in self._paths

    def add(
        self,
        path: Path,
        size_wh: tuple[int, int],
        faces: Iterable[LabelledFace],
        *,
        source: str,
        split: Split = "train",
        lost: int = 0,
        stated_wh: tuple[int, int] | None = None,
    ) -> None:
        """Take in a measured picture with its faces, boxes clipped to it.

        `lost` is how many of its faces could not be read: a picture that has none but those is left out,
        since it is no picture without faces. `stated_wh` is the size that the boxes were drawn for.
        """
        scale = self._scale(size_wh, stated_wh, path)
        if scale is None:
            return
        wanted = list(faces)
        usable = [face for face in (self._sound(face, scale, size_wh, path) for face in wanted) if face]
        if not usable and (wanted or lost):
            self.left_out.add("picture has no face whose box can be used", path.name)
            return
        self.pictures.append(LabelledPicture(path.absolute(), *size_wh, source, split, tuple(usable)))

    def add_unlabelled(self, path: Path, *, source: str, split: Split = "train") -> None:
        """Take in a picture whose faces nobody has looked for yet."""
        if size := self.measure(path):
            self.pictures.append(LabelledPicture(path.absolute(), *size, source, split, labelled=False))

    def finish(self, out: Path, splitting: Splitting | None = None) -> str:
        """Write the manifest and tell what was read. Raises TrainingError when nothing was."""
        if splitting is not None:
            self.pictures = assign_splits(self.pictures, splitting)
        if not self.pictures:
            raise TrainingError("\n".join(["Nothing was imported.", *self._account()]))
        write_manifest(out, self.pictures)
        return "\n".join([*_contents(self.pictures), *self._account(), f"Written to {out}."])

    def _account(self) -> list[str]:
        return [*self.left_out.report("Left out"), *self.mended.report("Changed")]

    def _scale(
        self, size: tuple[int, int], stated: tuple[int, int] | None, path: Path
    ) -> tuple[float, float] | None:
        if stated is None or min(stated) <= 0 or stated == size:
            return 1.0, 1.0
        across, down = size[0] / stated[0], size[1] / stated[1]
        if abs(across / down - 1) > _SAME_SHAPE:
            turned = " (turned by a quarter)" if stated == size[::-1] else ""
            self.left_out.add(f"picture has another shape than its labels say{turned}", path.name)
            return None
        self.mended.add("boxes were scaled to the picture's real size", path.name)
        return across, down

    def _sound(
        self, face: LabelledFace, scale: tuple[float, float], size: tuple[int, int], path: Path
    ) -> LabelledFace | None:
        across, down = scale
        box = FaceBox(face.box.x1 * across, face.box.y1 * down, face.box.x2 * across, face.box.y2 * down)
        if not all(map(math.isfinite, box.xyxy)):
            self.left_out.add("box is not of finite numbers", path.name)
            return None
        clipped = box.clipped(*size)
        if min(box.width, box.height) < _LEAST_SIDE:
            self.left_out.add("box has no area", path.name)
            return None
        if min(clipped.width, clipped.height) < _LEAST_SIDE:
            self.left_out.add("box lies outside of the picture", path.name)
            return None
        if max(abs(a - b) for a, b in zip(box.xyxy, clipped.xyxy, strict=True)) > _TOLERANCE:
            self.mended.add("box was clipped to the picture", path.name)
        return replace(face, box=clipped)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Makes a DatasetError of what goes wrong with a dataset's text file in the block."""
    try:
        yield
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise DatasetError(path, reason or str(error)) from error


def centred_box(size_wh: tuple[int, int], box_share: float) -> FaceBox:
    """The square in the middle of a crop whose side is that share of the crop's shorter side."""
    half = min(size_wh) * box_share / 2
    x, y = size_wh[0] / 2, size_wh[1] / 2
    return FaceBox(x - half, y - half, x + half, y + half)


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that all importers have."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="MANIFEST", help="the face manifest to write"
    )
    parser.add_argument(
        "--decode", action="store_true", help="decode every picture to find damaged ones; slower"
    )


def add_split_arguments(parser: argparse.ArgumentParser, *, by_character: bool = True) -> None:
    """Those of formats that may come without splits; without `by_character` where characters are unknown."""
    parser.add_argument(
        "--val-share", type=share, default=0.0, help="of the data for validation, 0 to 1; 0 if not given"
    )
    parser.add_argument("--split-seed", type=int, default=0, help="another number, another split")
    parser.set_defaults(split_by="character")
    if by_character:
        parser.add_argument(
            "--split-by",
            choices=("character", "picture"),
            help="a character stays on one side, unless a detector is to learn the names",
        )


def splitting_of(arguments: argparse.Namespace) -> Splitting:
    """What `add_split_arguments()` read."""
    return Splitting(arguments.val_share, arguments.split_by, arguments.split_seed)


def share(text: str) -> float:
    """A number from 0 to 1, for argparse."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def count(text: str) -> int:
    """A whole number from 1, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def _contents(pictures: Sequence[LabelledPicture]) -> list[str]:
    faces = [face for picture in pictures for face in picture.faces]
    characters = {face.character for face in faces if face.character}
    empty = sum(picture.labelled and not picture.faces for picture in pictures)
    unlabelled = sum(not picture.labelled for picture in pictures)
    by_split = Counter(picture.split for picture in pictures)
    return [
        f"Read {len(pictures):,} pictures with {len(faces):,} faces of {len(characters):,} named characters; "
        f"{empty:,} without a face, {unlabelled:,} not looked at yet.",
        "Splits: " + ", ".join(f"{split} {count:,}" for split, count in sorted(by_split.items())) + ".",
    ]
