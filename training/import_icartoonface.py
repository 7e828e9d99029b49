"""Import iCartoonFace (Zheng et al., "Cartoon Face Recognition: A Benchmark Dataset", ACM Multimedia 2020).

    python -m training.import_icartoonface detection --train icartoonface_dettrain.csv \\
        --val personai_icartoonface_detval.csv --images icartoonface_dettrain personai_icartoonface_detval \\
        --out detection.jsonl
    python -m training.import_icartoonface recognition --list icartoonface_rectrain_det.txt \\
        --images icartoonface_rectrain --val-share 0.1 --out recognition.jsonl

The detection lists are CSV without a header, one face a line: image,x1,y1,x2,y2. The recognition list has one
picture a line, "folder/image x1 y1 x2 y2", separated by tabs or spaces; a character is a folder and is called
by the number at the end of the folder's name, after --prefix. For the YOLO layout and for a folder of crops
per character go on with `python -m training.export`.
"""

from __future__ import annotations

import argparse
import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inference.domain import FaceBox
from training.command import command_parser, run_command
from training.dataset.importing import (
    Collection,
    add_output_arguments,
    add_split_arguments,
    readable,
    splitting_of,
)
from training.dataset.manifest import SPLITS, LabelledFace, Split
from training.dataset.picture_files import PictureFolders, pictures_in
from training.errors import DatasetError

_SOURCE = "icartoonface"
_HEADER = ["image", "x1", "y1", "x2", "y2"]
_NUMBER = re.compile(r"[0-9]+$")


def main() -> None:
    parser = command_parser(__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    detection = tasks.add_parser("detection", help="where faces are")
    for split in SPLITS:
        detection.add_argument(f"--{split}", type=Path, metavar="CSV", help=f"the faces of split {split}")
    recognition = tasks.add_parser("recognition", help="who they are")
    recognition.add_argument("--list", type=Path, required=True, help="the faces with their folders")
    recognition.add_argument(
        "--prefix", default="", help="begins every character's name, so that it is unique"
    )
    for task in (detection, recognition):
        task.add_argument("--images", type=Path, nargs="+", required=True, metavar="DIR", help="the pictures")
        add_output_arguments(task)
    add_split_arguments(recognition)
    run_command(parser, import_icartoonface)


def import_icartoonface(arguments: argparse.Namespace) -> None:
    """Import as the command line says."""
    collection = Collection(decode_all=arguments.decode)
    work = _detection if arguments.task == "detection" else _recognition
    work(arguments, collection)
    splitting = splitting_of(arguments) if arguments.task == "recognition" else None
    print(collection.finish(arguments.out, splitting))  # noqa: T201


@dataclass(slots=True)
class _Entry:
    """What a list says of one picture."""

    faces: list[LabelledFace] = field(default_factory=list)
    lost: int = 0


def _detection(arguments: argparse.Namespace, collection: Collection) -> None:
    lists: list[tuple[Split, Path]] = [
        (split, path) for split in SPLITS.values() if (path := getattr(arguments, split)) is not None
    ]
    if not lists:
        raise DatasetError(arguments.out, "cannot be written without a list: give --train, --val or --test")
    folders = PictureFolders(arguments.images)
    for split, path in lists:
        for name, entry in _entries(_csv_rows(path), path, collection).items():
            picture = folders.find(name)
            if size := collection.measure(picture):
                collection.add(picture, size, entry.faces, source=_SOURCE, split=split, lost=entry.lost)
    for picture in (picture for folder in arguments.images for picture in pictures_in(folder)):
        if not collection.knows(picture):
            collection.left_out.add("picture is in no list", picture.name)


def _recognition(arguments: argparse.Namespace, collection: Collection) -> None:
    folders = PictureFolders(arguments.images)
    for name, entry in _entries(_text_rows(arguments.list), arguments.list, collection).items():
        folder, separator, _ = name.replace("\\", "/").rpartition("/")
        if not separator:
            collection.left_out.add("line has a picture in no folder, so of nobody", name)
            continue
        character = arguments.prefix + _identity(folder.rpartition("/")[2])
        picture = folders.find(name)
        if size := collection.measure(picture):
            faces = [LabelledFace(face.box, character) for face in entry.faces]
            collection.add(picture, size, faces, source=_SOURCE, lost=entry.lost)


def _identity(folder: str) -> str:
    """`personai_icartoonface_rectrain_00012` and `00012` are both 00012."""
    number = _NUMBER.search(folder)
    return number.group() if number else folder


def _entries(
    rows: Iterable[tuple[int, Sequence[str]]], path: Path, collection: Collection
) -> dict[str, _Entry]:
    """By picture, in the list's order."""
    entries: dict[str, _Entry] = {}
    for line, row in rows:
        if line == 1 and list(row) == _HEADER:
            continue
        if row and row[0]:
            entry = entries.setdefault(row[0], _Entry())
            if (box := _box(row)) is not None:
                entry.faces.append(LabelledFace(box))
                continue
            entry.lost += 1
        collection.left_out.add("line is not an image and four numbers", f"{path.name} line {line}")
    return entries


def _box(row: Sequence[str]) -> FaceBox | None:
    try:
        x1, y1, x2, y2 = map(float, row[1:])
    except ValueError:
        return None
    return FaceBox(x1, y1, x2, y2) if all(map(math.isfinite, (x1, y1, x2, y2))) else None


def _csv_rows(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    with readable(path), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for row in reader:
            if row:
                yield reader.line_num, [value.strip() for value in row]


def _text_rows(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    with readable(path), path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.rsplit(maxsplit=4)


if __name__ == "__main__":
    main()
