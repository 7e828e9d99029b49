from __future__ import annotations

from pathlib import Path

import pytest

from inference.domain import FaceBox
from tests.training.dataset.conftest import Command, PictureMaker
from training.dataset.manifest import LabelledFace, LabelledPicture, read_manifest
from training.dataset.voc import read_voc
from training.errors import DatasetError
from training.export import main as export
from training.import_voc import main

# As LabelImg 1.8.6 writes it.
ANNOTATION = """<annotation>
	<folder>{folder}</folder>
	<filename>{filename}</filename>
	<path>{path}</path>
	<source>
		<database>Unknown</database>
	</source>
	<size>
		<width>{width}</width>
		<height>{height}</height>
		<depth>3</depth>
	</size>
	<segmented>0</segmented>{objects}
</annotation>
"""
OBJECT = """
	<object>
		<name>{name}</name>
		<pose>Unspecified</pose>
		<truncated>0</truncated>
		<difficult>{difficult}</difficult>
		<bndbox>
			<xmin>{box[0]}</xmin>
			<ymin>{box[1]}</ymin>
			<xmax>{box[2]}</xmax>
			<ymax>{box[3]}</ymax>
		</bndbox>
	</object>"""


def labelled(
    name: str, box: tuple[object, object, object, object] = (10, 8, 30, 28), *, difficult: int = 0
) -> str:
    return OBJECT.format(name=name, box=box, difficult=difficult)


def annotate(
    file: Path,
    *objects: str,
    filename: str | None = None,
    path: str = "C:\\Users\\eru\\Desktop\\a.jpg",
    width: int = 40,
    height: int = 30,
) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = ANNOTATION.format(
        folder="Desktop",
        filename=filename if filename is not None else f"{file.stem}.png",
        path=path,
        width=width,
        height=height,
        objects="".join(objects),
    )
    file.write_text(text, encoding="utf-8")
    return file


def by_name(manifest: Path) -> dict[str, LabelledPicture]:
    return {picture.path.name: picture for picture in read_manifest(manifest)}


@pytest.mark.parametrize("mode", ["face", "characters"])
def test_labelled_pictures_with_names(tmp_path: Path, run: Command, picture: PictureMaker, mode: str) -> None:
    picture("series/1.png")
    annotate(tmp_path / "series/1.xml", labelled("Chitanda Eru &amp; cat"), labelled("Face", (1, 1, 9, 40)))
    picture("series/2.png")
    annotate(tmp_path / "series/2.xml")
    text = run(main, "--annotations", tmp_path / "series", "--classes", mode, "--out", tmp_path / "m.jsonl")
    found = by_name(tmp_path / "m.jsonl")
    character = "Chitanda Eru & cat" if mode == "characters" else None
    assert found["1.png"].faces == (
        LabelledFace(FaceBox(10, 8, 30, 28), character),
        LabelledFace(FaceBox(0, 0, 9, 30)),
    )
    assert (found["1.png"].source, found["2.png"].faces) == ("series", ())
    assert "1  box was clipped to the picture (1.png)" in text
    run(export, "yolo", tmp_path / "m.jsonl", "--classes", mode, "--out", tmp_path / "yolo")
    names = (tmp_path / "yolo/data.yaml").read_text("utf-8")
    assert ('1: "Chitanda Eru & cat"' in names) == (mode == "characters")
    assert '0: "face"' in names


def test_pixels_of_labelimg_and_of_the_challenge(tmp_path: Path) -> None:
    file = annotate(tmp_path / "a.xml", labelled("x", (1, 5, 40, 30)), labelled("y", ("2.6", 1, 3, 4)))
    assert [entry.box for entry in read_voc(file).objects] == [FaceBox(0, 5, 40, 30), FaceBox(2.6, 0, 3, 4)]
    boxes = [entry.box for entry in read_voc(file, one_based=True).objects]
    assert boxes == [FaceBox(0, 4, 40, 30), FaceBox(1.6, 0, 3, 4)]


def test_pictures_are_found_whatever_the_xml_says_of_folders(
    tmp_path: Path, run: Command, picture: PictureMaker
) -> None:
    for name in ("a.png", "b.jpg", "sub/c.png", "other/c.png", "d.webp"):
        picture(f"pictures/{name}")
    outside = picture("secret/e.png")
    xml = tmp_path / "xml"
    annotate(xml / "a.xml", labelled("x"), filename="a.png")
    annotate(xml / "renamed.xml", labelled("x"), filename="b", path="/home/somebody/b.jpg")
    annotate(xml / "sub/c.xml", labelled("x"), filename="c.png")
    annotate(xml / "d.xml", labelled("x"), filename="", path="")
    annotate(xml / "e.xml", labelled("x"), filename="../secret/e.png", path=str(outside))
    text = run(main, "--annotations", xml, "--images", tmp_path / "pictures", "--out", tmp_path / "m.jsonl")
    found = [picture.path.relative_to(tmp_path).as_posix() for picture in read_manifest(tmp_path / "m.jsonl")]
    assert sorted(found) == ["pictures/a.png", "pictures/b.jpg", "pictures/d.webp", "pictures/sub/c.png"]
    assert "1  picture is missing (e.png)" in text
    assert "1  picture has no annotation (c.png)" in text


