"""How a character is met: pose, expression and light, which change from picture to picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from inference.drawing.dice import Dice


class Lids(StrEnum):
    OPEN = "open"
    WIDE = "wide"
    HALF = "half"
    SMILING = "smiling"
    SHUT = "shut"


class Mouth(StrEnum):
    SMILE = "smile"
    OPEN_SMILE = "open smile"
    LINE = "line"
    SMALL_O = "small o"
    CAT = "cat"
    POUT = "pout"
    GRIN = "grin"


@dataclass(frozen=True, slots=True)
class Pose:
    tilt: float
    """Degrees, clockwise."""
    turn: float
    """−1 (to the left of the picture) … 1; about 25° at the ends."""
    nod: float
    """−1 (up) … 1 (down)."""
    gaze: tuple[float, float]
    """Where the irises look: −1…1 to the right and down."""
    lids: tuple[Lids, Lids]
    """Left and right of the picture."""
    brows: float
    """−1 (cross) … 1 (worried)."""
    brow_lift: float
    mouth: Mouth
    blush: float
    """0…1"""
    light: int
    """The side that the light comes from: −1 left, 1 right."""


_EXPRESSIONS = (
    *((Lids.OPEN, Lids.OPEN),) * 18,
    *((Lids.WIDE, Lids.WIDE),) * 4,
    *((Lids.HALF, Lids.HALF),) * 3,
    (Lids.SMILING, Lids.SMILING),
    (Lids.SHUT, Lids.SHUT),
    (Lids.SMILING, Lids.OPEN),
    (Lids.OPEN, Lids.SMILING),
)


def strike_pose(dice: Dice) -> Pose:
    """A pose that suits a portrait: the face is always to be seen."""
    return Pose(
        tilt=(dice.between(-1, 1) + dice.between(-1, 1)) * 7.5,
        turn=(dice.between(-1, 1) + dice.between(-1, 1)) * 0.5,
        nod=dice.between(-1, 1),
        gaze=(dice.between(-1, 1), dice.between(-1, 1)),
        lids=dice.choice(_EXPRESSIONS),
        brows=dice.between(-0.8, 0.8),
        brow_lift=dice.between(-1, 1),
        mouth=dice.choice(tuple(Mouth)),
        blush=dice.between(0.15, 1.0),
        light=dice.sign(),
    )
