"""Hair before the face: the cap with its fringe, the locks at the sides, streak and shine."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from inference.drawing.cast import Fringe, Sides
from inference.drawing.dice import Dice
from inference.drawing.figure import Figure
from inference.drawing.svg import Point, Sheet, at, band, polygon, smooth

_CAP = ((118.0, -20.0), (115.0, -78.0), (90.0, -134.0), (46.0, -166.0), (0.0, -174.0))
_CAP_SHADOW = ((74.0, -136.0), (92.0, -82.0), (96.0, -30.0), (108.0, -8.0))
_TEMPLE = (115.0, 8.0)


@dataclass(frozen=True, slots=True)
class _Lock:
    """A lock of the fringe hangs between two valleys, in head coordinates; a blunt one ends in an edge."""

    start: Point
    tip: Point
    end: Point
    blunt_to: Point | None = None


def fringe_path(figure: Figure) -> str:
    """The path of the cap of hair with its fringe, which also throws the shadow on the forehead."""
    locks = [_placed(figure, lock) for lock in _fringe(figure)]
    left = [(-x, y) for x, y in _CAP]
    crown = smooth([locks[-1].end, *left, *_CAP[:-1][::-1], locks[0].start])
    edges = []
    for lock in locks:
        edges.append(f"Q{at(_between(lock.start, lock.tip))} {at(lock.tip)}")
        if lock.blunt_to:
            edges.append(f"L{at(lock.blunt_to)}")
        edges.append(f"Q{at(_between(lock.end, lock.blunt_to or lock.tip))} {at(lock.end)}")
    return f"{crown}{''.join(edges)}Z"


def hair_fill(sheet: Sheet, figure: Figure) -> str:
    """The fill of hair that hangs down; the tips' colour begins in the lower part."""
    inks = figure.inks
    if figure.look.hair == figure.look.hair_tips:
        return inks.hair
    return sheet.gradient((0, -170), (0, 200), (0.45, inks.hair), (0.95, inks.hair_tips))


def draw_fringe(sheet: Sheet, figure: Figure, cap: str) -> None:
    """The cap of hair, whose path `fringe_path()` gave."""
    inks = figure.inks
    locks = [_placed(figure, lock) for lock in _fringe(figure)]
    fill = inks.hair
    if inks.shaded:
        fill = sheet.gradient(
            (0, -170), (0, 50), (0.0, inks.hair_top), (0.4, inks.hair), (0.95, inks.hair_tips)
        )
    sheet.shape(cap, fill)
    if inks.shaded:
        away = -figure.pose.light
        for lock in locks:
            sheet.shape(_lock_shadow(lock, away), inks.hair_shadow)
        rim = [(away * x, y) for x, y in (*_CAP[:3], *_CAP_SHADOW)]
        sheet.shape(smooth(rim, closed=True), inks.hair_shadow, opacity=0.85)
    if inks.streak:
        with sheet.clipped(cap):
            _draw_streak(sheet, figure)
    if inks.shaded:
        _draw_shine(sheet, figure)
    dice = figure.dice("strands")
    for lock in locks[1:]:
        _draw_strand(sheet, figure, lock.start, dice)
    sheet.shape(cap, line=inks.hair_line, width=inks.line_width)
    if figure.look.ahoge:
        lean = figure.lean
        spine = [(lean * 4, -168), (lean * 2, -200), (lean * 22, -222), (lean * 50, -212), (lean * 58, -196)]
        sheet.shape(band(spine, [5, 7, 8, 5, 0.5]), inks.hair, line=inks.hair_line, width=inks.line_width)


def draw_sides(sheet: Sheet, figure: Figure) -> None:
    """The locks before the ears, under the cap."""
    inks = figure.inks
    fill = hair_fill(sheet, figure)
    for side in (-1, 1):
        for spine, widths in _SIDE_LOCKS[figure.look.sides]:
            placed = [figure.place(side * x, y, 0.35) for x, y in spine]
            sheet.shape(band(placed, widths), fill, line=inks.hair_line, width=inks.line_width)
            if inks.shaded:
                away = -figure.pose.light
                low, high = (-1.0, -0.35) if away < 0 else (0.35, 1.0)
                sheet.shape(band(placed, [w * 0.92 for w in widths], low, high), inks.hair_shadow)
            sheet.shape(band(placed, [w * 0.06 for w in widths]), inks.hair_line, opacity=0.5)


