"""Every layout fills its canvas and knows where the faces on it are."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.detector.painted import painted, red_outside, redness
from training.detector.layouts import LAYOUTS, Shelf
from training.detector.recipe import LayoutRecipe
from training.detector.scene import Scene

SIZE = 320
PICTURES = [
    painted(200, 280, (60, 40, 130, 110)),
    painted(320, 180, (30, 50, 90, 110), (200, 40, 260, 110)),
    painted(160, 160, (20, 20, 140, 140)),
    painted(240, 240),
]
SHELF = Shelf(PICTURES, with_faces=[0, 1, 2], without_faces=[3])
SEEDS = range(12)


def laid_out(name: str, seed: int, first: int = 0, shelf: Shelf = SHELF) -> Scene:
    return LAYOUTS[name](
        shelf.scenes[first], shelf, SIZE, LayoutRecipe(), np.random.default_rng((seed, len(name)))
    )


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_boxes_lie_on_the_canvas_around_the_faces(name: str, seed: int) -> None:
    scene = laid_out(name, seed, first=seed % 4)
    assert scene.image.shape == (SIZE, SIZE, 3)
    assert scene.image.dtype == np.uint8
    assert len(scene.classes) == len(scene.boxes)
    assert (scene.boxes >= 0).all()
    assert (scene.boxes <= SIZE).all()
    for box in scene.boxes:
        # Balloons, borders and later stickers may hide a part of a face.
        assert redness(scene.image, box) > (0.35 if name in {"page", "stickers"} else 0.7)


@pytest.mark.parametrize("name", LAYOUTS)
def test_hardly_a_face_is_left_without_a_box(name: str) -> None:
    assert np.mean([red_outside(laid_out(name, seed)) for seed in SEEDS]) < 0.06


@pytest.mark.parametrize("name", LAYOUTS)
def test_one_seed_makes_one_canvas(name: str) -> None:
    assert np.array_equal(laid_out(name, 3).image, laid_out(name, 3).image)
    assert not np.array_equal(laid_out(name, 3).image, laid_out(name, 5).image)


@pytest.mark.parametrize("name", LAYOUTS)
def test_pictures_without_faces_make_canvases_without_boxes(name: str) -> None:
    shelf = Shelf([PICTURES[3]], with_faces=[], without_faces=[0])
    assert len(laid_out(name, 1, shelf=shelf).boxes) == 0


def test_faces_of_all_sizes_are_made() -> None:
    def sides(name: str) -> np.ndarray:
        boxes = np.concatenate([laid_out(name, seed).boxes for seed in range(40)])
        return (boxes[:, 2] - boxes[:, 0]) / SIZE

    assert np.quantile(sides("crowd"), 0.5) < 0.15
    assert np.quantile(sides("crowd"), 0.05) < 0.06
    assert np.quantile(sides("zoom"), 0.9) > 0.6
    assert sides("zoom").max() <= 0.86


def test_zoom_enlarges_pixels_no_further_than_the_recipe_says() -> None:
    recipe = LayoutRecipe(enlarged=1.5)
    tiny = painted(200, 200, (90, 90, 110, 110))
    shelf = Shelf([tiny], with_faces=[0], without_faces=[])
    for seed in SEEDS:
        scene = LAYOUTS["zoom"](tiny, shelf, SIZE, recipe, np.random.default_rng(seed))
        assert scene.boxes[:, 2] - scene.boxes[:, 0] == pytest.approx(30, abs=0.1)


def test_a_whole_picture_is_often_shown_as_in_serving() -> None:
    scenes = [laid_out("whole", seed, first=2) for seed in range(20)]
    served = sum(np.allclose(scene.boxes, [[40, 40, 280, 280]]) for scene in scenes)
    assert 5 <= served <= 15
