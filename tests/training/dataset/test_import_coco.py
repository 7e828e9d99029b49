from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inference.domain import FaceBox
from tests.training.dataset.conftest import Command, PictureMaker
from training.dataset.manifest import LabelledFace, LabelledPicture, read_manifest
from training.import_coco import main

CATEGORIES = [
    {"id": 3, "name": "face", "supercategory": "part"},
    {"id": 5, "name": "body"},
    {"id": 7, "name": "eru"},
]


def image(number: int, name: str, width: int = 40, height: int = 30) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": width, "height": height, "license": 1}


def labelled(image_id: int, category: int, bbox: list[float], **more: object) -> dict[str, Any]:
    return {"id": 1, "image_id": image_id, "category_id": category, "bbox": bbox, "iscrowd": 0, **more}


def write(path: Path, images: list[Any], annotations: list[Any]) -> Path:
    table = {"info": {}, "images": images, "annotations": annotations, "categories": CATEGORIES}
    path.write_text(json.dumps(table), encoding="utf-8")
    return path


def by_name(manifest: Path) -> dict[str, LabelledPicture]:
    return {picture.path.name: picture for picture in read_manifest(manifest)}


def test_splits_classes_and_crowds(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    for name in ("train/a.png", "train/deep/b.png", "val/c.png"):
        picture(name)
    train = write(
        tmp_path / "train.json",
        [image(1, "a.png"), image(2, "deep/b.png", 80, 60)],
        [
            labelled(2, 7, [20, 20, 20, 40]),
            labelled(1, 3, [1.5, 2, 10, 12]),
            labelled(1, 7, [20, 2, 10, 12], iscrowd=1),
        ],
    )
    val = write(tmp_path / "val.json", [image(1, "c.png")], [])
    text = run(
        main, "--train", train, "--val", val, "--images", tmp_path / "train", tmp_path / "val",
        "--classes", "characters", "--source", "series", "--out", tmp_path / "m.jsonl",
    )  # fmt: skip
    found = by_name(tmp_path / "m.jsonl")
    assert found["a.png"].faces == (
        LabelledFace(FaceBox(1.5, 2, 11.5, 14)),
        LabelledFace(FaceBox(20, 2, 30, 14), "eru", state="unsure"),
    )
    assert found["b.png"].faces == (LabelledFace(FaceBox(10, 10, 20, 30), "eru"),)
    assert (found["c.png"].faces, found["c.png"].split, found["c.png"].source) == ((), "val", "series")
    assert "Splits: train 2, val 1." in text


def test_only_faces_are_faces(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    picture("a.png")
    picture("b.png")
    file = write(
        tmp_path / "all.json",
        [image(1, "a.png"), image(2, "b.png")],
        [labelled(1, 3, [1, 2, 3, 4]), labelled(1, 5, [0, 0, 9, 9]), labelled(2, 5, [0, 0, 9, 9])],
    )
    text = run(main, "--all", file, "--images", tmp_path, "--only", "face", "--out", tmp_path / "m.jsonl")
    found = by_name(tmp_path / "m.jsonl")
    assert [len(found[name].faces) for name in ("a.png", "b.png")] == [1, 0]
    assert "2  object is of class body" in text


def test_wrong_rows_are_counted_and_the_rest_is_kept(
    tmp_path: Path, run: Command, picture: PictureMaker
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        picture(name)
    outside = picture("../outside.png")
    file = write(
        tmp_path / "all.json",
        [
            image(1, "a.png"),
            image(2, "b.png"),
            image(3, "c.png"),
            {"id": 4},
            image(5, "../outside.png"),
            "x",
            image(1, "d.png"),
        ],
        [
            labelled(1, 3, [1, 2, 3, 4]),
            labelled(1, 3, [1, 2, 0, 4]),
            labelled(2, 9, [1, 2, 3, 4]),
            labelled(3, 3, [1, 2, 3]),
            labelled(8, 3, [1, 2, 3, 4]),
            {"image_id": 1},
            7,
        ],
    )
    text = run(main, "--all", file, "--images", tmp_path, "--out", tmp_path / "m.jsonl")
    outside.unlink()
    found = by_name(tmp_path / "m.jsonl")
    assert {name: len(picture.faces) for name, picture in found.items()} == {"a.png": 1}
    for expected in (
        "1  box has no area (a.png)",
        "1  annotation is of the unknown category 9 (all.json image 2)",
        "1  annotation is of an image that is not listed (all.json image 8)",
        "2  picture has no face whose box can be used (b.png, c.png)",
        "1  picture is missing (outside.png)",
        "1  image is wrong: file_name: Field required (all.json 3)",
        "1  annotation is wrong: category_id: Field required (all.json 5)",
        "(all.json 6)",
        "1  image has the id of another (all.json image 1)",
    ):
        assert expected in text
    assert "Left out, 12 in all" in text


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "is not COCO"),
        ('{"images": [], "annotations": {}, "categories": []}', "is not COCO"),
        ('{"images": [], "annotations": [], "categories": []}', "Nothing was imported"),
    ],
)
def test_a_file_that_is_not_coco_is_refused(
    tmp_path: Path, refused: Command, content: str, found: str
) -> None:
    file = tmp_path / "all.json"
    file.write_text(content, encoding="utf-8")
    assert found in refused(main, "--all", file, "--images", tmp_path, "--out", tmp_path / "m.jsonl")


def test_a_class_that_is_not_there_is_refused(tmp_path: Path, refused: Command) -> None:
    file = write(tmp_path / "all.json", [], [])
    arguments = ("--all", file, "--images", tmp_path, "--only", "heads", "--out", tmp_path / "m.jsonl")
    assert "has no class heads; its classes are body, eru, face" in refused(main, *arguments)


def test_either_splits_or_all(tmp_path: Path, refused: Command) -> None:
    file = write(tmp_path / "all.json", [], [])
    for files in ((), ("--all", file, "--train", file)):
        assert "either" in refused(main, *files, "--images", tmp_path, "--out", tmp_path / "m.jsonl")
