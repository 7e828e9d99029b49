"""Whole pictures: one character's portrait, or several together before a background."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import cv2
import numpy as np

from inference.domain import FaceBox, ImageRGB
from inference.artwork.cast import DrawnCharacter
from inference.artwork.colour import Colour
from inference.artwork.head import EYES, FACE, MOUTHS, Mood, head_svg


class Style(StrEnum):
    COLOUR = "colour"
    MANGA = "manga"
    """Grey, with screen tone."""


@dataclass(frozen=True, slots=True)
class DrawnFace:
    box: FaceBox
    """The fringe to just under the chin, in pixels of the drawing."""
    character: DrawnCharacter


@dataclass(frozen=True, slots=True)
class Drawing:
    image: ImageRGB
    faces: tuple[DrawnFace, ...]
    """As they were placed, left to right."""


def draw_portrait(
    character: DrawnCharacter, *, seed: int, size: int = 512, style: Style = Style.COLOUR
) -> Drawing:
    """The character from the chest up, size × size; pose, expression and background follow from the seed."""
    chance = random.Random(f"{character.name} {seed}")  # noqa: S311 - pictures, not secrets
    scale = size / 512 * chance.uniform(0.85, 1.15)
    place = _Place(
        x=size * chance.uniform(0.44, 0.56),
        y=size * chance.uniform(0.42, 0.5),
        scale=scale,
        tilt=chance.uniform(-22, 22),
    )
    return _draw([(character, place)], (size, size), chance, style)


def draw_group(
    characters: Sequence[DrawnCharacter],
    *,
    seed: int,
    size_wh: tuple[int, int] = (1600, 900),
    style: Style = Style.COLOUR,
) -> Drawing:
    """The characters side by side in up to two rows, their faces clear of each other."""
    chance = random.Random(f"group {seed}")  # noqa: S311
    width, height = size_wh
    rows = 1 if len(characters) <= 4 else 2
    per_row = math.ceil(len(characters) / rows)
    scale = min(width / per_row / 330, height / rows / 330)
    places = []
    for number, character in enumerate(characters):
        row, column = divmod(number, per_row)
        in_row = min(per_row, len(characters) - row * per_row)
        places.append(
            (
                character,
                _Place(
                    x=width * (column + 0.5) / in_row + chance.uniform(-0.06, 0.06) * width / per_row,
                    y=height * (row + 0.46) / rows + chance.uniform(-0.02, 0.02) * height,
                    scale=scale * chance.uniform(0.85, 1.0),
                    tilt=chance.uniform(-9, 9),
                ),
            )
        )
    return _draw(places, size_wh, chance, style)


@dataclass(frozen=True, slots=True)
class _Place:
    x: float
    y: float
    scale: float
    tilt: float
    """Degrees, clockwise."""

    def box(self, width: int, height: int) -> FaceBox:
        """Around the tilted face, inside the picture."""
        x1, y1, x2, y2 = FACE
        cos, sin = math.cos(math.radians(self.tilt)), math.sin(math.radians(self.tilt))
        middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
        x = self.x + self.scale * (middle_x * cos - middle_y * sin)
        y = self.y + self.scale * (middle_x * sin + middle_y * cos)
        half_w, half_h = self.scale * (x2 - x1) / 2, self.scale * (y2 - y1) / 2
        return FaceBox(x - half_w, y - half_h, x + half_w, y + half_h).clipped(width, height)


def _draw(
    placed: Sequence[tuple[DrawnCharacter, _Place]],
    size_wh: tuple[int, int],
    chance: random.Random,
    style: Style,
) -> Drawing:
    width, height = size_wh
    grey = style is Style.MANGA
    heads = "".join(_placed_head(character, place, _mood(chance), grey=grey) for character, place in placed)
    image = _rasterise(_backdrop(width, height, chance, grey=grey) + heads, width, height)
    if grey:
        image = _screen_tone(image)
    return Drawing(
        image, tuple(DrawnFace(place.box(width, height), character) for character, place in placed)
    )


def _placed_head(character: DrawnCharacter, place: _Place, mood: Mood, *, grey: bool) -> str:
    moved = f"translate({place.x:.1f} {place.y:.1f}) rotate({place.tilt:.1f}) scale({place.scale:.4f})"
    return f'<g transform="{moved}">{head_svg(character.look, mood, grey=grey)}</g>'


def _mood(chance: random.Random) -> Mood:
    return Mood(
        turn=chance.uniform(-1, 1),
        mouth=chance.choice(MOUTHS),
        eyes=chance.choice(EYES),
        blush=chance.choice((0.0, 0.25, 0.5)),
        brow=chance.uniform(-14, 14),
    )


def _backdrop(width: int, height: int, chance: random.Random, *, grey: bool) -> str:
    hue = chance.random()
    light, deep = Colour(hue, 0.55, 0.88), Colour(hue + 0.08, 0.5, 0.68)
    if grey:
        light, deep = light.grey(), deep.grey()
    parts = [
        '<linearGradient id="sky" x1="0" y1="0" x2="0.3" y2="1">'
        f'<stop offset="0" stop-color="{light.css}"/><stop offset="1" stop-color="{deep.css}"/>'
        "</linearGradient>"
        f'<rect width="{width}" height="{height}" fill="url(#sky)"/>'
    ]
    for _ in range(14):
        x, y = chance.uniform(0, width), chance.uniform(0, height)
        r = chance.uniform(0.02, 0.12) * min(width, height)
        if chance.random() < 0.5:
            parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="#fff" fill-opacity="0.22"/>')
        else:
            turn = f"rotate({chance.uniform(-40, 40):.0f} {x:.0f} {y:.0f})"
            parts.append(
                f'<rect x="{x:.0f}" y="{y:.0f}" width="{r * 2:.0f}" height="{r * 0.5:.0f}" '
                f'rx="{r * 0.25:.0f}" fill="{deep.css}" fill-opacity="0.35" transform="{turn}"/>'
            )
    return "".join(parts)


def _rasterise(content: str, width: int, height: int) -> ImageRGB:
    import resvg_py  # noqa: PLC0415  # only drawing needs it

    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{content}</svg>'
    png = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)
    decoded = cv2.imdecode(np.frombuffer(bytes(png), dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    return cast(ImageRGB, decoded)


def _screen_tone(image: ImageRGB) -> ImageRGB:
    """Mid greys as dots, as a printed manga has them."""
    grey = image[..., 0].astype(np.float32)
    height, width = grey.shape
    y, x = np.mgrid[0:height, 0:width]
    screen = (np.sin((x + y) * (math.pi / 4)) * np.sin((x - y) * (math.pi / 4)) + 1) * 127.5
    tone = (grey > 70) & (grey < 215)
    dotted = np.where(tone, np.where(screen < grey, 255, 110), grey)
    return np.repeat(dotted.astype(np.uint8)[..., None], 3, axis=2)
