"""`manifest.toml` is parsed strictly, and every refusal names the key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inference.errors import ModelFileError
from inference.models import load_manifest
from tests.inference.models.tiny_pack import make_pack

DIGEST = "0" * 64

REFUSED: list[tuple[str, Any, str]] = [
    ("format", 2, "its format is 2"),
    ("colour", "blue", "colour is not a known key"),
    ("licence", None, "licence is missing"),
    ("licence", "  ", "licence"),
    ("name", "../dareda-1", "name"),
    ("name", "Tiny", "name"),
    ("card", "../CARD.md", "card"),
    ("card", "/etc/passwd", "card"),
    ("card", "other.md", "files does not list other.md"),
    ("detector.layout", "rcnn", "detector.layout"),
    ("detector.size", 640, "detector.size is not a known key"),
    ("detector.canvas_shapes", [], "detector.canvas_shapes"),
    ("detector.canvas_shapes", [[640, 650]], "detector.canvas_shapes"),
    ("detector.canvas_shapes", [[640]], "detector.canvas_shapes"),
    ("detector.canvas_shapes", [[8192, 640]], "detector.canvas_shapes"),
    ("detector.canvas_shapes", [[640.0, 640.0]], "detector.canvas_shapes"),
    ("detector.onnx", None, "it needs a file"),
    ("detector.onnx", "..", "detector.onnx"),
    ("detector.onnx", "a\\b.onnx", "detector.onnx"),
    ("detector.onnx", "C:/b.onnx", "detector.onnx"),
    ("detector.onnx", "a//b.onnx", "detector.onnx"),
    ("detector.torch", "finder.onnx", "torch must be an Ultralytics .pt file"),
    ("detector.torch", "finder.pt", "files does not list finder.pt"),
    ("detector.face_classes", ["cat"], "face_classes names cat"),
    ("detector.classes", ["face", "face"], "classes has a name twice"),
    ("detector.score_threshold", 0.0, "detector.score_threshold"),
    ("embedder.side", 0, "embedder.side"),
    ("embedder.side", "112", "embedder.side"),
    ("embedder.margin", 0.1, "embedder.margin"),
    ("embedder.dimension", 1, "embedder.dimension"),
    ("embedder.dimension", 10**30, "embedder.dimension"),
    ("embedder.margin", 10**400, "embedder.margin"),
    ("embedder.colour", "grey", "embedder.colour"),
    ("embedder.std", [0.2, 0.2, 0.0], "embedder.std"),
    ("embedder.mean", [0.5, 0.5], "embedder.mean"),
    ("calibration.points", [], "calibration.points"),
    (
        "calibration.points",
        [{"samples": 1, "false_name_rate": 0.01, "threshold": 0.5, "margin": 0.1}] * 2,
        "the same false_name_rate and samples twice",
    ),
    (
        "calibration.points",
        [{"samples": 1, "false_name_rate": 0.01, "threshold": 1.5, "margin": 0.1}],
        "calibration.points.0.threshold",
    ),
    ("calibration.contract", "an old one", "calibration.contract"),
    ("files", {}, "files does not list"),
    ("files|../evil", {"sha256": DIGEST, "size": 1}, "files"),
    ("files|ABOUT.MD", {"sha256": DIGEST, "size": 1}, "differ only in case"),
    ("files|manifest.toml", {"sha256": DIGEST, "size": 1}, "files lists manifest.toml itself"),
    ("files.manifest", {"sha256": "abc", "size": 1}, "files.manifest.sha256"),
    ("files.extra", {"sha256": DIGEST, "size": -1}, "files.extra.size"),
    ("files.extra", {"sha256": DIGEST, "size": 1, "url": "x"}, "files.extra.url is not a known key"),
]


@pytest.mark.parametrize(("key", "value", "complaint"), REFUSED)
def test_a_wrong_key_is_refused_by_its_name(tmp_path: Path, key: str, value: Any, complaint: str) -> None:
    folder = make_pack(tmp_path / "tiny")
    path = folder / "manifest.toml"
    assert load_manifest(folder).name == "tiny"
    make_pack(folder, {key: value})
    with pytest.raises(ModelFileError) as caught:
        load_manifest(folder)
    assert complaint in str(caught.value.data["reason"])
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"name = ", b"\xff\xfe", b"a = 1\na = 2", b"[" * 5_000, b"# " + b"x" * 2_000_000],
    ids=["empty", "cut", "not UTF-8", "key twice", "deep", "huge"],
)
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.toml").write_bytes(content)
    with pytest.raises(ModelFileError):
        load_manifest(tmp_path)


def test_a_folder_without_a_manifest_says_what_a_pack_is(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"folder with a manifest\.toml"):
        load_manifest(tmp_path)


def test_only_the_first_complaints_are_listed(tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "tiny", {f"key{index}": 1 for index in range(9)})
    with pytest.raises(ModelFileError, match="and 4 more"):
        load_manifest(folder)


def test_reading_a_pack_does_not_import_pydantic() -> None:
    """Every command that opens a pack would start later."""
    script = "import sys; from inference.models import find_pack; from pathlib import Path\n"
    script += "find_pack('dareda-1', Path('none')); print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_face_classes_become_indices_of_the_classes(tmp_path: Path) -> None:
    changes = {"detector.face_classes": ["face", "hand"]}
    detector = load_manifest(make_pack(tmp_path / "tiny", changes)).detector
    spec = detector.spec(score_threshold=0.4, iou_threshold=0.5)
    assert (spec.face_classes, spec.class_count) == ((0, 2), 3)
    assert (spec.score_threshold, spec.canvas_shapes) == (0.4, ((64, 64),))
