"""Store an ONNX network's weights in half precision while it still computes in float32: half the file.

    python -m training.compact_onnx IN.onnx OUT.onnx

Each weight of at least `HALVED_FROM` elements becomes a float16 initializer followed by a Cast, which ONNX
Runtime folds away when it loads the file: the weights are rounded to 11 significant bits, and nothing changes
at run time. A network that was exported in half precision throughout becomes one that computes in float32.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inference.network import HALVED_FROM


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    model = compact(onnx.load(arguments.source))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, arguments.target)


def compact(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with large weights as float16, computing in float32."""
    graph = model.graph
    _compute_in_float32(graph)
    casts = []
    for initializer in graph.initializer:
        if initializer.data_type != TensorProto.FLOAT or np.prod(initializer.dims) < HALVED_FROM:
            continue
        name = initializer.name
        half = numpy_helper.from_array(numpy_helper.to_array(initializer).astype(np.float16), f"{name}_half")
        initializer.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], name=f"{name}_cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    return onnx.shape_inference.infer_shapes(model)


def _compute_in_float32(graph: onnx.GraphProto) -> None:
    """Turn float16 weights and constants into float32 and drop the casts to and from float16."""
    for initializer in graph.initializer:
        if initializer.data_type == TensorProto.FLOAT16:
            array = numpy_helper.to_array(initializer).astype(np.float32)
            initializer.CopyFrom(numpy_helper.from_array(array, initializer.name))
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t") and attribute.t.data_type == TensorProto.FLOAT16:
                array = numpy_helper.to_array(attribute.t).astype(np.float32)
                attribute.t.CopyFrom(numpy_helper.from_array(array))
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT16:
                attribute.i = TensorProto.FLOAT


if __name__ == "__main__":
    main()
