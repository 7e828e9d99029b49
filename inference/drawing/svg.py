"""Shapes as SVG: smooth outlines, tapered bands, and the sheet that they are drawn on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

Point = tuple[float, float]

_SAMPLES = 7  # between two points of a spine


class Sheet:
    """Collects elements in the order they are drawn, back to front."""

    def __init__(self) -> None:
        self._elements: list[str] = []
        self._definitions: list[str] = []

    def shape(
        self,
        path: str,
        fill: str = "none",
        *,
        line: str = "",
        width: float = 0.0,
        opacity: float = 1.0,
    ) -> None:
        """Draw a path; a line that is see-through shows the fill below its inner half."""
        stroke = (
            f' stroke="{line}" stroke-width="{width:g}" stroke-linejoin="round" stroke-linecap="round"'
            if line and width
            else ""
        )
        # `opacity` itself would make the renderer blend a layer of its own, which takes far longer.
        dim = f' fill-opacity="{opacity:.2g}" stroke-opacity="{opacity:.2g}"' if opacity < 1 else ""
        self._elements.append(f'<path d="{path}" fill="{fill}"{stroke}{dim}/>')

    def gradient(self, start: Point, end: Point, *stops: tuple[float, str]) -> str:
        """A fill that runs from `start` to `end`, in the coordinates in force where it is used."""
        (x1, y1), (x2, y2) = start, end
        return self._define(
            "linearGradient",
            f'gradientUnits="userSpaceOnUse" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"',
            "".join(f'<stop offset="{at:g}" stop-color="{colour}"/>' for at, colour in stops),
        )

    def glow(self, centre: Point, radius: float, colour: str, strength: float) -> str:
        """A fill that fades from `strength` (0…1) in the middle to nothing."""
        return self._define(
            "radialGradient",
            f'gradientUnits="userSpaceOnUse" cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{radius:.1f}"',
            f'<stop offset="0" stop-color="{colour}" stop-opacity="{strength:g}"/>'
            f'<stop offset="1" stop-color="{colour}" stop-opacity="0"/>',
        )

    @contextmanager
    def moved(
        self, x: float, y: float, *, scale: float = 1.0, turn: float = 0.0, pivot: Point = (0.0, 0.0)
    ) -> Iterator[None]:
        """What is drawn inside is scaled, turned by degrees around its `pivot`, then moved."""
        self._elements.append(
            f'<g transform="translate({x:.2f} {y:.2f}) scale({scale:.4f}) '
            f'rotate({turn:.2f} {pivot[0]:.1f} {pivot[1]:.1f})">'
        )
        yield
        self._elements.append("</g>")

    @contextmanager
    def clipped(self, path: str) -> Iterator[None]:
        """What is drawn inside is seen only inside `path`. Costly: one for many shapes, not one for each."""
        clip = self._define("clipPath", "", f'<path d="{path}"/>')
        self._elements.append(f'<g clip-path="{clip}">')
        yield
        self._elements.append("</g>")

    def svg(self, width: int, height: int) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}"><defs>{"".join(self._definitions)}</defs>'
            f"{''.join(self._elements)}</svg>"
        )

    def _define(self, kind: str, attributes: str, content: str) -> str:
        name = f"d{len(self._definitions)}"
        self._definitions.append(f'<{kind} id="{name}" {attributes}>{content}</{kind}>')
        return f"url(#{name})"


def at(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def polygon(points: Sequence[Point]) -> str:
    return f"M{' L'.join(map(at, points))}Z"


def ellipse(centre: Point, rx: float, ry: float | None = None) -> str:
    ry = rx if ry is None else ry
    x, y = centre
    arc = f"A{rx:.1f} {ry:.1f} 0 1 1"
    return f"M{x - rx:.1f} {y:.1f}{arc} {x + rx:.1f} {y:.1f}{arc} {x - rx:.1f} {y:.1f}Z"


def rectangle(left: float, top: float, right: float, bottom: float) -> str:
    return polygon([(left, top), (right, top), (right, bottom), (left, bottom)])


def star(centre: Point, radius: float, points: int = 5, inner: float = 0.45, turn: float = -90.0) -> str:
    corners = []
    for index in range(points * 2):
        angle = math.radians(turn + index * 180 / points)
        reach = radius if index % 2 == 0 else radius * inner
        corners.append((centre[0] + reach * math.cos(angle), centre[1] + reach * math.sin(angle)))
    return polygon(corners)


def smooth(points: Sequence[Point], *, closed: bool = False) -> str:
    """A soft curve through all points (Catmull-Rom as cubic Béziers)."""
    count = len(points)
    segments = [f"M{at(points[0])}"]
    for index in range(count if closed else count - 1):
        before, start, end, after = (_neighbour(points, index + step, closed) for step in (-1, 0, 1, 2))
        first = (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6)
        second = (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6)
        segments.append(f"C{at(first)} {at(second)} {at(end)}")
    return "".join(segments) + ("Z" if closed else "")


def band(
    spine: Sequence[Point], widths: Sequence[float], low: float = -1.0, high: float = 1.0, until: float = 1.0
) -> str:
    """A strip along `spine` whose half width at each point is given: a lock of hair, a ribbon, a strand.

    `low` and `high` choose a part of its breadth (−1 … 1; −1 is the left edge of a spine that runs down) and
    `until` a part of its length, for a shadow or a shine that follows it.
    """
    rows = _sampled([(*point, width) for point, width in zip(spine, widths, strict=True)])
    rows = rows[: max(2, round(len(rows) * until))]
    left, right = [], []
    for index, (x, y, width) in enumerate(rows):
        ahead, behind = rows[min(index + 1, len(rows) - 1)], rows[max(index - 1, 0)]
        dx, dy = ahead[0] - behind[0], ahead[1] - behind[1]
        length = math.hypot(dx, dy) or 1.0
        nx, ny = -dy / length * width, dx / length * width
        left.append((x - nx * low, y - ny * low))
        right.append((x - nx * high, y - ny * high))
    return polygon(left + right[::-1])


def along(spine: Sequence[Point], share: float) -> Point:
    """The point at `share` (0…1) of a spine."""
    rows = _sampled([(*point, 0.0) for point in spine])
    x, y, _ = rows[round(share * (len(rows) - 1))]
    return x, y


def _sampled(rows: Sequence[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Catmull-Rom through the rows, with `_SAMPLES` steps from each to the next."""
    sampled: list[tuple[float, float, float]] = []
    last = len(rows) - 1
    for index in range(last):
        p0, p1, p2, p3 = (rows[min(max(index + step, 0), last)] for step in (-1, 0, 1, 2))
        for step in range(_SAMPLES):
            t = step / _SAMPLES
            x, y, width = (
                0.5
                * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
                for a, b, c, d in zip(p0, p1, p2, p3, strict=True)
            )
            sampled.append((x, y, max(width, 0.0)))
    return [*sampled, rows[last]]


def _neighbour(points: Sequence[Point], index: int, closed: bool) -> Point:
    count = len(points)
    return points[index % count] if closed else points[min(max(index, 0), count - 1)]
