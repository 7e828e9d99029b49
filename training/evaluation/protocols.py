"""Published protocols of other data sets, as the files of config/protocols state them: lists and figures."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from inference.domain import FaceBox
from training.dataset.manifest import LabelledPicture
from training.errors import DatasetError
from training.evaluation.faces import FaceTable, NamedFace, open_picture
from training.evaluation.rates import (
    Comparisons,
    Figure,
    Flags,
    Indices,
    roc_figures,
    share_figure,
    sums_of,
    tally,
)
from training.recipes import Recipe

_DISTRACTOR = "-1"  # label of the list
_COLUMNS = {"pathA", "pathB", "label", "invalid"}


class PairOptions(Recipe):
    miss_rate: Annotated[float, Field(gt=0, lt=1)]
    """At which false acceptances are reported."""
    box_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Side of the face box over that of the picture, centred; the list has no boxes."""


class Protocol(Recipe):
    """What to compare with what. Paths are relative to the folder of the data set."""

    title: str
    list: str
    """The file that names the pictures."""
    images: str
    """The folder that its names start from."""
    pairs: PairOptions | None = None
    """The list is a CSV of pairs. Without, it names probes and distractors with their boxes."""


@dataclass(frozen=True, slots=True)
class Trials:
    """The faces of a protocol, and which of them are compared."""

    faces: tuple[NamedFace, ...]
    pairs: Indices
    """n × 2 rows of the faces: a probe and a match."""
    genuine: Flags
    """Whether a pair shows one character."""
    distractors: Indices
    """Rows of the faces; none in a protocol of pairs."""


@dataclass(frozen=True, slots=True)
class DistractorFigures:
    rank_1: Figure
    """Share of the pairs whose probe is more like its match than like any distractor."""
    pairs: int
    probes: int
    distractors: int


@dataclass(frozen=True, slots=True)
class PairFigures:
    eer: Figure
    false_rate: Figure
    """At the protocol's miss rate."""
    pairs: int
    comparisons: Comparisons


def read_trials(protocol: Protocol, root: Path) -> Trials:
    """The protocol's lists in the data set's folder. Raises DatasetError."""
    path = root / protocol.list
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(path, str(error)) from error
    images = root / protocol.images
    if protocol.pairs is None:
        return _with_distractors(path, lines, images)
    return _listed_pairs(path, lines, images, protocol.pairs)


def distractor_figures(trials: Trials, table: FaceTable, *, seed: int) -> DistractorFigures:
    """Rank-1 with one match among all distractors; every pair counts the same."""
    rows = table.embeddings
    probes, match = trials.pairs.T
    asked, place = np.unique(probes, return_inverse=True)
    nearest = np.max(rows[asked] @ rows[trials.distractors].T, axis=1, initial=-1)
    found = np.sum(rows[probes] * rows[match], axis=1) > nearest[place]
    characters = table.characters[probes]
    count = len(table.names)
    return DistractorFigures(
        rank_1=share_figure(
            sums_of(characters, found.astype(np.float64), count),
            sums_of(characters, np.ones(len(found)), count),
            seed=seed,
        ),
        pairs=len(probes),
        probes=len(asked),
        distractors=len(trials.distractors),
    )


def pair_figures(trials: Trials, table: FaceTable, miss_rate: float, *, seed: int) -> PairFigures:
    """Verification over the listed pairs; each counts the same, under its first face's character."""
    first, second = trials.pairs.T
    similarity = np.sum(table.embeddings[first] * table.embeddings[second], axis=1)
    characters, count = table.characters[first], len(table.names)
    comparisons = Comparisons(
        tally(similarity[trials.genuine], characters[trials.genuine], count),
        tally(similarity[~trials.genuine], characters[~trials.genuine], count),
    )
    measured = roc_figures(
        comparisons,
        {"eer": lambda roc: roc.equal_error_rate, "false": lambda roc: roc.false_rate_at(1 - miss_rate)},
        seed=seed,
    )
    return PairFigures(
        eer=measured["eer"], false_rate=measured["false"], pairs=len(first), comparisons=comparisons
    )


def _with_distractors(path: Path, lines: Sequence[str], images: Path) -> Trials:
    faces: list[NamedFace] = []
    rows: dict[str, int] = {}
    listed: list[tuple[int, int]] = []
    by_label = defaultdict[str, list[int]](list)
    for number, line in enumerate(lines, start=1):
        match line.split():
            case [name, x1, y1, x2, y2, label]:
                box = _box(path, number, (x1, y1, x2, y2))
                rows[name] = len(faces)
                by_label[label].append(len(faces))
                faces.append(_face(images / name, box, label))
            case [probe, found]:
                listed.append((_row(path, number, rows, probe), _row(path, number, rows, found)))
            case []:
                pass
            case _:
                raise DatasetError(path, f"line {number}: neither “name x1 y1 x2 y2 label” nor “probe match”")
    distractors = by_label.pop(_DISTRACTOR, [])
    pairs = listed or [pair for same in by_label.values() for pair in permutations(same, 2)]
    if not pairs or not distractors:
        raise DatasetError(path, "it lists no pair of the same character, or no distractor (label -1)")
    return Trials(
        tuple(faces),
        np.array(pairs, dtype=np.intp),
        np.ones(len(pairs), dtype=np.bool_),
        np.array(distractors, dtype=np.intp),
    )


def _listed_pairs(path: Path, lines: Sequence[str], images: Path, options: PairOptions) -> Trials:
    reader = csv.DictReader(lines)
    if missing := _COLUMNS - set(reader.fieldnames or ()):
        raise DatasetError(path, f"it has no column {', '.join(sorted(missing))}")
    listed = [row for row in reader if row["invalid"] == "0"]
    if len({row["label"] for row in listed}) < 2:
        raise DatasetError(path, "it needs valid pairs with label 0 and with label 1")
    names = sorted({row[side] for row in listed for side in ("pathA", "pathB")})
    rows = {name: number for number, name in enumerate(names)}
    return Trials(
        tuple(_whole_face(images / name, options.box_share) for name in names),
        np.array([(rows[row["pathA"]], rows[row["pathB"]]) for row in listed], dtype=np.intp),
        np.array([row["label"] == "1" for row in listed], dtype=np.bool_),
        np.zeros(0, dtype=np.intp),
    )


def _box(path: Path, number: int, texts: tuple[str, str, str, str]) -> FaceBox:
    try:
        box = FaceBox(*map(float, texts))
    except ValueError as error:
        raise DatasetError(path, f"line {number}: {' '.join(texts)} is no box") from error
    if box.width <= 0 or box.height <= 0:
        raise DatasetError(path, f"line {number}: {' '.join(texts)} is no box")
    return box


def _row(path: Path, number: int, rows: Mapping[str, int], name: str) -> int:
    if name not in rows:
        raise DatasetError(path, f"line {number}: {name} is not listed above with its box")
    return rows[name]


def _face(path: Path, box: FaceBox, character: str) -> NamedFace:
    # Nobody looks at the size of the picture, and opening 22,500 of them for it would take minutes.
    picture = LabelledPicture(path, round(box.x2), round(box.y2), source=path.parent.name, split="test")
    return NamedFace(picture, box, character)


def _whole_face(path: Path, share: float) -> NamedFace:
    height, width = open_picture(path).shape[:2]
    x, y = width * (1 - share) / 2, height * (1 - share) / 2
    picture = LabelledPicture(path, width, height, source=path.parent.parent.name, split="test")
    return NamedFace(picture, FaceBox(x, y, width - x, height - y), path.parent.name)
