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
_POOR = 1.5  # a place that costs more sends the tag looking in the whole picture
_GRID_COLUMNS, _GRID_ROWS = 20, 30
_FEW = 8  # tags whose favourite places are compared one by one
_A_PIXEL_IN = np.array([1.0, 1.0, -1.0, -1.0])


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
    if len(tags_wh) <= _FEW and (favourites := _favourites(size_wh, frames, tags_wh)):
        return favourites
    outer = np.array([frame.xyxy for frame in frames], np.float64)
    sizes = np.array(tags_wh, np.float64)
    choices = _choices(size_wh, outer, sizes)
    chosen = np.array([choice.alone() for choice in choices])
    # Where no tag lies on another and none is badly off, all would stay where they are.
    on_tags = _on_others(chosen, chosen)
    if on_tags.any() or any(choice.is_poor() for choice in choices):
        _settle(chosen, choices)
        on_tags = _on_others(chosen, chosen)
    covered = (on_tags + _on_others(chosen, outer)) / _areas(sizes)
    distances = _distances(chosen, outer[: len(chosen)])
    placements = tuple(
        Placement(FaceBox(*box), distance)
        for box, distance in zip(chosen.tolist(), distances.tolist(), strict=True)
    )
    return Layout(placements, float(covered.max()))


def _favourites(
    size_wh: tuple[int, int], frames: Sequence[FaceBox], tags_wh: Sequence[tuple[int, int]]
) -> Layout | None:
    """Each tag below its frame, in the middle, where nothing is in the way: that is what all would choose."""
    boxes: list[FaceBox] = []
    for index, (frame, (width, height)) in enumerate(zip(frames, tags_wh, strict=False)):
        x, y = round((frame.x1 + frame.x2 - width) / 2), round(frame.y2)
        x = min(max(x, 0), size_wh[0] - width)
        if x < 0 or y + height > size_wh[1]:
            return None
        box = FaceBox(float(x), float(y), float(x + width), float(y + height))
        obstacles = [*frames[:index], *frames[index + 1 :], *boxes]
        if any(box.intersection(obstacle) for obstacle in obstacles):
            return None
        boxes.append(box)
    return Layout(tuple(Placement(box, 0.0) for box in boxes), 0.0)


def _settle(chosen: Boxes, choices: Sequence[_Choices]) -> None:
    """Let each tag in turn take the best place beside the others, until all stay where they are."""
    for _ in range(_SWEEPS):
        before = chosen.copy()
        for choice in choices:
            chosen[choice.index] = choice.best(chosen)
        if np.array_equal(before, chosen):
            return


@dataclass(slots=True)
class _Choices:
    """The places that one tag may take, with what each costs whatever the other tags do."""

    size_wh: tuple[int, int]
    frames: Boxes
    index: int
    """Of the tag and its frame."""
    tag_wh: NDArray[np.float64]
    places: Boxes
    costs: NDArray[np.float64]
    looked_everywhere: bool = False

    def alone(self) -> Boxes:
        """The best place if there were no other tags."""
        place: Boxes = self.places[np.argmin(self.costs)]
        return place

    def is_poor(self) -> bool:
        """Whether even that should be looked for in the whole picture."""
        return bool(self.costs.min() > _POOR)

    def best(self, chosen: Boxes) -> Boxes:
        """The best place while the other tags are where `chosen` has them."""
        costs = self._costs_beside(chosen)
        if costs.min() > _POOR and not self.looked_everywhere:
            self.looked_everywhere = True
            places = _everywhere(self.size_wh, self.tag_wh)
            own, index = self.tag_wh[None], np.array([self.index])
            self.places = np.concatenate([self.places, places])
            self.costs = np.concatenate([self.costs, _fixed_costs(places[None], own, index, self.frames)[0]])
            costs = self._costs_beside(chosen)
        place: Boxes = self.places[np.argmin(costs)]
        return place

    def _costs_beside(self, chosen: Boxes) -> NDArray[np.float64]:
        shared = _intersections(self.places, chosen)
        shared[:, self.index] = 0
        return self.costs + _covering(_OTHER_TAG, shared.sum(axis=1) / _areas(self.tag_wh))


def _choices(size_wh: tuple[int, int], frames: Boxes, tags_wh: NDArray[np.float64]) -> list[_Choices]:
    """One for each tag; computed together, as each step costs more than the numbers in it."""
    indices = np.arange(len(tags_wh))
    places, wishes = _near(size_wh, frames[indices], tags_wh)
    costs = wishes + _fixed_costs(places, tags_wh, indices, frames)
    return [
        _Choices(size_wh, frames, index, tags_wh[index], places[index], costs[index])
        for index in indices.tolist()
    ]


