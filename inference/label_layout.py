"""Where labels go: tags near their faces, inside the picture, off other faces and off each other.

Pure geometry in pixels of the picture; it knows neither texts nor colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.domain import FaceBox

Boxes = NDArray[np.float64]
"""One x1, y1, x2, y2 a row."""

_SWEEPS = 8
# Costs. Covering a share of a tag with what is not its own face outweighs any wish about side and distance.
_OTHER_TAG, _OTHER_FACE = 80.0, 40.0
_ANY_COVERING = 0.6  # however small: more than any wish about the side
_OWN_FACE, _OWN_FACE_SHARE = 0.3, 4.0
_MOVED, _FARTHEST = 0.5, 3.0
_GRID_COLUMNS, _GRID_ROWS = 20, 30


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one tag goes."""

    box: FaceBox
    """Whole pixels, inside the picture; a tag that is larger than the picture begins at its edge."""
    distance: float
    """Pixels to its face's frame; 0 where it touches or covers it."""

    @property
    def moved(self) -> bool:
        """A line should lead from the tag to the frame."""
        return self.distance > 0


@dataclass(frozen=True, slots=True)
class Layout:
    placements: tuple[Placement, ...]
    covered: float
    """The largest share of a tag that lies on other tags or on others' frames; 0 where all is well."""


def place_labels(
    size_wh: tuple[int, int], frames: Sequence[FaceBox], tags_wh: Sequence[tuple[int, int]]
) -> Layout:
    """A place for each tag: frame i (the outer edge of what is drawn around a face) has tag i.

    Frames beyond the tags (of faces without one) are only kept free. Below is liked best, then above, beside,
    on its own face, and last somewhere else in the picture.
    """
    outer = _as_boxes(frames)
    choices = [_Choices(size_wh, index, tag, outer) for index, tag in enumerate(tags_wh)]
    chosen = _as_boxes([choice.alone() for choice in choices])
    for _ in range(_SWEEPS):
        before = chosen.copy()
        for choice in choices:
            chosen[choice.index] = choice.best(chosen)
        if np.array_equal(before, chosen):
            break
    placements = tuple(
        Placement(FaceBox(*map(float, box)), float(_distances(box[None], frame)[0]))
        for box, frame in zip(chosen, outer, strict=False)
    )
    covered = max((choice.covered(chosen) for choice in choices), default=0.0)
    return Layout(placements, covered)


class _Choices:
    """The places that one tag may take, with what each costs whatever the other tags do."""

    def __init__(self, size_wh: tuple[int, int], index: int, tag_wh: tuple[int, int], frames: Boxes) -> None:
        self.index = index
        self._size_wh, self._tag_wh, self._frames = size_wh, tag_wh, frames
        self._others = np.arange(len(frames)) != index
        self._looked_everywhere = False
        self._places, wishes = _near(size_wh, frames[index], tag_wh)
        self._costs = wishes + self._fixed_costs(self._places)

    def alone(self) -> Boxes:
        """The best place if there were no other tags."""
        place: Boxes = self._places[np.argmin(self._costs)]
        return place

    def best(self, chosen: Boxes) -> Boxes:
        """The best place while the other tags are where `chosen` has them."""
        others = chosen[self._others[: len(chosen)]]
        costs = self._costs + _covering(_OTHER_TAG, self._share(self._places, others))
        if costs.min() > 1.5 and not self._looked_everywhere:
            self._looked_everywhere = True
            places = _everywhere(self._size_wh, self._tag_wh)
            self._places = np.concatenate([self._places, places])
            self._costs = np.concatenate([self._costs, self._fixed_costs(places)])
            costs = self._costs + _covering(_OTHER_TAG, self._share(self._places, others))
        place: Boxes = self._places[np.argmin(costs)]
        return place

    def covered(self, chosen: Boxes) -> float:
        """The share of the tag that lies on other tags or other frames."""
        others = np.concatenate([chosen[self._others[: len(chosen)]], self._frames[self._others]])
        return float(self._share(chosen[self.index][None], others)[0])

    def _fixed_costs(self, places: Boxes) -> NDArray[np.float64]:
        own = self._frames[self.index]
        # Places are whole pixels, so one that is meant to touch the frame may lie on it by half a pixel.
        on_own = _intersections(places, (own + np.array([1, 1, -1, -1]))[None])[:, 0]
        own_area = max((own[2] - own[0]) * (own[3] - own[1]), 1.0)
        distances = _distances(places, own)
        reach = 6 * self._tag_wh[1]
        return (
            _covering(_OTHER_FACE, self._share(places, self._frames[self._others]))
            + np.where(on_own > 0, _OWN_FACE + _OWN_FACE_SHARE * on_own / own_area, 0.0)
            + np.where(distances > 0, _MOVED + np.minimum(distances / reach, _FARTHEST), 0.0)
        )

    def _share(self, places: Boxes, obstacles: Boxes) -> NDArray[np.float64]:
        """How much of the tag the obstacles cover at each place; beyond 1 where they lie on each other."""
        shares: NDArray[np.float64] = _intersections(places, obstacles).sum(axis=1)
        return shares / max(self._tag_wh[0] * self._tag_wh[1], 1)


