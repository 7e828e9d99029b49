"""Colours of the drawings: hue, saturation and lightness in, CSS out."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colour:
    hue: float
    """Turns, 0…1."""
    saturation: float
    lightness: float

    @property
    def css(self) -> str:
        red, green, blue = colorsys.hls_to_rgb(self.hue % 1, self.lightness, self.saturation)
        return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"

    def lighter(self, by: float) -> Colour:
        """Moved by that share towards white, or for a negative share towards black."""
        target = 1.0 if by > 0 else 0.0
        return Colour(self.hue, self.saturation, self.lightness + abs(by) * (target - self.lightness))

    def grey(self) -> Colour:
        return Colour(0.0, 0.0, self.lightness)


LINE = Colour(0.97, 0.25, 0.16)
WHITE = Colour(0.0, 0.0, 1.0)
