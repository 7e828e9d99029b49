"""The importers on the local training data, against the counts that its README tells."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.training.dataset.conftest import Command
from training.dataset.manifest import read_manifest
from training.import_crops import main as import_crops
from training.import_yolo import main as import_yolo


def told(readme: str, pattern: str) -> list[int]:
    match = re.search(pattern, readme)
    assert match, f"the README no longer tells {pattern}"
    return [int(number.replace(",", "")) for number in match.groups()]


@pytest.fixture(scope="module")
def readme(shared_data: Path) -> str:
    return (shared_data / "README.md").read_text("utf-8")


def test_detection(shared_data: Path, readme: str, tmp_path: Path, run: Command) -> None:
    text = run(
        import_yolo,
        "--data",
        shared_data / "detection",
        "--pseudo",
        "pseudo_*",
        "--out",
        tmp_path / "m.jsonl",
    )
    pictures = read_manifest(tmp_path / "m.jsonl")
    assert [len(pictures)] == told(readme, r"\| ([\d,]+) pictures \|")
    assert "Left out" not in text
    for split in ("train", "val"):
        files = list((shared_data / "detection" / split / "labels").glob("*.txt"))
        lines = sum(len(file.read_text("utf-8").split("\n")) - 1 for file in files)
        mine = [picture for picture in pictures if picture.split == split]
        assert (len(mine), sum(len(picture.faces) for picture in mine)) == (len(files), lines)
    states = Counter((picture.source, face.state) for picture in pictures for face in picture.faces)
    assert {state for source, state in states if source == "wmylxmj_yolov3"} == {"sure"}
    assert {state for source, state in states if source.startswith("pseudo_")} == {"pseudo"}
    assert not any(picture.faces for picture in pictures if picture.source == "negatives")


def test_recognition(shared_data: Path, readme: str, tmp_path: Path, run: Command) -> None:
    text = run(import_crops, "--index", shared_data / "recognition/index.csv", "--out", tmp_path / "m.jsonl")
    pictures = read_manifest(tmp_path / "m.jsonl")
    characters = {face.character for picture in pictures for face in picture.faces}
    assert [len(pictures), len(characters)] == told(readme, r"\| ([\d,]+) crops, ([\d,]+) characters \|")
    assert "Left out" not in text
    assert Counter(face.box.width / picture.width for picture in pictures for face in picture.faces) == {
        0.5: len(pictures)
    }
    sides = {(face.character, picture.split) for picture in pictures for face in picture.faces}
    assert len(sides) == len(characters)
