"""Boxes move with what they show."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.detector.painted import painted, red_outside, redness
from training.detector.scene import GREY, blank, masked, mirrored, pasted, turned, window


def test_a_window_scales_and_moves_its_boxes() -> None:
    seen = window(painted(100, 80, (20, 30, 60, 70)), (10, 20, 60, 60), (120, 120))
    assert seen.boxes.tolist() == [[20.0, 20.0, 100.0, 100.0]]
    assert redness(seen.image, seen.boxes[0]) > 0.97
    assert red_outside(seen) < 0.02


def test_a_window_beyond_the_picture_shows_grey() -> None:
    seen = window(painted(40, 40, (0, 0, 20, 20)), (-40, -40, 120, 120), (120, 120))
    assert tuple(seen.image[5, 5]) == GREY
    assert tuple(seen.image[115, 60]) == GREY
    assert seen.boxes.tolist() == [[40.0, 40.0, 60.0, 60.0]]


def test_a_window_beside_the_picture_is_all_grey_and_has_no_boxes() -> None:
    seen = window(painted(40, 40, (0, 0, 20, 20)), (100, 0, 40, 40), (40, 40))
    assert (seen.image == GREY[0]).all()
    assert seen.boxes.shape == (0, 4)
    assert seen.classes.shape == (0,)


@pytest.mark.parametrize(
    ("cut", "kept"),
    [
        (10, [[10.0, 10.0, 40.0, 50.0]]),  # three quarters are left
        (30, []),  # a quarter is left
    ],
)
def test_a_face_cut_by_the_edge_keeps_what_is_left_of_its_box_if_that_is_enough(
    cut: int, kept: list[list[float]]
) -> None:
    scene = painted(100, 100, (10, 10, 50, 50))
    assert window(scene, (0, 0, 50 - cut, 100), (50 - cut, 100)).boxes.tolist() == kept


def test_faces_too_small_for_the_network_lose_their_box() -> None:
    scene = painted(100, 100, (10, 10, 30, 30), (50, 50, 90, 90))
    assert len(window(scene, (0, 0, 100, 100), (25, 25)).boxes) == 1


def test_a_pasted_tile_takes_the_boxes_that_it_covers_and_brings_its_own() -> None:
    canvas = painted(200, 100, (10, 10, 50, 50), (150, 10, 190, 50))
    both = pasted(canvas, painted(80, 80, (20, 20, 60, 60)), 5, 5)
    assert sorted(both.boxes.tolist()) == [[25.0, 25.0, 65.0, 65.0], [150.0, 10.0, 190.0, 50.0]]
    assert red_outside(both) < 0.01
    assert redness(canvas.image) == 2 * 40 * 40  # the canvas itself is left alone


def test_a_tile_pasted_over_the_edge_is_cut() -> None:
    both = pasted(blank(100, 100), painted(80, 80, (40, 20, 80, 60)), 40, -10)
    assert both.boxes.tolist() == [[80.0, 10.0, 100.0, 50.0]]


def test_a_masked_tile_shows_the_canvas_where_the_mask_is_not_set() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[:, :20] = 255
    both = masked(blank(100, 100), painted(40, 40, (0, 0, 40, 40)), mask, 30, 30)
    assert tuple(both.image[50, 35]) == (255, 0, 0)
    assert tuple(both.image[50, 60]) == GREY


def test_mirroring_twice_gives_the_same_scene() -> None:
    scene = painted(100, 60, (10, 10, 40, 50))
    once = mirrored(scene)
    assert once.boxes.tolist() == [[60.0, 10.0, 90.0, 50.0]]
    assert redness(once.image, once.boxes[0]) == 1.0
    assert np.array_equal(mirrored(once).image, scene.image)
    assert np.array_equal(mirrored(once).boxes, scene.boxes)


def test_a_quarter_turn_turns_boxes_exactly() -> None:
    once = turned(painted(100, 100, (10, 20, 40, 60)), 90)
    assert np.allclose(once.boxes, [[20, 60, 60, 90]], atol=1e-3)
    assert redness(once.image, once.boxes[0]) > 0.95


@pytest.mark.parametrize("degrees", [-20, -7, 12, 25])
def test_a_small_turn_keeps_the_box_around_the_face_without_growing_to_its_corners(degrees: float) -> None:
    scene = painted(200, 200, (80, 70, 140, 130))
    box = turned(scene, degrees).boxes[0]
    assert box[2] - box[0] == pytest.approx(60, abs=0.1)  # a circle in a square stays one
    assert redness(turned(scene, degrees).image, box) > 0.8
