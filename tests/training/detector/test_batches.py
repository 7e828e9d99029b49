"""Epochs are planned by the seed alone; batches are what Ultralytics takes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from config.options import DetectionOptions
from inference.detection.views import cut_canvas, plan_views
from tests.training.detector.painted import painted, redness
from training.detector.batches import (
    Batch,
    EpochPlan,
    as_served,
    training_loader,
    validation_loader,
)
from training.detector.pictures import PictureSet
from training.detector.recipe import DetectorRecipe, SamplingRecipe, ScheduleRecipe, SizeRecipe

SIZES = (SizeRecipe(size=96, weight=2, batch=4), SizeRecipe(size=64, weight=1, batch=6))


def pictures(count: int = 40, common: int = 40) -> PictureSet:
    return PictureSet(
        scenes=tuple(painted(80, 60, (10, 10, 40, 40)) if n % 4 else painted(50, 70) for n in range(count)),
        names=("face",),
        paths=tuple(Path(f"{n}.png") for n in range(count)),
        sources=tuple("common" if n < common else "rare" for n in range(count)),
    )


def recipe(**changes: object) -> DetectorRecipe:
    return DetectorRecipe.model_validate({"sizes": SIZES} | changes)


def test_a_plan_is_the_same_for_the_same_seed_and_another_in_every_epoch() -> None:
    one, other, third = (EpochPlan(pictures(), recipe(), seed=seed) for seed in (5, 5, 6))
    assert list(one) == list(other)
    assert list(one) != list(third)
    other.epoch = 1
    assert list(one) != list(other)
    assert len(list(one)) == len(one)


def test_an_epoch_shows_every_picture_about_once() -> None:
    single = recipe(sizes=(SizeRecipe(size=64, batch=8),))
    seen = Counter(index for turn in EpochPlan(pictures(), single, seed=0) for index in turn.pictures)
    assert seen == dict.fromkeys(range(40), 1)


def test_sizes_are_drawn_by_weight_with_batches_of_their_own() -> None:
    turns = list(EpochPlan(pictures(), recipe(sampling=SamplingRecipe(pictures=1400)), seed=0))
    assert {(turn.size, len(turn.pictures)) for turn in turns} == {(96, 4), (64, 6)}
    assert sum(turn.size == 96 for turn in turns) == pytest.approx(len(turns) * 2 / 3, abs=1)


def test_a_source_with_more_weight_is_seen_more_often() -> None:
    sampling = SamplingRecipe(pictures=600, source_weights={"rare": 3.0})
    turns = EpochPlan(pictures(40, common=30), recipe(sampling=sampling), seed=0)
    rare = [index >= 30 for turn in turns for index in turn.pictures]
    assert np.mean(rare) == pytest.approx(0.5, abs=0.02)


def test_the_last_epochs_are_plain() -> None:
    plan = EpochPlan(
        pictures(),
        recipe(schedule=ScheduleRecipe(epochs=10), sampling=SamplingRecipe(closing=0.2)),
        seed=0,
    )

    def is_plain(epoch: int) -> bool:
        plan.epoch = epoch
        return all(turn.plain for turn in plan)

    assert [is_plain(epoch) for epoch in range(10)] == [False] * 8 + [True] * 2


def test_worker_processes_make_the_same_batches() -> None:
    here, there = (
        list(training_loader(pictures(), recipe(), EpochPlan(pictures(), recipe(), seed=3), workers))
        for workers in (0, 1)
    )
    assert len(here) == len(there) > 3
    for one, other in zip(here, there, strict=True):
        assert torch.equal(one["img"], other["img"])
        assert torch.equal(one["bboxes"], other["bboxes"])


def boxes_of(batch: Batch, number: int) -> np.ndarray:
    size = batch["img"].shape[-1]
    x, y, width, height = batch["bboxes"][batch["batch_idx"] == number].numpy().T * size
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)


def test_a_batch_holds_rgb_canvases_with_their_boxes_as_shares() -> None:
    for batch in validation_loader(pictures(), size=96, batch=16):
        count = len(batch["im_file"])
        assert batch["img"].shape == (count, 3, 96, 96)
        assert batch["img"].dtype == torch.uint8
        assert batch["cls"].shape == (len(batch["bboxes"]), 1)
        assert len(batch["ori_shape"]) == len(batch["ratio_pad"]) == count
        for number in range(count):
            for box in boxes_of(batch, number):
                assert redness(batch["img"][number].permute(1, 2, 0).numpy(), box) > 0.9


def test_validation_sees_every_picture_once_in_order() -> None:
    files = [file for batch in validation_loader(pictures(), size=64, batch=16) for file in batch["im_file"]]
    assert files == [f"{n}.png" for n in range(40)]
    assert list(validation_loader(pictures(0), size=64, batch=16)) == []


@pytest.mark.parametrize("size", [(80, 60), (31, 200), (300, 300)])
def test_a_picture_is_laid_out_as_serving_does(size: tuple[int, int]) -> None:
    options = DetectionOptions(tile_aspect=1_000)
    scene = painted(*size, (4, 6, 28, 40))
    view = plan_views(*size, [(96, 96)], options)[0]
    served = as_served(scene, 96)
    assert np.array_equal(served.image, cut_canvas(scene.image, view))
    assert redness(served.image, served.boxes[0]) > 0.8
