"""Let the current detector label pictures that nobody has looked at, and list for a person what it doubts.

    python -m training.pseudo_label --data frames.jsonl --out labelled.jsonl --review review
    python -m training.pseudo_label --pictures DIR --out labelled.jsonl --review review

Boxes from --sure on are pseudo labels; those from --unsure on are marked unsure, which keeps their pictures
out of training until a person has decided. A picture in which nothing is found stays unlabelled, unless
--empty takes it for one without faces. Pictures of --data that have labels are passed on as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
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
    share,
    splitting_of,
)
from training.dataset.manifest import LabelledPicture, read_manifests
from training.dataset.picture_files import pictures_in, read_picture, why_unreadable
from training.dataset.pseudo_labels import Trust, doubt, needs_labels, pseudo_labelled
from training.dataset.review import Review
from training.dataset.tally import Tally
from training.errors import DatasetError
from training.evaluation.finding import FaceFinder


def main() -> None:
    parser = command_parser(__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, nargs="+", metavar="MANIFEST", help="face manifests")
    what.add_argument("--pictures", type=Path, metavar="DIR", help="a folder of pictures without labels")
    parser.add_argument("--source", help="what a folder's data is called; the folder's name if not given")
    parser.add_argument(
        "--again", action="store_true", help="look again at pictures that only a detector has labelled"
    )
    add_detector_arguments(parser)
    add_output_arguments(parser)
    add_split_arguments(parser, by_character=False)
    run_command(parser, pseudo_label)


def add_detector_arguments(parser: argparse.ArgumentParser) -> None:
    """What `labelled_by_detector()` needs to know."""
    defaults = Trust()
    parser.add_argument("--pack", default=ModelOptions().pack, help="whose detector looks")
    parser.add_argument("--packs", type=Path, default=Path("data/models"), help="folder of installed packs")
    parser.add_argument("--threads", type=int, default=0, help="of the detector on a CPU; 0 for all cores")
    parser.add_argument("--sure", type=share, default=defaults.sure, help="score from which a box is a face")
    parser.add_argument(
        "--unsure", type=share, default=defaults.unsure, help="score from which a person should look at it"
    )
    parser.add_argument("--empty", action="store_true", help="nothing found means that there are no faces")
    parser.add_argument("--review", type=Path, metavar="DIR", help="where to list doubtful pictures")


def pseudo_label(arguments: argparse.Namespace) -> None:
    """Label as the command line says."""
    collection = Collection(decode_all=arguments.decode)
    if arguments.data:
        collection.pictures = read_manifests(arguments.data, unlabelled=True)
    else:
        source = arguments.source or arguments.pictures.absolute().name
        for path in pictures_in(arguments.pictures):
            collection.add_unlabelled(path, source=source)
        if not collection.pictures:
            raise DatasetError(arguments.pictures, "has no pictures that can be read")
    collection.pictures, lines = labelled_by_detector(
        collection.pictures, arguments, collection.left_out, again=arguments.again
    )
    print(collection.finish(arguments.out, None if arguments.data else splitting_of(arguments)))  # noqa: T201
    print("\n".join(lines))  # noqa: T201


def labelled_by_detector(
    pictures: Iterable[LabelledPicture],
    arguments: argparse.Namespace,
    left_out: Tally,
    *,
    again: bool = False,
) -> tuple[list[LabelledPicture], list[str]]:
    """The pictures with labels, without those that cannot be read; and what to tell about doubtful ones."""
    trust = Trust(arguments.sure, arguments.unsure, arguments.empty)
    models = ModelOptions(pack=arguments.pack, threads=arguments.threads)
    finder = FaceFinder(find_pack(arguments.pack, arguments.packs), models)
    review = Review(arguments.review) if arguments.review else None
    labelled = []
    doubtful = 0
    for picture in track(list(pictures), "looking for faces", console=Console(stderr=True)):
        if not needs_labels(picture, again=again):
            labelled.append(picture)
            continue
        try:
            image = read_picture(picture.path)
        except (OSError, AppError) as error:
            left_out.add(why_unreadable(error), picture.path.name)
            continue
        found = pseudo_labelled(picture, finder.find(image).candidates, trust)
        labelled.append(found)
        doubtful += doubt(found) is not None
        if review is not None:
            review.consider(found, image)
    where = f": {review.write()}" if review is not None else "; --review lists them"
    return labelled, [f"{doubtful:,} pictures for a person to look at{where}."] if doubtful else []


if __name__ == "__main__":
    main()
