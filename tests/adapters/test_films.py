"""Videos and animated stickers become animations that the core reads."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from bot.adapters.films import SAMPLED_FRAMES, animation_of
from config.options import ImageLimits
from inference.domain import ImageRGB
from inference.drawing import draw_cast, draw_portrait
from inference.errors import AppError, ImageTooLargeError, ImageUnreadableError, ImageUnsupportedError
from inference.images import decode
from tests.adapters.films import film, tgs


def plain(colour: tuple[int, int, int], width: int = 160, height: int = 120) -> ImageRGB:
    return np.full((height, width, 3), colour, np.uint8)


def ramp(count: int) -> list[ImageRGB]:
    """Frames that grow brighter."""
    return [plain((20 + number * 200 // count,) * 3) for number in range(count)]


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_video_is_sampled_evenly_from_its_first_frame(kind: str) -> None:
    found = decode(animation_of(film(ramp(40), kind=kind)), ImageLimits())
    assert (found.format, found.width, found.height, len(found.frames)) == ("WEBP", 160, 120, SAMPLED_FRAMES)
    brightness = [float(frame.mean()) for frame in found.frames]
    expected = [20 + number * 5 * 200 / 40 for number in range(SAMPLED_FRAMES)]
    assert np.abs(np.array(brightness) - expected).max() < 8
    assert found.frame_times_ms == tuple(number * 500 for number in range(SAMPLED_FRAMES))


def test_the_same_video_always_gives_the_same_frames() -> None:
    data = film(ramp(20))
    assert animation_of(data) == animation_of(data)


def test_a_video_without_movement_is_read_too() -> None:
    found = decode(animation_of(film([plain((90, 120, 30))] * 30)), ImageLimits())
    assert np.abs(found.frames[0].mean(axis=(0, 1)) - (90, 120, 30)).max() < 12


def test_a_single_frame_is_a_still_picture() -> None:
    found = decode(animation_of(film([plain((200, 10, 10))])), ImageLimits())
    assert found.frame_total == 1
    assert np.abs(found.frames[0].mean(axis=(0, 1)) - (200, 10, 10)).max() < 12


def test_large_videos_are_made_smaller() -> None:
    found = decode(animation_of(film([plain((9, 9, 9), 1920, 1080)] * 3)), ImageLimits())
    assert (found.width, found.height) == (1280, 720)


def test_transparency_of_video_stickers_is_laid_on_white() -> None:
    alpha = np.zeros((120, 160, 3), np.uint8)
    alpha[:, :80] = 255
    found = decode(animation_of(film([plain((200, 0, 0))] * 4, kind="webm", alpha=alpha)), ImageLimits())
    left, right = found.frames[0][:, :60], found.frames[0][:, 100:]
    assert np.abs(left.mean(axis=(0, 1)) - (200, 0, 0)).max() < 25
    assert right.min() > 235


def test_an_animated_sticker_is_drawn_as_it_moves() -> None:
    found = decode(animation_of(tgs()), ImageLimits())
    assert (found.width, found.height, len(found.frames)) == (512, 512, SAMPLED_FRAMES)
    centres = [np.argwhere(frame[..., 1] < 128).mean(axis=0)[1] for frame in found.frames]
    assert np.abs(np.array(centres) - [100 + 39 * number for number in range(SAMPLED_FRAMES)]).max() < 4
    assert found.frames[0][5, 5].min() > 250


def test_a_drawn_face_is_still_one_after_all_that() -> None:
    character = draw_cast(1, seed=6)[0]
    portrait = draw_portrait(character, seed=1).image
    high, wide = (side - side % 2 for side in portrait.shape[:2])
    found = decode(animation_of(film([portrait[:high, :wide]] * 10)), ImageLimits())
    assert np.abs(found.frames[0].astype(int) - portrait[:high, :wide]).mean() < 12


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ImageUnsupportedError),
        (b"#!/bin/sh\n" * 100, ImageUnsupportedError),
        (b"\0\0\0\x20ftypmp42" + b"\0" * 200, ImageUnreadableError),
        (b"\x1a\x45\xdf\xa3" + bytes(range(256)), ImageUnreadableError),
        (b"\x1f\x8b" + b"\0" * 50, ImageUnreadableError),
        (gzip.compress(b"[1, 2]"), ImageUnreadableError),
        (gzip.compress(b"{}"), ImageUnreadableError),
        (gzip.compress(b"[" * 100_000), ImageUnreadableError),
        (gzip.compress(b" " * (5 * 1024 * 1024)), ImageTooLargeError),
        (tgs(assets=[{"id": "a", "u": "/etc/", "p": "passwd", "w": 9, "h": 9}]), ImageUnreadableError),
        (tgs(markers=[{"x": "while (true) {}"}]), ImageUnreadableError),
    ],
    ids=["empty", "text", "mp4", "webm", "gzip", "list", "no-lottie", "deep", "bomb", "asset", "expression"],
)
def test_what_is_none_is_refused(data: bytes, error: type[AppError]) -> None:
    with pytest.raises(error):
        animation_of(data)


@pytest.mark.parametrize("cut", [100, 1000, 5000, 20000])
def test_a_broken_video_is_refused_or_shown_as_far_as_it_goes(cut: int) -> None:
    data = film(
        [frame + np.random.default_rng(1).integers(0, 30, frame.shape, np.uint8) for frame in ramp(20)],
        kind="webm",
    )
    try:
        found = decode(animation_of(data[:cut]), ImageLimits())
    except (ImageUnreadableError, ImageUnsupportedError):
        return
    assert 1 <= len(found.frames) <= SAMPLED_FRAMES
