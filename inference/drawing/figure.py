"""One character in one pose and style: what every part of a figure is drawn from.

Head coordinates: the origin is the middle of the face, y runs down, the cheeks are some 96 units from it and
the chin 118; the figure's group scales them to pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from inference.drawing.cast import Look
from inference.drawing.colour import grey_of, luminance, mix, turned
from inference.drawing.dice import Dice
from inference.drawing.pose import Pose
from inference.drawing.svg import Point

_FULL_TURN = 0.4  # radians at turn ±1
_FACE_DEPTH = 58.0
_HEAD_RADIUS = 118.0
_FULL_NOD = 6.0


class Style(StrEnum):
    CEL = "cel"
    """Coloured lines, two tones, shine."""
    FLAT = "flat"
    """Colours without any shading."""
    MANGA = "manga"
    """Black lines and grey areas, which become a dot screen."""
    CHIBI = "chibi"
    """A large head with large low eyes on a small body."""


@dataclass(frozen=True, slots=True)
class Proportions:
    """Head coordinates."""

    eye_y: float
    eye_gap: float
    """From the middle of the face to the middle of an eye."""
    eye_scale: float
    nose_y: float
    mouth_y: float
    chin_y: float
    jaw: float
    """0 (pointed) … 1 (round)."""
    body_scale: float


_PORTRAIT = Proportions(14, 47.5, 1.06, 55, 82, 118, 0.0, 1.0)
_CHIBI = Proportions(24, 49, 1.18, 62, 80, 104, 1.0, 0.66)


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours of one figure in one style; `shaded` says whether shadows and shine are drawn at all."""

    shaded: bool
    line_width: float
    skin: str
    skin_shadow: str
    skin_line: str
    blush: str
    hair: str
    hair_top: str
    hair_tips: str
    hair_shadow: str
    hair_deep: str
    hair_light: str
    hair_line: str
    streak: str
    lash: str
    white: str
    white_shadow: str
    cloth: str
    cloth_shadow: str
    cloth_line: str
    trim: str
    trim_shadow: str
    accessory: str
    accessory_shadow: str
    accessory_line: str


def mix_inks(look: Look, style: Style) -> Inks:
    """The colours that the look has in that style."""
    inks = Inks(
        shaded=style is not Style.FLAT,
        line_width=2.6,
        skin=look.skin,
        skin_shadow=mix(turned(look.skin, saturation=1.5, value=0.95), "#d9705f", 0.24),
        skin_line=mix(turned(look.skin, saturation=1.6, value=0.5), "#4a1d26", 0.5),
        blush="#f2605e",
        hair=look.hair,
        hair_top=mix(look.hair, _shadow(look.hair), 0.4),
        hair_tips=look.hair_tips if look.hair_tips != look.hair else mix(look.hair, "#ffffff", 0.06),
        hair_shadow=_shadow(look.hair),
        hair_deep=mix(turned(look.hair, value=0.58), "#33285a", 0.3),
        hair_light=mix(
            turned(look.hair, saturation=0.85), "#ffffff", 0.5 if luminance(look.hair) > 0.3 else 0.3
        ),
        hair_line=_line(look.hair),
        streak=look.streak,
        lash=mix(_line(look.hair), "#1d1420", 0.65),
        white="#fffdfc",
        white_shadow="#c9cfe2",
        cloth=look.cloth,
        cloth_shadow=_shadow(look.cloth),
        cloth_line=_line(look.cloth),
        trim=look.trim,
        trim_shadow=_shadow(look.trim),
        accessory=look.accessory_colour,
        accessory_shadow=_shadow(look.accessory_colour),
        accessory_line=_line(look.accessory_colour),
    )
    return _in_greys(inks) if style is Style.MANGA else inks


@dataclass(frozen=True, slots=True)
class Figure:
    look: Look
    pose: Pose
    style: Style
    inks: Inks
    proportions: Proportions

    def place(self, x: float, y: float, depth: float = 1.0) -> Point:
        """Where a point of the face that looks straight at us is when the head turns and nods.

        `depth` is how far it stands out: 1 on the surface of the face, less towards the outline.
        """
        angle = self.pose.turn * _FULL_TURN
        stands_out = depth * _FACE_DEPTH * math.sqrt(max(0.0, 1 - (x / _HEAD_RADIUS) ** 2))
        across = x * math.cos(angle * depth) + stands_out * math.sin(angle)
        return across, y + self.pose.nod * _FULL_NOD * depth

    def dice(self, part: str) -> Dice:
        """For the irregularities of a part, which are the same in every picture of the character."""
        return Dice(part, self.look.strands)

    @property
    def lean(self) -> int:
        """The side that lopsided things lean to: −1 left, 1 right."""
        return -1 if self.look.mirrored else 1


def pose_figure(look: Look, pose: Pose, style: Style) -> Figure:
    """The character's look in a pose, ready to be drawn in a style."""
    proportions = _CHIBI if style is Style.CHIBI else _PORTRAIT
    return Figure(look, pose, style, mix_inks(look, style), proportions)


def _shadow(colour: str) -> str:
    return mix(turned(colour, saturation=1.12, value=0.8), "#5a4a96", 0.2)


def _line(colour: str) -> str:
    return mix(turned(colour, saturation=1.2, value=0.42), "#1f1626", 0.5)


def _in_greys(inks: Inks) -> Inks:
    greys = {
        name: grey_of(colour)
        for name in Inks.__slots__
        if isinstance(colour := getattr(inks, name), str) and colour
    }
    black = dict.fromkeys(("skin_line", "hair_line", "lash", "cloth_line", "accessory_line"), "#101010")
    # Paper white is what is bright in print; the screen would make dots of a light grey.
    paper = {name: mix(grey, "#ffffff", 0.75) for name, grey in greys.items() if name in ("skin", "white")}
    return Inks(
        **{
            **{name: getattr(inks, name) for name in Inks.__slots__},
            **greys,
            **black,
            **paper,
            "line_width": 3.0,
        }
    )
