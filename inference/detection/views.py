"""A picture of any size as canvases of fixed shapes, and the boxes found on them back in the picture.

An ordinary picture is one view: scaled, keeping its proportions, onto a grey canvas. A tall or huge one is
the whole plus overlapping square tiles, so that faces too small for the whole view are found; and tiles twice
as large, and so on, so that faces too large for the overlap of the small tiles are seen whole as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import cv2
import numpy as np

from config.options import DetectionOptions
from inference.domain import Detection, FaceBox, ImageRGB
from inference.scaling import resized

_GREY = 114  # what YOLO networks are trained to see around a picture
_SMALLEST_TILE = 640  # pixels of the picture
_LARGEST_TILE = 1_280
_CONTAINED = 0.7  # a box with this share inside a better one is the same face, cut by a tile's edge
_SEEN_IN_WHOLE = 48  # canvas pixels: a face this large is found in the whole view and needs no larger tiles
_EDGE = 3.0  # pixels: a box this close to an inner edge of its tile is taken to be cut


@dataclass(frozen=True, slots=True)
class View:
    """A part of the picture and where it lies on its canvas."""

    left: int
    top: int
    width: int
    height: int
    canvas_wh: tuple[int, int]
    scale: float
    """Canvas pixels per picture pixel."""

    @property
    def placed(self) -> tuple[int, int, int, int]:
        """x, y, width, height of the scaled part on the canvas, centred."""
        width = min(self.canvas_wh[0], max(1, round(self.width * self.scale)))
        height = min(self.canvas_wh[1], max(1, round(self.height * self.scale)))
        return (self.canvas_wh[0] - width) // 2, (self.canvas_wh[1] - height) // 2, width, height


def plan_views(
    width: int, height: int, canvas_shapes: Sequence[tuple[int, int]], options: DetectionOptions
) -> tuple[View, ...]:
    """The views of a picture of that size: the whole first, then tiles, small ones first, row by row.

    Each is on the smallest canvas that shows it unscaled, or else as large as any canvas does. Beyond that a
    larger canvas costs more and finds less: networks miss faces that are much larger than those they know.
    """
    whole = _fit(0, 0, width, height, canvas_shapes)
    longer, shorter = max(width, height), min(width, height)
    ordinary = longer <= options.tile_above and longer <= options.tile_aspect * shorter
    if ordinary or whole.scale >= 1:  # where nothing is lost by scaling, tiles would see no more
        return (whole,)
    side = min(max(shorter, _SMALLEST_TILE), _LARGEST_TILE)
    tiles = _pyramid(width, height, side, options.tile_overlap, whole.scale)
    while len(tiles) > options.max_tiles:
        side = math.ceil(side * 1.15)
        tiles = _pyramid(width, height, side, options.tile_overlap, whole.scale)
    return (whole, *(_fit(*tile, canvas_shapes) for tile in tiles))


def cut_canvas(image: ImageRGB, view: View) -> ImageRGB:
    """The canvas of that view: height × width × 3 RGB."""
    part = image[view.top : view.top + view.height, view.left : view.left + view.width]
    x, y, width, height = view.placed
    canvas = np.empty((view.canvas_wh[1], view.canvas_wh[0], 3), dtype=np.uint8)
    if (width, height) != view.canvas_wh:
        canvas[:] = _GREY
    place = canvas[y : y + height, x : x + width]
    if part.shape[:2] != (height, width) and 2 * width > part.shape[1] and 2 * height > part.shape[0]:
        # For a detector: down to half the size bilinear, which takes a seventh of the time of averaging.
        cv2.resize(part, (width, height), dst=place, interpolation=cv2.INTER_LINEAR)
    else:
        place[:] = resized(part, width, height)
    return canvas


def merge_views(
    width: int,
    height: int,
    found: Iterable[tuple[View, Sequence[Detection]]],
    options: DetectionOptions,
) -> tuple[Detection, ...]:
    """The faces of the picture, best score first, from what was found on each of its views' canvases.

    Boxes come back in pixels of the picture and inside it; the same face seen in several views is one.
    """
    candidates = []
    for view, detections in found:
        for detection in detections:
            box = _in_picture(detection.box, view)
            if _is_cut(box, view, width, height):
                continue
            box = box.clipped(width, height)
            if min(box.width, box.height) >= options.smallest_face:
                candidates.append(replace(detection, box=box))
    groups = _groups(candidates, options.iou_threshold, contained=_CONTAINED)
    return tuple(_fused(group, options.iou_threshold) for group in islice(groups, options.max_faces))


def suppress(
    detections: Sequence[Detection], iou_threshold: float, *, contained: float = 1.0
) -> tuple[Detection, ...]:
    """Greedy non-maximum suppression: best score first, without those that overlap a better one.

    Two boxes overlap when their IoU exceeds `iou_threshold` or the better one holds more than the share
    `contained` of the other's area. A class's score is the highest of the box and those that it suppresses,
    as if each class were suppressed by itself.
    """
    groups = _groups(detections, iou_threshold, contained=contained)
    return tuple(replace(group[0], class_scores=_class_scores(group)) for group in groups)


def _fused(group: Sequence[Detection], iou_threshold: float) -> Detection:
    """The best of a group, its box the mean, weighted by score, of those that agree with it.

    Which view scores best is often a matter of the last digits, so the box must not hang on it. Weighted
    boxes fusion: Solovyev, Wang, Gabruseva, Image and Vision Computing 107 (2021).
    """
    best = group[0]
    if len(group) == 1:
        return best
    agreeing = [one for one in group if one.box.iou(best.box) > iou_threshold]
    corners = np.average([one.box.xyxy for one in agreeing], axis=0, weights=[one.score for one in agreeing])
    return Detection(FaceBox(*map(float, corners)), best.score, _class_scores(agreeing))


def _class_scores(group: Sequence[Detection]) -> tuple[float, ...]:
    """The highest of each class; empty when the detector names nobody."""
    return tuple(map(max, zip(*(one.class_scores for one in group), strict=True)))


def _groups(
    detections: Sequence[Detection], iou_threshold: float, *, contained: float
) -> Iterator[list[Detection]]:
    """Best first, each with those that it overlaps as `suppress()` has it."""
    ordered = sorted(detections, key=lambda d: (-d.score, d.box.x1, d.box.y1))
    boxes = np.array([d.box.xyxy for d in ordered], dtype=np.float64).reshape(-1, 4)
    left = np.arange(len(ordered))
    while left.size:
        best, rest = left[0], left[1:]
        if not rest.size:
            yield [ordered[best]]
            return
        overlap = np.prod(
            np.clip(
                np.minimum(boxes[best, 2:], boxes[rest, 2:]) - np.maximum(boxes[best, :2], boxes[rest, :2]),
                0,
                None,
            ),
            axis=1,
        )
        areas = np.prod(boxes[rest, 2:] - boxes[rest, :2], axis=1)
        union = np.prod(boxes[best, 2:] - boxes[best, :2]) + areas - overlap
        same = (overlap > iou_threshold * union) | (overlap > contained * areas)
        yield [ordered[best], *(ordered[index] for index in rest[same])]
        left = rest[~same]


def _fit(left: int, top: int, width: int, height: int, shapes: Sequence[tuple[int, int]]) -> View:
    def scale(shape: tuple[int, int]) -> float:
        return min(shape[0] / width, shape[1] / height)

    wanted = min(max(scale(shape) for shape in shapes), 1.0)
    good = [shape for shape in shapes if scale(shape) >= wanted * 0.999]
    shape = min(good, key=lambda shape: (shape[0] * shape[1], -scale(shape)))
    return View(left, top, width, height, shape, scale(shape))


def _pyramid(
    width: int, height: int, side: int, overlap: float, whole_scale: float
) -> list[tuple[int, int, int, int]]:
    """Tiles of that side, twice that, and so on, until every face is whole in one or in the whole view."""
    tiles = []
    while True:
        tiles += _tiles(width, height, side, overlap)
        largest = side * overlap  # a face up to this size is never cut by all of the tiles that it lies in
        if (
            largest >= min(width, height)
            or largest * whole_scale >= _SEEN_IN_WHOLE
            or side * 2 >= max(width, height)
        ):
            return tiles
        side *= 2


def _tiles(width: int, height: int, side: int, overlap: float) -> list[tuple[int, int, int, int]]:
    return [
        (x, y, min(side, width), min(side, height))
        for y in _starts(height, side, overlap)
        for x in _starts(width, side, overlap)
    ]


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """Evenly spaced starts of tiles that cover `length`, each sharing at least `overlap` with the next."""
    if length <= side:
        return [0]
    count = math.ceil((length - side) / (side * (1 - overlap))) + 1
    return [round(index * (length - side) / (count - 1)) for index in range(count)]


def _in_picture(box: FaceBox, view: View) -> FaceBox:
    x, y, width, height = view.placed
    return FaceBox(
        (box.x1 - x) * view.width / width + view.left,
        (box.y1 - y) * view.height / height + view.top,
        (box.x2 - x) * view.width / width + view.left,
        (box.y2 - y) * view.height / height + view.top,
    )


def _is_cut(box: FaceBox, view: View, width: int, height: int) -> bool:
    """Whether the box touches an edge of its tile that is not an edge of the picture.

    A neighbouring or a larger tile sees the face whole.
    """
    right, bottom = view.left + view.width, view.top + view.height
    edge = _EDGE / view.scale
    return (
        (view.left > 0 and box.x1 < view.left + edge)
        or (view.top > 0 and box.y1 < view.top + edge)
        or (right < width and box.x2 > right - edge)
        or (bottom < height and box.y2 > bottom - edge)
    )
