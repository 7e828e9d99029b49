"""Resizes pictures, one way everywhere, so that every part sees the same pixels."""

from __future__ import annotations

from typing import cast

import cv2

from inference.domain import ImageRGB


def resized(image: ImageRGB, width: int, height: int) -> ImageRGB:
    """The picture at width × height: area averaging when it shrinks, bilinear when it grows."""
    if image.shape[:2] == (height, width):
        return image
    shrinks = width * height < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(ImageRGB, cv2.resize(image, (width, height), interpolation=interpolation))
