"""Import a folder of pictures per character.

    python -m training.import_folders --root characters --out characters.jsonl
    python -m training.import_folders --root crops --cropped 0.5 --out crops.jsonl

A folder's name is the character's, its pictures may lie in folders of their own. In whole pictures the
detector of --pack looks for the face: a picture is left out unless it finds exactly one, since nobody says
which one is meant. Pictures that are crops already need no detector: --cropped says which share of the
shorter side the face takes, which must be in the middle.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import track

from config.options import ModelOptions
from inference.errors import AppError
from inference.models import find_pack
from training.command import command_parser, run_command
from training.dataset.importing import (
    Collection,
    add_output_arguments,
    add_split_arguments,
    centred_box,
    share,
    splitting_of,
)
from training.dataset.manifest import LabelledFace
from training.dataset.picture_files import SUFFIXES, read_picture, why_unreadable
from training.errors import DatasetError
from training.evaluation.finding import FaceFinder


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="the folder of folders")
    parser.add_argument("--cropped", type=share, metavar="SHARE", help="the pictures are crops of a face")
    parser.add_argument("--source", help="what the data is called; the name of the folder if not given")
    parser.add_argument("--pack", default=ModelOptions().pack, help="whose detector finds the faces")
    parser.add_argument("--packs", type=Path, default=Path("data/models"), help="folder of installed packs")
    parser.add_argument("--threads", type=int, default=0, help="of the detector on a CPU; 0 for all cores")
    add_output_arguments(parser)
    add_split_arguments(parser)
    run_command(parser, import_folders)


def import_folders(arguments: argparse.Namespace) -> None:
    """Import as the command line says."""
    root: Path = arguments.root
    if not root.is_dir():
        raise DatasetError(root, "is no folder")
    finder: FaceFinder | None = None
    if arguments.cropped is None:
        models = ModelOptions(pack=arguments.pack, threads=arguments.threads)
        finder = FaceFinder(find_pack(arguments.pack, arguments.packs), models)
    collection = Collection(decode_all=arguments.decode)
    source = arguments.source or root.absolute().name
    files = sorted(path for path in root.rglob("*") if path.is_file())
    for path in track(files, "importing", console=Console(stderr=True), disable=finder is None):
        character, *rest = path.relative_to(root).parts
        if not rest:
            collection.left_out.add("file is in no character's folder", path.name)
        elif path.suffix.lower() not in SUFFIXES:
            collection.left_out.add(f"file is no picture ({path.suffix or 'no suffix'})", path.name)
        elif size := collection.measure(path):
            face = (
                LabelledFace(centred_box(size, arguments.cropped), character)
                if finder is None
                else _only_face(path, character, finder, collection)
            )
            if face:
                collection.add(path, size, [face], source=source)
    print(collection.finish(arguments.out, splitting_of(arguments)))  # noqa: T201


def _only_face(path: Path, character: str, finder: FaceFinder, collection: Collection) -> LabelledFace | None:
    try:
        image = read_picture(path)
    except (OSError, AppError) as error:
        collection.left_out.add(why_unreadable(error), path.name)
        return None
    found = finder.find(image).served
    if len(found) != 1:
        collection.left_out.add("several faces were found" if found else "no face was found", path.name)
        return None
    return LabelledFace(found[0].box, character, score=found[0].score, state="pseudo")


if __name__ == "__main__":
    main()
