"""What happens to a finished canvas: mirrored, turned, in other colours, printed, or a worse copy.

Everything is decided by the generator that is given, so that one seed always makes the same canvas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import cv2
import numpy as np

from inference.domain import ImageRGB
from inference.scaling import resized
from training.detector.layouts import LAYOUTS, Shelf
from training.detector.recipe import DetectorRecipe, MediumRecipe
from training.detector.scene import Scene, mirrored, turned
from training.embedder.augment import screen_tone

_PLAIN = ("whole", "zoom")


def laid_out_canvas(
    first: Scene,
    shelf: Shelf,
    recipe: DetectorRecipe,
    generator: np.random.Generator,
    *,
    size: int,
    plain: bool,
) -> Scene:
    """A size × size canvas that begins with that picture; `plain` for whole pictures and zooms only."""
    names = [name for name in LAYOUTS if not plain or name in _PLAIN]
    weights = np.array([getattr(recipe.layout, name) for name in names], dtype=float)
    chosen = "whole"
    if weights.sum() > 0:
        chosen = names[int(generator.choice(len(names), p=weights / weights.sum()))]
    canvas = LAYOUTS[chosen](first, shelf, size, recipe.layout, generator)
    if chosen == "page" and generator.random() < recipe.medium.print_pages:
        step = toned if generator.random() < 0.5 else greyed
        canvas = replace(canvas, image=step(canvas.image, generator))
    return augmented(canvas, recipe.medium, generator)


def augmented(scene: Scene, recipe: MediumRecipe, generator: np.random.Generator) -> Scene:
    """The same scene in another medium, boxes moved with what they show."""
    if generator.random() < recipe.flip:
        scene = mirrored(scene)
    if generator.random() < recipe.rotate:
        scene = turned(scene, float(generator.uniform(-recipe.degrees, recipe.degrees)))
    image = scene.image
    steps: tuple[tuple[float, Callable[[ImageRGB, np.random.Generator], ImageRGB]], ...] = (
        (recipe.colour, recoloured),
        (recipe.grey, greyed),
        (recipe.blur, blurred),
        (recipe.sharpen, sharpened),
        (recipe.small, shrunk),
        (recipe.tone, toned),
        (recipe.noise, noisy),
        (recipe.jpeg, recompressed),
    )
    for probability, step in steps:
        if generator.random() < probability:
            image = step(image, generator)
    return replace(scene, image=np.ascontiguousarray(image))


def recoloured(image: ImageRGB, generator: np.random.Generator) -> ImageRGB:
    """Another hue, saturation, brightness and contrast."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    levels = np.arange(256)
    turn = round(generator.uniform(-9, 9))  # of OpenCV's 180 steps
    hue = ((levels + turn) % 180).astype(np.uint8)
    saturation = np.clip(levels * generator.uniform(0.3, 1.6), 0, 255).astype(np.uint8)
    hsv = cv2.merge([cv2.LUT(hsv[..., 0], hue), cv2.LUT(hsv[..., 1], saturation), hsv[..., 2]])
    gamma = np.exp(generator.uniform(-0.5, 0.5))
    contrast, brightness = generator.uniform(0.7, 1.25), generator.uniform(-25, 25)
    curve = (255 * (levels / 255) ** gamma - 127.5) * contrast + 127.5 + brightness
    table = np.clip(curve, 0, 255).astype(np.uint8)
    return cast(ImageRGB, cv2.LUT(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), table))


def greyed(image: ImageRGB, generator: np.random.Generator) -> ImageRGB:
    """Greyscale as ink on paper: more contrast, near-whites white and near-blacks black."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    low, high = generator.uniform(0, 30), generator.uniform(210, 255)
    grey = np.clip((grey - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    return cast(ImageRGB, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))


def toned(image: ImageRGB, generator: np.random.Generator) -> ImageRGB:
    """Greyscale with the middle greys printed as a screen of dots."""
    degrees = float(generator.choice([15.0, 30.0, 45.0, 75.0]))
    return screen_tone(greyed(image, generator), float(generator.uniform(2.2, 6.0)), degrees)


def blurred(image: ImageRGB, generator: np.random.Generator) -> ImageRGB:
    return cast(ImageRGB, cv2.GaussianBlur(image, (0, 0), generator.uniform(0.4, 1.6)))


def sharpened(image: ImageRGB, generator: np.random.Generator) -> ImageRGB:
    """Unsharp masking, which also makes enlarged lines look drawn at that size."""
    amount = generator.uniform(0.4, 2.0)
    soft = cv2.GaussianBlur(image, (0, 0), generator.uniform(1.0, 3.0))
    return cast(ImageRGB, cv2.addWeighted(image, 1 + amount, soft, -amount, 0))


def shrunk(image: ImageRGB, generator: np.random.Generator) -> ImageRGB:
    """Shrunk and enlarged again: the detail of a thumbnail."""
    height, width = image.shape[:2]
    share = generator.uniform(0.35, 0.8)
    return resized(resized(image, max(1, round(width * share)), max(1, round(height * share))), width, height)


def noisy(image: ImageRGB, generator: np.random.Generator) -> ImageRGB:
    noise = generator.standard_normal(image.shape, np.float32) * generator.uniform(2, 12)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def recompressed(image: ImageRGB, generator: np.random.Generator) -> ImageRGB:
    """A JPEG of poor to middling quality, decoded again."""
    quality = int(generator.integers(20, 90))
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cast(ImageRGB, cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))
