"""Initial weights: those of an earlier run, of a model pack's ONNX file, or a backbone's published ones."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

from inference.onnx_session import open_session
from training.embedder.backbones import EmbedderNetwork
from training.embedder.export import OUTPUT
from training.errors import TrainingError

_LOWEST_COSINE = 0.999
_ANOTHER = "is another network; choose the same backbone, pool and dimension"

Weights = NDArray[np.float32]


def load_initial(network: EmbedderNetwork, initial: Path, crops: torch.Tensor) -> None:
    """Give the network the weights of a run folder (its averaged ones), an exported `.onnx` or a `.pth` file.

    An exported file has no batch norms left behind its convolutions. They are put back so that on `crops`
    (n × 3 × side × side, normalised) each centres and scales what it sees and gives out the same as before:
    training goes on where it was, with statistics to learn from. A `.pth` file is a state dict of the
    backbone alone, as published for image classification. Raises TrainingError.
    """
    if initial.suffix == ".onnx":
        _load_onnx(network, initial, crops)
    elif initial.suffix == ".pth":
        _load_backbone(network, initial)
    else:
        load_averaged(network, initial / "checkpoints" / "last.pt")


def load_averaged(network: EmbedderNetwork, checkpoint: Path) -> None:
    """The averaged weights of a run's checkpoint. Raises TrainingError."""
    if not checkpoint.exists():
        raise TrainingError(f"{checkpoint}: there is no such checkpoint")
    state: dict[str, torch.Tensor] = torch.load(checkpoint, map_location="cpu", weights_only=True)["average"]
    try:
        network.load_state_dict({name.removeprefix("module."): weight for name, weight in state.items()})
    except RuntimeError as error:  # other names or shapes
        raise TrainingError(f"{checkpoint}: {_ANOTHER}") from error


def _load_backbone(network: EmbedderNetwork, path: Path) -> None:
    """Weights by position and shape, since each publisher names the layers of one network another way.

    What follows the backbone's last layer in the file, its classifier, is left out.
    """
    try:
        state: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, UnpicklingError) as error:
        raise TrainingError(f"{path}: cannot be read as weights: {error}"[:300]) from error
    given = [weights for weights in state.values() if weights.ndim]  # without batch norms' counters
    own = {name: weights for name, weights in network.backbone.state_dict().items() if weights.ndim}
    if [weights.shape for weights in given[: len(own)]] != [weights.shape for weights in own.values()]:
        raise TrainingError(f"{path}: {_ANOTHER}")
    network.backbone.load_state_dict(dict(zip(own, given, strict=False)), strict=False)


def _load_onnx(network: EmbedderNetwork, path: Path, crops: torch.Tensor) -> None:
    filler = _Filler(path)
    network.eval()
    handles = [
        module.register_forward_pre_hook(filler.fill)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d | nn.BatchNorm1d)
    ]
    try:
        with torch.no_grad():
            given = functional.normalize(network(crops)).numpy()
    finally:
        for handle in handles:
            handle.remove()
    network.train()
    expected = open_session(path, threads=0, output=OUTPUT).run(crops.numpy())
    same = given.shape == expected.shape and np.min(np.sum(given * expected, axis=1)) >= _LOWEST_COSINE
    if filler.left or not same:
        raise TrainingError(f"{path}: {_ANOTHER}")


class _Filler:
    """Gives each layer, right before it runs for the first time, the next weights of an exported file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.left = _exported_layers(onnx.load(path))
        except (OSError, DecodeError, KeyError) as error:
            raise TrainingError(f"{path}: cannot be read as an embedder: {error}"[:300]) from error
        self._folded: Weights | None = None
        """The bias of the convolution before, which its batch norm was folded into."""

    def fill(self, layer: Any, inputs: tuple[torch.Tensor]) -> None:
        if isinstance(layer, nn.BatchNorm2d):
            self._restore(layer, inputs[0])
            return
        weights = self.left.pop(0) if self.left else ()
        names: tuple[str, ...]
        if isinstance(layer, nn.Conv2d):
            names, self._folded = ("weight",), weights[1] if len(weights) == 2 else None
            weights = weights[:1]
        elif isinstance(layer, nn.Linear):
            names = ("weight",)
        else:
            names = ("weight", "bias", "running_mean", "running_var")
        if [getattr(layer, name).shape for name in names] != [values.shape for values in weights]:
            raise TrainingError(f"{self._path}: {_ANOTHER}")
        for name, values in zip(names, weights, strict=True):
            getattr(layer, name).copy_(torch.from_numpy(values))

    def _restore(self, norm: Any, seen: torch.Tensor) -> None:
        """A norm that gives out `seen` plus the folded bias, from statistics of `seen`."""
        variance, mean = torch.var_mean(seen, dim=(0, 2, 3), correction=0)
        if self._folded is None or self._folded.shape != mean.shape:
            raise TrainingError(f"{self._path}: {_ANOTHER}")
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(mean + torch.from_numpy(self._folded))


def _exported_layers(model: onnx.ModelProto) -> list[tuple[Weights, ...]]:
    """Weights and biases of the convolutions, products and norms, in the order in which they run."""
    stored = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    for node in model.graph.node:  # weights that are stored in half precision, or once for several layers
        if node.op_type in {"Cast", "Identity"} and node.input[0] in stored:
            stored[node.output[0]] = stored[node.input[0]]
    layers = []
    for node in model.graph.node:
        if node.op_type in {"Conv", "Gemm", "MatMul", "BatchNormalization"}:
            found = [stored[name].astype(np.float32) for name in node.input[1:] if name]
            if node.op_type == "MatMul":  # computes x @ weights, a linear layer x @ weights.T
                found = [np.ascontiguousarray(found[0].T)]
            layers.append(tuple(found))
    return layers
