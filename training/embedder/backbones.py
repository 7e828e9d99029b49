"""Networks from a crop to an embedding: iResNet, MobileFaceNet or a timm backbone, and the neck after it."""

from __future__ import annotations

from collections.abc import Sequence

import timm
import torch
from torch import nn

from training.embedder.recipe import NetworkRecipe
from training.errors import TrainingError

_IRESNET_BLOCKS = {"iresnet18": (2, 2, 2, 2), "iresnet50": (3, 4, 14, 3)}


class EmbedderNetwork(nn.Module):
    """n × 3 × side × side normalised RGB → n × dimension embeddings, not yet of unit length."""

    def __init__(self, recipe: NetworkRecipe, side: int) -> None:
        super().__init__()
        self.backbone, channels, stride = _backbone(recipe.backbone)
        cells = -(-side // stride)
        self.pool = _pool(recipe.pool, channels, cells)
        features = channels * cells * cells if recipe.pool == "flatten" else channels
        self.dropout = nn.Dropout(recipe.dropout)
        self.project = nn.Linear(features, recipe.dimension, bias=False)
        # The last norm centres every number of the embedding (Deng et al., ArcFace, CVPR 2019, setting E).
        self.norm = nn.BatchNorm1d(recipe.dimension)
        nn.init.normal_(self.project.weight, std=0.01)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        features = self.pool(self.backbone(crops))
        embeddings: torch.Tensor = self.norm(self.project(self.dropout(features)))
        return embeddings


class _ImprovedBlock(nn.Module):
    """iResNet's residual block (Duta et al., "Improved Residual Networks", ICPR 2020) as ArcFace uses it."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        summed: torch.Tensor = self.body(maps) + self.shortcut(maps)
        return summed


class _Bottleneck(nn.Module):
    """The inverted residual of MobileFaceNet (Chen et al., CCBR 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            *_conv(inputs, wide, 1, 1),
            *_conv(wide, wide, 3, stride, groups=wide),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        changed: torch.Tensor = self.body(maps)
        return maps + changed if self.adds else changed


def _backbone(name: str) -> tuple[nn.Module, int, int]:
    """The network up to its last feature map, that map's channels, and pixels per cell."""
    if name in _IRESNET_BLOCKS:
        return _iresnet(_IRESNET_BLOCKS[name]), 512, 16
    if name == "mobilefacenet":
        return _mobilefacenet(), 512, 16
    model_name = name.removeprefix("timm:")
    if not timm.is_model(model_name):
        raise TrainingError(f"timm has no model {model_name}")
    model = timm.create_model(model_name, pretrained=False, num_classes=0, global_pool="")
    try:
        with torch.no_grad():
            _, channels, cells, _ = model.eval()(torch.zeros(1, 3, 128, 128)).shape
    except (AssertionError, ValueError) as error:  # of networks for one size, and of those without a map
        raise TrainingError(f"{model_name} gives no feature map; choose a convolutional network") from error
    return model.train(), int(channels), 128 // int(cells)


def _iresnet(blocks: Sequence[int]) -> nn.Module:
    layers: list[nn.Module] = [*_conv(3, 64, 3, 1)]
    inputs = 64
    for outputs, count in zip((64, 128, 256, 512), blocks, strict=True):
        for index in range(count):
            layers.append(_ImprovedBlock(inputs, outputs, 2 if index == 0 else 1))
            inputs = outputs
    layers.append(nn.BatchNorm2d(inputs))
    for module in nn.Sequential(*layers).modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.1)
    return nn.Sequential(*layers)


def _mobilefacenet() -> nn.Module:
    layers: list[nn.Module] = [*_conv(3, 64, 3, 2), *_conv(64, 64, 3, 1, groups=64)]
    inputs = 64
    for expansion, outputs, count, stride in (
        (2, 64, 5, 2),
        (4, 128, 1, 2),
        (2, 128, 6, 1),
        (4, 128, 1, 2),
        (2, 128, 2, 1),
    ):
        for index in range(count):
            layers.append(_Bottleneck(inputs, outputs, stride if index == 0 else 1, expansion))
            inputs = outputs
    return nn.Sequential(*layers, *_conv(inputs, 512, 1, 1))


def _conv(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.PReLU(outputs),
    )


def _pool(kind: str, channels: int, cells: int) -> nn.Module:
    if kind == "flatten":
        return nn.Flatten()
    if kind == "depthwise":
        return nn.Sequential(
            nn.Conv2d(channels, channels, cells, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Flatten(),
        )
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
