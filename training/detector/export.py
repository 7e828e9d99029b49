"""What a training run leaves for a pack: a checkpoint without the training's state, and the same as ONNX."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import onnx
import torch

from inference.detection.canvases import DetectorSpec
from inference.detection.ultralytics_yolo import UltralyticsYoloDetector
from inference.detection.yolo import OnnxYoloDetector
from inference.domain import Detection, ImageRGB
from training.compact_onnx import compact
from training.detector.ultralytics_trainer import load_checkpoint, network_of
from training.errors import TrainingError

_OPSET = 17
_LICENCE = "AGPL-3.0-or-later"  # as Ultralytics' code, of which the checkpoint is a pickle
# Half precision moves boxes by less than a pixel, but may swap which of two equals survives suppression.
_MEAN_IOU, _LARGEST_DIFFERENCE = 0.98, 0.02


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the two files agree on what they see."""

    faces: int
    """Found by both or by one of them."""
    missed: int
    """Found by only one."""
    mean_iou: float
    lowest_iou: float
    largest_score_difference: float

    def __str__(self) -> str:
        return (
            f"{self.faces} faces, {self.missed} of them seen by one file only, "
            f"IoU {self.mean_iou:.3f} on average and {self.lowest_iou:.3f} at the least, "
            f"scores within {self.largest_score_difference:.4f}"
        )


class ParityError(TrainingError):
    """The exported network does not see what the trained one does."""

    def __init__(self, path: Path, parity: Parity) -> None:
        super().__init__(f"{path}: differs from the checkpoint: {parity}")


def export_detector(
    checkpoint: Path, folder: Path, canvases: Sequence[ImageRGB], *, score_threshold: float = 0.25
) -> Parity:
    """Write detector.pt and detector.onnx (dynamic batch and size), and compare them on those canvases.

    Raises ParityError when they disagree.
    """
    network = network_of(load_checkpoint(checkpoint), checkpoint)
    torch_file, onnx_file = folder / "detector.pt", folder / "detector.onnx"
    _write_checkpoint(deepcopy(network), torch_file)
    _write_onnx(network, onnx_file)
    shapes = tuple({(canvas.shape[1], canvas.shape[0]) for canvas in canvases})
    spec = DetectorSpec(shapes, tuple(range(len(network.names))), len(network.names), score_threshold, 0.5)
    parity = compare(
        UltralyticsYoloDetector(spec, torch_file, device="cpu").detect(canvases),
        OnnxYoloDetector(spec, onnx_file, threads=0).detect(canvases),
        near=score_threshold + _LARGEST_DIFFERENCE,
    )
    if parity.missed or parity.mean_iou < _MEAN_IOU or parity.largest_score_difference > _LARGEST_DIFFERENCE:
        raise ParityError(onnx_file, parity)
    return parity


def compare(
    left: Sequence[Sequence[Detection]], right: Sequence[Sequence[Detection]], *, near: float = 0.0
) -> Parity:
    """Match what two detectors found on the same canvases, best overlap first.

    A face that only one found counts as missed when its score is at least `near`: below, the other may have
    had it just under its threshold.
    """
    missed = 0
    overlaps: list[float] = []
    largest = 0.0
    for one, other in zip(left, right, strict=True):
        pairs = sorted(
            ((a.box.iou(b.box), i, j) for i, a in enumerate(one) for j, b in enumerate(other)), reverse=True
        )
        free_left, free_right = set(range(len(one))), set(range(len(other)))
        for iou, i, j in pairs:
            if iou >= 0.5 and i in free_left and j in free_right:
                free_left.remove(i)
                free_right.remove(j)
                overlaps.append(iou)
                largest = max(largest, abs(one[i].score - other[j].score))
        alone = [one[i] for i in free_left] + [other[j] for j in free_right]
        alone = [detection for detection in alone if detection.score >= near]
        missed += len(alone)
    mean = sum(overlaps) / len(overlaps) if overlaps else 1.0
    return Parity(len(overlaps) + missed, missed, mean, min(overlaps, default=1.0), largest)


def _write_checkpoint(network: Any, path: Path) -> None:
    """The network in half precision with nothing about where and on what it was trained."""
    network.args = {"task": "detect"}
    network.criterion = None
    for name in ("pt_path", "yaml_file"):
        network.__dict__.pop(name, None)
    network.yaml.pop("yaml_file", None)
    for parameter in network.parameters():
        parameter.requires_grad = False
    part = path.with_suffix(".part")
    torch.save(
        {
            "model": network.to(memory_format=torch.contiguous_format).half(),
            "train_args": {"task": "detect"},
            "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "license": _LICENCE,
        },
        part,
    )
    part.replace(path)


def _write_onnx(network: Any, path: Path) -> None:
    fused = network.fuse(verbose=False).eval()
    head = fused.model[-1]
    head.export, head.dynamic, head.format = True, True, "onnx"
    part = path.with_suffix(".part")
    canvas = torch.zeros(1, 3, 640, 640)
    with torch.no_grad():
        fused(canvas)  # the head makes its anchors when it first sees a size
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracing exporter says that it is the old one
            torch.onnx.export(
                fused,
                (canvas,),
                str(part),
                opset_version=_OPSET,
                input_names=["images"],
                output_names=["output"],
                dynamic_axes={"images": {0: "batch", 2: "height", 3: "width"}, "output": {0: "batch"}},
                dynamo=False,
            )
    model = compact(onnx.load(part))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, part)
    part.replace(path)
