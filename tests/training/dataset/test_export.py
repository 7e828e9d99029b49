from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from config.options import ImageLimits
from inference.domain import FaceBox, ImageRGB
from inference.embedding.align import cut_square
from inference.images import decode, encode
from tests.training.dataset.conftest import Command, PictureMaker, speckled
from training.dataset.crop_folders import write_crops
from training.dataset.manifest import LabelledFace, LabelledPicture, Split, State, write_manifest
from training.dataset.yolo_layout import write_yolo
from training.errors import DatasetError
from training.export import main


def labelled(
    path: Path,
    *characters: str | None,
    source: str = "s",
    split: Split = "train",
    state: State = "sure",
    seen: bool = True,
) -> LabelledPicture:
    faces = tuple(LabelledFace(FaceBox(10, 6, 30, 24), who, state=state) for who in characters)
    return LabelledPicture(path, 40, 30, source, split, faces, labelled=seen)


def decoded(path: Path) -> ImageRGB:
    return decode(path.read_bytes(), ImageLimits()).frames[0]


def names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_yolo_layout(tmp_path: Path, picture: PictureMaker) -> None:
    pictures = [
        labelled(picture("a/1.png"), "eru", None),
        labelled(picture("b/1.jpg"), "oreki", split="val", source="my series #1"),
        labelled(picture("c/1.png"), split="test"),
    ]
    written = write_yolo(pictures, tmp_path / "yolo", ("face", "eru", "oreki"))
    assert (dict(written.pictures), written.faces) == ({"train": 1, "val": 1, "test": 1}, 3)
    assert names_in(tmp_path / "yolo") == [
        "data.yaml",
        "images/test/s__1.png",
        "images/train/s__1.png",
        "images/val/my-series--1__1.jpg",
        "labels/test/s__1.txt",
        "labels/train/s__1.txt",
        "labels/val/my-series--1__1.txt",
    ]
    labels = tmp_path / "yolo/labels"
    assert (labels / "train/s__1.txt").read_text("utf-8") == (
        "1 0.500000 0.500000 0.500000 0.600000\n0 0.500000 0.500000 0.500000 0.600000\n"
    )
    assert (labels / "test/s__1.txt").read_bytes() == b""
    assert yaml.safe_load(written.data_yaml.read_text("utf-8")) == {
        "train": "images/train",
        "val": "images/val",
        "test": "images/test",
        "names": {0: "face", 1: "eru", 2: "oreki"},
    }


def test_one_class_takes_everybody_for_a_face(tmp_path: Path, picture: PictureMaker) -> None:
    write_yolo([labelled(picture("1.png"), "eru", None)], tmp_path / "yolo", ("face",))
    label = (tmp_path / "yolo/labels/train/s__1.txt").read_text("utf-8")
    assert [line[0] for line in label.splitlines()] == ["0", "0"]
    table = yaml.safe_load((tmp_path / "yolo/data.yaml").read_text("utf-8"))
    assert table == {"train": "images/train", "val": "images/train", "names": {0: "face"}}


def test_pictures_are_linked_or_copied(tmp_path: Path, picture: PictureMaker) -> None:
    original = picture("1.png")
    for files in ("link", "copy"):
        write_yolo([labelled(original)], tmp_path / files, ("face",), files=files)  # type: ignore[arg-type]
    linked, copied = (tmp_path / files / "images/train/s__1.png" for files in ("link", "copy"))
    assert linked.samefile(original)
    assert not copied.samefile(original)
    assert copied.read_bytes() == original.read_bytes()


def test_pictures_are_linked_symbolically_or_copied_where_hard_links_fail(
    tmp_path: Path, picture: PictureMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impossible(*_: object) -> None:
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", impossible)
    original = picture("1.png")
    write_yolo([labelled(original)], tmp_path / "symbolic", ("face",))
    link = tmp_path / "symbolic/images/train/s__1.png"
    assert link.is_symlink()
    assert link.samefile(original)
    monkeypatch.setattr(os, "symlink", impossible)
    write_yolo([labelled(original)], tmp_path / "copied", ("face",))
    assert (tmp_path / "copied/images/train/s__1.png").read_bytes() == original.read_bytes()


def test_formats_that_trainers_cannot_read_become_png(tmp_path: Path) -> None:
    from PIL import Image

    image = speckled(20, 10, seed=1)
    path = tmp_path / "1.gif"
    Image.fromarray(image).save(path)
    write_yolo([LabelledPicture(path, 20, 10, "s", "train")], tmp_path / "yolo", ("face",))
    assert np.array_equal(decoded(tmp_path / "yolo/images/train/s__1.png"), decoded(path))


def test_pictures_of_one_name_do_not_replace_each_other(tmp_path: Path, picture: PictureMaker) -> None:
    pictures = [labelled(picture(f"{folder}/{name}")) for folder, name in (
        ("a", "1.png"), ("b", "1.png"), ("c", "1.jpg"), ("d", "s__1.png"), ("e", "S__1.png"),
    )]  # fmt: skip
    written = write_yolo(pictures, tmp_path / "yolo", ("face",))
    assert written.pictures["train"] == 5
    images = names_in(tmp_path / "yolo/images/train")
    assert len({Path(name).stem.casefold() for name in images}) == len(images) == 5
    assert len(names_in(tmp_path / "yolo/labels/train")) == 5


def test_pictures_that_cannot_be_exported_are_counted(tmp_path: Path, picture: PictureMaker) -> None:
    pictures = [
        labelled(picture("good.png"), "eru"),
        labelled(picture("unsure.png"), None, state="unsure"),
        labelled(picture("new.png"), seen=False),
        labelled(picture("stranger.png"), "somebody else"),
        labelled(tmp_path / "gone.png", "eru"),
        labelled(tmp_path / "gone.gif", "eru"),
    ]
    written = write_yolo(pictures, tmp_path / "yolo", ("face", "eru"))
    assert dict(written.left_out.counts) == {
        "picture has a face that nobody is sure of": 1,
        "nobody has looked for its faces yet": 1,
        "picture has a face of no class": 1,
        "picture is missing": 2,
    }
    assert names_in(tmp_path / "yolo/images") == ["train/s__good.png"]
    assert names_in(tmp_path / "yolo/labels") == ["train/s__good.txt"]
    kept = write_yolo(pictures[:2], tmp_path / "kept", ("face", "eru"), keep_unsure=True)
    assert kept.pictures["train"] == 2


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path, picture: PictureMaker) -> None:
    pictures = [labelled(picture("out/1.png"), "eru")]
    with pytest.raises(DatasetError, match="is not empty"):
        write_yolo(pictures, tmp_path / "out", ("face",))
    with pytest.raises(DatasetError, match="is not empty"):
        write_crops(pictures, tmp_path / "out", margin=1)
    with pytest.raises(DatasetError, match="no picture"):
        write_yolo([], tmp_path / "new", ("face",))
    with pytest.raises(DatasetError, match="no named face"):
        write_crops([], tmp_path / "new", margin=1)


