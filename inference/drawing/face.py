"""The bare head: neck, ears, face, nose, mouth, blush and marks on the skin."""

from __future__ import annotations

from inference.drawing.cast import FaceMark
from inference.drawing.colour import mix
from inference.drawing.figure import Figure, Style
from inference.drawing.pose import Mouth
from inference.drawing.svg import Point, Sheet, band, ellipse, polygon, smooth


def outline_of(figure: Figure) -> str:
    """The path of the face, which other parts are clipped to."""
    return smooth(_outline(figure), closed=True)


def draw_ears(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    for side in (-1, 1):
        points = [(94, -4), (112, -12), (116, 8), (108, 34), (96, 42)]
        ear = [figure.place(side * x, y + figure.proportions.eye_y, 0.1) for x, y in points]
        sheet.shape(smooth(ear, closed=True), inks.skin, line=inks.skin_line, width=inks.line_width)
        if inks.shaded:
            inner = [
                figure.place(side * x, y + figure.proportions.eye_y, 0.1)
                for x, y in [(98, 2), (109, -2), (106, 24), (99, 30)]
            ]
            sheet.shape(smooth(inner, closed=True), inks.skin_shadow, opacity=0.8)


def draw_face(sheet: Sheet, figure: Figure, fringe: str) -> None:
    """The face with the shadow that `fringe` (a path) throws on it."""
    inks = figure.inks
    outline = outline_of(figure)
    sheet.shape(outline, inks.skin)
    if inks.shaded:
        far = -figure.pose.light
        edge = [
            figure.place(far * x, y, 0.5)
            for x, y in [(120, -60), (86, -20), (88, 30), (66, 84), (18, 124), (60, 150), (140, 120)]
        ]
        with sheet.clipped(outline):
            with sheet.moved(far * 7.0, 12):
                sheet.shape(fringe, inks.skin_shadow, opacity=0.75)
            sheet.shape(smooth(edge, closed=True), inks.skin_shadow, opacity=0.7)
    sheet.shape(outline, line=inks.skin_line, width=inks.line_width)
    _draw_blush(sheet, figure)
    _draw_nose(sheet, figure)
    _draw_mouth(sheet, figure)


def draw_skin_mark(sheet: Sheet, figure: Figure) -> None:
    """Scars, freckles and the like; glasses and patches are drawn later, above the hair."""
    inks, shape, lean = figure.inks, figure.proportions, figure.lean
    mark = figure.look.mark
    cheek_y = shape.eye_y + 40
    if mark is FaceMark.SCAR:
        spine = [
            figure.place(lean * x, y) for x, y in [(58, cheek_y - 8), (66, cheek_y + 8), (70, cheek_y + 24)]
        ]
        sheet.shape(band(spine, [1, 3.4, 1]), mix(inks.skin_line, "#c0392b", 0.4))
        for step in (-2, 9):
            start, end = figure.place(lean * 57, cheek_y + step + 6), figure.place(lean * 77, cheek_y + step)
            sheet.shape(band([start, end], [1.4, 1.4]), mix(inks.skin_line, "#c0392b", 0.4))
    elif mark is FaceMark.FRECKLES:
        for side in (-1, 1):
            for x, y in ((44, -2), (55, 3), (66, -3), (50, 10), (62, 11), (36, 7)):
                sheet.shape(ellipse(figure.place(side * x, cheek_y + y), 2.3), inks.skin_line, opacity=0.65)
    elif mark is FaceMark.MOLE:
        sheet.shape(ellipse(figure.place(lean * 60, cheek_y - 1), 3.6), inks.lash)
    elif mark is FaceMark.CHEEK_SIGN:
        for side in (-1, 1):
            corners = [(50, -2), (78, -10), (64, 0), (80, 4), (62, 8), (68, 20)]
            sign = [figure.place(side * x, cheek_y + y + 3) for x, y in corners]
            sheet.shape(polygon(sign), inks.accessory, line=inks.accessory_line, width=1.0)
    elif mark is FaceMark.PLASTER:
        spine = [figure.place(lean * 46, cheek_y + 14), figure.place(lean * 78, cheek_y + 2)]
        sheet.shape(
            band(spine, [9, 9]),
            "#f4d7a4" if figure.style is not Style.MANGA else "#dddddd",
            line=inks.skin_line,
            width=1.6,
        )
        sheet.shape(
            band(spine, [9, 9], -0.55, 0.55, until=0.7),
            "#fff3d8" if figure.style is not Style.MANGA else "#ffffff",
        )


def _outline(figure: Figure) -> list[Point]:
    shape = figure.proportions
    chin, jaw = shape.chin_y, shape.jaw
    half = [
        (92.0, -70.0),
        (97.0, -20.0),
        (95.0, 22.0),
        (81.0 + 10 * jaw, 57.0),
        (54.0 + 12 * jaw, chin - 24 + 5 * jaw),
        (22.0 + 8 * jaw, chin - 5 + 3 * jaw),
    ]
    right = [figure.place(x, y, 0.55) for x, y in half]
    left = [figure.place(-x, y, 0.55) for x, y in half]
    return [figure.place(0, -112, 0.4), *right, figure.place(0, chin, 0.7), *left[::-1]]


def _draw_blush(sheet: Sheet, figure: Figure) -> None:
    inks, shape, pose = figure.inks, figure.proportions, figure.pose
    if figure.style is Style.MANGA and pose.blush < 0.5:
        return
    for side in (-1, 1):
        centre = figure.place(side * 62, shape.eye_y + 42)
        if figure.style is not Style.MANGA:
            glow = sheet.glow(centre, 30, inks.blush, 0.25 + 0.35 * pose.blush)
            sheet.shape(ellipse(centre, 30, 17), glow)
        if pose.blush > 0.55:
            for step in (-10, 0, 10):
                x, y = centre[0] + step, centre[1]
                sheet.shape(band([(x + 4, y - 6), (x - 4, y + 6)], [0.8, 1.1]), inks.blush, opacity=0.8)


def _draw_nose(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    x, y = figure.place(0, figure.proportions.nose_y, 1.12)
    away = -figure.pose.light
    if inks.shaded:
        sheet.shape(polygon([(x, y - 5), (x + away * 7, y + 3), (x, y + 4)]), inks.skin_shadow)
    sheet.shape(
        band([(x + away * 0.5, y - 3), (x + away * 3, y + 1), (x, y + 3)], [0.7, 1.5, 0.6]), inks.skin_line
    )


def _draw_mouth(sheet: Sheet, figure: Figure) -> None:
    inks = figure.inks
    y0 = figure.proportions.mouth_y
    line = mix(inks.skin_line, "#6b1220" if figure.style is not Style.MANGA else "#000000", 0.4)
    inner = "#a03a48" if figure.style is not Style.MANGA else "#3a3a3a"
    tongue = "#ee8585" if figure.style is not Style.MANGA else "#b0b0b0"

    def points(*pairs: Point) -> list[Point]:
        return [figure.place(x * 1.12, y0 + y * 1.12, 1.02) for x, y in pairs]

    match figure.pose.mouth:
        case Mouth.SMILE:
            sheet.shape(
                band(points((-17, -3), (-8, 3), (0, 4.5), (8, 3), (17, -3)), [0.6, 1.6, 1.9, 1.6, 0.6]), line
            )
        case Mouth.LINE:
            sheet.shape(band(points((-11, 1), (0, 0), (11, 1)), [0.6, 1.8, 0.6]), line)
        case Mouth.CAT:
            sheet.shape(
                band(
                    points((-18, -3), (-13, 4), (-6, 5), (0, -2), (6, 5), (13, 4), (18, -3)),
                    [0.6, 1.6, 1.7, 1.7, 1.7, 1.6, 0.6],
                ),
                line,
            )
        case Mouth.POUT:
            sheet.shape(
                band(points((-10, 4), (-4, -1), (0, -2), (4, -1), (10, 4)), [0.6, 1.6, 2, 1.6, 0.6]), line
            )
        case Mouth.SMALL_O:
            sheet.shape(ellipse(figure.place(0, y0 + 2, 1.02), 7, 8.5), inner, line=line, width=2.0)
        case Mouth.OPEN_SMILE:
            mouth = smooth(points((-20, -5), (0, -2), (20, -5), (14, 11), (0, 18), (-14, 11)), closed=True)
            sheet.shape(mouth, inner)
            sheet.shape(
                smooth(points((-9, 10), (0, 7), (9, 10), (6, 15), (0, 17), (-6, 15)), closed=True), tongue
            )
            sheet.shape(
                smooth(points((-17, -4), (0, -1), (17, -4), (14, 1), (0, 3), (-14, 1)), closed=True),
                "#ffffff",
            )
            sheet.shape(mouth, line=line, width=2.2)
        case Mouth.GRIN:
            mouth = smooth(points((-19, -4), (0, 0), (19, -4), (12, 8), (0, 10), (-12, 8)), closed=True)
            sheet.shape(mouth, "#ffffff", line=line, width=2.2)
            sheet.shape(band(points((-14, 3), (0, 5), (14, 3)), [0.4, 0.8, 0.4]), line, opacity=0.5)
