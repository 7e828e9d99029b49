"""What is worn on the head and before the face."""

from __future__ import annotations

from collections.abc import Sequence

from inference.drawing.cast import Accessory, FaceMark
from inference.drawing.colour import mix
from inference.drawing.figure import Figure, Style
from inference.drawing.svg import Point, Sheet, band, ellipse, polygon, smooth, star


def draw_behind_cap(sheet: Sheet, figure: Figure) -> None:
    """Animal ears and horns, whose roots the hair covers."""
    inks, worn = figure.inks, figure.look.accessory
    lining = "#f6b6b8" if figure.style is not Style.MANGA else "#c8c8c8"
    for side in (-1, 1):

        def points(*pairs: Point, side: int = side) -> list[Point]:
            return [(side * x, y) for x, y in pairs]

        if worn is Accessory.CAT_EARS:
            ear = points((34, -160), (52, -206), (96, -232), (112, -180), (110, -120))
            sheet.shape(_soft(ear), inks.hair, line=inks.hair_line, width=inks.line_width)
            sheet.shape(_soft(points((56, -164), (66, -196), (92, -214), (98, -172), (98, -136))), lining)
            tuft = points((58, -150), (70, -184), (84, -150))
            sheet.shape(polygon(tuft), inks.hair_light)
        elif worn is Accessory.RABBIT_EARS:
            spine = points((46, -150), (54, -196), (72, -244), (86, -280))
            colour = mix(inks.accessory, "#ffffff", 0.8)
            sheet.shape(band(spine, [16, 25, 23, 3]), colour, line=inks.hair_line, width=inks.line_width)
            sheet.shape(band(spine, [8, 15, 13, 1], until=0.9), lining)
        elif worn is Accessory.HORNS:
            spine = points((66, -140), (92, -186), (130, -206), (150, -246))
            sheet.shape(
                band(spine, [20, 18, 12, 0.5]),
                inks.accessory_shadow,
                line=inks.accessory_line,
                width=inks.line_width,
            )
            sheet.shape(band(spine, [20, 18, 12, 0.5], -0.6, -0.2), mix(inks.accessory, "#ffffff", 0.35))


def draw_eye_patch(sheet: Sheet, figure: Figure) -> None:
    """Over the eye, under the hair."""
    if figure.look.mark is not FaceMark.EYE_PATCH:
        return
    inks, shape, lean = figure.inks, figure.proportions, figure.lean
    patch = [
        figure.place(lean * (shape.eye_gap + x), shape.eye_y + y)
        for x, y in [(-31, -26), (2, -34), (33, -24), (30, 16), (2, 36), (-26, 20)]
    ]
    strap = [
        figure.place(lean * x, shape.eye_y + y)
        for x, y in [(-96, -62), (shape.eye_gap - 26, -18), (shape.eye_gap + 26, -8), (110, 6)]
    ]
    sheet.shape(band(strap, [2.6] * 4), inks.lash)
    fill = mix(inks.accessory_shadow, "#15121c", 0.65)
    sheet.shape(smooth(patch, closed=True), fill, line=inks.lash, width=inks.line_width)
    sheet.shape(star(figure.place(lean * (shape.eye_gap + 1), shape.eye_y), 11, 4, 0.4), inks.accessory)


def draw_glasses(sheet: Sheet, figure: Figure) -> None:
    """Before the face and the fringe."""
    mark = figure.look.mark
    if mark not in (FaceMark.GLASSES, FaceMark.ROUND_GLASSES):
        return
    inks, shape = figure.inks, figure.proportions
    round_ones = mark is FaceMark.ROUND_GLASSES
    colour = mix(inks.accessory_line, inks.accessory, 0.35) if round_ones else inks.lash
    y = shape.eye_y + 6
    for side in (-1, 1):
        x = side * shape.eye_gap
        corners = (
            [(0, -38), (27, -27), (38, 0), (27, 27), (0, 38), (-27, 27), (-38, 0), (-27, -27)]
            if round_ones
            else [(-36, -22), (0, -26), (37, -24), (39, -4), (32, 24), (0, 29), (-30, 24), (-38, 0)]
        )
        lens = smooth([figure.place(x + side * dx, y + dy, 1.05) for dx, dy in corners], closed=True)
        sheet.shape(lens, "#ffffff", opacity=0.08)
        sheet.shape(lens, line=colour, width=3.0 if round_ones else 4.0)
        temple = [figure.place(x + side * 38, y - 6, 1.0), figure.place(side * 112, y - 12, 0.2)]
        sheet.shape(band(temple, [2.2, 2.0]), colour)
    bridge = [
        figure.place(-shape.eye_gap + 37, y - 3, 1.1),
        figure.place(0, y - 9, 1.2),
        figure.place(shape.eye_gap - 37, y - 3, 1.1),
    ]
    sheet.shape(band(bridge, [2.2, 2.2, 2.2]), colour)


