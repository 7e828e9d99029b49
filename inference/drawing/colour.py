"""Colour arithmetic on "#rrggbb"."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable


def mix(colour: str, other: str, share: float) -> str:
    """`colour` with `share` (0…1) of it replaced by `other`."""
    return _text(a + (b - a) * share for a, b in zip(_parts(colour), _parts(other), strict=True))


def turned(colour: str, *, hue: float = 0.0, saturation: float = 1.0, value: float = 1.0) -> str:
    """The hue moved by `hue` turns, saturation and value multiplied."""
    h, s, v = colorsys.rgb_to_hsv(*_parts(colour))
    return _text(colorsys.hsv_to_rgb((h + hue) % 1.0, min(1.0, s * saturation), min(1.0, v * value)))


def luminance(colour: str) -> float:
    """How bright the colour looks, 0…1."""
    red, green, blue = _parts(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def grey_of(colour: str) -> str:
    return _text([luminance(colour)] * 3)


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _text(parts: Iterable[float]) -> str:
    return "#" + "".join(f"{round(min(1.0, max(0.0, part)) * 255):02x}" for part in parts)
