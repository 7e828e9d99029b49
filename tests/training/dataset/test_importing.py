from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from inference.domain import FaceBox
from inference.errors import ImageUnreadableError
from tests.training.dataset.conftest import PictureMaker, speckled
from training.dataset.importing import Collection, centred_box, readable
from training.dataset.manifest import LabelledFace, read_manifest
from training.dataset.picture_files import PictureFolders, picture_size, pictures_in, read_picture, source_of
from training.dataset.splits import Splitting
from training.errors import DatasetError, TrainingError


def face(*xyxy: float) -> LabelledFace:
    return LabelledFace(FaceBox(*xyxy))


@pytest.mark.parametrize(
    ("box", "kept", "left_out", "changed"),
    [
        ((1, 2, 21, 22), (1, 2, 21, 22), None, None),
        ((-0.5, 0, 20, 30.5), (0, 0, 20, 30), None, None),
        ((-5, 2, 50, 22), (0, 2, 40, 22), None, "box was clipped to the picture"),
        ((5, 5, 5, 9), None, "box has no area", None),
        ((9, 5, 5, 9), None, "box has no area", None),
        ((41, 5, 60, 9), None, "box lies outside of the picture", None),
    ],
)
def test_boxes_are_made_sound(
    picture: PictureMaker,
    box: tuple[float, ...],
    kept: tuple[float, ...] | None,
    left_out: str | None,
    changed: str | None,
) -> None:
    collection = Collection()
    path = picture("a.png")
    collection.add(path, (40, 30), [face(*box), face(0, 0, 9, 9)], source="s")
    (found,) = collection.pictures
    assert [one.box.xyxy for one in found.faces] == [*([kept] if kept else []), (0, 0, 9, 9)]
    assert dict(collection.left_out.counts) == ({left_out: 1} if left_out else {})
    assert dict(collection.mended.counts) == ({changed: 1} if changed else {})


def test_a_picture_whose_faces_are_all_lost_is_no_picture_without_faces(picture: PictureMaker) -> None:
    collection = Collection()
    collection.add(picture("a.png"), (40, 30), [face(5, 5, 5, 5)], source="s")
    collection.add(picture("b.png"), (40, 30), [], source="s", lost=1)
    collection.add(picture("c.png"), (40, 30), [], source="s")
    assert [found.path.name for found in collection.pictures] == ["c.png"]
    assert collection.left_out.counts["picture has no face whose box can be used"] == 2


def test_boxes_follow_a_scaled_picture_but_not_a_different_one(picture: PictureMaker) -> None:
    collection = Collection()
    collection.add(picture("a.png"), (40, 30), [face(20, 20, 40, 40)], source="s", stated_wh=(80, 60))
    collection.add(picture("b.png"), (40, 30), [face(2, 2, 9, 9)], source="s", stated_wh=(30, 40))
    collection.add(picture("c.png"), (40, 30), [face(2, 2, 9, 9)], source="s", stated_wh=(40, 40))
    collection.add(picture("d.png"), (40, 30), [face(2, 2, 9, 9)], source="s", stated_wh=(0, 0))
    assert [(found.path.name, found.faces[0].box.xyxy) for found in collection.pictures] == [
        ("a.png", (10, 10, 20, 20)),
        ("d.png", (2, 2, 9, 9)),
    ]
    assert dict(collection.left_out.counts) == {
        "picture has another shape than its labels say (turned by a quarter)": 1,
        "picture has another shape than its labels say": 1,
    }


def test_pictures_that_cannot_be_read_are_counted_by_reason(tmp_path: Path, picture: PictureMaker) -> None:
    collection = Collection()
    good = picture("good.png")
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:60])
    (tmp_path / "folder.png").mkdir()
    names = ["good.png", "good.png", "missing.png", "text.png", "cut.png", "folder.png"]
    sizes = [collection.measure(tmp_path / name) for name in names]
    assert sizes == [(40, 30), None, None, None, None, None]
    assert collection.left_out.counts.total() == 5
    assert collection.left_out.counts["picture is listed again"] == 1
    assert collection.left_out.counts["picture is missing"] == 1
    assert collection.left_out.counts["picture cannot be read: the file ends early"] == 1
    assert any("cut.png" in line for line in collection.left_out.report("Left out"))