def draw_accessory(sheet: Sheet, figure: Figure) -> None:
    """On top of the hair."""
    worn = figure.look.accessory
    if worn in _DRAWN:
        _DRAWN[worn](sheet, figure)


def _bow(sheet: Sheet, figure: Figure) -> None:
    _draw_bow(sheet, figure, (0, -172), 64)


def _side_ribbon(sheet: Sheet, figure: Figure) -> None:
    _draw_bow(sheet, figure, (figure.lean * 96, -96), 36)


def _hairpins(sheet: Sheet, figure: Figure) -> None:
    inks, lean = figure.inks, figure.lean
    for ends in ([(56, -76), (88, -58)], [(88, -78), (56, -54)], [(58, -44), (90, -36)]):
        spine = [figure.place(lean * x, y, 1.1) for x, y in ends]
        sheet.shape(band(spine, [4.6, 4.6]), inks.accessory, line=inks.accessory_line, width=1.8)


def _flower(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    x, y = figure.place(figure.lean * 84, -76, 1.1)
    petals = star((x, y), 33, 6, 0.62)
    sheet.shape(petals, inks.accessory, line=inks.accessory_line, width=12)
    sheet.shape(petals, inks.accessory, line=mix(inks.accessory, "#ffffff", 0.35), width=7)
    sheet.shape(
        ellipse((x, y), 9),
        "#ffe9a8" if figure.style is not Style.MANGA else "#f4f4f4",
        line=inks.accessory_line,
        width=2,
    )


def _star_pin(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    centre = figure.place(figure.lean * 74, -72, 1.1)
    sheet.shape(
        star(centre, 29, 5, 0.5, turn=-78), inks.accessory, line=inks.accessory_line, width=inks.line_width
    )
    sheet.shape(ellipse((centre[0] - 6, centre[1] - 6), 4), "#ffffff", opacity=0.8)


def _headband(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    spine = [(-117, -62), (-94, -116), (-46, -142), (0, -148), (46, -142), (94, -116), (117, -62)]
    widths = [9.0, 10, 11, 11, 11, 10, 9]
    sheet.shape(band(spine, widths), inks.accessory, line=inks.accessory_line, width=inks.line_width)
    if inks.shaded:
        sheet.shape(band(spine, widths, 0.1, 0.9), inks.accessory_shadow)


def _frill(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    for index in range(11):
        x = -105 + index * 21.0
        y = -158 + 76 * (abs(x) / 112) ** 2
        sheet.shape(ellipse((x, y - 10), 17, 19), inks.white, line=inks.accessory_line, width=2)
    spine = [(-114, -80), (-80, -118), (0, -148), (80, -118), (114, -80)]
    sheet.shape(band(spine, [7] * 5), inks.accessory, line=inks.accessory_line, width=2)
    for side in (-1, 1):
        _draw_bow(sheet, figure, (side * 112, -78), 18)


def _beret(sheet: Sheet, figure: Figure) -> None:
    inks, lean = figure.inks, figure.lean
    hat = [
        (lean * x, y)
        for x, y in [
            (-104, -112),
            (-112, -150),
            (-60, -206),
            (40, -218),
            (126, -186),
            (140, -130),
            (106, -98),
            (20, -128),
            (-60, -128),
        ]
    ]
    sheet.shape(_soft(hat), inks.accessory, line=inks.accessory_line, width=inks.line_width)
    if inks.shaded:
        shadow = [
            (lean * x, y)
            for x, y in [(-100, -116), (20, -140), (136, -132), (106, -100), (20, -129), (-60, -129)]
        ]
        sheet.shape(_soft(shadow), inks.accessory_shadow)
    sheet.shape(
        band([(lean * 14, -214), (lean * 18, -234)], [4, 5]),
        inks.accessory_shadow,
        line=inks.accessory_line,
        width=2,
    )


def _witch_hat(sheet: Sheet, figure: Figure) -> None:
    inks, lean = figure.inks, figure.lean
    dark = mix(inks.accessory_shadow, "#17121f", 0.55)
    cone = [
        (lean * x, y)
        for x, y in [(-86, -136), (-52, -220), (-4, -296), (70, -330), (44, -280), (66, -210), (88, -136)]
    ]
    sheet.shape(smooth(cone) + "Z", dark, line=inks.accessory_line, width=inks.line_width)
    sheet.shape(
        band([(-82, -142), (0, -126), (82, -142)], [13, 15, 13]),
        inks.accessory,
        line=inks.accessory_line,
        width=2,
    )
    brim = [
        (-186, -112),
        (-110, -150),
        (0, -132),
        (110, -150),
        (186, -112),
        (96, -104),
        (0, -98),
        (-96, -104),
    ]
    sheet.shape(
        _soft([(float(x), float(y)) for x, y in brim]), dark, line=inks.accessory_line, width=inks.line_width
    )


def _cap(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    crown = [
        (-114, -98),
        (-106, -152),
        (-58, -194),
        (0, -204),
        (58, -194),
        (106, -152),
        (114, -98),
        (0, -122),
    ]
    sheet.shape(
        smooth([(float(x), float(y)) for x, y in crown], closed=True),
        inks.accessory,
        line=inks.accessory_line,
        width=inks.line_width,
    )
    peak = [
        figure.place(x, y, 1.2)
        for x, y in [
            (-106, -104),
            (-70, -128),
            (0, -136),
            (70, -128),
            (106, -104),
            (60, -88),
            (0, -84),
            (-60, -88),
        ]
    ]
    sheet.shape(_soft(peak), inks.accessory_shadow, line=inks.accessory_line, width=inks.line_width)
    sheet.shape(star(figure.place(0, -162), 19, 5, 0.45), inks.white, line=inks.accessory_line, width=2)


def _headphones(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    dark = mix(inks.accessory_line, "#22222c", 0.5)
    spine = [(-124, -30), (-116, -120), (-62, -176), (0, -190), (62, -176), (116, -120), (124, -30)]
    sheet.shape(band(spine, [6, 7, 8, 8, 8, 7, 6]), dark, line=inks.accessory_line, width=2)
    for side in (-1, 1):
        sheet.shape(
            ellipse((side * 122, 6), 22, 38), inks.accessory, line=inks.accessory_line, width=inks.line_width
        )
        sheet.shape(ellipse((side * 128, 6), 11, 22), dark)


def _tiara(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    corners = [
        (-58, -118),
        (-60, -150),
        (-34, -138),
        (-22, -168),
        (0, -146),
        (22, -168),
        (34, -138),
        (60, -150),
        (58, -118),
        (0, -128),
    ]
    gold = "#f5d36a" if figure.style is not Style.MANGA else "#f0f0f0"
    crown = [figure.place(x, y, 1.1) for x, y in corners]
    sheet.shape(polygon(crown), gold, line=inks.accessory_line, width=inks.line_width)
    for x, y, size in ((0, -142, 8), (-34, -134, 5), (34, -134, 5)):
        sheet.shape(
            ellipse(figure.place(x, y, 1.1), size), inks.accessory, line=inks.accessory_line, width=1.6
        )


_DRAWN = {
    Accessory.BOW: _bow,
    Accessory.SIDE_RIBBON: _side_ribbon,
    Accessory.HAIRPINS: _hairpins,
    Accessory.FLOWER: _flower,
    Accessory.STAR_PIN: _star_pin,
    Accessory.HEADBAND: _headband,
    Accessory.FRILL: _frill,
    Accessory.BERET: _beret,
    Accessory.WITCH_HAT: _witch_hat,
    Accessory.CAP: _cap,
    Accessory.HEADPHONES: _headphones,
    Accessory.TIARA: _tiara,
}


def _draw_bow(sheet: Sheet, figure: Figure, centre: Point, size: float) -> None:
    inks = figure.inks
    x, y = centre
    for side in (-1, 1):
        tail = [(x, y), (x + side * size * 0.35, y + size * 0.45), (x + side * size * 0.5, y + size * 0.95)]
        sheet.shape(
            band(tail, [size * 0.08, size * 0.15, size * 0.17]),
            inks.accessory_shadow,
            line=inks.accessory_line,
            width=2,
        )
    for side in (-1, 1):
        wing = [(0.0, 0.0), (0.5, -0.5), (1.05, -0.62), (1.15, 0.0), (1.0, 0.42), (0.45, 0.28)]
        loop = [(x + side * dx * size, y + dy * size) for dx, dy in wing]
        sheet.shape(_soft(loop), inks.accessory, line=inks.accessory_line, width=inks.line_width)
        crease = [
            (x + side * size * 0.1, y),
            (x + side * size * 0.45, y - size * 0.08),
            (x + side * size * 0.75, y - size * 0.04),
        ]
        sheet.shape(band(crease, [size * 0.08, size * 0.06, 0.3]), inks.accessory_shadow)
    sheet.shape(
        ellipse(centre, size * 0.2, size * 0.24),
        inks.accessory,
        line=inks.accessory_line,
        width=inks.line_width,
    )


def _soft(points: Sequence[Point]) -> str:
    return smooth(points, closed=True)
