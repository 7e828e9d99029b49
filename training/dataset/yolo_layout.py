"""The YOLO layout of Ultralytics: `images/<split>`, `labels/<split>` and `data.yaml`.

A label file has one line a face, "class x y width height": the box's centre and size as shares of the upright
picture's width and height. A picture without faces has an empty label file.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from inference.errors import AppError
from inference.images import encode
from training.dataset.classes import FACE
from training.dataset.manifest import LabelledFace, LabelledPicture
from training.dataset.picture_files import read_picture, why_unreadable
from training.dataset.tally import Tally
from training.errors import DatasetError

_LINKABLE = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})  # what Ultralytics reads; others become PNG


@dataclass(frozen=True, slots=True)
class YoloExport:
    """What was written."""

    data_yaml: Path
    pictures: Counter[str]
    """By split."""
    faces: int
    left_out: Tally


def write_yolo(
    pictures: Iterable[LabelledPicture],
    folder: Path,
    names: Sequence[str],
    *,
    files: Literal["link", "copy"] = "link",
    keep_unsure: bool = False,
) -> YoloExport:
    """Write the layout into a new or empty folder; `names` are the classes, "face" that of the nameless.

    With "face" as the only class, everybody is one. Pictures are linked where the file system can (hard, else
    symbolically), else copied; their names begin with their source. A picture with a face that nobody is sure
    of is left out, unless `keep_unsure` takes it for one. Raises DatasetError.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(folder, "is not empty; give a new folder")
    by_split = Counter[str]()
    faces = 0
    left_out = Tally()
    taken = set[tuple[str, str]]()
    for picture in pictures:
        if reason := _unfit(picture, names, keep_unsure=keep_unsure):
            left_out.add(reason, picture.path.name)
            continue
        name = _file_name(picture, taken)
        try:
            _place(picture.path, _made(folder / "images" / picture.split) / name, files)
        except (OSError, AppError) as error:
            left_out.add(why_unreadable(error), picture.path.name)
            continue
        lines = [_line(face, picture, names) for face in picture.faces]
        label = _made(folder / "labels" / picture.split) / f"{Path(name).stem}.txt"
        label.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        by_split[picture.split] += 1
        faces += len(lines)
    if not by_split:
        raise DatasetError(folder, "there is no picture to write")
    data_yaml = folder / "data.yaml"
    data_yaml.write_text(_yaml(by_split, names), encoding="utf-8")
    return YoloExport(data_yaml, by_split, faces, left_out)


def _unfit(picture: LabelledPicture, names: Sequence[str], *, keep_unsure: bool) -> str | None:
    if not picture.labelled:
        return "nobody has looked for its faces yet"
    if not keep_unsure and any(face.state == "unsure" for face in picture.faces):
        return "picture has a face that nobody is sure of"
    if tuple(names) != (FACE,) and any((face.character or FACE) not in names for face in picture.faces):
        return "picture has a face of no class"
    return None


def _file_name(picture: LabelledPicture, taken: set[tuple[str, str]]) -> str:
    """`source__name.suffix`, with some of a hash where two pictures of a split would be called the same."""
    stem, suffix = picture.path.stem, picture.path.suffix.lower()
    start = "".join(sign if sign.isalnum() or sign in "-._" else "-" for sign in picture.source)
    stem = stem if not start or stem.startswith(f"{start}__") else f"{start}__{stem}"
    if (picture.split, stem.casefold()) in taken:
        stem += f"-{sha256(str(picture.path).encode()).hexdigest()[:8]}"
    taken.add((picture.split, stem.casefold()))
    return stem + (suffix if suffix in _LINKABLE else ".png")


def _place(source: Path, target: Path, files: Literal["link", "copy"]) -> None:
    if source.suffix.lower() not in _LINKABLE:
        target.write_bytes(encode(read_picture(source), format="png"))
        return
    if files == "link":
        for link in (os.link, os.symlink):
            try:
                link(source.resolve(strict=True), target)
            except FileNotFoundError:
                raise
            except OSError:  # another file system, or one that knows no links
                continue
            return
    shutil.copyfile(source, target)


def _line(face: LabelledFace, picture: LabelledPicture, names: Sequence[str]) -> str:
    number = 0 if tuple(names) == (FACE,) else names.index(face.character or FACE)
    x, y = face.box.center
    shares = (
        x / picture.width,
        y / picture.height,
        face.box.width / picture.width,
        face.box.height / picture.height,
    )
    return " ".join([str(number), *(f"{value:.6f}" for value in shares)])


def _yaml(splits: Iterable[str], names: Sequence[str]) -> str:
    # JSON's texts are YAML's, so no name can break the file. Ultralytics insists on both train and val.
    there = {split: f"images/{split}" for split in ("train", "val", "test") if split in set(splits)}
    there.setdefault("train", next(iter(there.values())))
    there.setdefault("val", there["train"])
    return "".join(
        [
            *(f"{split}: {there[split]}\n" for split in ("train", "val", "test") if split in there),
            "names:\n",
            *(f"  {number}: {json.dumps(name, ensure_ascii=False)}\n" for number, name in enumerate(names)),
        ]
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