def test_damaged_pixels_are_found_when_every_picture_is_decoded(
    tmp_path: Path, picture: PictureMaker
) -> None:
    data = bytearray(picture("a.png", 80, 80).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    path = tmp_path / "damaged.png"
    path.write_bytes(data)
    assert picture_size(path) == (80, 80)
    with pytest.raises(ImageUnreadableError):
        picture_size(path, decoded=True)
    assert Collection().measure(path) == (80, 80)
    assert Collection(decode_all=True).measure(path) is None


WITH_EXIF = [(kind, orientation) for kind in ("png", "jpeg", "webp", "avif") for orientation in (1, 3, 6)]


@pytest.mark.parametrize(("kind", "orientation"), [*WITH_EXIF, ("gif", 1), ("bmp", 1)])
def test_the_size_of_a_header_is_the_size_of_the_upright_picture(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(speckled(50, 30, seed=1)).save(buffer, kind, exif=exif)
    path = tmp_path / f"a.{kind}"
    path.write_bytes(buffer.getvalue())
    height, width = read_picture(path).shape[:2]
    assert picture_size(path) == picture_size(path, decoded=True) == (width, height)
    assert (width, height) == ((30, 50) if orientation == 6 else (50, 30))


def test_the_account_of_an_import(tmp_path: Path, picture: PictureMaker) -> None:
    collection = Collection()
    for number in range(5):
        collection.measure(tmp_path / f"missing{number}.png")
    path = picture("a.png")
    size = collection.measure(path)
    assert size is not None
    collection.add(path, size, [LabelledFace(FaceBox(1, 1, 9, 9), "eru")], source="s")
    collection.add_unlabelled(picture("b.png"), source="s")
    text = collection.finish(tmp_path / "m.jsonl", Splitting())
    assert (
        "Read 2 pictures with 1 faces of 1 named characters; 0 without a face, 1 not looked at yet." in text
    )
    assert "Splits: train 2." in text
    assert "5  picture is missing (missing0.png, missing1.png, missing2.png, …)" in text
    assert len(read_manifest(tmp_path / "m.jsonl", unlabelled=True)) == 2


def test_an_import_of_nothing_is_refused_with_the_reasons(tmp_path: Path) -> None:
    collection = Collection()
    collection.measure(tmp_path / "missing.png")
    with pytest.raises(TrainingError, match=r"(?s)Nothing was imported\..*picture is missing"):
        collection.finish(tmp_path / "m.jsonl")
    assert not (tmp_path / "m.jsonl").exists()


def test_pictures_are_found_by_any_name_that_labels_give_them(tmp_path: Path, picture: PictureMaker) -> None:
    here = picture("data/one/a.png")
    twin, other_twin = picture("data/one/twin.jpg"), picture("data/two/twin.jpg")
    outside = picture("secret.png")
    folders = PictureFolders([tmp_path / "data"])
    assert folders.find("one/a.png") == here
    assert folders.find("one\\a.png") == here
    assert folders.find("C:\\pictures\\a.png") == here
    assert folders.find("/home/somebody/a.png") == here
    assert folders.find("a") == here
    assert folders.find("a.jpeg") == here
    assert folders.find("two/twin.jpg") == other_twin != twin
    for name in ("twin.jpg", "../secret.png", str(outside), "nobody.png", "", "..", "one"):
        assert not folders.find(name).is_file(), name


def test_pictures_of_a_folder_are_those_with_the_suffix_of_one(tmp_path: Path, picture: PictureMaker) -> None:
    expected = [picture("a/b.PNG"), picture("a/c/d.jpg")]
    (tmp_path / "a" / "notes.txt").write_text("", encoding="utf-8")
    (tmp_path / "a" / "folder.png").mkdir()
    assert pictures_in(tmp_path / "a") == expected
    assert pictures_in(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("wmylxmj_yolov3__Anime_100.webp", "wmylxmj_yolov3"),
        ("page_001.png", "page"),
        ("hyouka ep 3 (12).jpg", "hyouka ep 3"),
        ("00012.png", "default"),
        ("__x.png", "__x"),
        ("cover.png", "cover"),
    ],
)
def test_the_source_of_a_file_name(name: str, source: str) -> None:
    assert source_of(Path(name), "default") == source


def test_the_box_in_the_middle_of_a_crop() -> None:
    assert centred_box((160, 160), 0.5).xyxy == (40, 40, 120, 120)
    assert centred_box((200, 100), 0.5).xyxy == (75, 25, 125, 75)


def test_a_text_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(DatasetError, match=r"a\.csv"), readable(tmp_path / "a.csv"):
        (tmp_path / "a.csv").read_text(encoding="utf-8")
