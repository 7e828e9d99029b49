"""The torch runner of ONNX embedders, for GPUs; the only `import onnx2torch`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from onnx2torch import convert

from inference.domain import EmbeddingContract
from inference.embedding.arcface import CropEmbedder, EmbedderSpec
from inference.errors import ModelFileError
from inference.fixed_batches import FloatArray
from inference.network import PixelBatch


class TorchEmbedder(CropEmbedder):
    """Runs the pack's ONNX embedder as a torch module, under half-precision autocast on a GPU.

    One weights file serves both runners, so they cannot drift apart.
    """

    def __init__(
        self,
        spec: EmbedderSpec,
        path: Path,
        contract: EmbeddingContract,
        *,
        flip_average: bool,
        device: str,
        threads: int = 0,
    ) -> None:
        super().__init__(spec, path, contract, flip_average=flip_average)
        self._threads = threads
        self._device = torch.device(device)
        if self._device.type == "cuda":
            self.batch_sizes, self.pads_batches = (*self.batch_sizes, 32), True
        self._network = _load(path, spec.output).to(self._device)

    def _run(self, batch: PixelBatch) -> FloatArray:
        if self._threads:
            torch.set_num_threads(self._threads)  # of the calling thread
        rows = torch.from_numpy(self._spec.pixels.rows(batch)).to(self._device)
        with (
            torch.inference_mode(),
            torch.autocast("cuda", dtype=torch.float16, enabled=self._device.type == "cuda"),
        ):
            outputs = self._network(rows)
        array: FloatArray = outputs.float().cpu().numpy()
        return array


def _load(path: Path, output: str | None) -> torch.nn.Module:
    try:
        model = onnx.load(path)
        _simplify(model.graph, output)
        network: torch.nn.Module = convert(model).eval()
    except Exception as error:
        raise ModelFileError(
            path=str(path),
            reason=f"torch cannot run it: {error}"[:200],
            fix="Set models.runtime to onnx.",
        ) from error
    return network


def _simplify(graph: onnx.GraphProto, output: str | None) -> None:
    """Make the graph one that onnx2torch takes: no casts of weights, no empty inputs, one output."""
    weights = {initializer.name: initializer for initializer in graph.initializer}
    nodes = []
    for node in graph.node:
        weight = weights.get(node.input[0]) if node.op_type == "Cast" else None
        if weight is not None and weight.data_type == TensorProto.FLOAT16:
            array = numpy_helper.to_array(weight).astype(np.float32)
            weight.CopyFrom(numpy_helper.from_array(array, node.output[0]))
            continue
        while node.input and not node.input[-1]:
            node.input.pop()
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    wanted = [entry for entry in graph.output if output in (None, entry.name)][:1]
    del graph.output[:]
    graph.output.extend(wanted)
