"""Media change what a canvas looks like, not where its faces are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from inference.domain import ImageRGB
from tests.training.detector.painted import painted, red_outside, redness
from training.detector import augment
from training.detector.augment import augmented, laid_out_canvas
from training.detector.layouts import LAYOUTS, Shelf
from training.detector.recipe import DetectorRecipe, LayoutRecipe, MediumRecipe

NOTHING = MediumRecipe(**dict.fromkeys(set(MediumRecipe.model_fields) - {"degrees"}, 0.0))
MEDIA = [
    augment.recoloured,
    augment.greyed,
    augment.toned,
    augment.blurred,
    augment.sharpened,
    augment.shrunk,
    augment.noisy,
    augment.recompressed,
]


@pytest.fixture
def ramp() -> ImageRGB:
    level = np.linspace(0, 255, 90)[None, :, None]
    return np.broadcast_to(level * np.array([1.0, 0.8, 0.6]), (70, 90, 3)).astype(np.uint8)


@pytest.mark.parametrize("medium", MEDIA)
def test_every_medium_changes_the_picture_and_leaves_the_original(
    medium: Callable[[ImageRGB, np.random.Generator], ImageRGB], ramp: ImageRGB
) -> None:
    before = ramp.copy()
    after = medium(ramp, np.random.default_rng(1))
    assert after.shape == ramp.shape
    assert after.dtype == np.uint8
    assert np.array_equal(ramp, before)
    assert not np.array_equal(after, before)


def test_a_recompressed_picture_keeps_its_colours_in_rgb_order() -> None:
    image = painted(64, 64, (0, 0, 64, 64)).image
    after = augment.recompressed(image, np.random.default_rng(0))
    assert after.mean(axis=(0, 1)) == pytest.approx([255, 0, 0], abs=6)


def test_print_has_no_colour_and_a_screen_has_hardly_a_middle_grey(ramp: ImageRGB) -> None:
    grey = augment.greyed(ramp, np.random.default_rng(2))
    toned = augment.toned(ramp, np.random.default_rng(2))
    for printed in (grey, toned):
        assert (printed.max(axis=2) == printed.min(axis=2)).all()
    middle = lambda image: float(((image > 60) & (image < 195)).mean())  # noqa: E731
    assert middle(grey) > 0.3
    assert middle(toned) < middle(grey) / 2


def test_nothing_happens_where_nothing_is_asked_for() -> None:
    scene = painted(96, 96, (20, 20, 60, 60))
    after = augmented(scene, NOTHING, np.random.default_rng(0))
    assert np.array_equal(after.image, scene.image)
    assert np.array_equal(after.boxes, scene.boxes)


def test_boxes_follow_a_mirrored_and_turned_canvas() -> None:
    recipe = NOTHING.model_copy(update={"flip": 1.0, "rotate": 1.0})
    after = augmented(painted(200, 200, (20, 60, 80, 120)), recipe, np.random.default_rng(4))
    assert after.boxes[0][0] > 90
    assert redness(after.image, after.boxes[0]) > 0.8


def canvases(recipe: DetectorRecipe, *, plain: bool, count: int = 6) -> list[np.ndarray]:
    pictures = [painted(200, 280, (60, 40, 130, 110)), painted(120, 120)]
    shelf = Shelf(pictures, with_faces=[0], without_faces=[1])
    return [
        laid_out_canvas(pictures[0], shelf, recipe, np.random.default_rng(seed), size=160, plain=plain).image
        for seed in range(count)
    ]


def only(name: str) -> LayoutRecipe:
    return LayoutRecipe(**{**dict.fromkeys(LAYOUTS, 0.0), name: 1.0})


def test_towards_the_end_only_whole_pictures_and_zooms_are_made() -> None:
    closing = DetectorRecipe(layout=LayoutRecipe(zoom=0, crowd=100), medium=NOTHING)
    whole = DetectorRecipe(layout=only("whole"), medium=NOTHING)
    assert np.array_equal(canvases(closing, plain=True), canvases(whole, plain=True))
    assert not np.array_equal(canvases(closing, plain=False), canvases(whole, plain=False))


def test_pages_are_printed_as_often_as_the_recipe_says() -> None:
    def coloured(share: float) -> list[bool]:
        medium = NOTHING.model_copy(update={"print_pages": share})
        recipe = DetectorRecipe(layout=only("page"), medium=medium)
        return [
            bool((image.max(axis=2) != image.min(axis=2)).any()) for image in canvases(recipe, plain=False)
        ]

    assert all(coloured(0.0))
    assert not any(coloured(1.0))


def test_a_printed_page_still_knows_its_faces() -> None:
    picture = painted(200, 280, (60, 40, 130, 110))
    shelf = Shelf([picture], with_faces=[0], without_faces=[])
    recipe = DetectorRecipe(layout=only("page"), medium=NOTHING)
    scene = laid_out_canvas(picture, shelf, recipe, np.random.default_rng(0), size=320, plain=False)
    assert len(scene.boxes) > 0
    assert red_outside(scene) < 0.1
