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
    eyes = [_Eye(figure, side, lids) for side, lids in zip((-1, 1), figure.pose.lids, strict=True)]
    seen = [eye for eye in eyes if eye.lids not in (Lids.SMILING, Lids.SHUT)]
    if seen:
        openings = "".join(map(_opening, seen))
        sheet.shape(openings, figure.inks.white)
        with sheet.clipped(openings):
            for eye in seen:
                _draw_iris(sheet, eye)
    for eye in eyes:
        if eye in seen:
            _draw_lashes(sheet, eye)
        else:
            _draw_shut(sheet, eye)


def draw_brows(sheet: Sheet, figure: Figure) -> None:
    """Eyebrows, which are seen through the fringe."""
    pose, inks = figure.pose, figure.inks
    weight = 1.6 + 2.6 * figure.look.brow_weight
    for side in (-1, 1):
        eye = _Eye(figure, side, Lids.OPEN)
        lift = -50 - 5 * pose.brow_lift
        inner, outer = lift - 6 * pose.brows, lift + 3 + 5 * pose.brows
        spine = [eye.at(-24, inner), eye.at(2, min(inner, outer) - 5), eye.at(30, outer + 2)]
        colour = mix(inks.hair_deep, inks.hair_line, 0.5)
        sheet.shape(band(spine, [weight * 0.9, weight, 0.5]), colour, opacity=0.85)


class _Eye:
    """One eye's own coordinates: the origin in its middle, x towards the temple."""

    def __init__(self, figure: Figure, side: int, lids: Lids) -> None:
        self.figure = figure
        self.side = side
        self.lids = lids
        self.cut = _CUTS[figure.look.eye_shape]
        self.top = self.cut.top * {Lids.WIDE: 1.12, Lids.HALF: 0.66}.get(lids, 1.0)

    @property
    def colour(self) -> str:
        colour = self.figure.look.eyes[self.side > 0]
        return grey_of(colour) if self.figure.style is Style.MANGA else colour

    def at(self, x: float, y: float) -> Point:
        shape = self.figure.proportions
        across = self.side * (shape.eye_gap + x * shape.eye_scale)
        return self.figure.place(across, shape.eye_y + y * shape.eye_scale)


def _opening(eye: _Eye) -> str:
    w, s, top, bottom = eye.cut.width, eye.cut.slant, eye.top, eye.cut.bottom
    corners = [
        (-w, 6),
        (-w * 0.72, -top * 0.62),
        (-w * 0.1, -top),
        (w * 0.62, -top * 0.85 - s * 0.4),
        (w, -top * 0.22 - s),
        (w * 0.86, bottom * 0.5 - s * 0.5),
        (w * 0.4, bottom),
        (-w * 0.35, bottom),
        (-w * 0.82, bottom * 0.62),
    ]
    return smooth([eye.at(x, y) for x, y in corners], closed=True)


