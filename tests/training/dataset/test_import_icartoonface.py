from __future__ import annotations

from pathlib import Path

from config.options import ImageLimits
from inference.domain import FaceBox
from inference.images import decode
from tests.training.dataset.conftest import Command, PictureMaker
from training.dataset.manifest import LabelledFace, read_manifest
from training.export import main as export
from training.import_icartoonface import main


def test_detection_lists(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    for folder, name in (
        ("dettrain", "personai_icartoonface_dettrain_00000.jpg"),
        ("dettrain", "personai_icartoonface_dettrain_00001.jpg"),
        ("dettrain", "personai_icartoonface_dettrain_00002.jpg"),
        ("detval", "personai_icartoonface_detval_00000.jpg"),
    ):
        picture(f"{folder}/{name}", 64, 48)
    (tmp_path / "train.csv").write_text(
        "personai_icartoonface_dettrain_00001.jpg,3,4,37,40\n"
        "personai_icartoonface_dettrain_00000.jpg,30,8,69,25\n"
        "personai_icartoonface_dettrain_00001.jpg,40,2,60,20\n",
        encoding="utf-8",
    )
    (tmp_path / "val.csv").write_text(
        "image,x1,y1,x2,y2\npersonai_icartoonface_detval_00000.jpg,1,2,3,4\n", encoding="utf-8"
    )
    text = run(
        main, "detection", "--train", tmp_path / "train.csv", "--val", tmp_path / "val.csv",
        "--images", tmp_path / "dettrain", tmp_path / "detval", "--out", tmp_path / "m.jsonl",
    )  # fmt: skip
    assert "Splits: train 2, val 1." in text
    assert "1  picture is in no list (personai_icartoonface_dettrain_00002.jpg)" in text
    assert "1  box was clipped to the picture" in text
    pictures = read_manifest(tmp_path / "m.jsonl")
    assert [(p.path.name[-9:], p.split, p.source, [f.box for f in p.faces]) for p in pictures] == [
        ("00001.jpg", "train", "icartoonface", [FaceBox(3, 4, 37, 40), FaceBox(40, 2, 60, 20)]),
        ("00000.jpg", "train", "icartoonface", [FaceBox(30, 8, 64, 25)]),
        ("00000.jpg", "val", "icartoonface", [FaceBox(1, 2, 3, 4)]),
    ]
    run(export, "yolo", tmp_path / "m.jsonl", "--out", tmp_path / "yolo")
    label = tmp_path / "yolo/labels/val/icartoonface__personai_icartoonface_detval_00000.txt"
    assert label.read_text("utf-8") == "0 0.031250 0.062500 0.031250 0.041667\n"


def test_wrong_lines_of_a_detection_list_are_counted(
    tmp_path: Path, run: Command, picture: PictureMaker
) -> None:
    picture("a.jpg")
    picture("b.jpg")
    (tmp_path / "train.csv").write_text(
        "a.jpg,1,2,9,9\na.jpg,1,2,9\nb.jpg,1,2,x,9\nb.jpg,1,2,nan,9\n,1,2,3,4\n\nc.jpg,1,2,3,4\na.jpg,5,5,5,5\n",
        encoding="utf-8",
    )
    text = run(
        main,
        "detection",
        "--train",
        tmp_path / "train.csv",
        "--images",
        tmp_path,
        "--out",
        tmp_path / "m.jsonl",
    )
    (found,) = read_manifest(tmp_path / "m.jsonl")
    assert found.faces == (LabelledFace(FaceBox(1, 2, 9, 9)),)
    for expected in (
        "4  line is not an image and four numbers (train.csv line 2, train.csv line 3, train.csv line 4, …)",
        "1  picture has no face whose box can be used (b.jpg)",
        "1  picture is missing (c.jpg)",
        "1  box has no area (a.jpg)",
        "Left out, 7 in all",
    ):
        assert expected in text


def test_detection_needs_a_list(tmp_path: Path, refused: Command) -> None:
    text = refused(main, "detection", "--images", tmp_path, "--out", tmp_path / "m.jsonl")
    assert "--train, --val or --test" in text


def test_recognition_list_and_crops_by_identity(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    lines = []
    for who in range(3):
        for number in range(2):
            name = f"personai_icartoonface_rectrain_{who:05}"
            picture(f"rectrain/{name}/{name}_{number:07}.jpg", 64, 64)
            lines.append(f"{name}/{name}_{number:07}.jpg\t16\t20\t48\t44")
    picture("rectrain/00007/with space.jpg", 64, 64)
    lines += ["00007/with space.jpg 1 2 33 34", "loose.jpg 1 2 3 4", "00008/short.jpg 1 2"]
    (tmp_path / "det.txt").write_text("\n".join(lines), encoding="utf-8")
    text = run(
        main, "recognition", "--list", tmp_path / "det.txt", "--images", tmp_path / "rectrain",
        "--out", tmp_path / "m.jsonl",
    )  # fmt: skip
    assert "Read 7 pictures with 7 faces of 4 named characters" in text
    assert "1  line has a picture in no folder, so of nobody (loose.jpg)" in text
    assert "1  line is not an image and four numbers (det.txt line 9)" in text
    pictures = read_manifest(tmp_path / "m.jsonl")
    assert pictures[2].faces == (LabelledFace(FaceBox(16, 20, 48, 44), "00001"),)
    assert pictures[6].faces == (LabelledFace(FaceBox(1, 2, 33, 34), "00007"),)
    run(export, "crops", tmp_path / "m.jsonl", "--margin", 1.5, "--out", tmp_path / "crops")
    crops = sorted(
        path.relative_to(tmp_path / "crops").as_posix() for path in (tmp_path / "crops").rglob("*.webp")
    )
    assert crops == [
        *(f"0000{who}/0000{number}.webp" for who in range(3) for number in range(2)), "00007/00000.webp"
    ]  # fmt: skip
    crop = decode((tmp_path / "crops/00001/00000.webp").read_bytes(), ImageLimits())
    assert (crop.width, crop.height) == (48, 48)


def test_recognition_with_a_prefix_and_a_share_for_validation(
    tmp_path: Path, run: Command, picture: PictureMaker
) -> None:
    lines = []
    for who in range(30):
        for number in range(2):
            picture(f"{who:05}/{number}.png", 8, 8)
            lines.append(f"{who:05}/{number}.png 1 1 7 7")
    (tmp_path / "det.txt").write_text("\n".join(lines), encoding="utf-8")
    run(
        main, "recognition", "--list", tmp_path / "det.txt", "--images", tmp_path, "--prefix", "icf-",
        "--val-share", 0.4, "--out", tmp_path / "m.jsonl",
    )  # fmt: skip
    train, val = (
        {p.faces[0].character for p in read_manifest(tmp_path / "m.jsonl", split=s)} for s in ("train", "val")
    )
    assert len(train) + len(val) == 30
    assert not train & val
    assert val
    assert "icf-00012" in train | val
