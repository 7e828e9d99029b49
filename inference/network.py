"""What a loaded network is to whoever runs it: pixels in, numbers out, on whatever runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from inference.fixed_batches import FloatArray

Precision = Literal["float32", "bfloat16", "int8"]
"""What a network computes in; it takes pixels and gives float32 all the same."""

HALVED_FROM = 1_024
"""Elements: weights at least this large are stored in half precision in the ONNX files of a pack."""

PixelBatch = NDArray[np.uint8]
"""n × height × width × 3 RGB."""


@dataclass(frozen=True, slots=True)
class PixelInput:
    """How pixels become the n × 3 × height × width numbers that a network takes."""

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of values in 0…1, in the network's colour order."""
    bgr: bool = False

    def rows(self, pixels: PixelBatch) -> FloatArray:
        """The numbers, for a runtime that does not do it itself."""
        mean, std = (
            np.array(values, dtype=np.float64).reshape(1, 3, 1, 1) for values in (self.mean, self.std)
        )
        planes = np.ascontiguousarray(pixels[..., ::-1] if self.bgr else pixels).transpose(0, 3, 1, 2)
        rows: FloatArray = np.multiply(planes, (1 / (255 * std)).astype(np.float32), order="C")
        if mean.any():
            rows += (-mean / std).astype(np.float32)
        return rows


class Network(Protocol):
    """A network with one input of pixels and one output. One instance belongs to one thread."""

    @property
    def fixed_batch(self) -> int | None:
        """The only batch size that it takes; None when it takes any."""

    def run(self, pixels: PixelBatch) -> FloatArray:
        """Its output for a batch. Raises ModelFileError when it does not take that shape."""


class NetworkOpener(Protocol):
    """Loads an ONNX file for one runtime on the CPU."""

    def __call__(self, path: Path, pixels: PixelInput, *, threads: int, output: str | None) -> Network:
        """`threads` 0 means all cores, `output` None the first output.

        Raises ModelFileError when the file is missing or not a usable network.
        """
