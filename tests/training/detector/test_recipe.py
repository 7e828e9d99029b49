"""Recipes are read strictly, and the one that is shipped can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.detector.layouts import LAYOUTS
from training.detector.recipe import DetectorRecipe, LayoutRecipe
from training.errors import RecipeError
from training.recipes import load_recipe

RECIPES = sorted((Path(__file__).resolve().parents[3] / "config" / "recipes").glob("detector-yolo*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_can_be_read(path: Path) -> None:
    assert load_recipe(path, DetectorRecipe).network.initial is None  # a path of somebody's machine


def test_there_is_a_recipe_for_the_bundled_pack() -> None:
    assert "detector-yolov8n" in [path.stem for path in RECIPES]


@pytest.mark.parametrize(
    "override",
    [
        "validated_size=100",  # no multiple of 32
        "network.architecture=../weights",
        "network.classes=series",
        "layout={whole=0, zoom=0, mosaic=0, crowd=0, page=0, stickers=0}",
        "sizes=[{size=64, weight=0, batch=4}]",
        "sizes=[]",
        "schedule.optimizer=Lion",
        "medium.flip=1.5",
        "mosaic=1",
    ],
)
def test_what_cannot_be_meant_is_refused(override: str) -> None:
    with pytest.raises(RecipeError):
        load_recipe(RECIPES[0], DetectorRecipe, [override])


def test_every_layout_has_a_weight_in_the_recipe() -> None:
    assert set(LAYOUTS) <= set(LayoutRecipe.model_fields)
