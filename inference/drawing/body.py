"""Neck, shoulders and clothes."""

from __future__ import annotations

from collections.abc import Sequence

from inference.drawing.cast import Outfit
from inference.drawing.colour import mix
from inference.drawing.figure import Figure
from inference.drawing.svg import Point, Sheet, band, ellipse, polygon, smooth, star

_SHOULDERS = (
    (28.0, 150.0),
    (44.0, 164.0),
    (104.0, 184.0),
    (152.0, 206.0),
    (180.0, 270.0),
    (192.0, 400.0),
    (196.0, 560.0),
    (198.0, 900.0),
    (200.0, 1600.0),
)


def draw_body(sheet: Sheet, figure: Figure) -> None:
    """The neck and the clothed shoulders, upright, in head coordinates of a head that does not tilt."""
    _draw_neck(sheet, figure)
    inks = figure.inks
    torso = smooth([*[(-x, y) for x, y in _SHOULDERS[::-1]], (0, 172), *_SHOULDERS]) + "Z"
    sheet.shape(torso, inks.cloth)
    if inks.shaded:
        away = -figure.pose.light
        inner = [(150, 1600), (130, 900), (124, 420), (112, 320), (122, 240), (104, 190)]
        arm = [(away * x, y) for x, y in [*_SHOULDERS[2:], *inner]]
        sheet.shape(smooth(arm, closed=True), inks.cloth_shadow)
    for side in (-1, 1):
        for sleeve in ([(118, 250), (128, 320), (124, 1600)], [(150, 262), (162, 290), (164, 330)]):
            sheet.shape(band([(side * x, y) for x, y in sleeve], [0.4, 1.8, 1.4]), inks.cloth_line)
    sheet.shape(torso, line=inks.cloth_line, width=inks.line_width)
    _COLLARS[figure.look.outfit](sheet, figure)


