"""Import face crops that a CSV lists with who is on them.

    python -m training.import_crops --index crops/index.csv --box-share 0.5 --out crops.jsonl

The CSV's header names its columns: `path` (relative to the CSV's folder) and `character`, and if there are
any `source` and `split` (train, val or test). The face is in the middle of its crop and takes a share of the
crop's side.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

from training.command import command_parser, run_command
from training.dataset.importing import (
    Collection,
    add_output_arguments,
    add_split_arguments,
    centred_box,
    readable,
    share,
    splitting_of,
)
from training.dataset.manifest import SPLITS, LabelledFace
from training.errors import DatasetError


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--index", type=Path, required=True, help="the CSV")
    parser.add_argument(
        "--box-share", type=share, default=0.5, help="of the crop's shorter side that the face takes"
    )
    add_output_arguments(parser)
    add_split_arguments(parser)
    run_command(parser, import_crops)


def import_crops(arguments: argparse.Namespace) -> None:
    """Import as the command line says."""
    collection = Collection(decode_all=arguments.decode)
    index: Path = arguments.index
    columns = set[str]()
    for number, row in _rows(index):
        columns |= row.keys()
        where = f"{index.name} line {number}"
        if not row["path"] or not row["character"]:
            collection.left_out.add("row names no picture or no character", where)
            continue
        split = row.get("split", "train")
        if split not in SPLITS:
            collection.left_out.add(f"split is called “{split}”, not train, val or test", where)
            continue
        path = index.parent / row["path"]
        if size := collection.measure(path):
            face = LabelledFace(centred_box(size, arguments.box_share), row["character"])
            source = row.get("source") or index.absolute().parent.name
            collection.add(path, size, [face], source=source, split=SPLITS[split])
    splitting = None if "split" in columns else splitting_of(arguments)
    print(collection.finish(arguments.out, splitting))  # noqa: T201


def _rows(index: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and rows; a value that a short row lacks is empty."""
    with readable(index), index.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="", strict=True)
        if missing := {"path", "character"} - set(reader.fieldnames or ()):
            raise DatasetError(index, f"has no column {' or '.join(sorted(missing))}")
        for row in reader:
            row.pop(None, None)  # what is beyond the header's columns
            yield reader.line_num, {name: value.strip() for name, value in row.items()}


if __name__ == "__main__":
    main()
