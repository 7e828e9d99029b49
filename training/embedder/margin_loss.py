"""Softmax losses with a margin: ArcFace with sub-centres, CosFace and AdaFace."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from training.embedder.recipe import LossRecipe

_ADAFACE_H = 0.333  # Kim, Jain, Liu, "AdaFace", CVPR 2022: how far a norm counts, in standard deviations
_ADAFACE_AVERAGE = 0.99


class MarginLoss(nn.Module):
    """The mean loss of a batch of embeddings; its class centres are parameters.

    ArcFace (Deng et al., CVPR 2019): the angle to the own centre counts as larger by the margin. Sub-centres
    (Deng et al., ECCV 2020): a class has several centres and its nearest counts, so that noisy or very
    different pictures need not agree. CosFace (Wang et al., CVPR 2018): the cosine counts as smaller.
    AdaFace: the margin depends on the embedding's norm, which stands for the picture's quality.
    """

    norm_mean: torch.Tensor
    norm_deviation: torch.Tensor

    def __init__(self, recipe: LossRecipe, dimension: int, classes: int) -> None:
        super().__init__()
        self.recipe = recipe
        self.classes = classes
        self.centres = nn.Parameter(torch.empty(classes * recipe.subcentres, dimension))
        nn.init.normal_(self.centres, std=0.01)
        self.register_buffer("norm_mean", torch.tensor(20.0))
        self.register_buffer("norm_deviation", torch.tensor(100.0))

    def forward(
        self, embeddings: torch.Tensor, labels: torch.Tensor, margin: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss, and which embeddings are nearest to their own class (before any margin)."""
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = embeddings.float()
            norms = embeddings.norm(dim=1, keepdim=True).clamp_min(1e-6)
            cosines = functional.linear(embeddings / norms, functional.normalize(self.centres))
            cosines = cosines.view(-1, self.classes, self.recipe.subcentres).amax(dim=2)
            own = cosines.gather(1, labels[:, None]).squeeze(1).clamp(-1 + 1e-6, 1 - 1e-6)
            right = cosines.detach().argmax(dim=1) == labels
            harder = self._harder(own, norms.squeeze(1), margin)
            logits = cosines.scatter(1, labels[:, None], harder[:, None]) * self.recipe.scale
            loss = functional.cross_entropy(logits, labels, label_smoothing=self.recipe.smoothing)
        return loss, right

    def _harder(self, own: torch.Tensor, norms: torch.Tensor, margin: float) -> torch.Tensor:
        if self.recipe.kind == "cosface":
            return own - margin
        if self.recipe.kind == "arcface":
            angles = own.acos() + margin
            # Beyond π the cosine would rise again; there it goes on falling evenly.
            return torch.where(angles < math.pi, angles.cos(), own - margin * math.sin(margin))
        quality = self._quality(norms)
        angles = (own.acos() - margin * quality).clamp(1e-3, math.pi - 1e-3)
        return angles.cos() - margin * (1 + quality)

    def _quality(self, norms: torch.Tensor) -> torch.Tensor:
        """The norms as -1…1 around their running mean."""
        norms = norms.detach().clamp(1e-3, 100)
        if self.training and len(norms) > 1:
            with torch.no_grad():
                self.norm_mean.lerp_(norms.mean(), 1 - _ADAFACE_AVERAGE)
                self.norm_deviation.lerp_(norms.std(), 1 - _ADAFACE_AVERAGE)
        scaled = (norms - self.norm_mean) / (self.norm_deviation + 1e-3) * _ADAFACE_H
        return scaled.clamp(-1, 1)
