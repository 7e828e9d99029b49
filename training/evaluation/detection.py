"""What a detector is worth: precision, recall, F1 and average precision, of all pictures and of slices.

Boxes are matched as in the COCO evaluation (Lin et al., "Microsoft COCO", ECCV 2014; pycocotools): best score
first, each to the free face of highest IoU, from the threshold on. AP is COCO's mean of the precision
at 101 recalls; AP50-95 is the mean over the IoUs 0.50, 0.55 … 0.95. Faces that are marked unsure, and faces
outside of a slice by size, are neither to be found nor wrong to find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from inference.domain import Detection, FaceBox
from training.dataset.manifest import LabelledPicture
from training.evaluation.rates import Flags, Floats, Indices

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
RECALLS: Floats = np.linspace(0, 1, 101)
CROWD = 5  # faces in a picture from which it is a crowd

_HIT, _WRONG, _IGNORED = 1, 0, -1

Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class SizeRange:
    """Faces whose longer side lies in a range: pixels, or shares of the picture's longer side."""

    low: float
    high: float
    relative: bool = False

    def holds(self, box: FaceBox, picture: LabelledPicture) -> bool:
        side = max(box.width, box.height)
        return self.low <= (side / max(picture.width, picture.height) if self.relative else side) < self.high

    @property
    def name(self) -> str:
        scale, unit = (100, " % of the picture") if self.relative else (1, " px")
        if np.isinf(self.high):
            return f"face from {self.low * scale:g}{unit}"
        return f"face {self.low * scale:g} to {self.high * scale:g}{unit}"


_PIXELS = (0, 32, 64, 128, 256, float("inf"))
_SHARES = (0, 0.05, 0.15, 0.4, float("inf"))
SIZES = (
    *(SizeRange(low, high) for low, high in pairwise(_PIXELS)),
    *(SizeRange(low, high, relative=True) for low, high in pairwise(_SHARES)),
)


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """A labelled picture, and what a detector found in it."""

    picture: LabelledPicture
    candidates: tuple[Detection, ...]
    """Best score first, down to scores that are of no use to anybody."""
    served: tuple[Detection, ...]
    """From the pack's threshold on."""
    greyscale: bool


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a score threshold does, at IoU 0.5."""

    threshold: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True, slots=True)
class DetectionFigures:
    """Of all pictures or of a slice; nan where there is no face to find."""

    pictures: int
    faces: int
    at_pack: OperatingPoint
    best: OperatingPoint
    """Where F1 is highest."""
    ap50: float
    ap50_95: float
    curve: tuple[Floats, Floats]
    """Recall and precision at IoU 0.5 as the threshold falls."""


def detection_figures(
    seen: Sequence[SeenPicture], threshold: float, size: SizeRange | None = None
) -> DetectionFigures:
    """The figures of these pictures; with `size`, of such faces only. `threshold` is the pack's."""
    wanted = [_wanted(entry.picture, size) for entry in seen]
    total = sum(int(flags.sum()) for flags in wanted)
    scores = np.array([one.score for entry in seen for one in entry.candidates], dtype=np.float64)
    outside = [_outside(entry.candidates, entry.picture, size) for entry in seen]
    overlaps = [_overlaps(entry.candidates, entry.picture) for entry in seen]
    precisions = []
    curve = (np.zeros(0), np.zeros(0))
    best = OperatingPoint(threshold, float("nan"), float("nan"))
    for iou in IOUS:
        codes = np.concatenate([np.zeros(0, np.int8), *map(_matched, overlaps, wanted, outside, repeat(iou))])
        kept = codes != _IGNORED
        recall, precision, falling = _curve(scores[kept], codes[kept], total)
        precisions.append(average_precision(recall, precision) if total else float("nan"))
        if iou == IOUS[0]:
            curve = recall, precision
            best = _best_point(recall, precision, falling, best)
    return DetectionFigures(
        pictures=len(seen),
        faces=total,
        at_pack=_served_point(seen, wanted, threshold, size),
        best=best,
        ap50=precisions[0],
        ap50_95=float(np.mean(precisions)),
        curve=curve,
    )


def average_precision(recall: Floats, precision: Floats) -> float:
    """COCO's: the mean of the highest precision from each of 101 recalls on; recall is rising."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    index = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(envelope, 0)[index].mean())


def faces_of(found: Sequence[Detection], picture: LabelledPicture) -> list[int | None]:
    """Which of the picture's faces each box is, at IoU 0.5; None for none. Boxes come best score first."""
    every = np.ones(len(picture.faces), dtype=np.bool_)
    return [None if face < 0 else int(face) for face in _assigned(_overlaps(found, picture), every, IOUS[0])]


