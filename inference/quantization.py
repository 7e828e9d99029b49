"""Integer arithmetic for a network's convolutions, from ranges that were measured on pictures.

OpenVINO computes a convolution in 8-bit integers where it finds `FakeQuantize` operations in front of both of
its inputs (Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018). Those of the weights follow from the weights themselves, one scale an output channel;
those of the activations need a range each, which `training.quantize` measures and a pack brings along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.fixed_batches import FloatArray
from inference.openvino_library import opset13, ov

# What comes out are values that went in, so it needs no range of its own.
_PASSING = frozenset(
    {"Concat", "Interpolate", "MaxPool", "Reshape", "Slice", "Split", "StridedSlice", "Transpose"}
    | {"VariadicSplit"}
)
_ACTIVATION_LEVELS = 256
_WEIGHT_LEVELS = 255  # symmetric: without -128

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Marks:
    """Where integers may replace floating point in a network."""

    convolutions: tuple[ov.Node, ...]
    activations: dict[str, ov.Output]
    """What the convolutions see, by the name that the ONNX file gives it."""
    groups: tuple[frozenset[str], ...]
    """Names of activations that are joined on their way, and so share a range."""


def find_marks(model: ov.Model) -> Marks:
    """The network's convolutions, but for the last before each output, whose result is the answer."""
    nodes = model.get_ordered_ops()
    seen = {
        node.get_friendly_name(): (node, _origins(node.input_value(0)))
        for node in nodes
        if node.get_type_name() == "Convolution" and _constant(node.input_value(1)) is not None
    }
    # A convolution of probabilities is how YOLO reads a box off its distribution: tiny, and wants precision.
    seen = {
        name: (node, origins)
        for name, (node, origins) in seen.items()
        if all(origin.get_node().get_type_name() != "Softmax" for origin in origins.values())
    }
    inner = _leading_to(nodes, set(seen))
    activations: dict[str, ov.Output] = {}
    groups: list[frozenset[str]] = []
    for name, (_, origins) in seen.items():
        if name not in inner:
            continue
        activations |= origins
        joined = frozenset(origins).union(*(group for group in groups if group & set(origins)))
        groups = [group for group in groups if not group & joined] + [joined]
    return Marks(tuple(node for name, (node, _) in seen.items() if name in inner), activations, tuple(groups))


def quantize(model: ov.Model, ranges: Mapping[str, Range]) -> None:
    """Mark the network, in place. Raises ValueError when the ranges are not those of its activations."""
    marks = find_marks(model)
    if strange := sorted(set(marks.activations) ^ set(ranges)):
        raise ValueError(f"the ranges are not those of this network: {', '.join(strange[:3])}")
    for node in marks.convolutions:
        weights = _constant(node.input_value(1))
        assert weights is not None  # noqa: S101  find_marks() looked
        node.input(1).replace_source_output(_marked_weights(weights).output(0))
    for name, output in marks.activations.items():
        consumers = output.get_target_inputs()
        low, high = (np.float32(edge) for edge in ranges[name])
        marked = opset13.fake_quantize(output, low, high, low, high, _ACTIVATION_LEVELS)
        for consumer in consumers:
            consumer.replace_source_output(marked.output(0))
    model.validate_nodes_and_infer_types()


def _origins(output: ov.Output) -> dict[str, ov.Output]:
    """The computed values that an operation sees there, through whatever only passes them on, by name."""
    found: dict[str, ov.Output] = {}
    waiting = [output]
    while waiting:
        current = waiting.pop()
        node = current.get_node()
        if node.get_type_name() in _PASSING:
            count = node.get_input_size() if node.get_type_name() == "Concat" else 1
            waiting += [node.input_value(index) for index in range(count)]
        else:
            found[min(current.get_names(), default=node.get_friendly_name())] = current
    return found


def _leading_to(nodes: list[ov.Node], targets: set[str]) -> set[str]:
    """The names of nodes with one of the targets somewhere behind them."""
    found: set[str] = set()
    for node in reversed(nodes):
        for output in node.outputs():
            for consumer in output.get_target_inputs():
                name = consumer.get_node().get_friendly_name()
                if name in targets or name in found:
                    found.add(node.get_friendly_name())
    return found


def _constant(output: ov.Output) -> NDArray[np.float32] | None:
    """The numbers, where they are written in the network, perhaps in half precision."""
    node: Any = output.get_node()
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    return node.data.astype(np.float32) if node.get_type_name() == "Constant" else None


def _marked_weights(weights: NDArray[np.float32]) -> ov.Node:
    """One scale for each output channel, which is the first axis."""
    edge = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
    edge = np.maximum(edge, np.finfo(np.float32).tiny)
    return opset13.fake_quantize(opset13.constant(weights), -edge, edge, -edge, edge, _WEIGHT_LEVELS)


class ActivationTap:
    """A float network that shows the activations which `quantize()` needs ranges of."""

    def __init__(self, path: Path, *, threads: int) -> None:
        core = ov.Core()
        model = core.read_model(path)
        marks = find_marks(model)
        self.names = tuple(marks.activations)
        self.groups = tuple(tuple(sorted(group)) for group in marks.groups)
        """Names that must get the same range."""
        for result in model.get_results():
            model.remove_result(result)
        model.add_outputs(list(marks.activations.values()))
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
        self._request = core.compile_model(model, "CPU", settings).create_infer_request()

    def run(self, rows: FloatArray) -> Iterator[FloatArray]:
        """The activations for n × 3 × height × width, in the order of the names, valid until the next."""
        self._request.infer([rows])
        for index in range(len(self.names)):
            yield self._request.get_output_tensor(index).data
