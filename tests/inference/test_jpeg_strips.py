"""JPEG encoded in strips: one file that any decoder shows as it would the picture encoded in one piece."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import cv2
import numpy as np
import pytest
import simplejpeg  # type: ignore[import-untyped]
from PIL import Image

from inference.domain import ImageRGB
from inference.images import encode
from inference.jpeg_strips import cut_strips

In = TypeVar("In")
Out = TypeVar("Out")


def speckled(width: int, height: int) -> ImageRGB:
    """Smooth and noisy places, so that coded blocks are of many lengths."""
    rng = np.random.default_rng(width * height)
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3)
    noise = rng.integers(-60, 60, (height, width, 3)) * (rng.random((height, 1, 1)) < 0.5)
    return np.clip(ramp + noise, 0, 255).astype(np.uint8)


def in_threads(function: Callable[[In], Out], items: Sequence[In], /) -> list[Out]:
    with ThreadPoolExecutor(4) as threads:
        return [*threads.map(function, items)]


DECODERS: dict[str, Callable[[bytes], object]] = {
    "libjpeg-turbo": simplejpeg.decode_jpeg,
    "Pillow": lambda data: np.asarray(Image.open(io.BytesIO(data))),
    "OpenCV": lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB),
}


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(
    ("width", "height", "strips"),
    [
        (1, 1, 1),
        (333, 319, 1),
        (1, 320, 2),
        (17, 321, 2),
        (500, 479, 2),
        (64, 480, 3),
        (1000, 1000, 4),
        (641, 1023, 4),
        (30, 2048, 4),
    ],
)
def test_the_strips_show_the_same_pixels(width: int, height: int, strips: int, decoder: str) -> None:
    picture = speckled(width, height)
    assert len(cut_strips(picture)) == strips
    for quality in (60, 90):
        data = encode(picture, format="jpeg", quality=quality)
        whole = simplejpeg.encode_jpeg(picture, quality, "RGB", "420", fastdct=False)
        np.testing.assert_array_equal(DECODERS[decoder](data), DECODERS[decoder](whole))
        assert len(data) <= len(whole) + 6 + 16 * (strips - 1)


def test_the_file_is_the_same_in_several_threads() -> None:
    picture = speckled(900, 1200)
    assert encode(picture, format="jpeg", each=in_threads) == encode(picture, format="jpeg")


def test_a_strip_of_more_blocks_than_a_restart_interval_counts_is_not_cut() -> None:
    assert len(cut_strips(np.broadcast_to(np.uint8(0), (1_024, 65_500, 3)))) == 4
    assert len(cut_strips(np.broadcast_to(np.uint8(0), (1_088, 65_500, 3)))) == 1


def test_a_part_of_a_picture_is_cut_too() -> None:
    picture = speckled(700, 700)[20:-20, 30:-30]
    assert encode(picture, format="jpeg") == encode(np.ascontiguousarray(picture), format="jpeg")
