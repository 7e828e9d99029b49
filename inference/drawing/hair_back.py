"""Hair behind the face and the shoulders, and what falls over the shoulders."""

from __future__ import annotations

import math
from collections.abc import Sequence

from inference.drawing.cast import Back
from inference.drawing.figure import Figure
from inference.drawing.hair_front import hair_fill
from inference.drawing.svg import Point, Sheet, at, band, ellipse, smooth

_SKULL = ((0.0, -175.0), (62.0, -162.0), (106.0, -112.0), (122.0, -50.0))


def draw_back_hair(sheet: Sheet, figure: Figure) -> None:
    """Everything behind the body."""
    back = figure.look.back
    if back in (Back.TWIN_TAILS, Back.PONYTAIL):
        _draw_tails(sheet, figure)
    if back is Back.BUNS:
        _draw_buns(sheet, figure)
    if back is Back.DRILLS:
        _draw_drills(sheet, figure)
    if back is Back.SPIKY:
        _draw_mass(sheet, figure, _spikes(figure), 90)
    else:
        half = list(_OUTLINES.get(back, _OUTLINES[Back.PIXIE]))
        mirrored = [(-x, y) for x, y in half[::-1]]
        _draw_mass(
            sheet,
            figure,
            smooth([*_SKULL, *half, *mirrored, *[(-x, y) for x, y in _SKULL[:0:-1]]], closed=True),
            half[-1][1],
        )


def draw_shoulder_hair(sheet: Sheet, figure: Figure) -> None:
    """Braids and side tails, which lie on the clothes."""
    back = figure.look.back
    if back is Back.BRAIDS:
        for side in (-1, 1):
            _draw_braid(sheet, figure, side)
    if back is Back.SIDE_TAIL:
        side = figure.lean
        spine = [(side * x, y) for x, y in [(100, 50), (128, 96), (136, 160), (116, 236), (128, 320)]]
        _draw_tail(sheet, figure, spine, [16, 26, 36, 30, 1])
        _draw_tie(sheet, figure, (side * 126, 90), 17)


_OUTLINES: dict[Back, tuple[Point, ...]] = {
    Back.PIXIE: ((124, 0), (122, 50), (108, 90), (86, 108), (82, 94), (62, 110), (36, 100)),
    Back.BOB: ((134, 10), (144, 66), (136, 108), (104, 126), (84, 116), (60, 124), (30, 112)),
    Back.LONG: ((134, 20), (142, 120), (156, 230), (160, 360), (120, 392), (90, 376), (50, 396)),
    Back.WAVY: (
        (140, 0),
        (156, 60),
        (146, 110),
        (172, 170),
        (158, 230),
        (182, 300),
        (160, 350),
        (110, 372),
        (60, 356),
    ),
}


def _draw_mass(sheet: Sheet, figure: Figure, outline: str, bottom: float) -> None:
    inks = figure.inks
    sheet.shape(outline, hair_fill(sheet, figure), line=inks.hair_line, width=inks.line_width)
    if inks.shaded:
        # Behind the neck no light comes.
        wide, low = _HOLLOWS.get(figure.look.back, _HOLLOWS[Back.PIXIE])
        right = [(90.0, 10.0), (98.0, 40.0), (wide, low - 34), (wide - 12, low - 6)]
        hollow = [*right, (0.0, low), *[(-x, y) for x, y in right[::-1]]]
        sheet.shape(smooth(hollow, closed=True), inks.hair_deep)
    if bottom > _LONG_FROM:
        dice = figure.dice("back")
        for x in (-130, -121, 121, 130):
            top, length = dice.between(-10, 20), dice.between(0.5, 0.75) * bottom
            strand = [(x * 0.94, top), (x, top + length / 2), (x * 1.02, top + length)]
            sheet.shape(band(strand, [0.3, 1.6, 0.3]), inks.hair_line, opacity=0.6)


_LONG_FROM = 200.0
# Half width and lower edge of what is in the shadow of the head.
_HOLLOWS: dict[Back, Point] = {
    Back.PIXIE: (70, 88),
    Back.SPIKY: (84, 84),
    Back.BOB: (98, 110),
    Back.LONG: (108, 372),
    Back.WAVY: (112, 345),
}


def _spikes(figure: Figure) -> str:
    """An outline of tapered locks that are combed up and outwards from the forehead."""
    dice = figure.dice("spikes")
    count, first, last = 9, -212.0, 32.0

    def around(angle: float, reach: float) -> Point:
        return reach * math.cos(math.radians(angle)), -44 + reach * 1.04 * math.sin(math.radians(angle))

    path = f"M{at(around(first, 122))}"
    for index in range(count):
        start, end = (first + (last - first) * edge / count for edge in (index, index + 1))
        middle = (start + end) / 2
        bend = 11 if middle > -90 else -11
        tip = around(middle + bend, dice.between(156, 186))
        rising, falling = around(start + bend * 0.2, 146), around(end + bend * 0.2, 138)
        path += f"Q{at(rising)} {at(tip)}Q{at(falling)} {at(around(end, 122))}"
    nape = [
        (114, 60),
        (104, 112),
        (84, 84),
        (58, 118),
        (36, 90),
        (-36, 90),
        (-58, 118),
        (-84, 84),
        (-104, 112),
        (-114, 60),
    ]
    return f"{path}L{' L'.join(map(at, nape))}Z"


