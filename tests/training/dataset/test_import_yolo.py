from __future__ import annotations

from pathlib import Path

import pytest

from inference.domain import FaceBox
from tests.training.dataset.conftest import Command, PictureMaker
from training.dataset.manifest import LabelledPicture, read_manifest
from training.export import main as export
from training.import_yolo import main

LABEL = "0 0.5 0.5 0.5 0.4\n"  # of a 40×30 picture: 10, 9, 30, 21


def label(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def by_name(manifest: Path) -> dict[str, LabelledPicture]:
    return {picture.path.name: picture for picture in read_manifest(manifest)}


def test_a_folder_of_splits(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    picture("data/train/images/pseudo_cards__1.png")
    label(tmp_path / "data/train/labels/pseudo_cards__1.txt", LABEL + "\n0 0.1 0.1 0.1 0.2\n")
    picture("data/val/images/hand__2.jpg")
    label(tmp_path / "data/val/labels/hand__2.txt", "")
    text = run(main, "--data", tmp_path / "data", "--pseudo", "pseudo_*", "x", "--out", tmp_path / "m.jsonl")
    assert "Read 2 pictures with 2 faces of 0 named characters; 1 without a face" in text
    assert "Left out" not in text
    found = by_name(tmp_path / "m.jsonl")
    cards, hand = found["pseudo_cards__1.png"], found["hand__2.jpg"]
    assert (cards.source, cards.split, cards.width, cards.height) == ("pseudo_cards", "train", 40, 30)
    assert [face.box for face in cards.faces] == [
        FaceBox(10, 9, 30, 21),
        FaceBox(pytest.approx(2), pytest.approx(0), pytest.approx(6), pytest.approx(6)),
    ]
    assert {(face.state, face.character, face.score) for face in cards.faces} == {("pseudo", None, None)}
    assert (hand.source, hand.split, hand.faces) == ("hand", "val", ())


YAML = """
path: /another/machine
train: [images/one, images/two]
val: val.txt
nc: 3
names: {0: eru, 1: face, 2: "houtarou: oreki"}
"""


@pytest.mark.parametrize("mode", ["face", "characters"])
def test_a_data_yaml_with_lists_and_names(
    tmp_path: Path, run: Command, picture: PictureMaker, mode: str
) -> None:
    label(tmp_path / "data.yaml", YAML)
    for number, name in enumerate(("images/one/a.png", "images/two/b.png", "images/other/c.png")):
        picture(name)
        label(
            (tmp_path / "labels" / name.removeprefix("images/")).with_suffix(".txt"), f"{number}{LABEL[1:]}"
        )
    label(tmp_path / "val.txt", "./images/other/c.png\n\n")
    run(main, "--data", tmp_path / "data.yaml", "--classes", mode, "--out", tmp_path / "m.jsonl")
    found = by_name(tmp_path / "m.jsonl")
    expected = ["eru", None, "houtarou: oreki"] if mode == "characters" else [None, None, None]
    assert [(name, picture.split, picture.faces[0].character) for name, picture in found.items()] == list(
        zip(["a.png", "b.png", "c.png"], ["train", "train", "val"], expected, strict=True)
    )


def test_what_is_wrong_is_counted(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    for name in ("broken", "unknown", "nolabel", "partly", "binary"):
        picture(f"d/images/{name}.png")
    (tmp_path / "d/images/text.png").write_text("no picture", encoding="utf-8")
    labels = tmp_path / "d/labels"
    label(labels / "broken.txt", "0 0.5 0.5\n0 a b c d\nface 0.5 0.5 0.5 0.5\n0 nan 0.5 0.5 0.5\n")
    label(labels / "unknown.txt", "7 0.5 0.5 0.5 0.5\n")
    label(labels / "partly.txt", LABEL + "0 0.5 0.5 0 0.5\n0 0.9 0.5 0.9 0.5\n")
    label(labels / "text.txt", LABEL)
    label(labels / "alone.txt", LABEL)
    label(labels / "classes.txt", "face\n")
    (labels / "binary.txt").write_bytes(b"\xff\xfe\x00")
    text = run(main, "--data", tmp_path / "d", "--out", tmp_path / "m.jsonl")
    found = by_name(tmp_path / "m.jsonl")
    assert {name: len(picture.faces) for name, picture in found.items()} == {
        "nolabel.png": 0,
        "partly.png": 2,
    }
    for expected in (
        "3  line is not “class x y width height” (broken.txt line 1, broken.txt line 2, broken.txt line 3)",
        "1  box is not of finite numbers (broken.png)",
        "1  class 7 has no name (unknown.txt line 1)",
        "2  picture has no face whose box can be used",
        "1  box has no area (partly.png)",
        "1  box was clipped to the picture (partly.png)",
        "1  no label file: taken for a picture without faces (nolabel.png)",
        "1  label file without a picture (alone.txt)",
        "1  label file cannot be read (binary.txt)",
        "(text.png)",
    ):
        assert expected in text


def test_only_some_classes_are_faces(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    label(tmp_path / "data.yaml", "train: images\nnames: [body, face]\n")
    picture("images/both.png")
    label(tmp_path / "labels/both.txt", f"{LABEL}1{LABEL[1:]}")
    picture("images/body.png")
    label(tmp_path / "labels/body.txt", LABEL)
    text = run(main, "--data", tmp_path, "--only", "face", "--out", tmp_path / "m.jsonl")
    found = by_name(tmp_path / "m.jsonl")
    assert {name: len(picture.faces) for name, picture in found.items()} == {"both.png": 1, "body.png": 0}
    assert "2  object is of class body" in text


def test_a_class_that_is_not_there_is_refused(
    tmp_path: Path, refused: Command, picture: PictureMaker
) -> None:
    picture("images/a.png")
    text = refused(main, "--data", tmp_path, "--only", "fcae", "--out", tmp_path / "m.jsonl")
    assert "has no class fcae; its classes are face" in text


@pytest.mark.parametrize(
    ("yaml", "found"),
    [
        ("train: images\n", "names"),
        ("names: [face]\n", "name no pictures"),
        ("train: nowhere\nnames: [face]\n", "names nowhere, which is not at"),
        ("- 1\n", "is no table"),
        ("a: [\n", "data.yaml"),
        ("train: !!python/object/apply:os.getcwd []\nnames: [face]\n", "data.yaml"),
    ],
)
def test_a_wrong_data_yaml_is_refused(
    tmp_path: Path, refused: Command, picture: PictureMaker, yaml: str, found: str
) -> None:
    picture("images/a.png")
    label(tmp_path / "data.yaml", yaml)
    assert found in refused(main, "--data", tmp_path, "--out", tmp_path / "m.jsonl")


def test_a_folder_without_a_dataset_is_refused(tmp_path: Path, refused: Command) -> None:
    assert "data.yaml" in refused(main, "--data", tmp_path, "--out", tmp_path / "m.jsonl")


def test_data_without_splits_is_split_by_share(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    for number in range(40):
        picture(f"images/{number}.png", 8, 8)
    for seed in (0, 1):
        run(
            main,
            "--data",
            tmp_path,
            "--val-share",
            0.5,
            "--split-seed",
            seed,
            "--out",
            tmp_path / f"{seed}.jsonl",
        )
    first, second = (
        [picture.split for picture in read_manifest(tmp_path / f"{seed}.jsonl")] for seed in (0, 1)
    )
    assert 8 < first.count("val") < 32
    assert first != second


def test_what_is_exported_is_imported_again(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    label(tmp_path / "in/data.yaml", "train: images/train\nval: images/val\nnames: [face, eru, 'i: #1']\n")
    for number, split in enumerate(("train", "val", "train")):
        picture(f"in/images/{split}/series__{number}.png", 64, 48)
        label(tmp_path / f"in/labels/{split}/series__{number}.txt", f"{number} 0.5 0.25 0.125 0.25\n")
    arguments = ("--classes", "characters", "--out")
    run(main, "--data", tmp_path / "in", *arguments, tmp_path / "first.jsonl")
    run(export, "yolo", tmp_path / "first.jsonl", "--classes", "characters", "--out", tmp_path / "again")
    run(main, "--data", tmp_path / "again", *arguments, tmp_path / "second.jsonl")
    first, second = by_name(tmp_path / "first.jsonl"), by_name(tmp_path / "second.jsonl")
    assert first.keys() == second.keys()
    for name, one in first.items():
        other = second[name]
        assert (other.faces, other.split, other.source) == (one.faces, one.split, one.source)


def test_an_export_without_validation_is_imported_without_repeats(
    tmp_path: Path, run: Command, picture: PictureMaker
) -> None:
    picture("in/images/a.png")
    label(tmp_path / "in/labels/a.txt", LABEL)
    run(main, "--data", tmp_path / "in", "--out", tmp_path / "m.jsonl")
    run(export, "yolo", tmp_path / "m.jsonl", "--out", tmp_path / "yolo")
    text = run(main, "--data", tmp_path / "yolo", "--out", tmp_path / "again.jsonl")
    assert "Left out" not in text
    assert [picture.split for picture in read_manifest(tmp_path / "again.jsonl")] == ["train"]
