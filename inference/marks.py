"""How marks on a picture look: frames around faces, tags, leader lines; painted in place, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from math import ceil
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.domain import FaceBox, ImageRGB
from inference.stamps import Stamp, StampSheet, overlap
from inference.typeset import TextSprite

RGB = tuple[int, int, int]

DARK: RGB = (16, 18, 22)
LIGHT: RGB = (255, 255, 255)

_FRACTION_BITS = 4
"""OpenCV draws to 1/16 pixel."""
_DOT_BLEED = 2
"""In that unit: half of what OpenCV draws lines thicker than circles; the rest is for dots out of place."""
_ANGLES = np.pi * (np.array([[1.0], [1.5], [2.0], [2.5]]) + np.linspace(0, 0.5, 9))
_ARCS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=-1)
"""Of a circle with radius 1, clockwise from its left: four quarters × 9 points × x, y."""
_DOT_SOFTNESS = 1.5
"""Pixels by which a dot and its soft edge may be larger than its stroke says, in each direction."""
_PHASES = 4
"""Dots are painted to 1/4 pixel, from stamps."""
_ROUNDNESS = 0.32
"""Of tags: radius of the corners in heights."""


@dataclass(frozen=True, slots=True)
class Style:
    """The look of a face's frame and tag. The kind of line tells styles apart without colour."""

    fill: RGB
    ink: RGB
    """Of the text on `fill`; contrast at least 4.5 : 1."""
    frame: RGB
    line: Literal["solid", "dashed", "dotted"]
    """Of the frame."""


# Okabe and Ito's colours, which people with any colour vision tell apart.
SURE = Style(fill=(0, 114, 178), ink=LIGHT, frame=(0, 114, 178), line="solid")
DOUBTFUL = Style(fill=(230, 159, 0), ink=(0, 0, 0), frame=(230, 159, 0), line="dashed")
STRANGE = Style(fill=(64, 66, 72), ink=LIGHT, frame=LIGHT, line="dotted")


@dataclass(frozen=True, slots=True)
class Stroke:
    """Thickness of a frame: a coloured core between light and dark edges that show on any ground."""

    core: int
    edge: int

    @property
    def total(self) -> int:
        return self.core + 4 * self.edge


def stroke_for(face_side: float, picture_side: float, style: Style) -> Stroke:
    """A stroke that grows with the face, within limits that grow with the picture."""
    core = min(max(face_side * 0.016, picture_side * 0.0028), picture_side * 0.006)
    if style.line == "dotted":
        core *= 0.75
    core = max(2, round(core))
    return Stroke(core, max(1, round(core * 0.3)))


def frame_around(face: FaceBox, stroke: Stroke, size_wh: tuple[int, int]) -> FaceBox:
    """The outer edge of a frame that leaves the face untouched but for its rounded corners.

    At the edge of the picture it lies on the face.
    """
    # One more pixel for the soft edge of the line.
    room = stroke.total + 1
    return FaceBox(face.x1 - room, face.y1 - room, face.x2 + room, face.y2 + room).clipped(*size_wh)


def paint_frame(canvas: ImageRGB, frame: FaceBox, stroke: Stroke, style: Style) -> None:
    """A rounded frame whose outer edge is `frame`."""
    inset = stroke.total / 2
    x1, y1, x2, y2 = frame.x1 + inset, frame.y1 + inset, frame.x2 - inset, frame.y2 - inset
    radius = max(0.0, min(0.1 * min(x2 - x1, y2 - y1), 8 * stroke.core))
    outline = _rounded_outline(x1, y1, x2, y2, radius)
    if style.line == "solid":
        _paint_lines(canvas, [outline], stroke, style.frame)
    elif style.line == "dashed":
        dashes = _dashes(outline, dash=5.0 * stroke.core, gap=3.0 * stroke.core + 4 * stroke.edge)
        _paint_lines(canvas, dashes, stroke, style.frame)
    else:
        _paint_dots(canvas, _dots(outline, 2.5 * stroke.total), stroke, style.frame)


