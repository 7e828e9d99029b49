"""A trained SSD as the ONNX file of a model pack, held against the network it came from."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import onnx
import torch

from inference.detection.canvases import DetectorSpec
from inference.detection.ssd import OnnxSsdDetector
from inference.domain import ImageRGB
from training.compact_onnx import compact
from training.detector.export import Parity, ParityError, compare
from training.detector.ssd_network import ServedSsd, SsdNetwork, TorchSsdDetector

_OPSET = 17
_MEAN_IOU, _LARGEST_DIFFERENCE = 0.98, 0.03  # half-precision weights


def export_ssd(network: SsdNetwork, target: Path, canvases: Sequence[ImageRGB], spec: DetectorSpec) -> Parity:
    """Write n × 3 × height × width RGB in 0…1 → n × boxes × (4 + classes), weights in half precision.

    Any batch, but only the canvases that the default boxes were made for. Raises ParityError when the file
    does not see what the network sees on those canvases.
    """
    ((width, height),) = spec.canvas_shapes
    served = ServedSsd(copy.deepcopy(network).cpu().float()).eval()
    part = target.with_suffix(".part.onnx")
    with warnings.catch_warnings():
        # The tracing exporter says that it is the old one, and that shapes become constants, as they should.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (torch.zeros(2, 3, height, width),),
            str(part),
            opset_version=_OPSET,
            input_names=["images"],
            output_names=["output"],
            dynamic_axes={"images": {0: "batch"}, "output": {0: "batch"}},
            dynamo=False,
        )
    model = compact(onnx.load(part))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, part)
    # A network that is sure of nothing is compared by its surest guesses.
    threshold = min(spec.score_threshold, *(_surest(served, canvas) for canvas in canvases))
    seeing = replace(spec, score_threshold=threshold)
    parity = compare(
        TorchSsdDetector(seeing, served.network).detect(canvases),
        OnnxSsdDetector(seeing, part, threads=0).detect(canvases),
        near=threshold + _LARGEST_DIFFERENCE,
    )
    if parity.missed or parity.mean_iou < _MEAN_IOU or parity.largest_score_difference > _LARGEST_DIFFERENCE:
        raise ParityError(part, parity)
    part.replace(target)
    return parity


def _surest(served: ServedSsd, canvas: ImageRGB) -> float:
    """The highest class probability on that canvas."""
    with torch.inference_mode():
        output = served(torch.from_numpy(canvas.transpose(2, 0, 1).copy())[None].float() / 255)
    return float(output[..., 4:].max())
