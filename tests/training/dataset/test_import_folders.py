from __future__ import annotations

from pathlib import Path

import numpy as np

from inference.domain import FaceBox
from inference.drawing import draw_cast, draw_group, draw_portrait
from inference.images import encode
from tests.training.dataset.conftest import Command, PictureMaker
from training.dataset.manifest import LabelledFace, read_manifest
from training.import_folders import main


def test_folders_of_crops(tmp_path: Path, run: Command, picture: PictureMaker) -> None:
    picture("root/Chitanda Eru/1.png", 40, 40)
    picture("root/Chitanda Eru/outfits/2.png", 60, 40)
    picture("root/麗/1.jpg", 40, 40)
    picture("root/loose.png")
    (tmp_path / "root/麗/notes.txt").write_text("", encoding="utf-8")
    (tmp_path / "root/麗/broken.png").write_bytes(b"")
    text = run(main, "--root", tmp_path / "root", "--cropped", 0.5, "--out", tmp_path / "m.jsonl")
    assert [(p.path.name, p.source, p.faces) for p in read_manifest(tmp_path / "m.jsonl")] == [
        ("1.png", "root", (LabelledFace(FaceBox(10, 10, 30, 30), "Chitanda Eru"),)),
        ("2.png", "root", (LabelledFace(FaceBox(20, 10, 40, 30), "Chitanda Eru"),)),
        ("1.jpg", "root", (LabelledFace(FaceBox(10, 10, 30, 30), "麗"),)),
    ]
    assert "1  file is in no character's folder (loose.png)" in text
    assert "1  file is no picture (.txt) (notes.txt)" in text
    assert "1  picture cannot be read: the file is empty (broken.png)" in text


def test_in_whole_pictures_the_detector_finds_the_one_face(tmp_path: Path, run: Command) -> None:
    eru, oreki = draw_cast(2, seed=5)
    portrait = draw_portrait(eru, seed=1, size=320)
    drawings = {
        "portrait": portrait.image,
        "together": draw_group([eru, oreki], seed=1, size_wh=(640, 360)).image,
        "empty": np.full((200, 200, 3), 180, np.uint8),
    }
    (tmp_path / "root/eru").mkdir(parents=True)
    for name, image in drawings.items():
        (tmp_path / f"root/eru/{name}.png").write_bytes(encode(image, format="png"))
    text = run(main, "--root", tmp_path / "root", "--threads", 1, "--out", tmp_path / "m.jsonl")
    (found,) = read_manifest(tmp_path / "m.jsonl")
    (face,) = found.faces
    assert found.path.name == "portrait.png"
    assert (face.character, face.state) == ("eru", "pseudo")
    assert face.score is not None
    assert face.box.iou(portrait.faces[0].box) > 0.6
    assert "1  several faces were found (together.png)" in text
    assert "1  no face was found (empty.png)" in text


def test_what_is_no_folder_is_refused(tmp_path: Path, refused: Command) -> None:
    text = refused(main, "--root", tmp_path / "nowhere", "--cropped", 0.5, "--out", tmp_path / "m.jsonl")
    assert "is no folder" in text
