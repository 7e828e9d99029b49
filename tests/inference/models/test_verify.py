"""`verify_pack` finds whatever would fail later."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.models import find_pack, verify_pack
from tests.inference.models.tiny_pack import make_pack


def problems_of(tmp_path: Path, changes: dict | None = None) -> list[str]:
    make_pack(tmp_path / "tiny", changes)
    return [str(problem) for problem in verify_pack(find_pack("tiny", tmp_path))]


def test_the_bundled_pack_has_no_problems_on_any_runtime(tmp_path: Path) -> None:
    assert verify_pack(find_pack("dareda-1", tmp_path)) == ()


def test_a_whole_pack_has_no_problems(tmp_path: Path) -> None:
    assert problems_of(tmp_path) == []


@pytest.mark.parametrize("batch", [1, 4])
def test_networks_with_a_fixed_batch_are_no_problem(tmp_path: Path, batch: int) -> None:
    make_pack(tmp_path / "tiny", batch=batch)
    assert verify_pack(find_pack("tiny", tmp_path)) == ()


@pytest.mark.parametrize(
    ("changes", "file", "reason"),
    [
        ({"detector.classes": ["a", "face"]}, "finder.onnx", "2 classes"),
        ({"detector.canvas_shapes": [[64, 64], [96, 64]]}, "finder.onnx", "does not run"),
        ({"embedder.dimension": 127}, "networks/namer.onnx", "127 numbers"),
        ({"embedder.side": 63}, "networks/namer.onnx", "does not run"),
        ({"embedder.output": "x"}, "networks/namer.onnx", "no output 'x'"),
        ({"files|ABOUT.md": {"sha256": "0" * 64, "size": 18}}, "ABOUT.md", "sha256"),
        ({"files|finder.onnx": {"sha256": "0" * 64, "size": 1}}, "finder.onnx", "bytes"),
        ({"files|extra.txt": {"sha256": "0" * 64, "size": 1}}, "extra.txt", "does not exist"),
    ],
)
def test_each_fault_is_one_problem_with_its_file(
    tmp_path: Path, changes: dict, file: str, reason: str
) -> None:
    (problem,) = problems_of(tmp_path, changes)
    assert problem.startswith(f"{file}: ")
    assert reason in problem


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    changes = {"detector.classes": ["a", "face"], "embedder.dimension": 127}
    assert len(problems_of(tmp_path, changes)) == 2
