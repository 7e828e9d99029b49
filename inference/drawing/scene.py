"""Whole pictures: a portrait of one character, or several of them together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from inference.domain import FaceBox, ImageRGB
from inference.drawing.accessories import draw_accessory, draw_behind_cap, draw_eye_patch, draw_glasses
from inference.drawing.backdrop import draw_backdrop
from inference.drawing.body import draw_body
from inference.drawing.cast import DrawnCharacter
from inference.drawing.dice import Dice
from inference.drawing.eyes import draw_brows, draw_eyes
from inference.drawing.face import draw_ears, draw_face, draw_skin_mark
from inference.drawing.figure import Figure, Style, pose_figure
from inference.drawing.hair_back import draw_back_hair, draw_shoulder_hair
from inference.drawing.hair_front import draw_fringe, draw_sides, fringe_path
from inference.drawing.pose import strike_pose
from inference.drawing.raster import rasterise, screen_toned
from inference.drawing.svg import Point, Sheet, rectangle

_NECK = (0.0, 110.0)  # head coordinates; heads tilt around it


@dataclass(frozen=True, slots=True)
class DrawnFace:
    box: FaceBox
    """Near-square, from the fringe to just under the chin, in pixels of the picture."""
    character: DrawnCharacter


@dataclass(frozen=True, slots=True)
class Drawing:
    image: ImageRGB
    faces: tuple[DrawnFace, ...]
    """From left to right."""


def draw_portrait(
    character: DrawnCharacter, *, seed: int, size: int = 512, style: Style = Style.CEL
) -> Drawing:
    """A bust, size × size pixels; pose, expression, light and backdrop come from the seed."""
    dice = Dice("portrait", seed, character.look.strands)
    sheet = Sheet()
    draw_backdrop(sheet, dice, size, size)
    figure = pose_figure(character.look, strike_pose(dice), style)
    scale = size / 512 * dice.between(0.92, 1.16)
    x, y = size * dice.between(0.44, 0.56), size * dice.between(0.46, 0.5)
    box = _draw_figure(sheet, figure, (x, y), scale)
    _tint(sheet, figure, size, size)
    return Drawing(_finished(sheet, size, size, style), (DrawnFace(box, character),))


def draw_group(
    characters: Sequence[DrawnCharacter],
    *,
    seed: int,
    size_wh: tuple[int, int] = (1600, 900),
    style: Style = Style.CEL,
) -> Drawing:
    """All characters side by side at different scales, in an order that the seed shuffles; no face is hidden."""
    if not characters:
        raise ValueError("a group needs somebody in it")
    width, height = size_wh
    dice = Dice("group", seed, *(character.look.strands for character in characters))
    sheet = Sheet()
    draw_backdrop(sheet, dice, width, height)
    faces = []
    for character, centre, scale in _places(dice.shuffled(characters), dice, width, height):
        figure = pose_figure(character.look, strike_pose(dice), style)
        faces.append(DrawnFace(_draw_figure(sheet, figure, centre, scale), character))
    faces.sort(key=lambda face: face.box.x1)
    return Drawing(_finished(sheet, width, height, style), tuple(faces))
