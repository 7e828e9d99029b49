"""A picture with its boxes, and the ways to cut, scale, paste, turn and mirror both together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.domain import ImageRGB
from inference.scaling import resized

Colour = tuple[int, int, int]
"""RGB, 0…255."""

GREY: Colour = (114, 114, 114)
"""What YOLO networks see around a picture, in training as in serving."""

_VISIBLE = 0.4  # share of a box from which the part that is left of a face is still a face
_SMALLEST = 7.0  # pixels: nothing smaller can be told from the network's finest cells of 8


@dataclass(frozen=True, slots=True)
class Scene:
    image: ImageRGB
    boxes: NDArray[np.float32]
    """n × 4: x1, y1, x2, y2 in pixels of the image."""
    classes: NDArray[np.intp]
    """For each box."""

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])


def blank(width: int, height: int, colour: Colour = GREY) -> Scene:
    """A picture of one colour without boxes."""
    image = np.empty((height, width, 3), np.uint8)
    image[:] = colour
    return Scene(image, np.zeros((0, 4), np.float32), np.zeros(0, np.intp))


def window(scene: Scene, xywh: tuple[float, float, float, float], size_wh: tuple[int, int]) -> Scene:
    """A rectangle of the picture (in its pixels) scaled to that size; grey where it leaves the picture.

    Boxes of which too little is left, or that become too small to see, are dropped, the others cut.
    """
    x, y, width, height = xywh
    out_width, out_height = size_wh
    scale_x, scale_y = out_width / width, out_height / height
    left, top = max(0, int(np.floor(x))), max(0, int(np.floor(y)))
    right, bottom = min(scene.width, int(np.ceil(x + width))), min(scene.height, int(np.ceil(y + height)))
    canvas = blank(out_width, out_height).image
    if right > left and bottom > top:
        to_x, to_y = round((left - x) * scale_x), round((top - y) * scale_y)
        part_width, part_height = (
            max(1, round((right - left) * scale_x)),
            max(1, round((bottom - top) * scale_y)),
        )
        part = resized(scene.image[top:bottom, left:right], part_width, part_height)
        _paste(canvas, part, to_x, to_y)
    boxes = (scene.boxes - np.array([x, y, x, y], np.float32)) * np.array(
        [scale_x, scale_y, scale_x, scale_y], np.float32
    )
    return _kept(Scene(canvas, boxes, scene.classes))


def pasted(canvas: Scene, tile: Scene, x: int, y: int) -> Scene:
    """The tile laid over the canvas, with its corner there; boxes that it covers are dropped."""
    image = canvas.image.copy()
    _paste(image, tile.image, x, y)
    covered = _share_inside(canvas.boxes, x, y, x + tile.width, y + tile.height) > 1 - _VISIBLE
    moved = _kept(Scene(image, tile.boxes + np.array([x, y, x, y], np.float32), tile.classes))
    return Scene(
        image,
        np.concatenate([canvas.boxes[~covered], moved.boxes]),
        np.concatenate([canvas.classes[~covered], moved.classes]),
    )


def masked(canvas: Scene, tile: Scene, mask: NDArray[np.uint8], x: int, y: int) -> Scene:
    """The tile laid over the canvas where the mask (height × width of the tile) is not 0."""
    size = (tile.width, tile.height)
    below = window(canvas, (x, y, *size), size).image
    image: ImageRGB = np.where(mask[:, :, None] > 0, tile.image, below)
    return pasted(canvas, replace(tile, image=image), x, y)


def mirrored(scene: Scene) -> Scene:
    boxes = scene.boxes.copy()
    boxes[:, [0, 2]] = scene.width - scene.boxes[:, [2, 0]]
    return replace(scene, image=np.ascontiguousarray(scene.image[:, ::-1]), boxes=boxes)


def turned(scene: Scene, degrees: float) -> Scene:
    """Turned around its centre, counter-clockwise, on a canvas of the same size.

    A face fills its box as an ellipse does, so the new box is the one around the turned ellipse: around the
    turned corners it would grow with every turn.
    """
    center = ((scene.width - 1) / 2, (scene.height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(center, degrees, 1.0)
    image = cv2.warpAffine(
        scene.image, matrix, (scene.width, scene.height), flags=cv2.INTER_LINEAR, borderValue=GREY
    )
    middles = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2 - 0.5
    moved = middles @ matrix[:, :2].T + matrix[:, 2] + 0.5
    halves = (scene.boxes[:, 2:] - scene.boxes[:, :2]) / 2
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    reach = np.stack(
        [
            np.hypot(halves[:, 0] * cosine, halves[:, 1] * sine),
            np.hypot(halves[:, 0] * sine, halves[:, 1] * cosine),
        ],
        axis=1,
    )
    boxes = np.concatenate([moved - reach, moved + reach], axis=1).astype(np.float32)
    return _kept(Scene(image.astype(np.uint8, copy=False), boxes, scene.classes))


def _paste(canvas: ImageRGB, part: ImageRGB, x: int, y: int) -> None:
    """Copy what of the part lies on the canvas."""
    left, top = max(0, x), max(0, y)
    right, bottom = min(canvas.shape[1], x + part.shape[1]), min(canvas.shape[0], y + part.shape[0])
    if right > left and bottom > top:
        canvas[top:bottom, left:right] = part[top - y : bottom - y, left - x : right - x]


def _kept(scene: Scene) -> Scene:
    """The boxes that are still to be seen, cut at the edges."""
    visible = _share_inside(scene.boxes, 0, 0, scene.width, scene.height) >= _VISIBLE
    limits = np.array([scene.width, scene.height, scene.width, scene.height], np.float32)
    boxes = np.clip(scene.boxes, 0, limits).astype(np.float32)
    sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    kept = visible & (sides >= _SMALLEST)
    return Scene(scene.image, boxes[kept], scene.classes[kept])


def _share_inside(
    boxes: NDArray[np.float32], x1: float, y1: float, x2: float, y2: float
) -> NDArray[np.float32]:
    width = np.clip(np.minimum(boxes[:, 2], x2) - np.maximum(boxes[:, 0], x1), 0, None)
    height = np.clip(np.minimum(boxes[:, 3], y2) - np.maximum(boxes[:, 1], y1), 0, None)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    share: NDArray[np.float32] = width * height / np.maximum(area, 1e-6)
    return share