_SIDE_LOCKS: dict[Sides, tuple[tuple[tuple[Point, ...], tuple[float, ...]], ...]] = {
    Sides.SHORT: ((((104, -70), (112, -10), (108, 36), (90, 86)), (10, 15, 13, 0.5)),),
    Sides.LONG: (
        (((112, -60), (124, 30), (128, 120), (120, 200)), (8, 10, 9, 0.5)),
        (((104, -70), (110, 0), (107, 80), (112, 160), (98, 246)), (10, 16, 16, 13, 0.5)),
    ),
    Sides.HIME: ((((104, -70), (107, 0), (107, 50), (106, 92)), (12, 17, 19, 19)),),
    Sides.CURLED: (
        (((112, -60), (122, 10), (112, 60), (122, 96), (142, 92)), (8, 10, 9, 7, 0.5)),
        (((104, -70), (110, -5), (100, 50), (104, 84), (126, 96)), (10, 16, 13, 10, 0.5)),
    ),
    Sides.TUCKED: ((((108, -70), (110, -20), (103, 26)), (8, 9, 0.5)),),
}


def _fringe(figure: Figure) -> list[_Lock]:
    """The locks from the right of the picture to the left, in head coordinates of a face seen from before."""
    dice = figure.dice("fringe")
    match figure.look.fringe:
        case Fringe.BLUNT:
            return _blunt(dice)
        case Fringe.CHOPPY:
            return _row(
                [115, 82, 58, 36, 14, -10, -32, -56, -82, -115],
                -66,
                [10, -36, -42, -36, -46, -38, -44, -34, 10],
                dice,
            )
        case Fringe.CROSSED:
            return _row([115, 78, 46, 16, -14, -44, -78, -115], -56, [34, -4, -18, 46, -18, -4, 34], dice)
        case Fringe.PARTED:
            half = [_Lock((6, -98), (66, -18), (76, -44)), _Lock((76, -44), (100, 34), _TEMPLE)]
        case Fringe.CURTAIN:
            half = [_Lock((4, -106), (56, -34), (64, -56)), _Lock((64, -56), (92, 66), _TEMPLE)]
        case Fringe.SLICKED:
            half = [_Lock((0, -84), (40, -92), (58, -86)), _Lock((58, -86), (96, -34), _TEMPLE)]
        case Fringe.SWEPT:
            swept = [
                _Lock(_TEMPLE, (104, 40), (76, -34)),
                _Lock((76, -34), (84, 2), (40, -54)),
                _Lock((40, -54), (52, -12), (2, -70)),
                _Lock((2, -70), (14, -22), (-44, -92)),
                _Lock((-44, -92), (-76, -18), (-84, -44)),
                _Lock((-84, -44), (-104, 30), (-115, 8)),
            ]
            return swept if figure.lean > 0 else _mirrored(swept)
        case _:
            return _row([115, 76, 42, 8, -28, -66, -115], -50, [32, -2, -14, 16, -14, 30], dice)
    return [
        *[_Lock(lock.end, lock.tip, lock.start) for lock in half[::-1]],
        *[_flipped(lock) for lock in half],
    ]


def _row(valleys: list[float], height: float, tips: list[float], dice: Dice) -> list[_Lock]:
    """Pointed locks side by side; the valleys between them are lower towards the temples."""
    points = [
        (x + dice.between(-4, 4) * (abs(x) < 100), height + dice.between(-5, 5) + 58 * (abs(x) / 115) ** 3)
        for x in valleys
    ]
    lean = dice.between(4, 12) * dice.sign()
    return [
        _Lock(
            start,
            ((start[0] + end[0]) / 2 + lean * (abs(start[0] + end[0]) < 170), y + dice.between(-4, 4)),
            end,
        )
        for start, end, y in zip(points, points[1:], tips, strict=False)
    ]