def _fixed_costs(
    places: Boxes, tags_wh: NDArray[np.float64], indices: NDArray[np.intp], frames: Boxes
) -> NDArray[np.float64]:
    """What each place of each tag costs for the faces: tags × places, of tags × places × 4."""
    own = frames[indices][:, None]
    shared = _intersections(places, frames)
    shared[np.arange(len(indices)), :, indices] = 0
    # Places are whole pixels, so one that is meant to touch the frame may lie on it by half a pixel.
    on_own = _intersections(places, own + _A_PIXEL_IN)[..., 0]
    own_areas = np.maximum((own[..., 2] - own[..., 0]) * (own[..., 3] - own[..., 1]), 1.0)
    distances = _distances(places, own)
    reach = 6 * tags_wh[:, 1:]
    costs: NDArray[np.float64] = (
        _covering(_OTHER_FACE, shared.sum(axis=-1) / _areas(tags_wh)[:, None])
        + np.where(on_own > 0, _OWN_FACE + _OWN_FACE_SHARE * on_own / own_areas, 0.0)
        + np.where(distances > 0, _MOVED + np.minimum(distances / reach, _FARTHEST), 0.0)
    )
    return costs


def _areas(sizes_wh: NDArray[np.float64]) -> NDArray[np.float64]:
    areas: NDArray[np.float64] = np.maximum(sizes_wh[..., 0] * sizes_wh[..., 1], 1.0)
    return areas


def _covering(weight: float, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return weight * shares + np.where(shares > 0, _ANY_COVERING, 0.0)


def _on_others(tags: Boxes, obstacles: Boxes) -> NDArray[np.float64]:
    """How many square pixels of each tag the obstacles cover, but for that with its own index."""
    shared = _intersections(tags, obstacles)
    np.fill_diagonal(shared, 0.0)
    covered: NDArray[np.float64] = shared.sum(axis=1)
    return covered


def _near(
    size_wh: tuple[int, int], frames: Boxes, tags_wh: NDArray[np.float64]
) -> tuple[Boxes, NDArray[np.float64]]:
    """Places that touch the frame or lie in it, pushed into the picture, and how little each is liked.

    Tags × places × 4, and places.
    """
    (x1, y1, x2, y2), (width, height) = frames.T, tags_wh.T
    centre, middle = (x1 + x2 - width) / 2, (y1 + y2 - height) / 2
    inset = 0.1 * np.minimum(x2 - x1, y2 - y1)
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
    corners = np.array([[x, y] for x, y, _ in places]).transpose(2, 0, 1)
    return _inside(size_wh, corners, tags_wh[:, None]), np.array([wish for _, _, wish in places])


def _everywhere(size_wh: tuple[int, int], tag_wh: NDArray[np.float64]) -> Boxes:
    """Places all over the picture, half a tag apart or more."""
    counts = (
        min(most, max(2, int(2 + 2 * space // max(1, tag))))
        for most, space, tag in zip((_GRID_COLUMNS, _GRID_ROWS), size_wh, tag_wh, strict=True)
    )
    xs, ys = (
        np.linspace(0, max(0, space - tag), count)
        for space, tag, count in zip(size_wh, tag_wh, counts, strict=True)
    )
    corners = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    return _inside(size_wh, corners, tag_wh)


def _inside(size_wh: tuple[int, int], corners: NDArray[np.float64], tags_wh: NDArray[np.float64]) -> Boxes:
    corners = np.minimum(np.maximum(np.rint(corners), 0), np.maximum(size_wh - tags_wh, 0))
    return np.concatenate([corners, corners + tags_wh], axis=-1)


def _intersections(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Shared square pixels, … × boxes of `a` × boxes of `b`."""
    width = np.minimum(a[..., :, None, 2], b[..., None, :, 2]) - np.maximum(
        a[..., :, None, 0], b[..., None, :, 0]
    )
    height = np.minimum(a[..., :, None, 3], b[..., None, :, 3]) - np.maximum(
        a[..., :, None, 1], b[..., None, :, 1]
    )
    shared: NDArray[np.float64] = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    return shared


def _distances(places: Boxes, frames: Boxes) -> NDArray[np.float64]:
    """Pixels between each place and the frame; 0 where they touch, as nearly as whole pixels allow."""
    gaps = np.maximum(places[..., :2] - frames[..., 2:], frames[..., :2] - places[..., 2:])
    gaps = np.maximum(gaps, 0.0)
    distances = np.hypot(gaps[..., 0], gaps[..., 1])
    return np.where(distances > 1, distances, 0.0)
