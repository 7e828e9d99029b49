"""Import a detection dataset in the YOLO layout.

    python -m training.import_yolo --data yolo/data.yaml --out faces.jsonl
    python -m training.import_yolo --data detection --pseudo "pseudo_*" --out faces.jsonl

`--data` is the `data.yaml`, or a folder with one, with `train/images`, `images/train` and so on, or with just
`images` (split by --val-share); without a `data.yaml` the one class is "face". Labels lie where Ultralytics
looks for them: the last `images` in the path becomes `labels`. A picture's source is its file name up to
`__`, or without the number at its end.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from inference.domain import FaceBox
from training.command import command_parser, run_command
from training.dataset.classes import Classes, add_class_arguments, classes_of
from training.dataset.importing import Collection, add_output_arguments, add_split_arguments, splitting_of
from training.dataset.manifest import LabelledFace, Split, State
from training.dataset.picture_files import source_of
from training.dataset.yolo_source import find_yolo, label_of


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data.yaml or a folder")
    parser.add_argument(
        "--pseudo",
        nargs="+",
        default=[],
        metavar="SOURCE",
        help="sources that a detector labelled; * for any text",
    )
    add_class_arguments(parser)
    add_output_arguments(parser)
    add_split_arguments(parser)
    run_command(parser, import_yolo)


def import_yolo(arguments: argparse.Namespace) -> None:
    """Import as the command line says."""
    source = find_yolo(arguments.data)
    classes = classes_of(arguments)
    classes.check(source.names.values(), arguments.data)
    reader = _Reader(source.names, classes, arguments.pseudo, Collection(decode_all=arguments.decode))
    for path, split in source.pictures:
        reader.read(path, source_of(path, arguments.data.absolute().name), split or "train")
    for folder in source.label_folders:
        reader.account_for(folder)
    splitting = None if source.has_splits else splitting_of(arguments)
    print(reader.collection.finish(arguments.out, splitting))  # noqa: T201


class _Reader:
    def __init__(
        self, names: Mapping[int, str], classes: Classes, pseudo: Sequence[str], collection: Collection
    ) -> None:
        self.collection = collection
        self._names = names
        self._classes = classes
        self._pseudo = pseudo
        self._labels = set[Path]()

    def read(self, path: Path, source: str, split: Split) -> None:
        """Take in a picture with the faces of its label file."""
        label = label_of(path)
        self._labels.add(label)
        size = self.collection.measure(path)
        if size is None:
            return
        try:
            lines = label.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            self.collection.mended.add("no label file: taken for a picture without faces", path.name)
            lines = []
        except (OSError, UnicodeDecodeError):
            self.collection.left_out.add("label file cannot be read", label.name)
            return
        state: State = "pseudo" if any(fnmatch(source, pattern) for pattern in self._pseudo) else "sure"
        faces, lost = self._faces(lines, size, state, label.name)
        self.collection.add(path, size, faces, source=source, split=split, lost=lost)

    def account_for(self, folder: Path) -> None:
        """Count the label files in a folder that belong to no picture."""
        for path in sorted(folder.glob("*.txt")):
            if path not in self._labels and path.name != "classes.txt":
                self.collection.left_out.add("label file without a picture", path.name)

    def _faces(
        self, lines: Sequence[str], size: tuple[int, int], state: State, file: str
    ) -> tuple[list[LabelledFace], int]:
        """The faces, and how many could not be read."""
        faces: list[LabelledFace] = []
        lost = 0
        for line, text in enumerate(lines, start=1):
            where = f"{file} line {line}"
            if not text.strip():
                continue
            try:
                number, x, y, width, height = _numbers(text)
            except ValueError:
                self.collection.left_out.add("line is not “class x y width height”", where)
                lost += 1
                continue
            name = self._names.get(number)
            if name is None:
                self.collection.left_out.add(f"class {number} has no name", where)
                lost += 1
            elif not self._classes.are_faces(name):
                self.collection.left_out.add(f"object is of class {name}", where)
            else:
                left, right = ((x + side * width / 2) * size[0] for side in (-1, 1))
                top, bottom = ((y + side * height / 2) * size[1] for side in (-1, 1))
                character = self._classes.character(name)
                faces.append(LabelledFace(FaceBox(left, top, right, bottom), character, state=state))
        return faces, lost


def _numbers(line: str) -> tuple[int, float, float, float, float]:
    """Raises ValueError for another number of values, or values that are no numbers."""
    number, x, y, width, height = line.split()
    return int(number), float(x), float(y), float(width), float(height)


if __name__ == "__main__":
    main()