def _blunt(dice: Dice) -> list[_Lock]:
    edges = [112.0, 88.0, 62.0, 34.0, 6.0, -24.0, -54.0, -84.0, -112.0]
    locks = []
    for right, left in itertools.pairwise(edges):
        depth = [-14 + 14 * (abs(x) / 110) ** 2 + dice.between(-2, 2) for x in (right, left)]
        slit = [-34.0 + 40 * (abs(x) / 112) ** 4 for x in (right, left)]
        locks.append(
            _Lock((right, slit[0]), (right - 3, depth[0]), (left, slit[1]), blunt_to=(left + 3, depth[1]))
        )
    return locks


def _flipped(lock: _Lock) -> _Lock:
    (sx, sy), (tx, ty), (ex, ey) = lock.start, lock.tip, lock.end
    return _Lock((-sx, sy), (-tx, ty), (-ex, ey))


def _mirrored(locks: list[_Lock]) -> list[_Lock]:
    flipped = [_flipped(lock) for lock in locks]
    return [_Lock(lock.end, lock.tip, lock.start) for lock in flipped[::-1]]


def _placed(figure: Figure, lock: _Lock) -> _Lock:
    def place(point: Point) -> Point:
        # The temples are on the outline of the head, where a turn moves nothing.
        return figure.place(*point, 1.1 if abs(point[0]) < 100 else 0.2)

    return _Lock(
        place(lock.start), place(lock.tip), place(lock.end), place(lock.blunt_to) if lock.blunt_to else None
    )


def _between(valley: Point, tip: Point) -> Point:
    """The control point that makes the flank of a lock bulge."""
    return valley[0] + (tip[0] - valley[0]) * 0.12, valley[1] + (tip[1] - valley[1]) * 0.62


def _lock_shadow(lock: _Lock, away: int) -> str:
    """A sliver along the flank that is turned from the light."""
    right_to_left = away < 0
    valley, tip = (lock.end, lock.blunt_to or lock.tip) if right_to_left else (lock.start, lock.tip)
    other = lock.start if right_to_left else lock.end
    bulge = _between(valley, tip)
    inner = (bulge[0] + (other[0] - valley[0]) * 0.38, bulge[1] - 6)
    top = (valley[0] * 0.9, valley[1] - 34)
    return f"M{at(top)}Q{at(valley)} {at(bulge)} Q{at(bulge)} {at(tip)} Q{at(inner)} {at(top)}Z"


def _draw_strand(sheet: Sheet, figure: Figure, valley: Point, dice: Dice) -> None:
    x, y = valley
    reach = dice.between(0.45, 0.8)
    top = (x * (1 - 0.42 * reach), y + (-150 - y) * reach)
    middle = (x * (1 - 0.12 * reach), (y + top[1]) / 2)
    sheet.shape(band([valley, middle, top], [1.6, 1.3, 0.2]), figure.inks.hair_line, opacity=0.75)


def _draw_streak(sheet: Sheet, figure: Figure) -> None:
    lean = figure.lean
    spine = [figure.place(lean * x, y, 1.1) for x, y in [(18, -172), (40, -120), (50, -60), (54, 20)]]
    sheet.shape(band(spine, [4, 11, 13, 8]), figure.inks.streak)


def _draw_shine(sheet: Sheet, figure: Figure) -> None:
    """The bright ring of anime hair, in teeth."""
    dice = figure.dice("shine")
    shift = figure.pose.light * 12
    top, bottom = [], []
    x = -82.0
    while x < 82:
        step = dice.between(8, 15)
        middle = x + step / 2
        arc, fade = -124 + 48 * (middle / 100) ** 2, 1 - (middle / 92) ** 2
        top += [(x, arc + 1), (middle, arc - dice.between(2, 6) * fade)]
        bottom += [(x, arc + 5 + 4 * fade), (middle, arc + 6 + dice.between(12, 24) * fade)]
        x += step
    outline = [figure.place(px + shift, py, 1.0) for px, py in top + bottom[::-1]]
    sheet.shape(polygon(outline), figure.inks.hair_light, opacity=0.8)
