"""A whole model pack with two networks of a few numbers each, whose answers are worked out by hand.

The detector takes 64×64 canvases and looks at their four 32×32 cells: its three classes are hand (red), head
(green) and face (blue), and a class's score in a cell is the mean of its colour there. The embedder takes
64×64 crops, averages each channel and multiplies the three means with `EMBEDDER_WEIGHTS`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DIMENSION = 128
SIDE = 64
MEAN = [0.5, 0.4, 0.3]
STD = [0.5, 0.25, 0.2]
EMBEDDER_WEIGHTS = np.random.default_rng(5).normal(size=(3, DIMENSION)).astype(np.float32)


def make_pack(folder: Path, changes: Mapping[str, Any] | None = None, *, batch: int | None = None) -> Path:
    """Write the pack into `folder`; `changes` maps keys of the manifest (joined by `.` or `|`) to values.

    None removes a key. With `batch`, the networks take only batches of that size, as many exported ones do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(make_detector(batch), folder / "finder.onnx")
    (folder / "networks").mkdir(exist_ok=True)
    onnx.save(make_embedder(batch), folder / "networks" / "namer.onnx")
    (folder / "ABOUT.md").write_text("A pack for tests.\n", encoding="utf-8")
    manifest = make_manifest(folder)
    for key, value in (changes or {}).items():
        set_key(manifest, key, value)
    (folder / "manifest.toml").write_text(to_toml(manifest), encoding="utf-8")
    return folder


def make_manifest(folder: Path) -> dict[str, Any]:
    names = ("ABOUT.md", "finder.onnx", "networks/namer.onnx")
    return {
        "format": 1,
        "name": "tiny",
        "title": "Three colours",
        "licence": "CC0-1.0",
        "training_data": "None",
        "card": "ABOUT.md",
        "detector": {
            "layout": "yolo",
            "onnx": "finder.onnx",
            "canvas_shapes": [[64, 64]],
            "classes": ["hand", "head", "face"],
            "face_classes": ["face"],
            "score_threshold": 0.6,
        },
        "embedder": {
            "onnx": "networks/namer.onnx",
            "output": "vector",
            "side": SIDE,
            "margin": 3.0,
            "dimension": DIMENSION,
            "colour": "bgr",
            "mean": MEAN,
            "std": STD,
        },
        "calibration": {
            "measured_on": "nothing",
            "flip_average": True,
            "gallery_characters": 3,
            "points": [{"samples": 1, "false_name_rate": 0.01, "threshold": 0.5, "margin": 0.1}],
        },
        "files": {name: entry_of(folder / name) for name in names},
    }


def entry_of(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def set_key(manifest: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split("|") if "|" in key else key.split(".")
    table = manifest
    for parent in parents:
        table = table[parent]
    if value is None:
        del table[last]
    else:
        table[last] = value


def to_toml(table: Mapping[str, Any]) -> str:
    """TOML of one level of tables, everything deeper inline."""
    top = [f"{key} = {_value(value)}" for key, value in table.items() if not isinstance(value, dict)]
    for name, entries in table.items():
        if isinstance(entries, dict):
            top.append(f"[{name}]")
            top += [f"{json.dumps(key)} = {_value(value)}" for key, value in entries.items()]
    return "\n".join(top) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def make_detector(batch: int | None = None) -> onnx.ModelProto:
    rows: int | str = batch or "n"
    boxes = np.array([[16, 48, 16, 48], [16, 16, 48, 48], [32] * 4, [32] * 4], dtype=np.float32)[None]
    nodes = [
        helper.make_node("AveragePool", ["images"], ["cells"], kernel_shape=[32, 32], strides=[32, 32]),
        helper.make_node("Reshape", ["cells", "flat"], ["scores"]),
        helper.make_node("ReduceMean", ["scores"], ["one"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["one", "zero"], ["nothing"]),
        helper.make_node("Add", ["boxes", "nothing"], ["placed"]),
        helper.make_node("Concat", ["placed", "scores"], ["output"], axis=1),
    ]
    constants = {
        "flat": np.array([0, 3, 4], dtype=np.int64),
        "zero": np.zeros(1, dtype=np.float32),
        "boxes": boxes,
    }
    return _model(nodes, constants, ("images", [rows, 3, 64, 64]), [("output", [rows, 7, 4])])


def make_embedder(batch: int | None = None, *, dimension: int = DIMENSION) -> onnx.ModelProto:
    rows: int | str = batch or "n"
    nodes = [
        helper.make_node("ReduceMean", ["crops"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["vector"]),
    ]
    return _model(
        nodes,
        {"weights": EMBEDDER_WEIGHTS[:, :dimension]},
        ("crops", [rows, 3, SIDE, SIDE]),
        [("means", [rows, 3]), ("vector", [rows, dimension])],
    )


def _model(
    nodes: list[onnx.NodeProto],
    constants: Mapping[str, Any],
    source: tuple[str, list[Any]],
    outputs: list[tuple[str, list[Any]]],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(*_float(source))],
        [helper.make_tensor_value_info(*_float(output)) for output in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def _float(named: tuple[str, list[Any]]) -> tuple[str, int, list[Any]]:
    return named[0], TensorProto.FLOAT, named[1]
