"""SVG → pixels."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from inference.domain import ImageRGB

_SCREEN_PITCH = 2.4  # pixels between the dots of the screen tone
_SOFTNESS = 3.0  # how hard the edge of a dot is


def rasterise(svg: str) -> ImageRGB:
    """The picture of an SVG in its own size."""
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - nothing else of the command line needs it

    png = np.frombuffer(svg_to_bytes(svg_string=svg, skip_system_fonts=True), dtype=np.uint8)
    return cast(ImageRGB, cv2.imdecode(png, cv2.IMREAD_COLOR_RGB))


def tinted(image: ImageRGB, colour: tuple[int, int, int], strength: float) -> ImageRGB:
    """The picture in coloured light: `strength` (0…1) of `colour` (RGB) multiplied into it."""
    light = [1 + (value / 255 - 1) * strength for value in colour]
    levels = np.arange(256, dtype=np.float32)
    table = np.stack([levels * factor for factor in light], axis=1).round().astype(np.uint8)
    return cast(ImageRGB, cv2.LUT(image, table[None]))


def screen_toned(image: ImageRGB) -> ImageRGB:
    """The picture in black on white, its greys as a screen of dots at 45°."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    height, width = grey.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    phase = np.float32(np.pi / _SCREEN_PITCH)
    screen = 0.5 + 0.25 * (np.cos((x + y) * phase) + np.cos((x - y) * phase))
    # What is nearly white or black stays plain, as ink on paper.
    ink = np.clip((grey - 0.14) / 0.78, 0, 1)
    dots = np.clip((ink - screen) * _SOFTNESS + 0.5 + (ink - 0.5), 0, 1)
    # A printed screen, scanned, is no longer pure black and white.
    dots = 0.4 * dots + 0.6 * ink
    return cast(ImageRGB, cv2.cvtColor((dots * 255).astype(np.uint8), cv2.COLOR_GRAY2RGB))
