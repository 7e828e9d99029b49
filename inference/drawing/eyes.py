"""Eyes and eyebrows."""

from __future__ import annotations

from dataclasses import dataclass

from inference.drawing.cast import EyeShape
from inference.drawing.colour import grey_of, mix, turned
from inference.drawing.figure import Figure, Style
from inference.drawing.pose import Lids
from inference.drawing.svg import Point, Sheet, band, ellipse, smooth


@dataclass(frozen=True, slots=True)
class _Cut:
    """How the opening of an eye is cut; distances in head units."""

    width: float
    top: float
    bottom: float
    slant: float
    """How much higher the outer corner is than the inner one."""
    iris: float


_CUTS = {
    EyeShape.ROUND: _Cut(27, 33, 25, 0, 1.08),
    EyeShape.RAISED: _Cut(28, 29, 22, 8, 1.0),
    EyeShape.DROOPING: _Cut(28, 29, 24, -6, 1.03),
    EyeShape.SHARP: _Cut(29, 23, 19, 7, 0.9),
    EyeShape.HEAVY: _Cut(28, 21, 23, 1, 1.0),
}


def draw_eyes(sheet: Sheet, figure: Figure) -> None:
    for side, lids, colour in zip((-1, 1), figure.pose.lids, figure.look.eyes, strict=True):
        eye = _Eye(figure, side)
        if lids in (Lids.SMILING, Lids.SHUT):
            _draw_shut(sheet, eye, smiling=lids is Lids.SMILING)
        else:
            _draw_open(sheet, eye, lids, grey_of(colour) if figure.style is Style.MANGA else colour)


def draw_brows(sheet: Sheet, figure: Figure) -> None:
    """Eyebrows, which are seen through the fringe."""
    pose, inks = figure.pose, figure.inks
    weight = 1.6 + 2.6 * figure.look.brow_weight
    for side in (-1, 1):
        eye = _Eye(figure, side)
        lift = -50 - 5 * pose.brow_lift
        inner, outer = lift - 6 * pose.brows, lift + 3 + 5 * pose.brows
        spine = [eye.at(-24, inner), eye.at(2, min(inner, outer) - 5), eye.at(30, outer + 2)]
        colour = mix(inks.hair_deep, inks.hair_line, 0.5)
        sheet.shape(band(spine, [weight * 0.9, weight, 0.5]), colour, opacity=0.85)


class _Eye:
    """One eye's own coordinates: the origin in its middle, x towards the temple."""

    def __init__(self, figure: Figure, side: int) -> None:
        self.figure = figure
        self.side = side
        self.cut = _CUTS[figure.look.eye_shape]

    def at(self, x: float, y: float) -> Point:
        shape = self.figure.proportions
        scale = shape.eye_scale
        across = self.side * (shape.eye_gap + x * scale)
        return self.figure.place(across, shape.eye_y + y * scale)


def _draw_open(sheet: Sheet, eye: _Eye, lids: Lids, colour: str) -> None:
    inks, cut = eye.figure.inks, eye.cut
    scale = eye.figure.proportions.eye_scale
    top = cut.top * {Lids.WIDE: 1.13, Lids.HALF: 0.62}.get(lids, 1.0)
    w, s = cut.width, cut.slant
    opening = smooth(
        [
            eye.at(-w, 6),
            eye.at(-w * 0.72, -top * 0.62),
            eye.at(-w * 0.1, -top),
            eye.at(w * 0.62, -top * 0.85 - s * 0.4),
            eye.at(w, -top * 0.22 - s),
            eye.at(w * 0.86, cut.bottom * 0.5 - s * 0.5),
            eye.at(w * 0.4, cut.bottom),
            eye.at(-w * 0.35, cut.bottom),
            eye.at(-w * 0.82, cut.bottom * 0.62),
        ],
        closed=True,
    )
    inside = sheet.clipped_to(opening)
    sheet.shape(opening, inks.white)
    if inks.shaded:
        lid_shadow = [eye.at(-w - 4, -top - 10), eye.at(w + 6, -top - 14), eye.at(w + 4, -top * 0.1), eye.at(0, -top * 0.5), eye.at(-w, -top * 0.1)]
        sheet.shape(smooth(lid_shadow, closed=True), inks.white_shadow, clip=inside)
    _draw_iris(sheet, eye, colour, inside, lids)

    lash = inks.lash
    upper = [
        eye.at(-w - 2, 5),
        eye.at(-w * 0.74, -top * 0.66),
        eye.at(-w * 0.1, -top - 2),
        eye.at(w * 0.66, -top * 0.88 - s * 0.5),
        eye.at(w + 5, -top * 0.2 - s),
        eye.at(w + 10, -top * 0.02 - s * 1.2),
    ]
    sheet.shape(band(upper, [v * scale for v in (0.8, 2.8, 4.2, 4.8, 4.0, 0.3)]), lash)
    for reach, height in ((9, -0.62), (11, -0.34)):
        root = eye.at(w * 0.8, top * height - s * 0.7)
        tip = eye.at(w + reach, top * height - 8 - s)
        sheet.shape(band([root, tip], [3.4 * scale, 0.2]), lash)
    lower = [eye.at(-w * 0.3, cut.bottom + 1), eye.at(w * 0.42, cut.bottom + 1), eye.at(w * 0.88, cut.bottom * 0.5 - s * 0.5)]
    sheet.shape(band(lower, [0.3, 1.5, 1.1]), lash, opacity=0.85)
    fold = [eye.at(-w * 0.62, -top - 5), eye.at(0, -top - 10), eye.at(w * 0.75, -top - 6 - s * 0.6)]
    sheet.shape(band(fold, [0.3, 1.2, 0.3]), inks.skin_line, opacity=0.8)