def _draw_neck(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    half: list[Point] = [(30, 70), (29, 130), (36, 160), (70, 176), (40, 240)]
    neck = smooth([*half, (0, 262), *[(-x, y) for x, y in half[::-1]]], closed=True)
    sheet.shape(neck, inks.skin, line=inks.skin_line, width=inks.line_width)
    if inks.shaded:
        chin_x, chin_y = figure.place(0, figure.proportions.chin_y, 0.7)
        edge = (chin_x * 0.4 - figure.pose.light * 6, chin_y + 34)
        shadow = [(-29, 70), (29, 70), (28.5, chin_y + 14), edge, (-28.5, chin_y + 14)]
        sheet.shape(smooth(shadow, closed=True), inks.skin_shadow)
    for side in (-1, 1):
        sheet.shape(band([(side * 12, 178), (side * 34, 174)], [1.4, 0.3]), inks.skin_line, opacity=0.7)


def _pair(sheet: Sheet, points: Sequence[Point], fill: str, line: str, width: float) -> None:
    """A shape and its mirror image."""
    for side in (-1, 1):
        sheet.shape(polygon([(side * x, y) for x, y in points]), fill, line=line, width=width)


def _sailor(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    flap: list[Point] = [(27, 148), (62, 164), (122, 196), (112, 240), (56, 262), (0, 300), (4, 268)]
    _pair(sheet, flap, inks.trim, inks.cloth_line, inks.line_width)
    for side in (-1, 1):
        stripe = [(side * x, y) for x, y in [(114, 204), (104, 232), (56, 250), (8, 284)]]
        sheet.shape(band(stripe, [1.8] * 4), inks.white)
    for side in (-1, 1):
        tail = [(side * 2, 284), (side * 20, 320), (side * 26, 370)]
        sheet.shape(band(tail, [9, 15, 18]), inks.accessory, line=inks.accessory_line, width=inks.line_width)
    sheet.shape(
        ellipse((0, 288), 14, 12), inks.accessory_shadow, line=inks.accessory_line, width=inks.line_width
    )


def _blazer(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    sheet.shape(
        polygon([(-40, 158), (0, 196), (40, 158), (64, 180), (0, 400), (-64, 180)]),
        inks.white,
        line=inks.cloth_line,
        width=2,
    )
    sheet.shape(
        polygon([(-9, 196), (9, 196), (16, 300), (0, 330), (-16, 300)]),
        inks.trim,
        line=inks.cloth_line,
        width=2,
    )
    sheet.shape(
        polygon([(-12, 186), (12, 186), (8, 208), (-8, 208)]), inks.trim_shadow, line=inks.cloth_line, width=2
    )
    _pair(sheet, [(26, 146), (46, 164), (36, 200), (4, 192)], inks.white, inks.cloth_line, 2.2)
    _pair(
        sheet,
        [(46, 164), (84, 178), (104, 236), (84, 244), (88, 262), (8, 380)],
        inks.cloth,
        inks.cloth_line,
        inks.line_width,
    )


def _hoodie(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    for side in (-1, 1):
        hood = [(side * x, y) for x, y in [(98, 160), (86, 196), (50, 226), (0, 240)]]
        sheet.shape(band(hood, [16, 24, 24, 19]), inks.trim, line=inks.cloth_line, width=inks.line_width)
    for side in (-1, 1):
        cord = [(side * 26, 246), (side * 30, 290), (side * 27, 330)]
        sheet.shape(band(cord, [2.6, 2.6, 3.4]), inks.white, line=inks.cloth_line, width=1.4)


def _kimono(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    for spine_x, colour, size in ((0, inks.white, 13), (9, inks.trim, 15)):
        for side in (-1, 1):
            lapel = [
                (side * (42 + spine_x), 154),
                (side * (34 + spine_x), 196),
                (-side * 12, 270 + spine_x),
                (-side * 54, 350),
            ]
            sheet.shape(band(lapel, [size, size, size, size]), colour, line=inks.cloth_line, width=2.2)
    for x, y in ((-120, 260), (118, 300), (-104, 350), (136, 236)):
        sheet.shape(star((x, y), 17, 6, 0.6), inks.trim, opacity=0.9)
        sheet.shape(ellipse((x, y), 5), inks.white)


def _sweater(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    neck = smooth([(-38, 126), (0, 136), (38, 126), (46, 168), (0, 188), (-46, 168)], closed=True)
    sheet.shape(neck, inks.cloth, line=inks.cloth_line, width=inks.line_width)
    for x in range(-36, 37, 9):
        sheet.shape(
            band([(x * 0.9, 134 + 4 * (1 - abs(x) / 40)), (x * 1.1, 172)], [0.8, 0.8]), inks.cloth_shadow
        )
    for x in (-66, -22, 22, 66):
        sheet.shape(star((x, 262 - abs(x) * 0.12), 24, 4, 0.55), inks.trim, line=inks.cloth_line, width=1.6)


def _dress(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    yoke = smooth(
        [(-40, 160), (-88, 182), (-70, 236), (0, 262), (70, 236), (88, 182), (40, 160), (0, 186)], closed=True
    )
    sheet.shape(yoke, inks.white, line=inks.cloth_line, width=2.2)
    for index in range(9):
        x = -84 + index * 21.0
        y = 196 + 66 * (1 - (x / 90) ** 2)
        sheet.shape(ellipse((x, y), 13, 10), inks.white, line=inks.cloth_line, width=1.8)
    for side in (-1, 1):
        wing = [(0, 194), (side * 24, 178), (side * 48, 186), (side * 44, 210), (side * 22, 212)]
        sheet.shape(smooth(wing, closed=True), inks.trim, line=inks.cloth_line, width=inks.line_width)
        sheet.shape(
            band([(side * 4, 200), (side * 18, 236), (side * 26, 268)], [5, 9, 10]),
            inks.trim,
            line=inks.cloth_line,
            width=2,
        )
    sheet.shape(ellipse((0, 197), 11), inks.accessory, line=inks.accessory_line, width=2)


def _uniform(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    _pair(sheet, [(40, 124), (54, 168), (3, 206), (0, 168)], inks.cloth, inks.cloth_line, inks.line_width)
    for side in (-1, 1):
        edge = [(side * 40, 127), (side * 2, 170)]
        sheet.shape(band(edge, [2.6, 2.6]), inks.trim)
        pad = [(side * 112, 184), (side * 154, 200), (side * 184, 244), (side * 150, 236), (side * 112, 208)]
        sheet.shape(smooth(pad, closed=True), inks.trim, line=inks.cloth_line, width=2.2)
    sheet.shape(band([(0, 206), (0, 1600)], [3, 3]), inks.trim)
    for y in (236, 284, 332):
        for x in (-26, 26):
            sheet.shape(ellipse((x, y), 7), inks.trim, line=inks.cloth_line, width=1.6)
            sheet.shape(ellipse((x - 2, y - 2), 2), mix(inks.trim, "#ffffff", 0.6))


def _cape(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    for side in (-1, 1):
        fold = [
            (side * x, y)
            for x, y in [
                (20, 176),
                (64, 164),
                (128, 186),
                (186, 236),
                (212, 330),
                (218, 520),
                (222, 900),
                (226, 1600),
            ]
        ]
        sheet.shape(
            f"{smooth(fold)}L{side * 84} 1600L{side * 50} 320Z",
            inks.trim,
            line=inks.cloth_line,
            width=inks.line_width,
        )
        if inks.shaded:
            sheet.shape(
                band([(side * 70, 200), (side * 120, 300), (side * 130, 1600)], [1, 10, 16]), inks.trim_shadow
            )
    tufts = [
        ellipse((side * (8 + step * 17.0), 206 - step * 9.0), 19, 17) for side in (-1, 1) for step in range(6)
    ]
    sheet.shape("".join(tufts), inks.white, line=inks.cloth_line, width=5)
    sheet.shape("".join(tufts), inks.white)
    sheet.shape(star((0, 206), 17, 4, 0.5), inks.accessory, line=inks.accessory_line, width=2)


_COLLARS = {
    Outfit.SAILOR: _sailor,
    Outfit.BLAZER: _blazer,
    Outfit.HOODIE: _hoodie,
    Outfit.KIMONO: _kimono,
    Outfit.SWEATER: _sweater,
    Outfit.DRESS: _dress,
    Outfit.UNIFORM: _uniform,
    Outfit.CAPE: _cape,
}
