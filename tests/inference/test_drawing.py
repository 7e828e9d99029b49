"""The drawn characters: repeatable, different from each other, and labelled where their faces are."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import unicodedata
from dataclasses import replace
from enum import StrEnum
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.domain import FaceBox, ImageRGB
from inference.drawing import Drawing, DrawnCharacter, Style, draw_cast, draw_group, draw_portrait
from inference.drawing.cast import Accessory, Back, EyeShape, FaceMark, Fringe, Outfit, Sides
from inference.gallery.names import clean_name, name_key

SEEDS = st.integers(0, 2**32 - 1)
GREEN = "#00ff00"  # no skin, hair or cloth of any cast


def digest(image: ImageRGB) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def somebody(**look: object) -> DrawnCharacter:
    """A character without anything special, unless asked for."""
    plain = replace(
        draw_cast(1, seed=5)[0].look,
        accessory=Accessory.NONE,
        mark=FaceMark.NONE,
        fringe=Fringe.JAGGED,
        back=Back.BOB,
        streak="",
        ahoge=False,
    )
    return DrawnCharacter("Nobody", "Nowhere", replace(plain, **look))  # type: ignore[arg-type]


def changed_pixels(before: Drawing, after: Drawing) -> NDArray[np.bool_]:
    changed: NDArray[np.bool_] = np.any(before.image != after.image, axis=2)
    return changed


def outside(box: FaceBox, mask: NDArray[np.bool_]) -> int:
    """How many true pixels of the mask are not in the box."""
    y, x = np.nonzero(mask)
    inside = (x >= box.x1 - 1) & (x <= box.x2) & (y >= box.y1 - 1) & (y <= box.y2)
    return int(np.count_nonzero(~inside))


# ── refusals and edges ──────────────────────────────────────────────────────────────────────────


def test_a_group_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="somebody"):
        draw_group([], seed=1)


def test_an_empty_cast_is_empty() -> None:
    assert draw_cast(0, seed=1) == ()


# ── repeatability ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("style", Style)
def test_the_same_seed_draws_the_same_portrait_whatever_the_global_dice_say(style: Style) -> None:
    character = draw_cast(1, seed=3)[0]
    random.seed(1)
    np.random.seed(1)
    first = draw_portrait(character, seed=4, size=256, style=style)
    random.seed(2)
    np.random.seed(2)
    second = draw_portrait(character, seed=4, size=256, style=style)
    assert digest(first.image) == digest(second.image)
    assert first.faces == second.faces


def test_another_process_with_other_hashing_draws_the_same() -> None:
    code = (
        "import hashlib\n"
        "from inference.drawing import draw_cast, draw_group\n"
        "drawing = draw_group(draw_cast(3, seed=3), seed=4, size_wh=(480, 270))\n"
        "print(hashlib.sha256(drawing.image.tobytes()).hexdigest())\n"
    )
    root = Path(__file__).parents[2]
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    here = digest(draw_group(draw_cast(3, seed=3), seed=4, size_wh=(480, 270)).image)
    assert printed == [here, here]


def test_another_seed_draws_another_picture() -> None:
    character = draw_cast(1, seed=3)[0]
    assert len({digest(draw_portrait(character, seed=seed, size=128).image) for seed in range(12)}) == 12


# ── casts ───────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, st.integers(0, 30), st.integers(0, 30))
def test_a_longer_cast_of_the_same_seed_begins_with_the_shorter(seed: int, first: int, more: int) -> None:
    assert draw_cast(first + more, seed=seed)[:first] == draw_cast(first, seed=seed)


@given(SEEDS)
def test_the_first_eight_share_no_trait_and_no_hair_colour(seed: int) -> None:
    looks = [character.look for character in draw_cast(8, seed=seed)]
    for trait in ("fringe", "back", "eyes", "accessory", "outfit"):
        assert len({getattr(look, trait) for look in looks}) == 8, trait
    colours = [np.array([int(look.hair[i : i + 2], 16) for i in (1, 3, 5)]) for look in looks]
    assert min(np.abs(a - b).sum() for a, b in combinations(colours, 2)) > 30


def test_six_hundred_characters_have_different_looks_and_names() -> None:
    cast = draw_cast(600, seed=9)
    assert len({character.look for character in cast}) == 600
    assert len({name_key(character.name) for character in cast}) == 600


@given(SEEDS)
@settings(max_examples=25)
def test_names_are_fit_for_a_gallery_and_for_a_folder(seed: int) -> None:
    for character in draw_cast(40, seed=seed):
        assert clean_name(character.name) == character.name
        assert clean_name(character.series) == character.series
        assert not set(character.name) & set('/\\:*?"<>|')


def test_names_come_in_several_scripts() -> None:
    letters = "".join(character.name for character in draw_cast(20, seed=1))
    scripts = {unicodedata.name(letter).split()[0] for letter in letters if letter.isalpha()}
    assert {"LATIN", "HIRAGANA", "CJK", "HANGUL", "CYRILLIC"} <= scripts


# ── what a look changes ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("trait", "kinds"),
    [
        ("fringe", Fringe),
        ("sides", Sides),
        ("back", Back),
        ("eye_shape", EyeShape),
        ("accessory", Accessory),
        ("mark", FaceMark),
        ("outfit", Outfit),
    ],
)
def test_every_kind_of_a_trait_is_drawn_and_looks_different(trait: str, kinds: type[StrEnum]) -> None:
    drawn = {digest(draw_portrait(somebody(**{trait: kind}), seed=2, size=192).image) for kind in kinds}
    assert len(drawn) == len(kinds)


@pytest.mark.parametrize("style", Style)
def test_every_style_draws_everybody(style: Style) -> None:
    for character in draw_cast(8, seed=2):
        drawing = draw_portrait(character, seed=1, size=160, style=style)
        assert drawing.image.shape == (160, 160, 3)
        assert drawing.image.dtype == np.uint8
        assert drawing.image.std() > 20


def test_styles_differ_and_only_manga_is_grey() -> None:
    drawings = {style: draw_portrait(somebody(), seed=1, size=192, style=style) for style in Style}
    assert len({digest(drawing.image) for drawing in drawings.values()}) == len(Style)
    for style, drawing in drawings.items():
        spread = np.ptp(drawing.image.astype(int), axis=2).max()
        assert (spread == 0) == (style is Style.MANGA)


# ── labels ──────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, SEEDS, st.sampled_from(Style), st.integers(96, 300))
@settings(max_examples=30, deadline=None)
def test_the_box_of_a_portrait_is_square_and_inside_the_picture(
    cast_seed: int, seed: int, style: Style, size: int
) -> None:
    character = draw_cast(1, seed=cast_seed)[0]
    (face,) = draw_portrait(character, seed=seed, size=size, style=style).faces
    assert face.character == character
    assert face.box.clipped(size, size) == face.box
    assert face.box.width == pytest.approx(face.box.height, rel=0.1)
    assert 0.18 * size < face.box.width < 0.45 * size


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("seed", range(6))
def test_eyes_of_another_colour_change_the_picture_only_inside_the_box(style: Style, seed: int) -> None:
    before = draw_portrait(somebody(eyes=("#101010", "#101010")), seed=seed, style=style)
    after = draw_portrait(somebody(eyes=("#f0f0f0", "#f0f0f0")), seed=seed, style=style)
    assert outside(before.faces[0].box, changed_pixels(before, after)) == 0


def test_eyes_of_another_colour_are_seen_in_most_poses() -> None:
    seen = [
        changed_pixels(
            draw_portrait(somebody(eyes=("#101010", "#101010")), seed=seed, size=256),
            draw_portrait(somebody(eyes=("#f0f0f0", "#f0f0f0")), seed=seed, size=256),
        ).sum()
        > 60
        for seed in range(20)
    ]
    assert sum(seen) >= 14  # the others have their eyes shut


@given(SEEDS, st.integers(1, 12), st.integers(320, 800), st.integers(320, 800))
@settings(max_examples=20, deadline=None)
def test_a_group_has_everybody_once_in_boxes_that_are_inside_and_apart(
    seed: int, count: int, width: int, height: int
) -> None:
    cast = draw_cast(count, seed=seed)
    drawing = draw_group(cast, seed=seed, size_wh=(width, height))
    assert drawing.image.shape == (height, width, 3)
    assert {face.character for face in drawing.faces} == set(cast)
    assert len(drawing.faces) == count
    assert [face.box.x1 for face in drawing.faces] == sorted(face.box.x1 for face in drawing.faces)
    for face in drawing.faces:
        assert face.box.clipped(width, height) == face.box
    for one, other in combinations(drawing.faces, 2):
        assert one.box.iou(other.box) < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_nobody_in_a_group_hides_a_face(seed: int) -> None:
    cast = draw_cast(7, seed=seed)
    group = draw_group(cast, seed=seed, size_wh=(960, 540))
    for number, character in enumerate(cast):
        green = replace(character, look=replace(character.look, skin=GREEN))
        others = [green if n == number else other for n, other in enumerate(cast)]
        in_group = skin_share(group, draw_group(others, seed=seed, size_wh=(960, 540)), character)
        alone = skin_share(draw_portrait(character, seed=seed), draw_portrait(green, seed=seed), character)
        assert in_group > 0.6 * alone  # poses differ, so somewhat more or less skin is to be seen


def skin_share(drawing: Drawing, repainted: Drawing, character: DrawnCharacter) -> float:
    """How much of the character's box changed when the skin was repainted."""
    box = next(face.box for face in drawing.faces if face.character == character)
    x1, y1, x2, y2 = (round(edge) for edge in box.xyxy)
    return float(changed_pixels(drawing, repainted)[y1:y2, x1:x2].mean())
