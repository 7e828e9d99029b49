"""Whole pictures: a portrait of one character, or several of them together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from inference.domain import FaceBox, ImageRGB
from inference.drawing.accessories import draw_accessory, draw_behind_cap, draw_eye_patch, draw_glasses
from inference.drawing.backdrop import draw_backdrop
from inference.drawing.body import draw_body
from inference.drawing.cast import Accessory, DrawnCharacter
from inference.drawing.dice import Dice
from inference.drawing.eyes import draw_brows, draw_eyes
from inference.drawing.face import draw_ears, draw_face, draw_skin_mark
from inference.drawing.figure import Figure, Style, pose_figure
from inference.drawing.hair_back import draw_back_hair, draw_shoulder_hair
from inference.drawing.hair_front import draw_fringe, draw_sides, fringe_path
from inference.drawing.pose import strike_pose
from inference.drawing.raster import rasterise, screen_toned, tinted
from inference.drawing.svg import Sheet

_NECK = (0.0, 110.0)  # head coordinates, as all here; heads tilt around it
_FRINGE_Y = -108.0  # the upper edge of a face box
_UNDER_CHIN = 6.0
_LIGHTS = (
    (255, 255, 255),
    (255, 255, 255),
    (255, 226, 190),
    (220, 232, 255),
    (255, 216, 228),
    (242, 230, 255),
)
_CHIBI_DROP = 0.1  # of the picture's height: a small body reaches less far down
_TALL = (Accessory.RABBIT_EARS, Accessory.WITCH_HAT, Accessory.HORNS, Accessory.CAT_EARS, Accessory.BERET)
_TILT_GROWTH = 0.3  # of the box, times the sine of the tilt
_ELBOW_ROOM = 300.0  # from one face to the next, so that no hat hides a neighbour
_AT_THE_EDGE = 175.0  # from the side of the picture to a face that leans over to it
_HEAD_ROOM = 370.0  # from one row of faces to the next
_ABOVE = 235.0  # from the top of the picture to the first row
_BELOW = 170.0  # from the last row to the bottom of the picture


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
    place = _Place(
        character,
        x=size * dice.between(0.42, 0.58),
        y=size * (dice.between(0.42, 0.48) + (_CHIBI_DROP if style is Style.CHIBI else 0.0)),
        scale=size / 512 * dice.between(0.47, 0.6),
    )
    _draw_behind(sheet, figure, place)
    _draw_before(sheet, figure, place)
    image = _finished(sheet, dice, size, size, style)
    return Drawing(image, (DrawnFace(_face_box(figure, place), character),))


def draw_group(
    characters: Sequence[DrawnCharacter],
    *,
    seed: int,
    size_wh: tuple[int, int] = (1600, 900),
    style: Style = Style.CEL,
) -> Drawing:
    """All characters side by side at different scales, in an order that the seed shuffles; no face is hidden.

    Raises ValueError when there is nobody.
    """
    if not characters:
        raise ValueError("a group needs somebody in it")
    width, height = size_wh
    dice = Dice("group", seed, *(character.look.strands for character in characters))
    sheet = Sheet()
    draw_backdrop(sheet, dice, width, height)
    faces = []
    for row in _places(_tallest_first(dice.shuffled(characters)), dice, width, height):
        figures = [pose_figure(place.character.look, strike_pose(dice), style) for place in row]
        for figure, place in zip(figures, row, strict=True):
            _draw_behind(sheet, figure, place)  # the whole row first, so that no hair hides a neighbour
        for figure, place in zip(figures, row, strict=True):
            _draw_before(sheet, figure, place)
            faces.append(DrawnFace(_face_box(figure, place), place.character))
    faces.sort(key=lambda face: face.box.x1)
    return Drawing(_finished(sheet, dice, width, height, style), tuple(faces))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a character stands: the middle of the face in pixels, and pixels per head unit."""

    character: DrawnCharacter
    x: float
    y: float
    scale: float


def _tallest_first(characters: Sequence[DrawnCharacter]) -> list[DrawnCharacter]:
    """Who wears something tall stands in the back row, as for every photograph."""
    return sorted(characters, key=lambda character: character.look.accessory not in _TALL)


