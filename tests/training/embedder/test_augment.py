"""What happens to a crop before training."""

from __future__ import annotations

import numpy as np
import pytest

from inference.domain import FaceBox, ImageRGB
from inference.drawing import draw_cast, draw_portrait
from inference.embedding.align import align_crop
from training.embedder.augment import augmented_crop, screen_tone
from training.embedder.recipe import AugmentRecipe

NOTHING = AugmentRecipe(
    shift=0, zoom=0, flip=0, rotate=0, colour=0, grey=0, tone=0, small=0, jpeg=0, blur=0, noise=0, cover=0
)
STEPS = ("flip", "rotate", "colour", "grey", "tone", "small", "jpeg", "blur", "noise", "cover")
BOX = FaceBox(40, 40, 120, 120)


@pytest.fixture(scope="module")
def square() -> ImageRGB:
    generator = np.random.default_rng(5)
    ramp = np.linspace(0, 255, 160)[:, None, None] * np.array([1.0, 0.7, 0.3])
    return (np.broadcast_to(ramp, (160, 160, 3)) * generator.uniform(0.5, 1, (160, 160, 1))).astype(np.uint8)


def crop_of(square: ImageRGB, recipe: AugmentRecipe, seed: int = 0, side: int = 64) -> ImageRGB:
    return augmented_crop(square, BOX, recipe, np.random.default_rng(seed), margin=1.3, side=side)


def test_without_augmentation_training_sees_what_serving_sees(square: ImageRGB) -> None:
    assert np.array_equal(crop_of(square, NOTHING), align_crop(square, BOX, margin=1.3, side=64))


@pytest.mark.parametrize("step", STEPS)
def test_every_step_changes_the_crop_and_keeps_its_shape(square: ImageRGB, step: str) -> None:
    recipe = NOTHING.model_copy(update={step: 1.0})
    crops = [crop_of(square, recipe, seed) for seed in range(5)]

    assert all(crop.shape == (64, 64, 3) and crop.dtype == np.uint8 for crop in crops)
    assert all(crop.flags.c_contiguous for crop in crops)
    assert any(not np.array_equal(crop, crop_of(square, NOTHING)) for crop in crops)


@pytest.mark.parametrize("step", ["grey", "tone"])
def test_grey_steps_leave_no_colour(square: ImageRGB, step: str) -> None:
    crop = crop_of(square, NOTHING.model_copy(update={step: 1.0}))

    assert np.array_equal(crop[..., 0], crop[..., 1])
    assert np.array_equal(crop[..., 0], crop[..., 2])


def test_a_moved_box_shows_another_part_of_the_picture(square: ImageRGB) -> None:
    crops = [crop_of(square, NOTHING.model_copy(update={"shift": 0.2}), seed) for seed in range(4)]

    assert len({crop.tobytes() for crop in crops}) == 4


def test_the_seed_decides_everything(square: ImageRGB) -> None:
    recipe = AugmentRecipe()

    assert all(np.array_equal(crop_of(square, recipe, s), crop_of(square, recipe, s)) for s in range(20))
    assert len({crop_of(square, recipe, seed).tobytes() for seed in range(20)}) == 20


def test_the_covered_part_stays_within_its_share(square: ImageRGB) -> None:
    recipe = NOTHING.model_copy(update={"cover": 1.0, "cover_share": 0.25})
    plain = crop_of(square, NOTHING)

    for seed in range(30):
        changed = (crop_of(square, recipe, seed) != plain).any(axis=2)
        assert 0 < changed.mean() <= 0.26


def test_screen_tone_prints_middle_greys_as_dots_and_keeps_black_and_white() -> None:
    grey = np.full((60, 60, 3), 128, dtype=np.uint8)
    black, white = np.zeros_like(grey), np.full_like(grey, 255)

    printed = screen_tone(grey, period=4.0, degrees=45.0)

    assert set(np.unique(printed)) <= {0, 255}
    assert 0.3 < (printed == 255).mean() < 0.7
    assert np.array_equal(screen_tone(black, 4.0, 45.0), black)
    assert np.array_equal(screen_tone(white, 4.0, 45.0), white)


def test_a_drawn_face_survives_every_step() -> None:
    character = draw_cast(1, seed=1)[0]
    picture = draw_portrait(character, seed=1)
    box = picture.faces[0].box
    crops = [
        augmented_crop(picture.image, box, AugmentRecipe(), np.random.default_rng(s), margin=1.3, side=80)
        for s in range(50)
    ]

    assert min(float(crop.std()) for crop in crops) > 8  # never a flat rectangle
