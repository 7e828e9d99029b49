"""Stamps do to any picture what the drawing that they were made of does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inference.domain import ImageRGB
from inference.stamps import Stamp, StampSheet

SIDE = 12


def draw(canvas: ImageRGB, left: int = 0, top: int = 0) -> None:
    for radius, colour in ((60, (16, 18, 22)), (40, (255, 200, 9))):
        centre = [(left + SIDE // 2) * 16 + 3, (top + SIDE // 2) * 16 + 7]
        cv2.circle(canvas, centre, radius, colour, cv2.FILLED, cv2.LINE_AA, 4)


@pytest.fixture
def ground() -> ImageRGB:
    return np.random.default_rng(1).integers(0, 256, (40, 50, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("left", "top"), [(5, 9), (0, 0), (38, 28), (-7, 3), (20, -11), (45, 35), (-20, 0), (60, 60)]
)
def test_a_stamp_looks_like_its_drawing_wherever_it_is_painted(ground: ImageRGB, left: int, top: int) -> None:
    drawn = cv2.copyMakeBorder(ground, 90, 90, 90, 90, cv2.BORDER_CONSTANT)
    draw(drawn, left + 90, top + 90)
    stamped = ground.copy()
    Stamp.of(SIDE, draw).onto(stamped, left, top)
    difference = np.abs(stamped.astype(int) - drawn[90:-90, 90:-90])
    assert difference.max() <= 4, "layers are rounded one by one"
    inside = -SIDE < left < 50 and -SIDE < top < 40
    assert np.array_equal(stamped, ground) != inside


def test_a_flipped_stamp_is_its_mirror_image(ground: ImageRGB) -> None:
    stamp, upright = Stamp.of(SIDE, draw), ground.copy()
    stamp.onto(upright, 10, 10)
    for across, down in ((True, False), (False, True), (True, True)):
        steps = slice(None, None, -1 if down else 1), slice(None, None, -1 if across else 1)
        mirrored = np.ascontiguousarray(ground[steps])
        left = 50 - 10 - SIDE if across else 10
        top = 40 - 10 - SIDE if down else 10
        stamp.flipped(across=across, down=down).onto(mirrored, left, top)
        assert np.array_equal(mirrored[steps], upright)


def test_many_stamps_at_once_are_the_same_as_one_by_one(ground: ImageRGB) -> None:
    sheet = StampSheet.of([Stamp.of(SIDE, draw), Stamp.of(SIDE, lambda canvas: canvas.fill(7))])
    which = np.array([0, 1, 0, 0])
    left_top = np.array([[0, 0], [13, 20], [38, 28], [45, -3]])
    at_once, one_by_one = ground.copy(), ground.copy()
    sheet.onto(at_once, which, left_top, apart=True)
    sheet.onto(one_by_one, which, left_top, apart=False)
    assert np.array_equal(at_once, one_by_one)
    assert (one_by_one[20:32, 13:25] == 7).all()


def test_stamps_on_each_other_are_painted_in_order(ground: ImageRGB) -> None:
    sheet = StampSheet.of([Stamp.of(SIDE, lambda canvas, n=n: canvas.fill(n)) for n in (7, 9)])  # type: ignore[misc]
    sheet.onto(ground, np.array([0, 1]), np.array([[0, 0], [6, 0]]), apart=False)
    assert (ground[:SIDE, :6] == 7).all()
    assert (ground[:SIDE, 6:18] == 9).all()
