"""Batches of canvases for training, and whole pictures for validation, as Ultralytics takes them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from inference.detection.views import View, cut_canvas
from training.detector.augment import laid_out_canvas
from training.detector.layouts import Shelf
from training.detector.pictures import PictureSet
from training.detector.recipe import DetectorRecipe
from training.detector.scene import Scene

Batch = dict[str, Any]
"""`img` n × 3 × size × size uint8 RGB; `bboxes` m × 4 (centre, width, height as shares), `cls` m × 1 and
`batch_idx` m for all faces of the batch; `im_file`, `ori_shape` and `ratio_pad` for each picture."""


@dataclass(frozen=True, slots=True)
class BatchTurn:
    """One batch to be made: of which pictures, at what size, and the seed of what happens to them."""

    pictures: tuple[int, ...]
    size: int
    seed: tuple[int, ...]
    plain: bool
    """Whole pictures and zooms only."""


class EpochPlan(Sampler[BatchTurn]):
    """Every epoch's batches, the same for the same seed, wherever it is resumed."""

    def __init__(self, pictures: PictureSet, recipe: DetectorRecipe, *, seed: int) -> None:
        self._recipe = recipe
        self._seed = seed
        weights = recipe.sampling.source_weights
        shares = np.array([weights.get(source, 1.0) for source in pictures.sources])
        self._shares = shares / shares.sum()
        sizes = np.array([entry.weight for entry in recipe.sizes])
        self._size_shares = sizes / sizes.sum()
        count = recipe.sampling.pictures or len(pictures)
        mean_batch = float(self._size_shares @ [entry.batch for entry in recipe.sizes])
        self._steps = max(1, round(count / mean_batch))
        self.epoch = 0

    def __len__(self) -> int:
        return self._steps

    def __iter__(self) -> Iterator[BatchTurn]:
        generator = np.random.default_rng((self._seed, self.epoch))
        schedule = self._recipe.schedule
        plain = self.epoch >= schedule.epochs * (1 - self._recipe.sampling.closing)
        entries = [self._recipe.sizes[i] for i in self._evenly(self._size_shares, self._steps, generator)]
        order = self._evenly(self._shares, sum(entry.batch for entry in entries), generator)
        start = 0
        for step, entry in enumerate(entries):
            pictures = tuple(int(index) for index in order[start : start + entry.batch])
            yield BatchTurn(pictures, entry.size, (self._seed, self.epoch, step), plain)
            start += entry.batch

    @staticmethod
    def _evenly(shares: NDArray[np.float64], count: int, generator: np.random.Generator) -> NDArray[np.intp]:
        """Indices in random order, each as often as its share of the count, rounded up or down at random.

        Systematic sampling: an epoch sees every picture about as often as it should, not just on average.
        """
        ends = np.cumsum(shares) / shares.sum() * count
        found = np.searchsorted(ends, np.arange(count) + generator.uniform(), side="right")
        return generator.permutation(np.minimum(found, len(shares) - 1))


class TrainingBatches(Dataset[Batch]):
    """A batch of augmented canvases for each turn."""

    def __init__(self, pictures: PictureSet, recipe: DetectorRecipe) -> None:
        self._pictures = pictures
        self._recipe = recipe
        filled = [len(scene.boxes) > 0 for scene in pictures.scenes]
        self._shelf = Shelf(
            pictures.scenes,
            with_faces=[index for index, has_faces in enumerate(filled) if has_faces],
            without_faces=[index for index, has_faces in enumerate(filled) if not has_faces],
        )

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, turn: BatchTurn) -> Batch:
        canvases = [
            laid_out_canvas(
                self._pictures.scenes[index],
                self._shelf,
                self._recipe,
                np.random.default_rng((*turn.seed, place)),
                size=turn.size,
                plain=turn.plain,
            )
            for place, index in enumerate(turn.pictures)
        ]
        return _batch(canvases, [str(self._pictures.paths[index]) for index in turn.pictures])


class ValidationBatches(Dataset[Batch]):
    """The pictures, whole, on square canvases as in serving."""

    def __init__(self, pictures: PictureSet, *, size: int, batch: int) -> None:
        self._pictures = pictures
        self._size = size
        self._batch = batch

    def __len__(self) -> int:
        return math.ceil(len(self._pictures) / self._batch)

    def __getitem__(self, number: int) -> Batch:
        indices = range(number * self._batch, min((number + 1) * self._batch, len(self._pictures)))
        canvases = [as_served(self._pictures.scenes[index], self._size) for index in indices]
        return _batch(canvases, [str(self._pictures.paths[index]) for index in indices])


def as_served(scene: Scene, size: int) -> Scene:
    """The whole picture on a square canvas of that size, as `inference.detection.views` lays it out."""
    scale = size / max(scene.width, scene.height)
    view = View(0, 0, scene.width, scene.height, (size, size), scale)
    x, y, width, height = view.placed
    scales = np.array([width / scene.width, height / scene.height] * 2, np.float32)
    boxes = scene.boxes * scales + np.array([x, y, x, y], np.float32)
    return Scene(cut_canvas(scene.image, view), boxes, scene.classes)


def training_loader(
    pictures: PictureSet, recipe: DetectorRecipe, plan: EpochPlan, workers: int
) -> DataLoader[Batch]:
    """One batch an item, made in worker processes ahead of time."""
    return DataLoader(
        TrainingBatches(pictures, recipe),
        batch_size=1,
        sampler=plan,
        num_workers=workers,
        collate_fn=_only,
        worker_init_fn=_start_worker,
    )


def validation_loader(pictures: PictureSet, *, size: int, batch: int) -> DataLoader[Batch]:
    return DataLoader(ValidationBatches(pictures, size=size, batch=batch), batch_size=1, collate_fn=_only)


def _batch(canvases: Sequence[Scene], files: Sequence[str]) -> Batch:
    size = canvases[0].width
    boxes = np.concatenate([canvas.boxes for canvas in canvases]) / size
    middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    owners = np.repeat(np.arange(len(canvases)), [len(canvas.boxes) for canvas in canvases])
    return {
        "img": torch.from_numpy(np.stack([canvas.image for canvas in canvases]).transpose(0, 3, 1, 2)),
        "bboxes": torch.from_numpy(np.concatenate([middles, sides], axis=1).astype(np.float32)),
        "cls": torch.from_numpy(np.concatenate([canvas.classes for canvas in canvases])).float()[:, None],
        "batch_idx": torch.from_numpy(owners).float(),
        "im_file": list(files),
        "ori_shape": [(size, size)] * len(canvases),
        "ratio_pad": [((1.0, 1.0), (0.0, 0.0))] * len(canvases),
    }


def _only(items: Sequence[Batch]) -> Batch:
    return items[0]


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)  # one core a worker