def _places(characters: Sequence[DrawnCharacter], dice: Dice, width: int, height: int) -> list[list[_Place]]:
    """Rows from the back to the front, each a list of who stands where at which scale."""
    rows = max(range(1, len(characters) + 1), key=lambda n: _room(len(characters), n, width, height))
    room = _room(len(characters), rows, width, height)
    top, bottom = _ABOVE * room, height - _BELOW * room
    cell = width / (math.ceil(len(characters) / rows) + (0.5 if rows > 1 else 0))
    placed, waiting = [], list(characters)
    for row in range(rows):
        count = math.ceil(len(waiting) / (rows - row))
        members, waiting = waiting[:count], waiting[count:]
        # People in front stand in the gaps of the row behind: a row of one less does so by itself.
        aside = (cell / 4) * (-1) ** row if rows > 1 and len(characters) % rows == 0 else 0.0
        middle = width / 2 + aside
        y = top + (bottom - top) * (row / (rows - 1) if rows > 1 else 0.5)
        line = []
        for column, character in enumerate(members):
            scale = room * dice.between(0.78, 1.0)
            x = middle + cell * (column - (count - 1) / 2) + dice.between(-8, 8) * scale
            x = min(max(x, _AT_THE_EDGE * scale), width - _AT_THE_EDGE * scale)
            line.append(_Place(character, x, y + dice.between(-16, 16) * scale, scale))
        placed.append(line)
    return placed


def _room(count: int, rows: int, width: int, height: int) -> float:
    """The largest scale at which the heads of so many rows are clear of each other."""
    columns = math.ceil(count / rows)
    if math.ceil(count / columns) < rows:
        return 0.0
    across = width / (columns + (0.5 if rows > 1 else 0)) / _ELBOW_ROOM
    return min(across, height / (_ABOVE + _BELOW + _HEAD_ROOM * (rows - 1)))


def _draw_behind(sheet: Sheet, figure: Figure, place: _Place) -> None:
    with sheet.moved(place.x, place.y, scale=place.scale, turn=figure.pose.tilt, pivot=_NECK):
        draw_back_hair(sheet, figure)


def _draw_before(sheet: Sheet, figure: Figure, place: _Place) -> None:
    body_scale = figure.proportions.body_scale
    # A smaller body still begins at the chin.
    drop = (_NECK[1] - 8) * (1 - body_scale) * place.scale
    with sheet.moved(place.x, place.y + drop, scale=place.scale * body_scale):
        draw_body(sheet, figure)
    fringe = fringe_path(figure)
    with sheet.moved(place.x, place.y, scale=place.scale, turn=figure.pose.tilt, pivot=_NECK):
        draw_shoulder_hair(sheet, figure)
        draw_ears(sheet, figure)
        draw_face(sheet, figure, fringe)
        draw_skin_mark(sheet, figure)
        draw_eyes(sheet, figure)
        draw_eye_patch(sheet, figure)
        draw_sides(sheet, figure)
        draw_behind_cap(sheet, figure)
        draw_fringe(sheet, figure, fringe)
        draw_brows(sheet, figure)
        draw_glasses(sheet, figure)
        draw_accessory(sheet, figure)


def _face_box(figure: Figure, place: _Place) -> FaceBox:
    top, bottom = _FRINGE_Y, figure.proportions.chin_y + _UNDER_CHIN
    side = bottom - top
    x, y = figure.place(0, (top + bottom) / 2, 0.6)
    angle = math.radians(figure.pose.tilt)
    dx, dy = x - _NECK[0], y - _NECK[1]
    center_x = place.x + place.scale * (_NECK[0] + dx * math.cos(angle) - dy * math.sin(angle))
    center_y = place.y + place.scale * (_NECK[1] + dx * math.sin(angle) + dy * math.cos(angle))
    half = side / 2 * place.scale * (1 + _TILT_GROWTH * abs(math.sin(angle)))
    return FaceBox(center_x - half, center_y - half, center_x + half, center_y + half)


def _finished(sheet: Sheet, dice: Dice, width: int, height: int, style: Style) -> ImageRGB:
    image = rasterise(sheet.svg(width, height))
    if style is Style.MANGA:
        return screen_toned(image)
    return tinted(image, dice.choice(_LIGHTS), dice.between(0.05, 0.28))
