"""Face box → square crop: the one piece of code that cuts faces, for serving and for training."""

from __future__ import annotations

from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from config.options import ImageLimits
from inference.domain import FaceBox, FaceCrop, ImageRGB
from inference.images import decode, encode
from inference.scaling import resized

_KEPT_MARGIN = 2.0  # room for embedders that look further than today's
_KEPT_SIDE = 320  # pixels; larger faces are stored at this size
_KEPT_QUALITY = 92
_KEPT_LIMITS = ImageLimits(max_bytes=4 * 1024 * 1024, max_pixels=1_048_576, sampled_frames=1)


def align_crop(image: ImageRGB, box: FaceBox, *, margin: float, side: int) -> ImageRGB:
    """The square around the box's centre, `margin` times its longer side, scaled to side × side × 3 RGB.

    Where the square leaves the picture, the picture's edge is repeated. A large one is halved first, a fast
    path of averaging: two to four times as fast as all at once, and a cosine of 0.998 or more to that.
    """
    inside, beyond, _ = _square(image, box, margin)
    half = (beyond.above + inside.shape[0] + beyond.below) // 2
    square = _bordered_half(inside, beyond, half) if half >= side else _bordered(inside, beyond)
    while (half := square.shape[0] // 2) >= side:
        square = resized(square[: 2 * half, : 2 * half], half, half)
    return resized(square, side, side)


def keep_crop(image: ImageRGB, box: FaceBox, *, margin: float) -> FaceCrop:
    """The face as it is stored with a sample: a WebP with room for at least `margin` around the box."""
    square, local = cut_square(image, box, max(margin, _KEPT_MARGIN))
    factor = min(1.0, _KEPT_SIDE / square.shape[0])
    if factor < 1.0:
        square = resized(square, _KEPT_SIDE, _KEPT_SIDE)
    return FaceCrop(encode(square, format="webp", quality=_KEPT_QUALITY), local.scaled(factor))


def align_kept(crop: FaceCrop, *, margin: float, side: int) -> ImageRGB:
    """The aligned crop made again from a stored one."""
    return align_crop(decode(crop.data, _KEPT_LIMITS).frames[0], crop.box, margin=margin, side=side)


def cut_square(image: ImageRGB, box: FaceBox, margin: float) -> tuple[ImageRGB, FaceBox]:
    """The square around the box's centre in the picture's resolution, and the box in the square's pixels.

    Its side is `margin` times the box's longer side; beyond the picture, the picture's edge is repeated.
    """
    inside, beyond, local = _square(image, box, margin)
    return _bordered(inside, beyond), local


class _Beyond(NamedTuple):
    """How many pixels of a square are beyond the picture."""

    above: int
    below: int
    before: int
    after: int


def _square(image: ImageRGB, box: FaceBox, margin: float) -> tuple[ImageRGB, _Beyond, FaceBox]:
    """What of the square is inside the picture, what is not, and the box in the square's pixels."""
    side = max(1, round(max(box.width, box.height) * margin))
    center_x, center_y = box.center
    left, top = round(center_x - side / 2), round(center_y - side / 2)
    height, width = image.shape[:2]
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    beyond = _Beyond(max(-top, 0), max(top + side - height, 0), max(-left, 0), max(left + side - width, 0))
    return inside, beyond, box.shifted(-left, -top)


def _bordered(inside: ImageRGB, beyond: _Beyond) -> ImageRGB:
    """The square, the picture's edge repeated."""
    if not any(beyond):
        return inside
    return cast(ImageRGB, cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE))


def _bordered_half(inside: ImageRGB, beyond: _Beyond, half: int) -> ImageRGB:
    """`_bordered()` scaled down to `half` a side, the same pixels; without making it, which takes as long.

    An odd last row and column of the square are left out.
    """
    # What is half beyond the picture looks like what is wholly there: like the edge, averaged along it.
    top, left = beyond.above % 2, beyond.before % 2
    rows, columns = (inside.shape[0] - top) // 2, (inside.shape[1] - left) // 2
    kept = inside[top : top + 2 * rows, left : left + 2 * columns]
    if not any(beyond) or not kept.size:
        whole = _bordered(inside, beyond)
        return resized(whole[: 2 * half, : 2 * half], half, half)
    above, before = (beyond.above + top) // 2, (beyond.before + left) // 2
    bottom, right = above + rows, before + columns
    square = np.empty((half, half, 3), np.uint8)
    cv2.resize(kept, (columns, rows), dst=square[above:bottom, before:right], interpolation=cv2.INTER_AREA)
    for columns_there, edge in ((slice(before), inside[:, 0]), (slice(right, half), inside[:, -1])):
        if columns_there.start != columns_there.stop:
            square[above:bottom, columns_there] = _in_pairs(edge[top : top + 2 * rows])[:, None]
    for rows_there, edge in ((slice(above), inside[0]), (slice(bottom, half), inside[-1])):
        if rows_there.start != rows_there.stop:
            square[rows_there, :before], square[rows_there, right:] = edge[0], edge[-1]
            square[rows_there, before:right] = _in_pairs(edge[left : left + 2 * columns])
    return square


def _in_pairs(edge: NDArray[np.uint8]) -> NDArray[np.integer]:
    """Averages of two pixels each, (n, 3); rounded as `resized()` does."""
    return (edge[0::2].astype(np.uint16) + edge[1::2] + 1) >> 1