def _draw_iris(sheet: Sheet, eye: _Eye, colour: str, inside: str, lids: Lids) -> None:
    figure, cut = eye.figure, eye.cut
    scale = figure.proportions.eye_scale
    gaze_x, gaze_y = figure.pose.gaze
    size = cut.iris * (0.88 if lids is Lids.WIDE else 1.0)
    rx, ry = 18.5 * size * scale, 26.0 * size * scale
    x, y = eye.at(-1.5, -1 + gaze_y * 2.5)
    x += gaze_x * 4.5
    rx *= 1 - 0.16 * max(0.0, figure.pose.turn * eye.side)
    dark, bright = turned(colour, saturation=1.15, value=0.4), mix(turned(colour, value=1.25), "#ffffff", 0.38)
    iris = ellipse((x, y), rx, ry)
    shaded = figure.inks.shaded
    fill = (
        sheet.gradient((x, y - ry), (x, y + ry), (0.08, dark), (0.5, colour), (0.95, bright)) if shaded else colour
    )
    sheet.shape(iris, fill, line=mix(dark, "#140c18", 0.5), width=2.6 * scale, clip=inside)
    if shaded:
        glow = ellipse((x, y + ry * 0.55), rx * 0.62, ry * 0.32)
        sheet.shape(glow, mix(bright, "#ffffff", 0.3), opacity=0.6, clip=inside)
    sheet.shape(ellipse((x, y + 1), rx * 0.42, ry * 0.44), mix(dark, "#0b0610", 0.6), clip=inside)
    if shaded:
        sheet.shape(ellipse((x, y - ry * 0.72), rx * 1.1, ry * 0.5), mix(dark, "#0b0610", 0.4), opacity=0.5, clip=inside)
    light = figure.pose.light
    sheet.shape(ellipse((x + light * rx * 0.36, y - ry * 0.42), rx * 0.34, ry * 0.27), "#ffffff", clip=inside)
    sheet.shape(ellipse((x - light * rx * 0.42, y + ry * 0.42), rx * 0.18, ry * 0.13), "#ffffff", opacity=0.95, clip=inside)


def _draw_shut(sheet: Sheet, eye: _Eye, *, smiling: bool) -> None:
    inks, w, s = eye.figure.inks, eye.cut.width, eye.cut.slant
    if smiling:
        spine = [eye.at(-w, 10), eye.at(-w * 0.5, -3), eye.at(0, -8), eye.at(w * 0.55, -4 - s * 0.3), eye.at(w + 4, 8 - s)]
    else:
        spine = [eye.at(-w, 4), eye.at(-w * 0.5, 13), eye.at(0, 16), eye.at(w * 0.55, 12 - s * 0.4), eye.at(w + 6, 2 - s)]
    sheet.shape(band(spine, [0.8, 3.0, 3.8, 3.6, 0.6]), inks.lash)
    for share in (0.5, 0.82):
        x, y = share * w, (4 - share * 4 if smiling else 15 - 8 * share) - s * share * 0.5
        sheet.shape(band([eye.at(x, y), eye.at(x + 11, y + (5 if smiling else 9))], [2.2, 0.2]), inks.lash)
