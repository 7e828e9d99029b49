"""What a detector of characters needs in a model pack's manifest, with what it came to on validation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from inference.detection.base import Detector
from inference.detection.canvases import DetectorSpec
from training.dataset.classes import FACE
from training.detector.naming import naming_shares
from training.detector.pictures import PictureSet

SCORE = 0.3
"""From which a box is a face."""

_IOU = 0.5  # boxes that overlap more are the same face
_THRESHOLD, _MARGIN = 0.5, 0.2  # more likely than everybody else together, and clearly so


def naming_spec(class_count: int, size: int) -> DetectorSpec:
    """Of a detector whose classes are all faces, on square canvases of that size."""
    classes = tuple(range(class_count))
    return DetectorSpec(((size, size),), classes, class_count, SCORE, _IOU, names_faces=True)


def closed_set_tables(
    detector: Detector,
    validation: PictureSet,
    *,
    layout: Literal["yolo", "ssd"],
    onnx: str,
    torch: str | None = None,
) -> str:
    """`[detector]` and `[closed_set]` for a detector whose classes are `validation.names`, as TOML.

    It must tell class scores. How many strangers get a name is for whoever has pictures of some to measure
    and to add as `strangers_named`.
    """
    classes = validation.names
    shapes = [list(shape) for shape in detector.canvas_shapes]
    characters = [name for name in classes if name != FACE]
    lines = [
        "[detector]",
        f'layout = "{layout}"',
        f'onnx = "{onnx}"',
        *([f'torch = "{torch}"'] if torch else []),
        f"canvas_shapes = {shapes}",
        f"classes = {_texts(classes)}",
        f"face_classes = {_texts(classes)}",
        f"score_threshold = {SCORE}",
        "",
        "[closed_set]",
        f"threshold = {_THRESHOLD}",
        f"margin = {_MARGIN}",
        f'measured_on = "{_measured(detector, validation)}"',
        "characters = [",
        *(f"    {{ class = {_text(name)}, name = {_text(name)} }}," for name in characters),
        "]",
    ]
    return "\n".join(lines) + "\n"


def _measured(detector: Detector, validation: PictureSet) -> str:
    shares = naming_shares(detector, validation.scenes)
    figures = ", ".join(f"{name} {share:.1%}" for name, share in shares.items() if isinstance(share, float))
    return f"{len(validation):,} pictures of split val: {figures}" if figures else "nothing"


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # JSON's texts are TOML's
