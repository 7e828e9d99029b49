"""A trained embedder as the ONNX file of a model pack, held against the network it came from."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional

from inference.onnx_session import open_session
from training.compact_onnx import compact
from training.embedder.backbones import EmbedderNetwork
from training.errors import TrainingError

OUTPUT = "embeddings"
_LOWEST_COSINE = 0.9995  # half-precision weights cost some 1e-5
_OPSET = 17


@dataclass(frozen=True, slots=True)
class Parity:
    """How the exported file compares with the network."""

    lowest_cosine: float
    crops: int


class _Unit(nn.Module):
    """The network with embeddings of unit length."""

    def __init__(self, network: EmbedderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return functional.normalize(self.network(crops))


def export_onnx(network: EmbedderNetwork, side: int, target: Path, *, seed: int = 0) -> Parity:
    """Write n × 3 × side × side normalised RGB → n × dimension unit vectors, weights in half precision.

    Raises TrainingError when the file does not give what the network gives.
    """
    module = _Unit(copy.deepcopy(network).cpu().float()).eval()
    generator = torch.Generator().manual_seed(seed)
    crops = torch.randn(8, 3, side, side, generator=generator)
    whole = target.with_suffix(".part.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the tracing exporter says that it is the old one; it needs no more packages
        torch.onnx.export(
            module,
            (crops,),
            str(whole),
            input_names=["crops"],
            output_names=[OUTPUT],
            dynamic_axes={"crops": {0: "batch"}, OUTPUT: {0: "batch"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    model = compact(onnx.load(whole))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, whole)
    with torch.inference_mode():
        expected = module(crops).numpy()
    given = open_session(whole, threads=0, output=OUTPUT).run(crops.numpy())
    parity = Parity(float(np.min(np.sum(expected * given, axis=1))), len(crops))
    if parity.lowest_cosine < _LOWEST_COSINE:
        whole.unlink()
        raise TrainingError(f"{target}: the exported network differs, cosine {parity.lowest_cosine:.5f}")
    whole.replace(target)
    return parity
