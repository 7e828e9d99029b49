"""Ways to lay pictures out on a square canvas, so that faces of all sizes and surroundings are seen.

Every layout takes the pictures, the size of the canvas and a generator that decides everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.recipe import LayoutRecipe
from training.detector.scene import Colour, Scene, blank, masked, pasted, window

_READABLE = 14.0  # canvas pixels: no picture of a crowd is so small that its largest face is smaller
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_EMPTY_SHARE = 1 / 7  # of the pictures beside the first, those without faces


@dataclass(frozen=True, slots=True)
class Shelf:
    """The pictures that a layout draws from."""

    scenes: Sequence[Scene]
    with_faces: Sequence[int]
    without_faces: Sequence[int]

    def any(self, generator: np.random.Generator) -> Scene:
        """One with faces, or now and then one without."""
        wanted = self.without_faces if generator.random() < _EMPTY_SHARE else self.with_faces
        return self._one(wanted or self.with_faces or self.without_faces, generator)

    def face(self, generator: np.random.Generator) -> Scene:
        """One with faces, where there is any."""
        return self._one(self.with_faces or self.without_faces, generator)

    def empty(self, generator: np.random.Generator) -> Scene | None:
        return self._one(self.without_faces, generator) if self.without_faces else None

    def _one(self, indices: Sequence[int], generator: np.random.Generator) -> Scene:
        return self.scenes[indices[int(generator.integers(len(indices)))]]


Layout = Callable[[Scene, Shelf, int, LayoutRecipe, np.random.Generator], Scene]
"""From the canvas's first picture, the others, its size and the recipe to a size × size canvas."""


def whole(
    first: Scene, shelf: Shelf, size: int, recipe: LayoutRecipe, generator: np.random.Generator
) -> Scene:
    """The picture as serving shows it, or down to half as large, or up to 1.5 times as large and cut."""
    longer = max(first.width, first.height)
    if generator.random() < 0.5:
        side, share_x, share_y = float(longer), 0.5, 0.5
    else:
        side = longer / generator.uniform(0.5, 1.5)
        share_x, share_y = generator.uniform(0, 1, 2)
    x, y = (first.width - side) * share_x, (first.height - side) * share_y
    return window(first, (x, y, side, side), (size, size))


def zoom(
    first: Scene, shelf: Shelf, size: int, recipe: LayoutRecipe, generator: np.random.Generator
) -> Scene:
    """A window around one face in which it takes from a quarter to the largest share of the canvas."""
    scene = first if len(first.boxes) else shelf.face(generator)
    if not len(scene.boxes):
        return whole(first, shelf, size, recipe, generator)
    x1, y1, x2, y2 = _one_box(scene, generator)
    face = max(x2 - x1, y2 - y1)
    share = min(generator.uniform(0.25, recipe.largest), recipe.enlarged * face / size)
    side = face / share
    x = x1 - generator.uniform(0, 1) * (side - (x2 - x1))
    y = y1 - generator.uniform(0, 1) * (side - (y2 - y1))
    # Mostly the window lies in the picture, so that the picture and not a grey frame fills the canvas.
    x = _inside(x, side, scene.width) if generator.random() < 0.8 else x
    y = _inside(y, side, scene.height) if generator.random() < 0.8 else y
    return window(scene, (x, y, side, side), (size, size))


