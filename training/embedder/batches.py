"""Batches of augmented crops, made in a worker process while the network trains on the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from training.embedder.augment import augmented_crop
from training.embedder.faces import FaceSet
from training.embedder.recipe import EmbedderRecipe
from training.embedder.sampling import character_shares, epoch_of

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Turn:
    """One face to be shown: which, as what side, and the seed of what happens to it."""

    face: int
    side: int
    seed: tuple[int, ...]


class Turns(Dataset[tuple[torch.Tensor, int]]):
    """Crops as 3 × side × side uint8 RGB with the number of their character."""

    def __init__(self, faces: FaceSet, recipe: EmbedderRecipe) -> None:
        self._faces = faces
        self._recipe = recipe

    def __getitem__(self, turn: Turn) -> tuple[torch.Tensor, int]:
        crop = augmented_crop(
            self._faces.squares[turn.face],
            self._faces.box(turn.face),
            self._recipe.augment,
            np.random.default_rng(turn.seed),
            margin=self._recipe.input.margin,
            side=turn.side,
        )
        return torch.from_numpy(crop).permute(2, 0, 1), int(self._faces.characters[turn.face])


class EpochPlan:
    """Every epoch's batches, the same for the same seed, wherever it is resumed."""

    def __init__(self, faces: FaceSet, recipe: EmbedderRecipe, *, seed: int, rank: int = 0, ranks: int = 1):
        self._faces = faces
        self._recipe = recipe
        self._seed = seed
        self._rank, self._ranks = rank, ranks
        self._shares = character_shares(faces.characters, faces.sources, recipe.sampling)
        self._count = recipe.sampling.pictures or len(faces)
        self.steps = self._count // recipe.schedule.batch
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[Turn]]:
        """This process's part of every batch of `self.epoch`."""
        generator = np.random.default_rng((self._seed, self.epoch))
        order = epoch_of(self._shares, self._faces.characters, self._count, generator)
        schedule = self._recipe.schedule
        total = schedule.epochs * self.steps
        for step in range(self.steps):
            side = self._recipe.input.side_at((self.epoch * self.steps + step) / total)
            start = step * schedule.batch
            yield [
                Turn(int(order[place]), side, (self._seed, self.epoch, place))
                for place in range(start + self._rank, start + schedule.batch, self._ranks)
            ]


def loader(
    faces: FaceSet, recipe: EmbedderRecipe, plan: EpochPlan, workers: int
) -> DataLoader[tuple[torch.Tensor, int]]:
    """Batches of this process as n × 3 × side × side uint8 and n labels."""
    return DataLoader(
        Turns(faces, recipe),
        batch_sampler=plan,
        num_workers=workers,
        worker_init_fn=_prepare_worker,
        pin_memory=torch.cuda.is_available(),
    )


def _prepare_worker(number: int) -> None:
    cv2.setNumThreads(1)  # the other cores train


def normalised(crops: torch.Tensor, device: torch.device) -> torch.Tensor:
    """uint8 crops as what the network takes, on the device, channels last."""
    moved = crops.to(device, non_blocking=True)
    mean = torch.tensor(IMAGENET_MEAN, device=device).view(1, 3, 1, 1) * 255
    std = torch.tensor(IMAGENET_STD, device=device).view(1, 3, 1, 1) * 255
    rows: torch.Tensor = (moved.float() - mean) / std
    return rows.contiguous(memory_format=torch.channels_last)
