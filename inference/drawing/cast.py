"""Who the drawn characters are: all that makes a look, and casts whose looks are well apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from inference.drawing.colour import luminance, turned
from inference.drawing.dice import Dice
from inference.drawing.names import invent_names

_Item = TypeVar("_Item")


class Fringe(StrEnum):
    BLUNT = "blunt"
    JAGGED = "jagged"
    SWEPT = "swept"
    PARTED = "parted"
    CURTAIN = "curtain"
    CROSSED = "crossed"
    SLICKED = "slicked"
    CHOPPY = "choppy"


class Sides(StrEnum):
    SHORT = "short"
    LONG = "long"
    HIME = "hime"
    CURLED = "curled"
    TUCKED = "tucked"


class Back(StrEnum):
    BOB = "bob"
    LONG = "long"
    WAVY = "wavy"
    TWIN_TAILS = "twin tails"
    PONYTAIL = "ponytail"
    BUNS = "buns"
    DRILLS = "drills"
    SPIKY = "spiky"
    BRAIDS = "braids"
    SIDE_TAIL = "side tail"
    PIXIE = "pixie"


class EyeShape(StrEnum):
    ROUND = "round"
    RAISED = "raised"
    DROOPING = "drooping"
    SHARP = "sharp"
    HEAVY = "heavy"


class Accessory(StrEnum):
    """Worn on the head."""

    NONE = "none"
    BOW = "bow"
    SIDE_RIBBON = "side ribbon"
    HAIRPINS = "hairpins"
    FLOWER = "flower"
    STAR_PIN = "star pin"
    HEADBAND = "headband"
    FRILL = "frill"
    CAT_EARS = "cat ears"
    RABBIT_EARS = "rabbit ears"
    HORNS = "horns"
    BERET = "beret"
    WITCH_HAT = "witch hat"
    CAP = "cap"
    HEADPHONES = "headphones"
    TIARA = "tiara"


class FaceMark(StrEnum):
    """On or before the face."""

    NONE = "none"
    GLASSES = "glasses"
    ROUND_GLASSES = "round glasses"
    EYE_PATCH = "eye patch"
    SCAR = "scar"
    FRECKLES = "freckles"
    MOLE = "mole"
    CHEEK_SIGN = "cheek sign"
    PLASTER = "plaster"


class Outfit(StrEnum):
    SAILOR = "sailor"
    BLAZER = "blazer"
    HOODIE = "hoodie"
    KIMONO = "kimono"
    SWEATER = "sweater"
    DRESS = "dress"
    UNIFORM = "uniform"
    CAPE = "cape"


@dataclass(frozen=True, slots=True)
class Look:
    """All that makes a character who she is; colours are "#rrggbb"."""

    hair: str
    hair_tips: str
    """Equal to `hair` when the hair has one colour."""
    streak: str
    """A lock of another colour; "" for none."""
    fringe: Fringe
    sides: Sides
    back: Back
    ahoge: bool
    mirrored: bool
    """Whatever is lopsided leans to the other side."""
    eyes: tuple[str, str]
    """The iris on the left and on the right of the picture."""
    eye_shape: EyeShape
    brow_weight: float
    """Thickness, 0 (thin) … 1 (bold)."""
    skin: str
    accessory: Accessory
    accessory_colour: str
    mark: FaceMark
    outfit: Outfit
    cloth: str
    trim: str
    strands: int
    """Seed of the small irregularities of the hair, the same in every picture."""


@dataclass(frozen=True, slots=True)
class DrawnCharacter:
    name: str
    series: str
    look: Look


def draw_cast(count: int = 8, seed: int = 1) -> tuple[DrawnCharacter, ...]:
    """`count` different characters; the first ones share hardly anything, as each trait is dealt from a deck.

    A longer cast of the same seed begins with the shorter one.
    """
    decks = _Decks(seed)
    names = invent_names(count, seed)
    return tuple(
        DrawnCharacter(name, series, decks.deal(number)) for number, (name, series) in enumerate(names)
    )


# Families of hair colours, far apart from each other; a cast meets each family before any comes again.
_HAIR = (
    ("#2b2a38", "#26222b", "#1f2733"),
    ("#f2cf6b", "#f6dd8e", "#efd06a"),
    ("#f08fb4", "#f7a8c4", "#ec77a6"),
    ("#4f8fdc", "#5aa7e8", "#3c6fc4"),
    ("#f3f1f4", "#d9dde6", "#e9e2dc"),
    ("#c8353c", "#b3263a", "#d94a3f"),
    ("#58b58a", "#3f9f6f", "#86c98f"),
    ("#8a62c6", "#a988d8", "#6f4db3"),
    ("#6b4130", "#835339", "#5d3a2c"),
    ("#f08a3c", "#e67a2e", "#ee8a45"),
    ("#7fd6d2", "#63c6cf", "#a2e3da"),
    ("#8d93a3", "#747c92", "#a3a3ad"),
)
_EYES = ("#3f7fe0", "#d8333f", "#3fae5a", "#e8a92c", "#8e4fd0", "#25b3b8", "#8a5230", "#e0559a", "#5c6478")
_SKINS = ("#fde6d8", "#fbdcc8", "#fff0e8", "#fde6d8", "#f3c9a5", "#fbdcc8", "#fde6d8", "#d6a078", "#fff0e8")
_CLOTHS = ("#34436b", "#f4f1ec", "#8d2f3d", "#3c3a44", "#6f9ad1", "#d9a441", "#4f7f63", "#e8a6b8", "#6d5a9c")
_TRIMS = ("#d23b4b", "#f0c14b", "#f6f3ee", "#3aa6a0", "#e77fae", "#4b6fd0", "#7a4fb5", "#f08a3c")


_TANNED = 0.8  # luminance
_APART = 0.2


class _Decks:
    """Shuffled decks of traits: each card comes up once before any comes up again."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def deal(self, number: int) -> Look:
        """The look of the character with that number."""
        dice = Dice("look", self._seed, number)
        hair = _vary(dice, dice.choice(self._card("hair", number, _HAIR)))
        eyes = _vary(dice, self._card("eyes", number, _EYES))
        other_eye = _vary(dice, dice.choice([c for c in _EYES if c != eyes])) if dice.chance(0.1) else eyes
        tips = turned(hair, hue=dice.between(-0.2, 0.2), saturation=1.15) if dice.chance(0.15) else hair
        skin = self._card("skin", number, _SKINS)
        if luminance(skin) < _TANNED and abs(luminance(skin) - luminance(hair)) < _APART:
            skin = _SKINS[0]  # where hair and skin are alike, a face is hard to see
        return Look(
            hair=hair,
            hair_tips=tips,
            streak=dice.choice(_TRIMS) if dice.chance(0.15) else "",
            fringe=self._card("fringe", number, tuple(Fringe)),
            sides=self._card("sides", number, tuple(Sides)),
            back=self._card("back", number, tuple(Back)),
            ahoge=dice.chance(0.3),
            mirrored=dice.chance(0.5),
            eyes=(eyes, other_eye),
            eye_shape=self._card("eye shape", number, tuple(EyeShape)),
            brow_weight=dice.between(0.0, 1.0),
            skin=skin,
            accessory=self._card("accessory", number, tuple(Accessory)),
            accessory_colour=self._card("accessory colour", number, _TRIMS),
            mark=self._card("mark", number, (*FaceMark, FaceMark.NONE, FaceMark.NONE)),
            outfit=self._card("outfit", number, tuple(Outfit)),
            cloth=_vary(dice, self._card("cloth", number, _CLOTHS)),
            trim=self._card("trim", number, _TRIMS),
            strands=dice.number(),
        )

    def _card(self, trait: str, number: int, cards: Sequence[_Item]) -> _Item:
        round_number, place = divmod(number, len(cards))
        order = Dice("deck", self._seed, trait, round_number).shuffled(cards)
        return order[place]


def _vary(dice: Dice, colour: str) -> str:
    """A shade of the colour: nobody has exactly the same."""
    return turned(
        colour,
        hue=dice.between(-0.012, 0.012),
        saturation=dice.between(0.92, 1.08),
        value=dice.between(0.95, 1.04),
    )