def paint_leader(canvas: ImageRGB, tag: FaceBox, frame: FaceBox, stroke: Stroke, style: Style) -> None:
    """A line from the tag to the nearest point of the frame."""
    ends = []
    for low, high, other_low, other_high in (
        (tag.x1, tag.x2, frame.x1, frame.x2),
        (tag.y1, tag.y2, frame.y1, frame.y2),
    ):
        if high < other_low:
            ends.append((high, other_low))
        elif other_high < low:
            ends.append((low, other_high))
        else:
            shared = (max(low, other_low) + min(high, other_high)) / 2
            ends.append((shared, shared))
    points = np.array(ends, np.float64).T
    _paint_lines(canvas, [points], Stroke(max(1, stroke.core * 2 // 3), stroke.edge), style.frame)


def paint_tag(canvas: ImageRGB, box: FaceBox, text: TextSprite, size: int, style: Style) -> None:
    """A filled rounded tag with the text in its middle; what would not fit into it is cut off."""
    x, y, width, height = (round(value) for value in (box.x1, box.y1, box.width, box.height))
    edge = tag_edge(size)
    corner = _tag_corner(height, edge, style.fill)
    right, bottom = x + width, y + height
    for inset, colour in _tag_layers(edge, style.fill):
        _fill(canvas, (x + corner.side, y + inset, right - corner.side, bottom - inset), colour)
        _fill(canvas, (x + inset, y + corner.side, right - inset, bottom - corner.side), colour)
    for left, across in ((x, False), (right - corner.side, True)):
        for top, down in ((y, False), (bottom - corner.side, True)):
            corner.flipped(across=across, down=down).onto(canvas, left, top)
    inner = canvas[max(0, y + 2 * edge) : max(0, y + height - 2 * edge), max(0, x) : max(0, x + width)]
    top = _text_top(text, size, height / 2 - 2 * edge)
    place, coverage = overlap(inner, text.coverage, (width - text.width) // 2, top)
    place[:] = _inks(style.fill, style.ink)[coverage]


def paint_text(
    canvas: ImageRGB, text: TextSprite, size: int, colour: RGB, *, left: int, middle: float
) -> None:
    """The text in font size `size`, with its capitals' half height at `middle`."""
    _blend(canvas, text.coverage, colour, left, _text_top(text, size, middle))


def _text_top(text: TextSprite, size: int, middle: float) -> int:
    return round(middle + 0.36 * size) - text.rise


def tag_edge(size: int) -> int:
    """Pixels of a tag's light and of its dark edge, for that font size."""
    return max(1, round(size / 18))


def tag_size_wh(text_width: int, size: int) -> tuple[int, int]:
    """Width and height of a tag for a text of that width in that font size."""
    height = round(1.5 * size) + 4 * tag_edge(size)
    return max(text_width + round(0.9 * size) + 4 * tag_edge(size), height), height


def _rounded_outline(x1: float, y1: float, x2: float, y2: float, radius: float) -> NDArray[np.float64]:
    """A closed line of points, clockwise from the upper left corner; its last point is its first."""
    left, right, upper, lower = x1 + radius, x2 - radius, y1 + radius, y2 - radius
    centres = np.array([(left, upper), (right, upper), (right, lower), (left, lower)])
    points = (centres[:, None] + radius * _ARCS).reshape(-1, 2)
    return np.concatenate([points, points[:1]])


def _dashes(outline: NDArray[np.float64], *, dash: float, gap: float) -> list[NDArray[np.float64]]:
    """The outline cut into dashes, the gaps stretched so that they come out even."""
    along = _lengths(outline)
    starts = _even_steps(along[-1], dash + gap)
    dash = min(dash, along[-1] / len(starts) / 2)
    within = (along > starts[:, None]) & (along < starts[:, None] + dash)
    stations = [[start, *along[inner], start + dash] for start, inner in zip(starts, within, strict=True)]
    points = _points_at(np.concatenate(stations), along, outline)
    return np.split(points, np.cumsum([len(dash_stations) for dash_stations in stations])[:-1])


def _dots(outline: NDArray[np.float64], pitch: float) -> NDArray[np.float64]:
    """Points on the outline, about `pitch` apart, but evenly."""
    along = _lengths(outline)
    return _points_at(_even_steps(along[-1], pitch), along, outline)


def _lengths(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far along the outline each of its points is."""
    lengths: NDArray[np.float64] = np.hypot(*np.diff(outline, axis=0).T)
    along: NDArray[np.float64] = np.concatenate([np.zeros(1), np.cumsum(lengths)])
    return along


def _even_steps(length: float, pitch: float) -> NDArray[np.float64]:
    count = max(4, round(length / pitch))
    return np.linspace(0.0, length, count, endpoint=False, dtype=np.float64)


def _points_at(
    stations: NDArray[np.float64], along: NDArray[np.float64], outline: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.stack([np.interp(stations, along, outline[:, axis]) for axis in (0, 1)], axis=1)


def _paint_lines(canvas: ImageRGB, lines: list[NDArray[np.float64]], stroke: Stroke, colour: RGB) -> None:
    # OpenCV's coordinates are centres of pixels, ours are edges.
    points = [np.round((line - 0.5) * 2**_FRACTION_BITS).astype(np.int32) for line in lines]
    for thickness, layer_colour in _layers(stroke, colour):
        cv2.polylines(canvas, points, False, layer_colour, thickness, cv2.LINE_AA, _FRACTION_BITS)


def _paint_dots(canvas: ImageRGB, dots: NDArray[np.float64], stroke: Stroke, colour: RGB) -> None:
    # OpenCV's coordinates are centres of pixels, ours are edges.
    centres = np.round((dots - 0.5) * _PHASES).astype(np.intp)
    sheet = _dot_sheet(stroke, colour)
    left_top = centres // _PHASES - sheet.side // 2
    phases = centres % _PHASES @ np.array([1, _PHASES])
    # No dot may reach into the square of the next one or of one on the other side.
    reach = stroke.total / 2 + _DOT_SOFTNESS
    steps = np.abs(left_top - left_top[np.arange(-1, len(left_top) - 1)])
    gaps = np.hypot(*np.maximum(steps - sheet.side / 2, 0).T)
    across = (left_top.max(axis=0) - left_top.min(axis=0)).min() - sheet.side / 2
    sheet.onto(canvas, phases, left_top, apart=min(gaps.min(), across) >= reach)


@lru_cache(maxsize=64)
def _dot_sheet(stroke: Stroke, colour: RGB) -> StampSheet:
    """Dots whose centres are x + y × `_PHASES` phases behind that of the pixel in the middle."""
    side = stroke.total + 2 * ceil(_DOT_SOFTNESS + 1)
    middle, phase = side // 2 << _FRACTION_BITS, (1 << _FRACTION_BITS) // _PHASES

    def dot(x: int, y: int) -> Stamp:
        centre = middle + x * phase, middle + y * phase
        return Stamp.of(side, partial(_paint_dot, centre=centre, stroke=stroke, colour=colour))

    return StampSheet.of([dot(x, y) for y in range(_PHASES) for x in range(_PHASES)])


def _paint_dot(canvas: ImageRGB, *, centre: Sequence[int], stroke: Stroke, colour: RGB) -> None:
    # As a line of no length it would look the same and take twice the time.
    for thickness, layer_colour in _layers(stroke, colour):
        radius = thickness * 2 ** (_FRACTION_BITS - 1) + _DOT_BLEED
        cv2.circle(canvas, centre, radius, layer_colour, cv2.FILLED, cv2.LINE_AA, _FRACTION_BITS)


def _layers(stroke: Stroke, colour: RGB) -> tuple[tuple[int, RGB], ...]:
    edges = (stroke.total, DARK), (stroke.core + 2 * stroke.edge, LIGHT)
    return edges if colour == LIGHT else (*edges, (stroke.core, colour))


def _tag_layers(edge: int, fill: RGB) -> tuple[tuple[int, RGB], ...]:
    """How far inside a tag each of its layers begins, and its colour."""
    return (0, DARK), (edge, LIGHT), (2 * edge, fill)


@lru_cache(maxsize=256)
def _tag_corner(height: int, edge: int, fill: RGB) -> Stamp:
    """The upper left corner of a tag, all layers."""
    side = ceil(_ROUNDNESS * height)

    def draw(canvas: ImageRGB) -> None:
        for inset, colour in _tag_layers(edge, fill):
            radius = max(0.0, _ROUNDNESS * height - inset)
            from_centre = np.maximum(inset + radius - np.arange(side) - 0.5, 0)
            distance = np.hypot(from_centre[None], from_centre[:, None]) - radius
            coverage = (np.clip(0.5 - distance, 0, 1) * 255).astype(np.uint8)
            coverage[:inset] = coverage[:, :inset] = 0
            _blend(canvas, coverage, colour, 0, 0)

    return Stamp.of(side, draw)


def _fill(canvas: ImageRGB, area: tuple[int, int, int, int], colour: RGB) -> None:
    """Fill x1, y1, x2, y2; what is outside the canvas is cut off."""
    x1, y1, x2, y2 = area
    if x1 < x2 and y1 < y2:
        cv2.rectangle(canvas, (x1, y1), (x2 - 1, y2 - 1), colour, cv2.FILLED)


def _blend(canvas: ImageRGB, coverage: NDArray[np.uint8], colour: RGB, left: int, top: int) -> None:
    """Paint the colour where and as much as `coverage` says; what is outside the canvas is cut off."""
    place, coverage = overlap(canvas, coverage, left, top)
    alpha = coverage[..., None].astype(np.float32) / 255
    place[:] = np.rint(place + (np.array(colour, np.float32) - place) * alpha).astype(np.uint8)


@lru_cache(maxsize=64)
def _inks(ground: RGB, colour: RGB) -> NDArray[np.uint8]:
    """What `_blend()` makes of the colour on that ground for each coverage: 256 × 3 RGB."""
    inks = np.full((256, 1, 3), ground, np.uint8)
    _blend(inks, np.arange(256, dtype=np.uint8)[:, None], colour, 0, 0)
    return inks[:, 0]
