"""torchvision's SSD networks with default boxes and class names of ours; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.detection import ssd300_vgg16, ssdlite320_mobilenet_v3_large
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.ops import box_iou

from inference.detection.canvases import PIXELS, DetectorSpec
from inference.detection.ssd import SsdDetector
from inference.fixed_batches import FloatArray
from inference.network import PixelBatch
from training.detector.ssd_recipe import SsdNetworkRecipe


@dataclass(frozen=True, slots=True)
class Losses:
    boxes: torch.Tensor
    """Smooth L1 of the offsets, for each matched default box."""
    classes: torch.Tensor
    """Cross entropy with hard negatives, for each matched default box."""


class SsdNetwork(nn.Module):
    """From n×3×size×size RGB in 0…1 to offsets and class logits of every default box."""

    def __init__(self, recipe: SsdNetworkRecipe, class_count: int, size: int) -> None:
        super().__init__()
        self._network: Any = _build(recipe, class_count)
        self.eval()
        with torch.inference_mode():
            grids = [tuple(features.shape[-2:]) for features in self._features(torch.zeros(1, 3, size, size))]
        self.train()
        generator: Any = self._network.anchor_generator
        boxes = generator._grid_default_boxes(grids, [size, size])
        corners = torch.cat([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], dim=1)
        self.default_boxes: torch.Tensor
        self.register_buffer("default_boxes", corners * size, persistent=False)

    def forward(self, canvases: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """n × default boxes × 4, and × (1 + classes), the first of which is the background."""
        outputs = self._network.head(self._features(canvases))
        return outputs["bbox_regression"], outputs["cls_logits"]

    def decoded(self, offsets: torch.Tensor) -> torch.Tensor:
        """Corners in pixels of the canvas, n × default boxes × 4."""
        x, y, width, height = self._network.box_coder.weights
        sides = self.default_boxes[:, 2:] - self.default_boxes[:, :2]
        middles = self.default_boxes[:, :2] + sides / 2
        scale = offsets.new_tensor([x, y, width, height])
        moved = middles + offsets[..., :2] / scale[:2] * sides
        grown = torch.exp((offsets[..., 2:] / scale[2:]).clamp(max=self._network.box_coder.bbox_xform_clip))
        halves = grown * sides / 2
        return torch.cat([moved - halves, moved + halves], dim=-1)

    def losses(
        self,
        outputs: tuple[torch.Tensor, torch.Tensor],
        boxes: Sequence[torch.Tensor],
        classes: Sequence[torch.Tensor],
    ) -> Losses:
        """`boxes` m × 4 corners in pixels and `classes` m, counted from 0, for each canvas."""
        network = self._network
        matched = [
            network.proposal_matcher(box_iou(own, self.default_boxes))
            if len(own)
            else torch.full((len(self.default_boxes),), -1, device=self.default_boxes.device)
            for own in boxes
        ]
        targets = [{"boxes": own, "labels": labels + 1} for own, labels in zip(boxes, classes, strict=True)]
        found = network.compute_loss(
            targets,
            {"bbox_regression": outputs[0].float(), "cls_logits": outputs[1].float()},
            [self.default_boxes] * len(boxes),
            matched,
        )
        return Losses(found["bbox_regression"], found["classification"])

    def _features(self, canvases: torch.Tensor) -> list[torch.Tensor]:
        return list(self._network.backbone(canvases * 2 - 1).values())


class ServedSsd(nn.Module):
    """The network with the output that `inference.detection.ssd` reads."""

    def __init__(self, network: SsdNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, canvases: torch.Tensor) -> torch.Tensor:
        offsets, logits = self.network(canvases)
        probabilities = functional.softmax(logits, dim=-1)[..., 1:]
        return torch.cat([self.network.decoded(offsets), probabilities], dim=-1)


class TorchSsdDetector(SsdDetector):
    """Runs a network in training as serving runs its export."""

    def __init__(self, spec: DetectorSpec, network: SsdNetwork) -> None:
        super().__init__(spec, Path("a network in training"))
        self._served = ServedSsd(network).eval()

    def _run(self, batch: PixelBatch) -> FloatArray:
        with torch.inference_mode():
            rows = torch.from_numpy(PIXELS.rows(batch)).to(self._served.network.default_boxes.device)
            answer: FloatArray = self._served(rows).float().cpu().numpy()
        return answer


def _build(recipe: SsdNetworkRecipe, class_count: int) -> nn.Module:
    make: Any
    if recipe.architecture == "ssd300":
        make = ssd300_vgg16
    else:
        # Its own momentum of 0.03 is for far longer schedules.
        norm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.1)
        make = partial(ssdlite320_mobilenet_v3_large, norm_layer=norm)
    network: Any = make(weights=None, weights_backbone=None, num_classes=class_count + 1)
    network.anchor_generator = DefaultBoxGenerator(
        network.anchor_generator.aspect_ratios, min_ratio=recipe.smallest, max_ratio=recipe.largest
    )
    built: nn.Module = network
    return built
