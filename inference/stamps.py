"""Small drawings that are made once and painted often: what a drawing does to any ground, as numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from inference.domain import ImageRGB

_WHITE = 255
_BITS = 8
"""Of fractions: shares of a pixel are numbers of 256ths, so that 16 bits hold all that is added up."""
N = TypeVar("N", bound=np.generic)


def overlap(canvas: ImageRGB, drawing: NDArray[N], left: int, top: int) -> tuple[ImageRGB, NDArray[N]]:
    """The part of the canvas that the drawing (height × width …) lies on, and the part that lies on it."""
    height, width = drawing.shape[:2]
    place = canvas[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]
    return place, drawing[max(0, -top) :, max(0, -left) :][: place.shape[0], : place.shape[1]]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A square drawing of side × side pixels: a pixel of the ground becomes `(paint + keep * pixel) >> 8`."""

    paint: NDArray[np.uint16]
    """side × side × 3 RGB, 0…255 in 256ths, and half of one, so that the sum is rounded."""
    keep: NDArray[np.uint16]
    """The same shape, 0…1 in 256ths."""

    @classmethod
    def of(cls, side: int, draw: Callable[[ImageRGB], None]) -> Stamp:
        """What `draw` does to a square; each pixel must become a mixture of itself and a colour."""
        black, white = (np.full((side, side, 3), level, np.uint8) for level in (0, _WHITE))
        draw(black)
        draw(white)
        keep = np.rint((white.astype(np.float32) - black) * (1 << _BITS) / _WHITE)
        paint = black * np.uint16(1 << _BITS) + np.uint16(1 << (_BITS - 1))
        return cls(paint, keep.astype(np.uint16))

    @property
    def side(self) -> int:
        return int(self.paint.shape[0])

    def flipped(self, *, across: bool, down: bool) -> Stamp:
        """Mirrored left to right, and upside down."""
        steps = slice(None, None, -1 if down else 1), slice(None, None, -1 if across else 1)
        return Stamp(self.paint[steps], self.keep[steps])

    def onto(self, canvas: ImageRGB, left: int, top: int) -> None:
        """Paint it there; what is outside the canvas is cut off."""
        place, keep = overlap(canvas, self.keep, left, top)
        _, paint = overlap(canvas, self.paint, left, top)
        place[:] = _mixed(place, keep, paint)


@dataclass(frozen=True, slots=True)
class StampSheet:
    """Stamps of one size."""

    paint: NDArray[np.uint16]
    """n × side × side × 3."""
    keep: NDArray[np.uint16]

    @classmethod
    def of(cls, stamps: Sequence[Stamp]) -> StampSheet:
        return cls(np.stack([one.paint for one in stamps]), np.stack([one.keep for one in stamps]))

    @property
    def side(self) -> int:
        return int(self.paint.shape[1])

    def onto(
        self, canvas: ImageRGB, which: NDArray[np.intp], left_top: NDArray[np.intp], *, apart: bool
    ) -> None:
        """Paint stamp `which[i]` at x, y `left_top[i]`, in this order; what is outside the canvas is cut off.

        `apart` says that none paints into the square of another: that takes a quarter of the time.
        """
        whole = ((left_top >= 0) & (left_top + self.side <= canvas.shape[1::-1])).all(axis=1) & apart
        if whole.any():
            squares = sliding_window_view(canvas, (self.side, self.side, 3), writeable=True)[:, :, 0]
            xs, ys = left_top[whole].T
            own = which[whole]
            squares[ys, xs] = _mixed(squares[ys, xs], self.keep[own], self.paint[own])
        for one, (left, top) in zip(which[~whole].tolist(), left_top[~whole].tolist(), strict=True):
            Stamp(self.paint[one], self.keep[one]).onto(canvas, left, top)


def _mixed(
    ground: NDArray[np.uint8], keep: NDArray[np.uint16], paint: NDArray[np.uint16]
) -> NDArray[np.uint16]:
    mixed = ground * keep
    mixed += paint
    mixed >>= _BITS
    return mixed