def _draw_iris(sheet: Sheet, eye: _Eye) -> None:
    """What is seen in the opening: the shadow of the lid, the iris, its lights."""
    figure, cut, colour = eye.figure, eye.cut, eye.colour
    shaded, light = figure.inks.shaded, figure.pose.light
    if shaded:
        w, top = cut.width, eye.top
        corners = [
            (-w - 4, -top - 10),
            (w + 6, -top - 14),
            (w + 4, -top * 0.1),
            (0, -top * 0.5),
            (-w, -top * 0.1),
        ]
        sheet.shape(smooth([eye.at(x, y) for x, y in corners], closed=True), figure.inks.white_shadow)
    size = figure.proportions.eye_scale * cut.iris * (0.9 if eye.lids is Lids.WIDE else 1.0)
    far = max(0.0, figure.pose.turn * eye.side)  # an eye that is turned away looks narrower
    rx, ry = 20.5 * size * (1 - 0.16 * far), 26.0 * size
    gaze_x, gaze_y = figure.pose.gaze
    x, y = eye.at(-1.5, -1 + gaze_y * 2.5)
    x += gaze_x * 4.5
    dark, bright = (
        turned(colour, saturation=1.15, value=0.4),
        mix(turned(colour, value=1.25), "#ffffff", 0.38),
    )
    black = mix(dark, "#0b0610", 0.6)
    fill = (
        sheet.gradient((x, y - ry), (x, y + ry), (0.08, dark), (0.5, colour), (0.95, bright))
        if shaded
        else colour
    )
    sheet.shape(ellipse((x, y), rx, ry), fill, line=mix(dark, "#140c18", 0.5), width=2.6 * size)
    if shaded:
        sheet.shape(
            ellipse((x, y + ry * 0.55), rx * 0.62, ry * 0.32), mix(bright, "#ffffff", 0.3), opacity=0.6
        )
        rays = [
            band([(x + dx * rx * 0.5, y + ry * 0.2), (x + dx * rx * 0.85, y + ry * dy)], [0.4, 1.0])
            for dx, dy in ((-1, 0.4), (-0.6, 0.7), (0, 0.85), (0.6, 0.7), (1, 0.4))
        ]
        sheet.shape("".join(rays), colour, opacity=0.7)
    sheet.shape(ellipse((x, y + 1), rx * 0.4, ry * 0.42), black)
    if shaded:
        sheet.shape(ellipse((x, y - ry * 0.72), rx * 1.1, ry * 0.5), black, opacity=0.5)
    sheet.shape(ellipse((x + light * rx * 0.36, y - ry * 0.42), rx * 0.34, ry * 0.27), "#ffffff")
    sheet.shape(
        ellipse((x - light * rx * 0.42, y + ry * 0.42), rx * 0.18, ry * 0.13), "#ffffff", opacity=0.95
    )


def _draw_lashes(sheet: Sheet, eye: _Eye) -> None:
    inks, scale = eye.figure.inks, eye.figure.proportions.eye_scale
    w, s, top, bottom = eye.cut.width, eye.cut.slant, eye.top, eye.cut.bottom
    upper = [
        eye.at(-w - 2, 5),
        eye.at(-w * 0.74, -top * 0.66),
        eye.at(-w * 0.1, -top - 2),
        eye.at(w * 0.66, -top * 0.88 - s * 0.5),
        eye.at(w + 5, -top * 0.2 - s),
        eye.at(w + 10, -top * 0.02 - s * 1.2),
    ]
    sheet.shape(band(upper, [v * scale for v in (0.8, 3.2, 4.8, 5.6, 4.6, 0.3)]), inks.lash)
    for reach, height in ((7, -0.72), (10, -0.42)):
        root = [eye.at(w * 0.55, top * height - s * 0.6 + 1), eye.at(w * 0.86, top * height - s * 0.8 - 2)]
        tip = eye.at(w + reach, top * height - 9 - s)
        sheet.shape(band([*root, tip], [3.4 * scale, 2.6 * scale, 0.2]), inks.lash)
    corner = eye.at(w * 0.88, bottom * 0.5 - s * 0.5)
    lower = [eye.at(-w * 0.3, bottom + 1), eye.at(w * 0.42, bottom + 1), corner]
    sheet.shape(band(lower, [0.3, 1.5, 1.1]), inks.lash, opacity=0.85)
    fold = [eye.at(-w * 0.62, -top - 5), eye.at(0, -top - 10), eye.at(w * 0.75, -top - 6 - s * 0.6)]
    sheet.shape(band(fold, [0.3, 1.2, 0.3]), inks.skin_line, opacity=0.8)


def _draw_shut(sheet: Sheet, eye: _Eye) -> None:
    inks, w, s = eye.figure.inks, eye.cut.width, eye.cut.slant
    smiling = eye.lids is Lids.SMILING
    heights = (10, -3, -8, -4 - s * 0.3, 8 - s) if smiling else (4, 13, 16, 12 - s * 0.4, 2 - s)
    spine = [eye.at(x, y) for x, y in zip((-w, -w * 0.5, 0, w * 0.55, w + 5), heights, strict=True)]
    sheet.shape(band(spine, [1.0, 3.8, 4.8, 4.6, 0.8]), inks.lash)
    for share in (0.5, 0.82):
        x, y = share * w, (4 - share * 4 if smiling else 15 - 8 * share) - s * share * 0.5
        sheet.shape(band([eye.at(x, y), eye.at(x + 11, y + (5 if smiling else 9))], [2.2, 0.2]), inks.lash)