def test_crops_are_cut_as_serving_cuts_them(tmp_path: Path) -> None:
    y, x = np.mgrid[0:60, 0:80]
    image = np.stack([x * 3, y * 4, x + y], axis=2).astype(np.uint8)
    (tmp_path / "1.png").write_bytes(encode(image, format="png"))
    box = FaceBox(2, 20, 22, 44)
    picture = LabelledPicture(tmp_path / "1.png", 80, 60, "s", "train", (LabelledFace(box, "eru"),))
    write_crops([picture], tmp_path / "crops", margin=2)
    crop = decoded(tmp_path / "crops/eru/00000.webp")
    expected, _ = cut_square(image, box, 2)
    assert crop.shape == expected.shape == (48, 48, 3)
    assert np.abs(crop.astype(int) - expected).mean() < 4
    write_crops([picture], tmp_path / "small", margin=2, largest_side=20)
    assert decoded(tmp_path / "small/eru/00000.webp").shape == (20, 20, 3)


def test_crops_are_numbered_and_named_so_that_any_system_can_keep_them(
    tmp_path: Path, picture: PictureMaker
) -> None:
    pictures = [
        labelled(picture("1.png"), "eru", "Eru", None),
        labelled(picture("2.png"), "a/b: c?", "..", "eru"),
        labelled(picture("3.png"), "eru", state="unsure"),
        labelled(tmp_path / "gone.png", "eru"),
    ]
    written = write_crops(pictures, tmp_path / "crops", margin=1)
    assert names_in(tmp_path / "crops") == [
        "Eru (2)/00000.webp", "_/00000.webp", "a_b_ c_/00000.webp", "eru/00000.webp", "eru/00001.webp"
    ]  # fmt: skip
    assert (written.characters, written.crops) == (4, 5)
    assert dict(written.left_out.counts) == {
        "face has no name": 1,
        "nobody is sure of the face": 1,
        "picture is missing": 1,
    }


def test_the_command(tmp_path: Path, run: Command, refused: Command, picture: PictureMaker) -> None:
    pictures = [
        labelled(picture("1.png"), "eru"),
        labelled(picture("2.png"), "oreki", split="val"),
        labelled(picture("3.png"), None, state="unsure"),
    ]
    manifest = tmp_path / "m.jsonl"
    write_manifest(manifest, pictures)
    text = run(main, "yolo", manifest, "--classes", "characters", "--out", tmp_path / "yolo")
    assert "Wrote train 1, val 1 pictures with 2 faces" in text
    assert "1  picture has a face that nobody is sure of (3.png)" in text
    assert yaml.safe_load((tmp_path / "yolo/data.yaml").read_text("utf-8"))["names"] == {0: "eru", 1: "oreki"}
    text = run(main, "crops", manifest, "--split", "val", "--out", tmp_path / "crops")
    assert "Wrote 1 crops of 1 characters" in text
    assert names_in(tmp_path / "crops") == ["oreki/00000.webp"]
    assert "is not empty" in refused(main, "crops", manifest, "--out", tmp_path / "crops")
    assert "No such file" in refused(main, "yolo", tmp_path / "gone.jsonl", "--out", tmp_path / "new")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a working symbolic link")
def test_ultralytics_reads_the_layout(
    tmp_path: Path, picture: PictureMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    monkeypatch.chdir(tmp_path)
    pictures = [labelled(picture("1.png", 40, 30), "eru", "oreki"), labelled(picture("2.png", 40, 30))]
    written = write_yolo(pictures, tmp_path / "yolo", ("eru", "oreki"))
    data = check_det_dataset(str(written.data_yaml), autodownload=False)
    assert data["names"] == {0: "eru", 1: "oreki"}
    dataset = YOLODataset(img_path=data["train"], data=data, task="detect", augment=False)
    by_name = {Path(label["im_file"]).name: label for label in dataset.labels}
    assert by_name["s__1.png"]["cls"].ravel().tolist() == [0, 1]
    assert by_name["s__1.png"]["bboxes"][0].tolist() == pytest.approx([0.5, 0.5, 0.5, 0.6])
    assert len(by_name["s__2.png"]["bboxes"]) == 0
