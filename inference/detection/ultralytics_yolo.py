"""The torch runner of YOLO detectors; the only `import ultralytics`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from inference.detection.canvases import PIXELS, DetectorSpec
from inference.detection.yolo import YoloDetector
from inference.errors import ModelFileError
from inference.fixed_batches import FloatArray
from inference.network import HALVED_FROM, PixelBatch


class UltralyticsYoloDetector(YoloDetector):
    """Runs an Ultralytics checkpoint (`.pt`) on torch, in half precision on a GPU.

    Canvases, output layout and suppression are those of the ONNX runner, so both give the same boxes.
    """

    def __init__(self, spec: DetectorSpec, path: Path, *, device: str, threads: int = 0) -> None:
        super().__init__(spec, path)
        self._threads = threads
        self._device = torch.device(device)
        self._dtype = torch.float16 if self._device.type == "cuda" else torch.float32
        self.batch_sizes = (1, 2, 4, 8)
        self.pads_batches = self._device.type == "cuda"
        self._network = _load(path).to(self._device, self._dtype)

    def _run(self, batch: PixelBatch) -> FloatArray:
        if self._threads:
            torch.set_num_threads(self._threads)  # of the calling thread
        with torch.inference_mode():
            rows = torch.from_numpy(PIXELS.rows(batch)).to(self._device, self._dtype)
            outputs = self._network(rows)
        raw = outputs[0] if isinstance(outputs, tuple | list) else outputs
        array: FloatArray = raw.float().cpu().numpy()
        return array


def _load(path: Path) -> torch.nn.Module:
    # Ultralytics looks for updates and missing packages on the network unless told not to.
    os.environ.setdefault("YOLO_OFFLINE", "1")
    os.environ.setdefault("YOLO_AUTOINSTALL", "0")
    from ultralytics.nn.tasks import (  # noqa: PLC0415  # after the variables above, which it reads
        DetectionModel,
        torch_safe_load,
    )

    if not path.is_file():
        raise ModelFileError(
            path=str(path),
            reason="it does not exist",
            fix="Install the pack again, or set models.runtime to onnx.",
        )
    try:
        # A checkpoint is a pickle, which could run anything if other than known classes were let through.
        load: Any = torch_safe_load  # it has no annotations
        checkpoint, _ = load(str(path), safe_only=True)
        network: Any = checkpoint.get("ema") or checkpoint.get("model")
        if not isinstance(network, DetectionModel):
            raise TypeError(f"it holds a {type(network).__name__}, not a detection network")
    except Exception as error:
        raise ModelFileError(
            path=str(path), reason=f"{error}"[:200], fix="It must be an Ultralytics detection checkpoint."
        ) from error
    loose: Any = network.float()  # its methods have no annotations
    fused: torch.nn.Module = loose.fuse(verbose=False).eval()
    _round_like_onnx(fused)
    return fused


def _round_like_onnx(network: torch.nn.Module) -> None:
    """As `training.compact_onnx` does with the weights, or else two equally good boxes can swap places."""
    with torch.no_grad():
        for weights in network.parameters():
            if weights.numel() >= HALVED_FROM:
                weights.copy_(weights.half())
