"""Distillation: a network learns to give the embeddings that several trained ones give together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from training.embedder.backbones import EmbedderNetwork
from training.embedder.initial import load_averaged
from training.embedder.recipe import DistillRecipe, EmbedderRecipe
from training.errors import TrainingError
from training.runs import Run

_CROPS_AT_ONCE = 32


class Teachers:
    """Trained networks, asked together: their unit embeddings side by side, of length one again.

    Each is asked about a crop and its mirror image and both answers are averaged, as in serving: what it says
    about one of them alone is a poorer guide.
    """

    def __init__(self, networks: Sequence[tuple[EmbedderNetwork, int]], device: torch.device) -> None:
        """Each with the side of the crops that it was trained on."""
        self._networks = [
            (network.eval().to(device).to(memory_format=torch.channels_last), side)
            for network, side in networks
        ]

    @torch.no_grad()
    def __call__(self, crops: torch.Tensor) -> torch.Tensor:
        """n × 3 × side × side normalised RGB → n × (sum of the dimensions), float32."""
        found = []
        for network, side in self._networks:
            seen = crops
            if crops.shape[-1] != side:
                seen = functional.interpolate(crops, size=(side, side), mode="bilinear", antialias=True)
            both = functional.normalize(network(torch.cat([seen, seen.flip(3)])).float())
            found.append(functional.normalize(both[: len(seen)] + both[len(seen) :]))
        return functional.normalize(torch.cat(found, dim=1))

    def compile(self) -> None:
        for network, _ in self._networks:
            network.compile()


class Student(nn.Module):
    """Network and loss as one module: 1 − the cosine between its embeddings and the teachers'.

    Teacher and student see the same augmented crop (Beyer et al., "Knowledge distillation: a good teacher is
    patient and consistent", CVPR 2022), a share of them two faces blended (Zhang et al., "mixup", ICLR 2018):
    of faces that they learned by heart teachers say little, of what lies between them more.
    """

    basis: torch.Tensor

    def __init__(
        self, network: EmbedderNetwork, teachers: Teachers, recipe: DistillRecipe, crops: torch.Tensor
    ) -> None:
        """`crops`, at least as many as the student's dimension, normalised, say which directions matter."""
        super().__init__()
        self.network = network
        self._teachers = teachers
        self._recipe = recipe
        self.register_buffer("basis", _basis(network, teachers, crops))

    def forward(
        self, crops: torch.Tensor, labels: torch.Tensor, margin: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss, and which embeddings are nearest to their own target; nobody's name is needed."""
        crops = self._blended(crops)
        targets = functional.normalize(self._teachers(crops) @ self.basis)
        with torch.autocast(crops.device.type, enabled=False):
            cosines = functional.normalize(self.network(crops).float()) @ targets.T
            right = cosines.detach().argmax(dim=1) == torch.arange(len(crops), device=crops.device)
            loss = self._recipe.scale * (1 - cosines.diagonal()).mean()
        return loss, right

    def _blended(self, crops: torch.Tensor) -> torch.Tensor:
        share = torch.rand(len(crops), 1, 1, 1, device=crops.device) / 2
        share *= torch.rand(len(crops), 1, 1, 1, device=crops.device) < self._recipe.blend
        return torch.lerp(crops, crops[torch.randperm(len(crops), device=crops.device)], share)


def load_teachers(recipe: EmbedderRecipe, device: torch.device) -> Teachers:
    """The averaged networks of the recipe's teachers. Raises TrainingError."""
    networks = []
    for folder in recipe.distill.teachers:
        theirs = _recipe_of(folder)
        if theirs.input.margin != recipe.input.margin:
            raise TrainingError(
                f"{folder} saw crops of margin {theirs.input.margin}, not {recipe.input.margin}"
            )
        network = EmbedderNetwork(theirs.network, theirs.input.side)
        load_averaged(network, Run(folder).checkpoints / "last.pt")
        networks.append((network, theirs.input.side))
    return Teachers(networks, device)


def _recipe_of(folder: Path) -> EmbedderRecipe:
    try:
        return EmbedderRecipe.model_validate_json((folder / "recipe.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder}: is no embedder's run: {error}"[:300]) from error


@torch.no_grad()
def _basis(network: EmbedderNetwork, teachers: Teachers, crops: torch.Tensor) -> torch.Tensor:
    """(teachers' dimensions, student's dimension): what to keep of theirs, turned to what the student says.

    The directions with most of the teachers' energy (a principal component analysis without centring, which
    keeps cosines), then the rotation that brings them nearest to the student's first embeddings
    (Schönemann, "A generalized solution of the orthogonal Procrustes problem", Psychometrika 1966), so that a
    student who starts as one of the teachers need not turn around first.
    """
    training = network.training
    network.eval()
    parts = torch.split(crops, _CROPS_AT_ONCE)
    theirs = torch.cat([teachers(part) for part in parts])
    own = torch.cat([functional.normalize(network(part).float()) for part in parts])
    network.train(training)
    if len(crops) < own.shape[1] or theirs.shape[1] < own.shape[1]:
        raise TrainingError(
            f"a student of dimension {own.shape[1]} needs as many faces and teachers' numbers"
        )
    kept = torch.linalg.eigh(theirs.T @ theirs).eigenvectors[:, -own.shape[1] :]
    left, _, right = torch.linalg.svd((theirs @ kept).T @ own)
    basis: torch.Tensor = kept @ left @ right
    return basis
