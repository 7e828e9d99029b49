"""Finds the pictures, labels and classes of a dataset in the YOLO layout; `yolo_layout` writes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

from training.dataset.classes import FACE
from training.dataset.importing import readable
from training.dataset.manifest import SPLITS, Split
from training.dataset.picture_files import pictures_in
from training.errors import DatasetError

_YAML = "data.yaml"


@dataclass(frozen=True, slots=True)
class YoloSource:
    """A dataset as it lies there; nothing of it has been opened but `data.yaml` and lists of pictures."""

    names: Mapping[int, str]
    pictures: tuple[tuple[Path, Split | None], ...]
    """Each with its split; None where the dataset has no splits."""
    label_folders: tuple[Path, ...]

    @property
    def has_splits(self) -> bool:
        return any(split for _, split in self.pictures)


def find_yolo(path: Path) -> YoloSource:
    """The dataset of a `data.yaml` or of a folder. Raises DatasetError that says what was looked for."""
    if path.is_dir():
        return find_yolo(path / _YAML) if (path / _YAML).is_file() else _in_folder(path)
    table = _table(path)
    pictures: list[tuple[Path, Split | None]] = [
        (file, split) for split in SPLITS.values() for file in _listed(path, table, split)
    ]
    if not pictures:
        raise DatasetError(path, "train, val and test name no pictures that are there")
    return YoloSource(_names(path, table.get("names")), tuple(pictures), _label_folders(pictures))


def label_of(picture: Path) -> Path:
    """Where the labels of a picture lie: the last `images` of its folders becomes `labels`."""
    parts = list(picture.parts)
    for number in range(len(parts) - 2, -1, -1):
        if parts[number] == "images":
            parts[number] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _in_folder(folder: Path) -> YoloSource:
    by_split: list[tuple[Path, Split | None]] = [
        (file, split)
        for split in SPLITS.values()
        for place in (folder / split / "images", folder / "images" / split)
        for file in pictures_in(place)
    ]
    pictures = by_split or [(file, None) for file in pictures_in(folder / "images")]
    if not pictures:
        raise DatasetError(
            folder, "has no data.yaml, train/images, images/train or images with pictures in it"
        )
    return YoloSource({0: FACE}, tuple(pictures), _label_folders(pictures))


def _label_folders(pictures: Sequence[tuple[Path, Split | None]]) -> tuple[Path, ...]:
    return tuple(sorted({label_of(path).parent for path, _ in pictures}))


def _table(path: Path) -> dict[str, Any]:
    try:
        with readable(path):
            table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DatasetError(path, str(error)) from error
    if not isinstance(table, dict):
        raise DatasetError(path, "is no table of names and folders")
    return table


def _names(path: Path, names: object) -> dict[int, str]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names or not all(isinstance(number, int) for number in names):
        raise DatasetError(path, "has no `names`: a list, or a table from numbers to names")
    return {number: str(name) for number, name in names.items()}


def _listed(data: Path, table: Mapping[str, Any], split: Split) -> Iterator[Path]:
    """The pictures of a split: of a folder, of a text file that lists them, or of several of these."""
    entries = table.get(split) or []
    if split != "train" and entries == table.get("train"):
        return  # Ultralytics insists on a val, so who has none names the same pictures again
    for entry in [entries] if isinstance(entries, str) else entries:
        place = _resolved(data, table, str(entry))
        if place.suffix == ".txt":
            yield from _in_list(place)
        else:
            yield from pictures_in(place)


def _resolved(data: Path, table: Mapping[str, Any], entry: str) -> Path:
    """Below the table's `path` if it is there; that is often another machine's, so else beside the table."""
    root = data.parent / str(table.get("path") or "")
    places = [root / entry, data.parent / entry]
    for place in places:
        if place.exists():
            return place
    raise DatasetError(data, f"names {entry}, which is not at {places[0]}")


def _in_list(path: Path) -> Iterator[Path]:
    with readable(path):
        lines = path.read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.strip():
            yield path.parent / line.strip()
