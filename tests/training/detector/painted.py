"""Pictures whose faces are red rectangles, so that a box can be compared with what it should hold."""

from __future__ import annotations

import numpy as np

from inference.domain import ImageRGB
from training.detector.scene import Scene

GROUND = (20, 60, 200)
FACE = (255, 0, 0)


def painted(width: int, height: int, *boxes: tuple[int, int, int, int]) -> Scene:
    """A blue picture with a red rectangle in each box."""
    image = np.empty((height, width, 3), np.uint8)
    image[:] = GROUND
    for x1, y1, x2, y2 in boxes:
        image[y1:y2, x1:x2] = FACE
    return Scene(image, np.array(boxes, np.float32).reshape(-1, 4), np.zeros(len(boxes), np.intp))


def redness(image: ImageRGB, box: np.ndarray | None = None) -> float:
    """The share of red pixels in a box, or their number in the whole image."""
    red = (image[..., 0] > 170) & (image[..., 1] < 90) & (image[..., 2] < 90)
    if box is None:
        return float(red.sum())
    x1, y1, x2, y2 = (round(float(edge)) for edge in box)
    return float(red[y1:y2, x1:x2].mean())


def red_outside(scene: Scene) -> float:
    """The share of the red pixels that lie in no box (a pixel around it is granted)."""
    image = scene.image.copy()
    total = redness(image)
    for x1, y1, x2, y2 in scene.boxes:
        image[max(0, int(y1) - 1) : int(y2) + 2, max(0, int(x1) - 1) : int(x2) + 2] = GROUND
    return redness(image) / max(1.0, total)
