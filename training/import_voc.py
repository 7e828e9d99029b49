"""Import boxes in Pascal VOC XML, as LabelImg writes it.

    python -m training.import_voc --annotations labels --images pictures --classes characters \\
        --out series.jsonl

Every object is a face; with `--classes characters` its name is the character's, and one that is called "face"
is nobody in particular. Boxes that are marked difficult become unsure ones: training leaves their pictures
out, and evaluation minds neither finding nor missing them. A picture without objects is one without faces,
but a picture without an XML file has not been looked at and is left out. What is imported goes by the file
name: folders and paths in the XML are those of the machine where it was written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.command import command_parser, run_command
from training.dataset.classes import Classes, add_class_arguments, classes_of
from training.dataset.importing import Collection, add_output_arguments, add_split_arguments, splitting_of
from training.dataset.manifest import LabelledFace, State
from training.dataset.picture_files import PictureFolders, pictures_in
from training.dataset.voc import VocAnnotation, read_voc
from training.errors import DatasetError


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--annotations", type=Path, required=True, metavar="DIR", help="the XML files")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="the pictures, if not beside the XML files"
    )
    parser.add_argument("--source", help="what the data is called; the name of the folder if not given")
    parser.add_argument(
        "--difficult",
        choices=("unsure", "sure"),
        default="unsure",
        help="how far difficult boxes are trusted",
    )
    parser.add_argument(
        "--one-based", action="store_true", help="pixels count from 1, as in the VOC challenge's own files"
    )
    add_class_arguments(parser)
    add_output_arguments(parser)
    add_split_arguments(parser)
    run_command(parser, import_voc)


def import_voc(arguments: argparse.Namespace) -> None:
    """Import as the command line says."""
    folder: Path = arguments.annotations
    files = sorted(folder.rglob("*.xml"))
    if not files:
        raise DatasetError(folder, "has no XML files")
    images: Path = arguments.images or folder
    folders = PictureFolders([images])
    source = arguments.source or folder.absolute().name
    collection = Collection(decode_all=arguments.decode)
    classes = classes_of(arguments)
    seen = set[str]()
    for file in files:
        try:
            annotation = read_voc(file, one_based=arguments.one_based)
        except DatasetError as error:
            reason = str(error).removeprefix(f"{file}: ").partition(":")[0]
            collection.left_out.add(f"annotation {reason}", file.name)
            continue
        picture = _picture(annotation, file.relative_to(folder).parent, folders)
        if size := collection.measure(picture):
            faces, lost = _faces(annotation, classes, arguments.difficult, file.name, collection)
            collection.add(picture, size, faces, source=source, lost=lost, stated_wh=annotation.size_wh)
        seen |= {entry.name for entry in annotation.objects}
    classes.check(seen, folder)
    for picture in pictures_in(images):
        if not collection.knows(picture):
            collection.left_out.add("picture has no annotation", picture.name)
    print(collection.finish(arguments.out, splitting_of(arguments)))  # noqa: T201


def _picture(annotation: VocAnnotation, folder: Path, folders: PictureFolders) -> Path:
    """Where the pictures are laid out as the annotations, the one in the same place is meant."""
    names = [name.replace("\\", "/").rpartition("/")[2] for name in annotation.picture_names]
    found = [folders.find((folder / name).as_posix()) for name in names]
    return next((path for path in found if path.is_file()), found[0])


def _faces(
    annotation: VocAnnotation, classes: Classes, difficult: str, where: str, collection: Collection
) -> tuple[list[LabelledFace], int]:
    """The faces, and how many could not be read."""
    faces: list[LabelledFace] = []
    lost = 0
    for entry in annotation.objects:
        if not classes.are_faces(entry.name):
            collection.left_out.add(f"object is of class {entry.name or '(none)'}", where)
        elif entry.box is None:
            collection.left_out.add("object has no box of four numbers", where)
            lost += 1
        else:
            state: State = "unsure" if entry.difficult and difficult == "unsure" else "sure"
            faces.append(LabelledFace(entry.box, classes.character(entry.name), state=state))
    return faces, lost


if __name__ == "__main__":
    main()
