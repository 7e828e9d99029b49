"""Face box → square crop: the one piece of code that cuts faces, for serving and for training."""

from __future__ import annotations

from typing import cast

import cv2

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
    square, _ = cut_square(image, box, margin)
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
    side = max(1, round(max(box.width, box.height) * margin))
    center_x, center_y = box.center
    left, top = round(center_x - side / 2), round(center_y - side / 2)
    height, width = image.shape[:2]
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    if inside.shape[:2] != (side, side):
        above, below = max(-top, 0), max(top + side - height, 0)
        before, after = max(-left, 0), max(left + side - width, 0)
        bordered = cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_REPLICATE)
        inside = cast(ImageRGB, bordered)
    return inside, box.shifted(-left, -top)
