"""Who is drawn: looks that tell characters apart, and invented names for them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TypeVar

from inference.artwork.colour import Colour

T = TypeVar("T")

HAIR_BACKS = ("long", "bob", "twin tails", "short", "ponytail", "buns", "wavy")
FRINGES = ("straight", "parted", "swept", "spiky", "center")
EYE_SHAPES = ("round", "almond", "droopy", "sharp")
ACCESSORIES = ("none", "ribbon", "glasses", "hairpin", "cat ears", "headband", "flower", "eye patch")
COLLARS = ("sailor", "shirt", "hoodie", "kimono")

_HAIR_COLOURS = (
    Colour(0.95, 0.65, 0.72),  # pink
    Colour(0.58, 0.60, 0.52),  # blue
    Colour(0.13, 0.85, 0.66),  # blonde
    Colour(0.08, 0.15, 0.17),  # black
    Colour(0.34, 0.42, 0.45),  # green
    Colour(0.75, 0.42, 0.58),  # violet
    Colour(0.01, 0.72, 0.45),  # red
    Colour(0.60, 0.12, 0.86),  # silver
    Colour(0.06, 0.50, 0.32),  # brown
    Colour(0.49, 0.50, 0.62),  # turquoise
    Colour(0.07, 0.85, 0.58),  # orange
    Colour(0.66, 0.40, 0.30),  # navy
)
_EYE_HUES = (0.58, 0.02, 0.36, 0.12, 0.77, 0.93, 0.48, 0.07)
_NAMES = (
    ("Mirelle Ostara", "Lantern Harbour"),
    ("星野あさひ", "風船郵便局"),
    ("Тасья Верескова", "Северный маяк"),
    ("云雀青", "纸伞小镇"),
    ("한소윤", "달빛 정류장"),
    ("Quill Vantobel", "Lantern Harbour"),
    ("ليان سماوي", "حديقة الريح"),
    ("楓音ルカ", "風船郵便局"),
    ("Odalys Brim", "Clockwork Orchard"),
    ("Pim ♪ Tarrow", "Clockwork Orchard"),
    ("白川しおり", "硝子の図書室"),
    ("Jorun Askelsey", "Fjordlight"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """All that makes a character who she is, and that no picture of her changes."""

    hair: Colour
    hair_back: str
    fringe: str
    ahoge: bool
    eyes: Colour
    eye_shape: str
    skin: Colour
    accessory: str
    accent: Colour
    collar: str


@dataclass(frozen=True, slots=True)
class DrawnCharacter:
    name: str
    series: str
    look: Look


def draw_cast(count: int = 8, *, seed: int = 1) -> tuple[DrawnCharacter, ...]:
    """That many characters who look different; the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - looks, not secrets
    hairs, backs, fringes, eyes, accessories = (
        _dealt(chance, deck, count) for deck in (_HAIR_COLOURS, HAIR_BACKS, FRINGES, _EYE_HUES, ACCESSORIES)
    )
    names = _dealt(chance, _NAMES, count)
    return tuple(
        DrawnCharacter(
            name if number < len(_NAMES) else f"{name} {number // len(_NAMES) + 1}",
            series,
            Look(
                hair=hair,
                hair_back=back,
                fringe=fringe,
                ahoge=chance.random() < 0.4,
                eyes=Colour(eye, 0.65, 0.45),
                eye_shape=chance.choice(EYE_SHAPES),
                skin=Colour(0.06, 0.75, chance.choice((0.92, 0.90, 0.86, 0.72))),
                accessory=accessory,
                accent=Colour(chance.random(), 0.7, 0.5),
                collar=chance.choice(COLLARS),
            ),
        )
        for number, ((name, series), hair, back, fringe, eye, accessory) in enumerate(
            zip(names, hairs, backs, fringes, eyes, accessories, strict=True)
        )
    )


def _dealt(chance: random.Random, deck: tuple[T, ...], count: int) -> list[T]:
    """`count` cards; the deck is shuffled again each time it runs out."""
    dealt: list[T] = []
    while len(dealt) < count:
        dealt.extend(chance.sample(deck, len(deck)))
    return dealt[:count]
