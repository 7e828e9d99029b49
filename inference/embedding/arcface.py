"""Aligned crop → unit vector: what every runner shares, and the ONNX Runtime runner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import cv2
import numpy as np

from inference.domain import EmbeddingContract, Embeddings, ImageRGB, as_embeddings
from inference.errors import ModelFileError
from inference.fixed_batches import FloatArray, run_in_fixed_batches
from inference.network import NetworkOpener, PixelBatch, PixelInput
from inference.onnx_session import open_onnx

_LEFT_TO_RIGHT = 1
"""What `cv2.flip()` calls it."""


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """What a model pack's manifest says of its embedder."""

    side: int
    """Pixels of the square input."""
    margin: float
    """Side of the crop over the longer side of the face box."""
    dimension: int
    colour: Literal["rgb", "bgr"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    """Of values in 0…1, in the network's colour order."""
    output: str | None = None
    """Name of the network's output; None for the first."""

    @property
    def pixels(self) -> PixelInput:
        return PixelInput(self.mean, self.std, bgr=self.colour == "bgr")

    def preprocessing(self, *, flip_average: bool) -> str:
        """Canonical text for the contract."""
        mean, std = (",".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return (
            f"square margin={self.margin:g} side={self.side} {self.colour} mean={mean} std={std}"
            f"{' flip-average' if flip_average else ''}"
        )


class CropEmbedder(ABC):
    """An `Embedder` for networks that take n×3×side×side and give n×dimension.

    ArcFace: Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019. With
    flip averaging, the embeddings of the crop and of its mirror image are added before they are normalised.
    """

    batch_sizes: tuple[int, ...] = (1, 2, 4, 8, 16)  # on a CPU, 32 take 30 MB more and are no faster
    pads_batches = False

    def __init__(
        self, spec: EmbedderSpec, path: Path, contract: EmbeddingContract, *, flip_average: bool
    ) -> None:
        self._spec = spec
        self._path = path
        self._contract = contract
        self._flip_average = flip_average

    @property
    def contract(self) -> EmbeddingContract:
        return self._contract

    def warm_up(self) -> None:
        blank = np.full((self._spec.side, self._spec.side, 3), 127, dtype=np.uint8)
        for size in self.batch_sizes if self.pads_batches else (1,):
            self.embed([blank] * size)

    def embed(self, crops: Sequence[ImageRGB]) -> Embeddings:
        if not crops:
            return Embeddings(np.empty((0, self._spec.dimension), dtype=np.float32))
        mirrored = [_mirrored(crop) for crop in crops] if self._flip_average else []
        rows = [*crops, *mirrored]
        outputs = run_in_fixed_batches(rows, self.batch_sizes, self._run, pad=self.pads_batches)
        if outputs.shape != (len(rows), self._spec.dimension):
            raise ModelFileError(
                path=str(self._path),
                reason=f"an embedder output of {outputs.shape[1:]} is not {self._spec.dimension} numbers",
                fix="Correct the dimension in the pack's manifest.",
            )
        if self._flip_average:
            unit = as_embeddings(outputs, self._spec.dimension)
            outputs = unit[: len(crops)] + unit[len(crops) :]
        return as_embeddings(outputs, self._spec.dimension)

    @abstractmethod
    def _run(self, batch: PixelBatch) -> FloatArray:
        """The network on n × side × side × 3 RGB crops: n × dimension."""


class OnnxEmbedder(CropEmbedder):
    """Runs an embedder exported to ONNX on the CPU."""

    def __init__(
        self,
        spec: EmbedderSpec,
        path: Path,
        contract: EmbeddingContract,
        *,
        flip_average: bool,
        threads: int,
        open_network: NetworkOpener = open_onnx,
    ) -> None:
        super().__init__(spec, path, contract, flip_average=flip_average)
        self._network = open_network(path, spec.pixels, threads=threads, output=spec.output)
        if self._network.fixed_batch is not None:
            self.batch_sizes, self.pads_batches = (self._network.fixed_batch,), True

    def _run(self, batch: PixelBatch) -> FloatArray:
        return self._network.run(batch)


def _mirrored(crop: ImageRGB) -> ImageRGB:
    # In a twentieth of the time of a copy by NumPy.
    return cast(ImageRGB, cv2.flip(crop, _LEFT_TO_RIGHT))