def mosaic(
    first: Scene, shelf: Shelf, size: int, recipe: LayoutRecipe, generator: np.random.Generator
) -> Scene:
    """Four pictures that meet at a corner somewhere in the middle, each filling its quarter or nearly so."""
    canvas = blank(size, size)
    middle_x, middle_y = (int(size * generator.uniform(0.3, 0.7)) for _ in range(2))
    scenes = [first, *(shelf.any(generator) for _ in range(3))]
    order = generator.permutation(4)
    for place, number in enumerate(order):
        x1, x2 = ((0, middle_x), (middle_x, size))[place % 2]
        y1, y2 = ((0, middle_y), (middle_y, size))[place // 2]
        tile = _filling(scenes[number], (x2 - x1, y2 - y1), generator, closeness=generator.uniform(0.7, 1.3))
        canvas = pasted(canvas, tile, x1, y1)
    return canvas


def crowd(
    first: Scene, shelf: Shelf, size: int, recipe: LayoutRecipe, generator: np.random.Generator
) -> Scene:
    """Rows of pictures so small that most of their faces are between fifteen and a hundred pixels."""
    canvas = blank(size, size, _ground(generator))
    rows = int(generator.integers(2, max(3, size // 90), endpoint=True))
    top = 0.0
    waiting = [first]
    for share in _shares(rows, generator):
        height = round(size * share)
        x = -int(height * generator.uniform(0, 0.5))
        while x < size:
            scene = waiting.pop() if waiting else shelf.any(generator)
            width = max(16, round(height * min(1.5, scene.width / scene.height)))
            canvas = pasted(canvas, _readable(scene, (width, height), generator), x, round(top))
            x += width + int(generator.integers(0, 6))
        top += size * share
    return canvas


def page(
    first: Scene, shelf: Shelf, size: int, recipe: LayoutRecipe, generator: np.random.Generator
) -> Scene:
    """A page of a comic: bordered panels with gutters, cut close to the faces, and speech balloons."""
    width = round(size * generator.uniform(0.62, 1.0))
    sheet = blank(width, size, _WHITE)
    gutter = max(2, round(size * generator.uniform(0.006, 0.025)))
    waiting = [first]
    top = gutter
    for row in _shares(int(generator.integers(2, 5)), generator):
        height = max(24, round((size - gutter) * row) - gutter)
        x = gutter
        for column in _shares(int(generator.integers(1, 4)), generator):
            span = max(24, round((width - gutter) * column) - gutter)
            scene = waiting.pop() if waiting else shelf.any(generator)
            sheet = pasted(sheet, _panel(scene, (span, height), generator), x, top)
            x += span + gutter
        top += height + gutter
    for _ in range(int(generator.integers(0, 8))):
        sheet = _with_balloon(sheet, generator)
    return pasted(blank(size, size), sheet, int(generator.integers(0, size - width, endpoint=True)), 0)


def stickers(
    first: Scene, shelf: Shelf, size: int, recipe: LayoutRecipe, generator: np.random.Generator
) -> Scene:
    """Faces cut out with some of their surroundings, as avatars and stickers are, on another picture."""
    ground = shelf.empty(generator) if generator.random() < 0.7 else None
    if ground is None:
        canvas = blank(size, size, _ground(generator))
    else:
        canvas = _filling(ground, (size, size), generator)
    waiting = [first] if len(first.boxes) else []
    for _ in range(int(generator.integers(1, 7))):
        scene = waiting.pop() if waiting else shelf.face(generator)
        if len(scene.boxes):
            side = round(size * np.exp(generator.uniform(np.log(0.09), np.log(0.6))))
            tile, mask = _sticker(scene, side, generator)
            x, y = (int(generator.uniform(-0.15 * side, size - 0.85 * side)) for _ in range(2))
            canvas = masked(canvas, tile, mask, x, y)
    return canvas


LAYOUTS: dict[str, Layout] = {
    "whole": whole,
    "zoom": zoom,
    "mosaic": mosaic,
    "crowd": crowd,
    "page": page,
    "stickers": stickers,
}
"""By their names in the recipe."""


def _filling(
    scene: Scene, size_wh: tuple[int, int], generator: np.random.Generator, *, closeness: float = 1.0
) -> Scene:
    """A part of the picture that fills a tile; with a closeness below 1, more of it than fits."""
    width, height = size_wh
    scale = max(width / scene.width, height / scene.height) * closeness
    part_width, part_height = width / scale, height / scale
    x = generator.uniform(0, 1) * (scene.width - part_width)
    y = generator.uniform(0, 1) * (scene.height - part_height)
    return window(scene, (x, y, part_width, part_height), size_wh)


def _readable(scene: Scene, size_wh: tuple[int, int], generator: np.random.Generator) -> Scene:
    """The picture filling a small tile, closer where its largest face would be too small to tell."""
    if not len(scene.boxes):
        return _filling(scene, size_wh, generator)
    largest = float((scene.boxes[:, 2] - scene.boxes[:, 0]).max())
    needed = _READABLE / largest
    if max(size_wh[0] / scene.width, size_wh[1] / scene.height) >= needed:
        return _filling(scene, size_wh, generator)
    return _around_a_face(scene, size_wh[0] / needed, size_wh, generator)


def _panel(scene: Scene, size_wh: tuple[int, int], generator: np.random.Generator) -> Scene:
    """A bordered panel; a face in it takes from a fifth of its height to nearly all of it."""
    width, height = size_wh
    if len(scene.boxes):
        _, y1, _, y2 = _one_box(scene, generator)
        fitting = min(float(scene.height), scene.width * height / width)
        part_height = max(min((y2 - y1) / generator.uniform(0.2, 0.95), fitting), (y2 - y1) / 0.95)
        tile = _around_a_face(scene, part_height * width / height, size_wh, generator)
    else:
        tile = _filling(scene, size_wh, generator)
    if generator.random() < 0.9:
        thickness = 1 + int(generator.integers(0, max(1, width // 120), endpoint=True))
        cv2.rectangle(tile.image, (0, 0), (width - 1, height - 1), _BLACK, thickness)
    return tile


def _around_a_face(
    scene: Scene, part_width: float, size_wh: tuple[int, int], generator: np.random.Generator
) -> Scene:
    """A window of that width in the picture's pixels which holds one of its faces."""
    x1, y1, x2, y2 = _one_box(scene, generator)
    part_height = part_width * size_wh[1] / size_wh[0]
    x = _inside(x1 - generator.uniform(0.1, 0.9) * (part_width - (x2 - x1)), part_width, scene.width)
    y = _inside(y1 - generator.uniform(0.1, 0.9) * (part_height - (y2 - y1)), part_height, scene.height)
    return window(scene, (x, y, part_width, part_height), size_wh)


def _with_balloon(sheet: Scene, generator: np.random.Generator) -> Scene:
    """A white balloon with writing somewhere; faces that it hides for the most part are dropped."""
    width = max(12, round(sheet.width * generator.uniform(0.06, 0.2)))
    height = max(12, round(width * generator.uniform(0.7, 1.8)))
    balloon = blank(width, height, _WHITE)
    middle, reach = (width // 2, height // 2), (width // 2 - 1, height // 2 - 1)
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, middle, reach, 0, 0, 360, 255, -1)
    cv2.ellipse(balloon.image, middle, reach, 0, 0, 360, _BLACK, 1 + width // 80, cv2.LINE_AA)
    step = max(3, width // 9)
    for x in range(width // 2 - 2 * step, width // 2 + 2 * step, step):
        for y in range(height // 4, height * 3 // 4, step):
            if generator.random() < 0.8:  # a stroke in the place of a letter
                x1, y1, x2, y2 = (int(end) for end in generator.integers(0, max(2, step - 1), 4))
                cv2.line(balloon.image, (x + x1, y + y1), (x + x2, y + y2), _BLACK, 1)
    x, y = int(generator.uniform(-width / 3, sheet.width)), int(generator.uniform(-height / 3, sheet.height))
    return masked(sheet, balloon, mask, x, y)


def _sticker(scene: Scene, side: int, generator: np.random.Generator) -> tuple[Scene, NDArray[np.uint8]]:
    """A square around one face, and its round or upright mask; half of them have a border."""
    x1, y1, x2, y2 = _one_box(scene, generator)
    part = max(x2 - x1, y2 - y1) * generator.uniform(1.15, 2.2)
    tile = window(scene, ((x1 + x2 - part) / 2, (y1 + y2 - part) / 2, part, part), (side, side))
    mask = np.zeros((side, side), np.uint8)
    border = round(side * generator.uniform(0, 0.05)) if generator.random() < 0.5 else 0
    colour = _ground(generator)
    if generator.random() < 0.6:
        middle, radius = (side // 2, side // 2), side // 2 - 1
        cv2.circle(mask, middle, radius, 255, -1)
        if border:
            cv2.circle(tile.image, middle, radius - border // 2, colour, border)
    else:
        inset = round(side * generator.uniform(0, 0.12))
        corners = (inset, 0), (side - 1 - inset, side - 1)
        cv2.rectangle(mask, *corners, 255, -1)
        if border:
            cv2.rectangle(tile.image, *corners, colour, border)
    return tile, mask


def _one_box(scene: Scene, generator: np.random.Generator) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(edge) for edge in scene.boxes[int(generator.integers(len(scene.boxes)))])
    return x1, y1, x2, y2


def _ground(generator: np.random.Generator) -> Colour:
    """White, black or any colour."""
    if generator.random() < 0.5:
        return _WHITE if generator.random() < 0.7 else _BLACK
    red, green, blue = (int(level) for level in generator.integers(0, 256, 3))
    return red, green, blue


def _shares(count: int, generator: np.random.Generator) -> list[float]:
    """That many shares of a whole, none less than a third of another."""
    parts = generator.uniform(1, 3, count)
    return [float(part) for part in parts / parts.sum()]


def _inside(start: float, length: float, whole_length: float) -> float:
    """The start of a stretch moved so that it lies within the whole, or holds it in its middle."""
    if length >= whole_length:
        return (whole_length - length) / 2
    return min(max(start, 0.0), whole_length - length)
