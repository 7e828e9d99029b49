"""What happens to a face before the network sees it: a detector's box, another medium, a worse copy.

Everything is decided by the generator that is given, so that one seed always makes the same crop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import cv2
import numpy as np

from inference.domain import FaceBox, ImageRGB
from inference.embedding.align import align_crop
from inference.scaling import resized
from training.embedder.recipe import AugmentRecipe


def augmented_crop(
    square: ImageRGB,
    box: FaceBox,
    recipe: AugmentRecipe,
    generator: np.random.Generator,
    *,
    margin: float,
    side: int,
) -> ImageRGB:
    """A side × side × 3 RGB crop of the face, cut by the code that serves, around a box moved at random."""
    crop = align_crop(square, _moved(box, recipe, generator), margin=margin, side=side)
    steps: tuple[tuple[float, Callable[[ImageRGB, AugmentRecipe, np.random.Generator], ImageRGB]], ...] = (
        (recipe.flip, _flipped),
        (recipe.rotate, _rotated),
        (recipe.colour, _recoloured),
        (recipe.grey, _greyed),
        (recipe.tone, _toned),
        (recipe.blur, _blurred),
        (recipe.small, _shrunk),
        (recipe.noise, _noisy),
        (recipe.jpeg, _recompressed),
        (recipe.cover, _covered),
    )
    for probability, step in steps:
        if generator.random() < probability:
            crop = step(crop, recipe, generator)
    return np.ascontiguousarray(crop)


def screen_tone(grey: ImageRGB, period: float, degrees: float) -> ImageRGB:
    """A grey picture printed with dots: height × width × 3, the dots' grid turned by that angle.

    Lines and flat black or white stay; only middle greys become dots, as in printed manga.
    """
    height, width = grey.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    turn = np.deg2rad(degrees)
    u = (x * np.cos(turn) + y * np.sin(turn)) * (2 * np.pi / period)
    v = (-x * np.sin(turn) + y * np.cos(turn)) * (2 * np.pi / period)
    level = 127.5 + 63.75 * (np.cos(u) + np.cos(v))
    tone = grey.mean(axis=2)
    dots = np.where(tone > level, 255.0, 0.0)
    middle = np.clip((tone - 40) / 40, 0, 1) * np.clip((235 - tone) / 40, 0, 1)
    printed = tone * (1 - middle) + dots * middle
    return np.repeat(printed.astype(np.uint8)[:, :, None], 3, axis=2)


def _moved(box: FaceBox, recipe: AugmentRecipe, generator: np.random.Generator) -> FaceBox:
    side = max(box.width, box.height)
    dx, dy = generator.uniform(-recipe.shift, recipe.shift, 2) * side
    grow = np.exp(generator.uniform(-recipe.zoom, recipe.zoom))
    x, y = box.center
    width, height = box.width * grow / 2, box.height * grow / 2
    return FaceBox(x + dx - width, y + dy - height, x + dx + width, y + dy + height)


def _flipped(crop: ImageRGB, recipe: AugmentRecipe, generator: np.random.Generator) -> ImageRGB:
    return crop[:, ::-1]


def _rotated(crop: ImageRGB, recipe: AugmentRecipe, generator: np.random.Generator) -> ImageRGB:
    side = crop.shape[0]
    degrees = generator.uniform(-recipe.degrees, recipe.degrees)
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, 1.0)
    stretch = [*generator.uniform(0.94, 1.06, 2), 1.0]  # a little wider or higher
    turned = cv2.warpAffine(
        np.ascontiguousarray(crop),
        matrix * stretch,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cast(ImageRGB, turned)


def _recoloured(crop: ImageRGB, recipe: AugmentRecipe, generator: np.random.Generator) -> ImageRGB:
    hsv = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2HSV)
    turn = round(generator.uniform(-recipe.hue, recipe.hue) / 2)  # OpenCV's hue has 180 steps
    saturation = generator.uniform(0.6, 1.3)
    levels = np.arange(256)
    hue = ((levels + turn) % 180).astype(np.uint8)
    saturations = np.clip(levels * saturation, 0, 255).astype(np.uint8)
    hsv = cv2.merge([cv2.LUT(hsv[..., 0], hue), cv2.LUT(hsv[..., 1], saturations), hsv[..., 2]])
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    contrast, brightness = generator.uniform(0.8, 1.25), generator.uniform(-22, 22)
    gains = generator.uniform(0.92, 1.08, 3)  # the light's colour
    gamma = np.exp(generator.uniform(-0.25, 0.25))
    curve = 255 * (levels / 255) ** gamma
    table = np.clip(((curve - 127.5) * contrast + 127.5 + brightness)[:, None] * gains, 0, 255).astype(
        np.uint8
    )
    return cast(ImageRGB, cv2.LUT(rgb, table[None]))


def _greyed(crop: ImageRGB, recipe: AugmentRecipe, generator: np.random.Generator) -> ImageRGB:
    grey = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY)
    return cast(ImageRGB, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))


def _toned(crop: ImageRGB, recipe: AugmentRecipe, generator: np.random.Generator) -> ImageRGB:
    grey = _greyed(crop, recipe, generator)
    return screen_tone(grey, generator.uniform(2.2, 5.0), generator.choice([15.0, 30.0, 45.0, 75.0]))


def _blurred(crop: ImageRGB, recipe: AugmentRecipe, generator: np.random.Generator) -> ImageRGB:
    sigma = generator.uniform(0.4, 1.4)
    return cast(ImageRGB, cv2.GaussianBlur(np.ascontiguousarray(crop), (0, 0), sigma))


def _shrunk(crop: ImageRGB, recipe: AugmentRecipe, generator: np.random.Generator) -> ImageRGB:
    side = crop.shape[0]
    small = int(generator.integers(min(recipe.smallest, side), side, endpoint=True))
    return resized(resized(np.ascontiguousarray(crop), small, small), side, side)


def _noisy(crop: ImageRGB, recipe: AugmentRecipe, generator: np.random.Generator) -> ImageRGB:
    noise = generator.normal(0, generator.uniform(2, 12), crop.shape)
    return np.clip(crop + noise, 0, 255).astype(np.uint8)


def _recompressed(crop: ImageRGB, recipe: AugmentRecipe, generator: np.random.Generator) -> ImageRGB:
    quality = int(generator.integers(25, 90))
    bgr = np.ascontiguousarray(crop[..., ::-1])
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cast(ImageRGB, cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))


def _covered(crop: ImageRGB, recipe: AugmentRecipe, generator: np.random.Generator) -> ImageRGB:
    side = crop.shape[0]
    area = generator.uniform(0.02, recipe.cover_share) * side * side
    aspect = np.exp(generator.uniform(-1.0, 1.0))
    width = int(np.clip(np.sqrt(area * aspect), 2, side))
    height = int(np.clip(np.sqrt(area / aspect), 2, side))
    x, y = (int(generator.integers(0, side - extent, endpoint=True)) for extent in (width, height))
    covered = np.ascontiguousarray(crop).copy()
    target = covered[y : y + height, x : x + width]
    match generator.integers(3):
        case 0:
            target[:] = generator.integers(0, 256, 3)
        case 1:
            target[:] = generator.integers(0, 256, target.shape)
        case _:
            from_x, from_y = (int(generator.integers(0, side - e, endpoint=True)) for e in (width, height))
            target[:] = crop[from_y : from_y + height, from_x : from_x + width]
    return covered
