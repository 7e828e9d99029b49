from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference.domain import FaceBox
from training.dataset.manifest import LabelledFace, LabelledPicture, read_manifest, write_manifest
from training.errors import DatasetError

FACES = (
    LabelledFace(FaceBox(1.5, 2, 11, 12), "eru"),
    LabelledFace(FaceBox(3, 4, 5, 6), None, 0.25, "unsure"),
)


def test_what_is_written_is_read_again_in_order(tmp_path: Path) -> None:
    pictures = [
        LabelledPicture(tmp_path / "pages" / "b.png", 40, 30, "hyouka", "train", FACES),
        LabelledPicture(tmp_path / "a 氷菓.png", 20, 10, "hyouka", "val"),
        LabelledPicture(tmp_path / "new.png", 20, 10, "frames", "train", labelled=False),
    ]
    manifest = tmp_path / "faces.jsonl"
    assert write_manifest(manifest, pictures) == 3
    assert read_manifest(manifest, unlabelled=True) == pictures
    assert [json.loads(line)["image"] for line in manifest.read_text("utf-8").splitlines()] == [
        "pages/b.png",
        "a 氷菓.png",
        "new.png",
    ]


def test_pictures_that_nobody_has_looked_at_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    looked_at = LabelledPicture(tmp_path / "empty.png", 20, 10, "frames", "train")
    not_yet = LabelledPicture(tmp_path / "new.png", 20, 10, "frames", "train", labelled=False)
    write_manifest(tmp_path / "m.jsonl", [looked_at, not_yet])
    assert read_manifest(tmp_path / "m.jsonl") == [looked_at]


def test_one_split_is_read(tmp_path: Path) -> None:
    pictures = [LabelledPicture(tmp_path / f"{split}.png", 2, 2, "s", split) for split in ("train", "val")]
    write_manifest(tmp_path / "m.jsonl", pictures)
    assert read_manifest(tmp_path / "m.jsonl", split="val") == pictures[1:]


GOOD = {"image": "a.png", "width": 4, "height": 4, "source": "s", "split": "train", "faces": []}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("{", "line 2"),
        (json.dumps(GOOD | {"width": 0}), "line 2: width"),
        (json.dumps(GOOD | {"split": "training"}), "line 2: split"),
        (json.dumps(GOOD | {"faces": [{"box": [3, 0, 2, 2]}]}), "x1 < x2"),
        (json.dumps(GOOD | {"faces": [{"box": [0, 0, 2, 2], "state": "maybe"}]}), "line 2: faces.0.state"),
        (json.dumps(GOOD | {"colour": "red"}), "line 2: colour"),
        (json.dumps({key: GOOD[key] for key in GOOD if key != "faces"}), "line 2: faces"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, found: str) -> None:
    manifest = tmp_path / "m.jsonl"
    manifest.write_text(f"{json.dumps(GOOD)}\n{line}\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=found):
        read_manifest(manifest)


def test_a_failed_write_leaves_the_old_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "m.jsonl"
    write_manifest(manifest, [LabelledPicture(tmp_path / "a.png", 2, 2, "s", "train")])
    before = manifest.read_bytes()

    def failing():  # type: ignore[no-untyped-def]
        yield LabelledPicture(tmp_path / "b.png", 2, 2, "s", "train")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_manifest(manifest, failing())
    assert manifest.read_bytes() == before