def answered_share(seen: Sequence[SeenPicture], threshold: float | None = None) -> float:
    """Share of the pictures without a face that are answered with one; at the pack's threshold or another."""
    empty = [entry for entry in seen if not entry.picture.faces]
    if not empty:
        return float("nan")
    if threshold is None:
        answered = sum(bool(entry.served) for entry in empty)
    else:
        answered = sum(any(one.score >= threshold for one in entry.candidates) for entry in empty)
    return answered / len(empty)


def picture_slices(
    seen: Sequence[SeenPicture], groups: Mapping[str, Sequence[str]]
) -> dict[str, list[SeenPicture]]:
    """Pictures by what they show and where they are from; `groups` names sources. Empty ones are left out."""
    slices: dict[str, list[SeenPicture]] = {
        "labelled by a person": [
            entry
            for entry in seen
            if entry.picture.faces and all(face.state == "sure" for face in entry.picture.faces)
        ],
        "greyscale": [entry for entry in seen if entry.greyscale],
        f"crowded, {CROWD} faces or more": [entry for entry in seen if len(entry.picture.faces) >= CROWD],
    }
    for name, sources in groups.items():
        slices[name] = [entry for entry in seen if entry.picture.source in sources]
    for source in sorted({entry.picture.source for entry in seen}):
        slices[f"source {source}"] = [entry for entry in seen if entry.picture.source == source]
    return {name: entries for name, entries in slices.items() if entries}


def _wanted(picture: LabelledPicture, size: SizeRange | None) -> Flags:
    """Which of the picture's faces are to be found."""
    return np.array(
        [
            face.state != "unsure" and (size is None or size.holds(face.box, picture))
            for face in picture.faces
        ],
        dtype=np.bool_,
    )


def _outside(found: Sequence[Detection], picture: LabelledPicture, size: SizeRange | None) -> Flags:
    """Which boxes are not wrong when they match no face."""
    return np.array([size is not None and not size.holds(one.box, picture) for one in found], dtype=np.bool_)


def _overlaps(found: Sequence[Detection], picture: LabelledPicture) -> Floats:
    """boxes × faces: IoU."""
    return np.array(
        [[one.box.iou(face.box) for face in picture.faces] for one in found], dtype=np.float64
    ).reshape(len(found), len(picture.faces))


def _matched(overlaps: Floats, wanted: Flags, outside: Flags, iou: float) -> Codes:
    """What each box is: _HIT, _WRONG or _IGNORED."""
    faces = _assigned(overlaps, wanted, iou)
    codes = np.where(outside, _IGNORED, _WRONG).astype(np.int8)
    matched = faces >= 0
    codes[matched] = np.where(wanted[faces[matched]], _HIT, _IGNORED)
    return codes


def _assigned(overlaps: Floats, wanted: Flags, iou: float) -> Indices:
    """The face of each box, best score first; -1 for none. Faces that are wanted come before others."""
    faces = np.full(len(overlaps), -1)
    free = np.ones(len(wanted), dtype=np.bool_)
    for box, row in enumerate(overlaps):
        near = free & (row >= iou)
        candidates = near & wanted if np.any(near & wanted) else near
        if np.any(candidates):
            faces[box] = np.argmax(np.where(candidates, row, -1))
            free[faces[box]] = False
    return faces


def _curve(scores: Floats, codes: Codes, total: int) -> tuple[Floats, Floats, Floats]:
    """Recall, precision and threshold as it falls; boxes of the same score come in together."""
    order = np.argsort(-scores, kind="stable")
    falling, hits = scores[order], np.cumsum(codes[order] == _HIT)
    last = np.append(falling[1:] != falling[:-1], True)[: len(falling)]
    count = np.arange(1, len(falling) + 1)
    return (hits / max(total, 1))[last], (hits / count)[last], falling[last]


def _best_point(
    recall: Floats, precision: Floats, thresholds: Floats, none: OperatingPoint
) -> OperatingPoint:
    points = [
        OperatingPoint(float(threshold), float(right), float(found))
        for found, right, threshold in zip(recall, precision, thresholds, strict=True)
    ]
    return max(points, key=lambda point: point.f1, default=none)


def _served_point(
    seen: Sequence[SeenPicture], wanted: Sequence[Flags], threshold: float, size: SizeRange | None
) -> OperatingPoint:
    codes = [
        _matched(
            _overlaps(entry.served, entry.picture),
            flags,
            _outside(entry.served, entry.picture, size),
            IOUS[0],
        )
        for entry, flags in zip(seen, wanted, strict=True)
    ]
    hits = sum(int(np.sum(one == _HIT)) for one in codes)
    wrong = sum(int(np.sum(one == _WRONG)) for one in codes)
    total = sum(int(flags.sum()) for flags in wanted)
    return OperatingPoint(
        threshold,
        precision=hits / (hits + wrong) if hits + wrong else float("nan"),
        recall=hits / total if total else float("nan"),
    )