def _draw_tails(sheet: Sheet, figure: Figure) -> None:
    if figure.look.back is Back.PONYTAIL:
        side = figure.lean
        spine = [
            (side * x, y)
            for x, y in [(20, -150), (96, -204), (178, -140), (192, -10), (164, 120), (196, 230)]
        ]
        _draw_tail(sheet, figure, spine, [12, 34, 44, 42, 30, 1])
        return
    for side in (-1, 1):
        spine = [
            (side * x, y)
            for x, y in [(100, -104), (160, -118), (204, -30), (198, 100), (216, 220), (184, 320)]
        ]
        _draw_tail(sheet, figure, spine, [10, 30, 42, 42, 32, 1])
        _draw_tie(sheet, figure, (side * 122, -110), 18)


def _draw_tail(sheet: Sheet, figure: Figure, spine: Sequence[Point], widths: Sequence[float]) -> None:
    inks = figure.inks
    fill = sheet.gradient(spine[0], spine[-1], (0.3, inks.hair), (1.0, inks.hair_tips))
    sheet.shape(band(spine, widths), fill, line=inks.hair_line, width=inks.line_width)
    if inks.shaded:
        low, high = (-0.98, -0.4) if figure.pose.light > 0 else (0.4, 0.98)
        sheet.shape(band(spine, widths, low, high), inks.hair_shadow)
        sheet.shape(band(spine, widths, -0.28, -0.05, until=0.5), inks.hair_light, opacity=0.7)
    for share in (-0.4, 0.35):
        sheet.shape(band(spine, widths, share, share + 0.05, until=0.9), inks.hair_line, opacity=0.6)


def _draw_tie(sheet: Sheet, figure: Figure, centre: Point, size: float) -> None:
    inks = figure.inks
    x, y = centre
    for side in (-1, 1):
        wing = [
            (x, y),
            (x + side * size, y - size),
            (x + side * size * 1.5, y),
            (x + side * size, y + size * 0.8),
        ]
        sheet.shape(
            smooth(wing, closed=True), inks.accessory, line=inks.accessory_line, width=inks.line_width
        )
    sheet.shape(ellipse(centre, size * 0.42), inks.accessory_shadow, line=inks.accessory_line, width=2)


def _draw_buns(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    for side in (-1, 1):
        x, y = side * 94.0, -146.0
        rim = inks.hair_shadow if inks.shaded else inks.hair
        sheet.shape(ellipse((x, y), 47, 45), rim, line=inks.hair_line, width=inks.line_width)
        if inks.shaded:
            sheet.shape(ellipse((x + figure.pose.light * 6, y - 6), 38, 36), inks.hair)
            sheet.shape(ellipse((x + figure.pose.light * 18, y - 22), 12, 7), inks.hair_light, opacity=0.8)
        swirl = [(x - side * 34, y + 8), (x, y - 26), (x + side * 22, y), (x, y + 18), (x - side * 10, y)]
        sheet.shape(band(swirl, [0.4, 1.6, 1.6, 1.4, 0.3]), inks.hair_line, opacity=0.8)
        _draw_tie(sheet, figure, (side * 72, -112), 12)


def _draw_drills(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    for side in (-1, 1):
        for step in range(6, -1, -1):
            x, y = side * (142 + step * 5), 6 + step * 42.0
            rx, ry = 40 - step * 4.6, 34 - step * 2.0
            light, colour = figure.pose.light, inks.hair if step < 5 else inks.hair_tips
            rim = inks.hair_shadow if inks.shaded else colour
            sheet.shape(ellipse((x, y), rx, ry), rim, line=inks.hair_line, width=inks.line_width)
            if inks.shaded:
                sheet.shape(ellipse((x + light * rx * 0.16, y - ry * 0.16), rx * 0.8, ry * 0.8), colour)
                sheet.shape(
                    ellipse((x + figure.pose.light * rx * 0.3, y - ry * 0.3), rx * 0.35, ry * 0.16),
                    inks.hair_light,
                    opacity=0.8,
                )
        _draw_tie(sheet, figure, (side * 126, -44), 15)


def _draw_braid(sheet: Sheet, figure: Figure, side: int) -> None:
    inks = figure.inks
    for step in range(8):
        x, y = side * (112 + 10 * math.sin(step / 2.5)), 76 + step * 27.0
        for half in (-1, 1):
            lobe = [(x, y + 22), (x + half * 20, y - 8), (x + half * 22, y + 8), (x + half * 10, y + 26)]
            sheet.shape(
                smooth(lobe, closed=True),
                inks.hair if step < 6 else inks.hair_tips,
                line=inks.hair_line,
                width=2.2,
            )
            if inks.shaded and half == -figure.pose.light:
                sheet.shape(
                    smooth(lobe, closed=True), inks.hair_shadow, line=inks.hair_line, width=2.2, opacity=0.8
                )
    _draw_tie(sheet, figure, (side * 112, 292), 14)
    end = [(side * 112, 298), (side * 116, 320), (side * 108, 348)]
    sheet.shape(band(end, [7, 14, 1]), inks.hair_tips, line=inks.hair_line, width=inks.line_width)
