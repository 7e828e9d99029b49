from __future__ import annotations

from pathlib import Path

from inference.domain import FaceBox
from tests.training.dataset.conftest import Command, PictureMaker
from training.dataset.manifest import LabelledFace, read_manifest
from training.import_crops import main


def test_crops_of_an_index(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    picture("crops/faces/a.webp", 160, 160)
    picture("crops/faces/b.webp", 80, 80)
    (tmp_path / "crops/index.csv").write_text(
        "path,character,source,split,note\n"
        'faces/a.webp,"Chitanda, Eru",cards,train,x\n'
        "faces/b.webp,麗,,val,\n",
        encoding="utf-8",
    )
    text = run(main, "--index", tmp_path / "crops/index.csv", "--out", tmp_path / "m.jsonl")
    assert "Read 2 pictures with 2 faces of 2 named characters" in text
    first, second = read_manifest(tmp_path / "m.jsonl")
    assert first.faces == (LabelledFace(FaceBox(40, 40, 120, 120), "Chitanda, Eru"),)
    assert (first.source, first.split) == ("cards", "train")
    assert second.faces == (LabelledFace(FaceBox(20, 20, 60, 60), "麗"),)
    assert (second.source, second.split) == ("crops", "val")


def test_a_share_of_the_box_and_splits_by_character(
    tmp_path: Path, run: Command, picture: PictureMaker
) -> None:
    rows = ["\ufeffcharacter,path"]
    for number in range(40):
        picture(f"{number}.png", 10, 20)
        rows.append(f"c{number // 2},{number}.png")
    (tmp_path / "index.csv").write_text("\n".join(rows), encoding="utf-8")
    run(
        main,
        "--index",
        tmp_path / "index.csv",
        "--box-share",
        0.8,
        "--val-share",
        0.5,
        "--out",
        tmp_path / "m.jsonl",
    )
    pictures = read_manifest(tmp_path / "m.jsonl")
    assert {picture.faces[0].box for picture in pictures} == {FaceBox(1, 6, 9, 14)}
    assert all(a.split == b.split for a, b in zip(pictures[::2], pictures[1::2], strict=True))
    assert {picture.split for picture in pictures} == {"train", "val"}


def test_wrong_rows_are_counted(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    picture("a.png")
    (tmp_path / "index.csv").write_text(
        "path,character,source,split\na.png,eru,s,train\na.png,eru,s,train\nb.png,eru,s,train\n"
        ",eru,s,train\na.png,,s,val\na.png,eru,s,training\na.png\n\na.png,eru,s,train,5,6\n",
        encoding="utf-8",
    )
    text = run(main, "--index", tmp_path / "index.csv", "--out", tmp_path / "m.jsonl")
    assert len(read_manifest(tmp_path / "m.jsonl")) == 1
    for expected in (
        "Left out, 7 in all",
        "2  picture is listed again (a.png, a.png)",
        "1  picture is missing (b.png)",
        "3  row names no picture or no character (index.csv line 5, index.csv line 6, index.csv line 8)",
        "1  split is called “training”, not train, val or test (index.csv line 7)",
    ):
        assert expected in text


def test_an_index_without_its_columns_is_refused(tmp_path: Path, refused: Command) -> None:
    index = tmp_path / "index.csv"
    arguments = ("--index", index, "--out", tmp_path / "m.jsonl")
    index.write_text("file,character\na.png,eru\n", encoding="utf-8")
    assert "has no column path" in refused(main, *arguments)
    index.write_text('path,character\n"a.png,eru\n', encoding="utf-8")
    assert "index.csv" in refused(main, *arguments)
    index.unlink()
    assert "No such file" in refused(main, *arguments)
