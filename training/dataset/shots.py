"""The shots of a video: where one picture gives way to another, and which frames are worth keeping.

Frames are compared by the colour histograms of 4 × 4 regions (after Nagasaka and Tanaka, "Automatic video
indexing and full-video search for object appearances", 1991). On frames of one television series those of
neighbouring pictures differed by 0.33 or more, and of a picture moved by a twentieth of its width by 0.19
at most. A cut also stands out from what goes on around it. A dissolve or fade is a slow change that comes
to as much as a cut (twin comparison: Zhang, Kankanhalli, Smoliar, "Automatic partitioning of full-motion
video", Multimedia Systems 1, 1993); a short pan to somewhere else is taken for one as well, rightly so for
who collects pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.domain import ImageRGB

Colours = NDArray[np.float32]
"""Shares of a frame's pixels by region and Lab colour, which add up to 1."""

_REDUCED_WIDTH = 320
_REGIONS = 4
_BINS = (8, 4, 4)
_AROUND = 6  # frames on either side: a quarter of a second
_STANDS_OUT = 2.5  # times the mean change around it
_SLOW = 0.08  # share of a cut's change from which a frame may be part of a slow one
_LONGEST_SLOW = 48  # frames; what changes for longer than two seconds moves
_BLANK = 5.0  # deviation of lightness, of 255, below which there is nothing to see
_EDGE = 0.1  # share of a shot at either end that is passed over, where there is anything else


@dataclass(frozen=True, slots=True)
class Look:
    """What is remembered of a frame after it has gone by."""

    sharpness: float
    """Deviation of the Laplacian."""
    blank: bool
    """Whether there is nothing to see."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames first … end − 1."""

    first: int
    end: int

    def __len__(self) -> int:
        return self.end - self.first


class ShotFinder:
    """Sees the frames of a video one after the other; frames are numbered from 0 as they are seen."""

    def __init__(self, *, cut: float) -> None:
        """`cut` is the change of colours from one frame to the next, 0…1, that may be a cut."""
        self.looks: list[Look] = []
        self._cut = cut
        self._changes: list[float] = []
        self._slow: list[Shot] = []
        """Slow changes: the last frame before them, and the first after them."""
        self._last: Colours | None = None
        self._slow_start: tuple[int, Colours] | None = None

    def see(self, frame: ImageRGB) -> None:
        height = max(_REGIONS, round(frame.shape[0] * _REDUCED_WIDTH / frame.shape[1]))
        reduced = cv2.resize(frame, (_REDUCED_WIDTH, height), interpolation=cv2.INTER_AREA)
        lab = cast(NDArray[np.uint8], cv2.cvtColor(reduced, cv2.COLOR_RGB2LAB))
        lightness = lab[..., 0]
        self.looks.append(
            Look(
                sharpness=float(cv2.Laplacian(lightness, cv2.CV_32F).std()),
                blank=float(lightness.std()) < _BLANK,
            )
        )
        colours = _colours(lab)
        last = colours if self._last is None else self._last
        change = _change(last, colours)
        self._follow_slow_change(change, last, colours)
        self._changes.append(change)
        self._last = colours

    def shots(self, *, least_frames: int) -> list[Shot]:
        """Of the frames seen so far, in order and without shorter ones; slow changes belong to none."""
        if not self.looks:
            return []
        cuts = [Shot(number, number) for number in range(1, len(self.looks)) if self._is_cut(number)]
        borders = sorted([*cuts, *self._slow], key=lambda border: border.first)
        starts = [0, *(border.end for border in borders)]
        ends = [*(border.first for border in borders), len(self.looks)]
        shots = (Shot(start, end) for start, end in zip(starts, ends, strict=True))
        return [shot for shot in shots if len(shot) >= max(1, least_frames)]

    def _follow_slow_change(self, change: float, last: Colours, colours: Colours) -> None:
        number = len(self._changes)
        if change >= self._cut:
            self._slow_start = None
        elif change >= self._cut * _SLOW:
            self._slow_start = self._slow_start or (number - 1, last)
        elif self._slow_start is not None:
            first, before = self._slow_start
            if number - first <= _LONGEST_SLOW and _change(before, colours) >= self._cut:
                self._slow.append(Shot(first + 1, number))
            self._slow_start = None

    def _is_cut(self, number: int) -> bool:
        changes = self._changes
        around = changes[max(1, number - _AROUND) : number] + changes[number + 1 : number + 1 + _AROUND]
        usual = sum(around) / len(around) if around else 0.0
        return changes[number] >= max(self._cut, _STANDS_OUT * usual)


def choose_frames(shot: Shot, looks: Sequence[Look], count: int) -> list[int]:
    """The sharpest frame of each of `count` equal parts of the shot, in order; blank ones never."""
    edge = int(len(shot) * _EDGE)
    borders = np.linspace(shot.first + edge, shot.end - edge, count + 1).round().astype(int)
    chosen = []
    for start, end in pairwise(borders):
        usable = [number for number in range(start, end) if not looks[number].blank]
        if usable:
            chosen.append(max(usable, key=lambda number: looks[number].sharpness))
    return chosen


def _colours(lab: NDArray[np.uint8]) -> Colours:
    regions = [
        cv2.calcHist([np.ascontiguousarray(part)], [0, 1, 2], None, list(_BINS), [0, 256] * 3).ravel()
        for row in np.array_split(lab, _REGIONS, axis=0)
        for part in np.array_split(row, _REGIONS, axis=1)
    ]
    found = np.concatenate(regions)
    shares: Colours = (found / found.sum()).astype(np.float32)
    return shares


def _change(a: Colours, b: Colours) -> float:
    return float(np.abs(a - b).sum()) / 2
