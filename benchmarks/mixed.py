"""Drawn pictures as files of mixed sizes and formats, the same ones every time."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from inference.drawing import draw_cast, draw_group
from inference.scaling import resized

_LONGEST, _SHORTEST = 1_800, 64
_FORMATS = (
    "JPEG",
    "JPEG",
    "JPEG",
    "PNG",
    "PNG",
    "WEBP",
    "GIF",
    "BMP",
    "AVIF",
    "animated WEBP",
    "progressive JPEG",
)


def mixed_files(count: int) -> list[bytes]:
    """Files of one to five faces, from icons to wallpapers: small ones are more frequent, as in chats."""
    rng = np.random.default_rng(11)
    scenes = [draw_group(draw_cast(people, seed=people), seed=people).image for people in range(1, 6)]
    return [_file(scenes[number % len(scenes)], rng) for number in range(count)]


def _file(scene: np.ndarray, rng: np.random.Generator) -> bytes:
    width = int(np.exp(rng.uniform(np.log(_SHORTEST), np.log(_LONGEST))))
    height = max(_SHORTEST, round(width * scene.shape[0] / scene.shape[1] * rng.uniform(0.7, 1.4)))
    picture = Image.fromarray(resized(scene, width, height))
    kind = str(rng.choice(_FORMATS))
    options: dict[str, object] = {}
    if kind == "progressive JPEG":
        options["progressive"] = True
    if kind.startswith("animated"):
        picture = picture.resize((min(width, 400), min(height, 400)))
        options |= {"save_all": True, "append_images": [picture.rotate(angle) for angle in (2, 4, 6)]}
    if kind == "PNG" and rng.random() < 0.3:
        picture.putalpha(200)
    if kind == "AVIF":
        options["speed"] = 10
    buffer = io.BytesIO()
    picture.save(buffer, kind.rsplit(maxsplit=1)[-1], **options)
    return buffer.getvalue()
