"""A folder of face crops per character, cut as serving cuts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inference.domain import ImageRGB
from inference.embedding.align import cut_square
from inference.errors import AppError
from inference.images import encode
from inference.scaling import resized
from training.dataset.manifest import LabelledPicture
from training.dataset.picture_files import read_picture, why_unreadable
from training.dataset.tally import Tally
from training.errors import DatasetError

_QUALITY = 92
_UNSAFE = frozenset('/\\:*?"<>|')


@dataclass(frozen=True, slots=True)
class CropExport:
    """What was written."""

    characters: int
    crops: int
    left_out: Tally


def write_crops(
    pictures: Sequence[LabelledPicture],
    folder: Path,
    *,
    margin: float,
    largest_side: int | None = None,
    keep_unsure: bool = False,
) -> CropExport:
    """Write `<character>/<number>.webp` into a new or empty folder, numbered from 00000 as the pictures come.

    The face is in the middle of a square of `margin` times its box's longer side, in the picture's resolution
    up to `largest_side` pixels. Faces without a name, and unsure ones unless `keep_unsure`, are left out.
    Raises DatasetError when nothing is left.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(folder, "is not empty; give a new folder")
    left_out = Tally()
    written = Counter[str]()
    folders: dict[str, str] = {}
    for picture in pictures:
        image: ImageRGB | None = None
        for face in picture.faces:
            if face.character is None:
                left_out.add("face has no name", picture.path.name)
                continue
            if face.state == "unsure" and not keep_unsure:
                left_out.add("nobody is sure of the face", picture.path.name)
                continue
            try:
                image = read_picture(picture.path) if image is None else image
            except (OSError, AppError) as error:
                left_out.add(why_unreadable(error), picture.path.name)
                break
            square, _ = cut_square(image, face.box, margin)
            if largest_side and square.shape[0] > largest_side:
                square = resized(square, largest_side, largest_side)
            name = _folder_name(face.character, folders)
            target = folder / name / f"{written[name]:05}.webp"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(encode(square, format="webp", quality=_QUALITY))
            written[name] += 1
    if not written:
        raise DatasetError(folder, "there is no named face to write")
    return CropExport(len(written), written.total(), left_out)


def _folder_name(character: str, folders: dict[str, str]) -> str:
    """The character's name as a folder that any system can have, and no other character has."""
    if character not in folders:
        name = "".join("_" if sign in _UNSAFE or not sign.isprintable() else sign for sign in character)
        name = name.strip(" .") or "_"
        taken = {other.casefold() for other in folders.values()}
        number, free = 2, name
        while free.casefold() in taken:
            free, number = f"{name} ({number})", number + 1
        folders[character] = free
    return folders[character]
