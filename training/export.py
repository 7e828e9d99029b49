"""Write the pictures of face manifests in the layout that other tools read.

    python -m training.export yolo faces.jsonl --out yolo
    python -m training.export crops faces.jsonl --out crops --margin 2

`yolo` writes `images/`, `labels/` and `data.yaml`, for one class "face" or one a character. `crops` writes a
folder per character with the faces cut out, for every character that is named.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.command import command_parser, run_command
from training.dataset.crop_folders import write_crops
from training.dataset.manifest import SPLITS, LabelledPicture, read_manifests
from training.dataset.yolo_layout import write_yolo
from training.detector.pictures import class_names


def main() -> None:
    parser = command_parser(__doc__)
    commands = parser.add_subparsers(dest="layout", required=True)
    yolo = commands.add_parser("yolo", help="images/, labels/ and data.yaml")
    crops = commands.add_parser("crops", help="a folder of face crops per character")
    for command in (yolo, crops):
        command.add_argument("data", type=Path, nargs="+", metavar="MANIFEST")
        command.add_argument("--out", type=Path, required=True, help="a new or empty folder")
        command.add_argument("--split", choices=tuple(SPLITS), help="only this split")
        command.add_argument("--keep-unsure", action="store_true", help="take unsure faces for faces")
    yolo.add_argument("--classes", choices=("face", "characters"), default="face")
    yolo.add_argument("--files", choices=("link", "copy"), default="link", help="how pictures get there")
    crops.add_argument(
        "--margin",
        type=float,
        default=2.0,
        help="side of the crop in sides of the face box; 1 is the face alone",
    )
    crops.add_argument("--side", type=int, help="largest side in pixels; larger crops are scaled down")
    run_command(parser, export)


def export(arguments: argparse.Namespace) -> None:
    """Export as the command line says."""
    pictures = read_manifests(arguments.data, split=arguments.split)
    text = _yolo(pictures, arguments) if arguments.layout == "yolo" else _crops(pictures, arguments)
    print(text)  # noqa: T201


def _yolo(pictures: list[LabelledPicture], arguments: argparse.Namespace) -> str:
    written = write_yolo(
        pictures,
        arguments.out,
        class_names(pictures, arguments.classes),
        files=arguments.files,
        keep_unsure=arguments.keep_unsure,
    )
    splits = ", ".join(f"{split} {count:,}" for split, count in written.pictures.items())
    return "\n".join(
        [
            f"Wrote {splits} pictures with {written.faces:,} faces: {written.data_yaml}",
            *written.left_out.report("Left out"),
        ]
    )


def _crops(pictures: list[LabelledPicture], arguments: argparse.Namespace) -> str:
    written = write_crops(
        pictures,
        arguments.out,
        margin=arguments.margin,
        largest_side=arguments.side,
        keep_unsure=arguments.keep_unsure,
    )
    return "\n".join(
        [
            f"Wrote {written.crops:,} crops of {written.characters:,} characters: {arguments.out}",
            *written.left_out.report("Left out"),
        ]
    )


if __name__ == "__main__":
    main()
