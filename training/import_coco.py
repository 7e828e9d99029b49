"""Import a detection dataset in the COCO format: a JSON file with images, annotations and categories.

    python -m training.import_coco --train instances_train.json --val instances_val.json --images train val \\
        --only face --out faces.jsonl
    python -m training.import_coco --all result.json --images pictures --classes characters --val-share 0.1 \\
        --out faces.jsonl

Boxes are x, y, width, height in pixels from the left top corner. Every annotation is a face, or those of the
categories named by --only; with `--classes characters` the category is the character. Groups (`iscrowd`)
become unsure faces. An image without annotations is one without faces.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference.domain import FaceBox
from training.command import command_parser, run_command
from training.dataset.classes import Classes, add_class_arguments, classes_of
from training.dataset.importing import (
    Collection,
    add_output_arguments,
    add_split_arguments,
    readable,
    splitting_of,
)
from training.dataset.manifest import SPLITS, LabelledFace, State
from training.dataset.picture_files import PictureFolders
from training.errors import DatasetError


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class _Image(_Row):
    id: int | str
    file_name: Annotated[str, Field(min_length=1)]
    width: int = 0
    height: int = 0


class _Category(_Row):
    id: int
    name: str


class _Annotation(_Row):
    image_id: int | str
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: bool = False


Row = TypeVar("Row", bound=_Row)


def main() -> None:
    parser = command_parser(__doc__)
    for split in SPLITS:
        parser.add_argument(f"--{split}", type=Path, metavar="JSON", help=f"the data of split {split}")
    parser.add_argument("--all", type=Path, metavar="JSON", help="data that has no splits")
    parser.add_argument("--images", type=Path, nargs="+", required=True, metavar="DIR", help="the pictures")
    parser.add_argument("--source", help="what the data is called; the name of the first folder if not given")
    add_class_arguments(parser)
    add_output_arguments(parser)
    add_split_arguments(parser)
    run_command(parser, import_coco)


def import_coco(arguments: argparse.Namespace) -> None:
    """Import as the command line says."""
    files = {split: path for split in SPLITS.values() if (path := getattr(arguments, split)) is not None}
    if bool(files) == (arguments.all is not None):
        raise DatasetError(arguments.out, "is made either of --train, --val and --test, or of --all")
    collection = Collection(decode_all=arguments.decode)
    folders = PictureFolders(arguments.images)
    source = arguments.source or arguments.images[0].absolute().name
    for split, path in (files or {SPLITS["train"]: arguments.all}).items():
        labels = _Labels(path, classes_of(arguments), collection)
        for image in labels.images.values():
            picture = folders.find(image.file_name)
            if size := collection.measure(picture):
                collection.add(
                    picture,
                    size,
                    labels.faces[image.id],
                    source=source,
                    split=split,
                    lost=labels.lost[image.id],
                    stated_wh=(image.width, image.height),
                )
    print(collection.finish(arguments.out, None if files else splitting_of(arguments)))  # noqa: T201


class _Labels:
    """The images of a file and the faces in them; what is wrong with it is counted in the collection."""

    def __init__(self, path: Path, classes: Classes, collection: Collection) -> None:
        self._path = path
        self._collection = collection
        tables = _tables(path)
        self.images: dict[int | str, _Image] = {}
        for image in self._rows(tables["images"], _Image):
            if self.images.setdefault(image.id, image) is not image:
                collection.left_out.add("image has the id of another", f"{path.name} image {image.id}")
        self.faces: defaultdict[int | str, list[LabelledFace]] = defaultdict(list)
        self.lost = Counter[int | str]()
        """Faces by image that could not be read."""
        names = {row.id: row.name for row in self._rows(tables["categories"], _Category)}
        classes.check(names.values(), path)
        for row in self._rows(tables["annotations"], _Annotation):
            where = f"{path.name} image {row.image_id}"
            name = names.get(row.category_id)
            if row.image_id not in self.images:
                collection.left_out.add("annotation is of an image that is not listed", where)
            elif name is None:
                collection.left_out.add(f"annotation is of the unknown category {row.category_id}", where)
                self.lost[row.image_id] += 1
            elif not classes.are_faces(name):
                collection.left_out.add(f"object is of class {name}", where)
            else:
                x, y, width, height = row.bbox
                box = FaceBox(x, y, x + width, y + height)
                state: State = "unsure" if row.iscrowd else "sure"
                self.faces[row.image_id].append(LabelledFace(box, classes.character(name), state=state))

    def _rows(self, entries: list[Any], kind: type[Row]) -> list[Row]:
        rows = []
        for number, entry in enumerate(entries):
            try:
                rows.append(kind.model_validate(entry))
            except ValidationError as error:
                first = error.errors()[0]
                what = f"{kind.__name__.strip('_').lower()} is wrong: {'.'.join(map(str, first['loc']))}"
                self._collection.left_out.add(f"{what}: {first['msg']}", f"{self._path.name} {number}")
                image = entry.get("image_id") if isinstance(entry, dict) else None
                if isinstance(image, int | str):
                    self.lost[image] += 1
        return rows


def _tables(path: Path) -> dict[str, list[Any]]:
    try:
        with readable(path):
            tables = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DatasetError(path, f"is no JSON: {error}") from error
    names = ("images", "annotations", "categories")
    if not isinstance(tables, dict) or not all(isinstance(tables.get(name), list) for name in names):
        raise DatasetError(path, "is not COCO: it needs the lists images, annotations and categories")
    return {name: tables[name] for name in names}


if __name__ == "__main__":
    main()