def _covering(weight: float, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return weight * shares + np.where(shares > 0, _ANY_COVERING, 0.0)


def _near(
    size_wh: tuple[int, int], frame: Boxes, tag_wh: tuple[int, int]
) -> tuple[Boxes, NDArray[np.float64]]:
    """Places that touch the frame or lie in it, pushed into the picture, and how little each is liked."""
    (x1, y1, x2, y2), (width, height) = frame, tag_wh
    centre, middle = (x1 + x2 - width) / 2, (y1 + y2 - height) / 2
    inset = 0.1 * min(x2 - x1, y2 - y1)
    across = (
        (centre, 0.0),
        (x1, 0.02),
        (x2 - width, 0.03),
        (x1 - 0.6 * width, 0.09),
        (x2 - 0.4 * width, 0.1),
    )
    along = ((y2 - height, 0.0), (y1, 0.02), (middle, 0.04))
    places = [
        *((x, y2, wish) for x, wish in across),
        *((x, y1 - height, 0.05 + wish) for x, wish in across),
        *((x2, y, 0.12 + wish) for y, wish in along),
        *((x1 - width, y, 0.14 + wish) for y, wish in along),
        *((x, y, 0.2) for x in (x2, x1 - width) for y in (y2, y1 - height)),
        *((x, y2 - height, 0.02 + wish) for x, wish in across[:3]),
        *((x, y2 - height - inset, 0.04 + wish) for x, wish in across[:1]),
        (centre, y1, 0.3),
        (centre, y1 + inset, 0.32),
    ]
    values = np.array(places, np.float64)
    return _inside(size_wh, values[:, :2], tag_wh), values[:, 2]


def _everywhere(size_wh: tuple[int, int], tag_wh: tuple[int, int]) -> Boxes:
    """Places all over the picture, half a tag apart or more."""
    counts = (
        min(most, max(2, 2 + 2 * space // max(1, tag)))
        for most, space, tag in zip((_GRID_COLUMNS, _GRID_ROWS), size_wh, tag_wh, strict=True)
    )
    xs, ys = (
        np.linspace(0, max(0, space - tag), count)
        for space, tag, count in zip(size_wh, tag_wh, counts, strict=True)
    )
    corners = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    return _inside(size_wh, corners, tag_wh)


def _inside(size_wh: tuple[int, int], corners: NDArray[np.float64], tag_wh: tuple[int, int]) -> Boxes:
    tag = np.array(tag_wh)
    corners = np.minimum(np.maximum(np.rint(corners), 0), np.maximum(size_wh - tag, 0))
    return np.concatenate([corners, corners + tag], axis=1)


def _as_boxes(boxes: Sequence[FaceBox] | Sequence[Boxes]) -> Boxes:
    rows = [box.xyxy if isinstance(box, FaceBox) else box for box in boxes]
    return np.array(rows, np.float64).reshape(-1, 4)


def _intersections(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Shared square pixels, one row a box of `a`, one column a box of `b`."""
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    shared: NDArray[np.float64] = np.maximum(width, 0) * np.maximum(height, 0)
    return shared


def _distances(places: Boxes, frame: Boxes) -> NDArray[np.float64]:
    """Pixels between each place and the frame; 0 where they touch, as nearly as whole pixels allow."""
    dx = np.maximum(np.maximum(places[:, 0] - frame[2], frame[0] - places[:, 2]), 0)
    dy = np.maximum(np.maximum(places[:, 1] - frame[3], frame[1] - places[:, 3]), 0)
    distances = np.hypot(dx, dy)
    return np.where(distances > 1, distances, 0.0)