def test_difficult_boxes_are_unsure_unless_trusted(
    tmp_path: Path, run: Command, picture: PictureMaker
) -> None:
    picture("a.png")
    annotate(tmp_path / "a.xml", labelled("x", difficult=1), labelled("y", (1, 1, 5, 5)))
    for trusted, states in (("unsure", ["unsure", "sure"]), ("sure", ["sure", "sure"])):
        run(main, "--annotations", tmp_path, "--difficult", trusted, "--out", tmp_path / "m.jsonl")
        (found,) = read_manifest(tmp_path / "m.jsonl")
        assert [face.state for face in found.faces] == states


def test_sizes_that_differ(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    for name in ("half", "turned", "unknown"):
        picture(f"{name}.png")
    annotate(tmp_path / "half.xml", labelled("x", (20, 16, 60, 56)), width=80, height=60)
    annotate(tmp_path / "turned.xml", labelled("x"), width=30, height=40)
    annotate(tmp_path / "unknown.xml", labelled("x"), width=0, height=0)
    text = run(main, "--annotations", tmp_path, "--out", tmp_path / "m.jsonl")
    found = by_name(tmp_path / "m.jsonl")
    assert found.keys() == {"half.png", "unknown.png"}
    assert found["half.png"].faces[0].box == found["unknown.png"].faces[0].box == FaceBox(10, 8, 30, 28)
    assert "1  picture has another shape than its labels say (turned by a quarter) (turned.png)" in text
    assert "1  boxes were scaled to the picture's real size (half.png)" in text


BOMB = (
    '<!DOCTYPE annotation [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    "<annotation><filename>&b;</filename></annotation>"
)
STEAL = (
    '<!DOCTYPE annotation [<!ENTITY a SYSTEM "secret.txt">]><annotation><filename>&a;</filename></annotation>'
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BOMB.encode(), "has a document type"),
        (STEAL.encode(), "has a document type"),
        (BOMB.encode("utf-16"), "has a document type"),
        (b'<!DOCTYPE annotation SYSTEM "x.dtd"><annotation/>', "has a document type"),
        (b"<annotation><object>", "is no XML"),
        (b"<annotation>&undefined;</annotation>", "is no XML"),
        (b"", "is no XML"),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', "is no XML"),
        (b"<html/>", "is no annotation"),
        (b"a" * (16 * 1024 * 1024 + 1), "is too large"),
    ],
)
def test_xml_that_is_broken_or_dangerous_is_refused(
    tmp_path: Path, run: Command, picture: PictureMaker, content: bytes, reason: str
) -> None:
    file = tmp_path / "bad.xml"
    file.write_bytes(content)
    with pytest.raises(DatasetError, match=reason):
        read_voc(file)
    picture("good.png")
    annotate(tmp_path / "good.xml", labelled("x"))
    text = run(main, "--annotations", tmp_path, "--out", tmp_path / "m.jsonl")
    assert f"1  annotation {reason}" in text
    assert "(bad.xml)" in text
    assert len(read_manifest(tmp_path / "m.jsonl")) == 1


def test_objects_without_a_box_or_of_other_classes_are_counted(
    tmp_path: Path, run: Command, picture: PictureMaker
) -> None:
    picture("a.png")
    annotate(
        tmp_path / "a.xml",
        labelled("face"),
        labelled("face", ("", 1, 2, 3)),
        labelled("face", ("inf", 1, 2, 3)),
        labelled("body"),
        "<object><name>face</name></object>",
    )
    picture("b.png")
    annotate(tmp_path / "b.xml", labelled("face", ("x", 1, 2, 3)))
    text = run(main, "--annotations", tmp_path, "--only", "face", "--out", tmp_path / "m.jsonl")
    assert "4  object has no box of four numbers (a.xml, a.xml, a.xml, …)" in text
    assert "1  object is of class body (a.xml)" in text
    assert "1  picture has no face whose box can be used (b.png)" in text
    assert len(by_name(tmp_path / "m.jsonl")["a.png"].faces) == 1


def test_a_class_that_is_not_there_is_refused(
    tmp_path: Path, refused: Command, picture: PictureMaker
) -> None:
    picture("a.png")
    annotate(tmp_path / "a.xml", labelled("head"), labelled("body"))
    text = refused(main, "--annotations", tmp_path, "--only", "face", "--out", tmp_path / "m.jsonl")
    assert "has no class face; its classes are body, head" in text


def test_a_folder_without_annotations_is_refused(tmp_path: Path, refused: Command) -> None:
    assert "has no XML files" in refused(main, "--annotations", tmp_path, "--out", tmp_path / "m.jsonl")
