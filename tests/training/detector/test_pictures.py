"""Pictures of a manifest become arrays; what cannot be trained on is left out with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.domain import FaceBox
from inference.images import encode
from tests.training.detector.painted import painted, redness
from training.dataset.manifest import LabelledFace, LabelledPicture, State
from training.detector.pictures import class_names, load_pictures


@pytest.fixture
def picture_file(tmp_path: Path) -> Path:
    path = tmp_path / "one.png"
    path.write_bytes(encode(painted(200, 100, (40, 20, 80, 60)).image, format="png"))
    return path


def labelled(path: Path, *characters: str | None, state: State = "sure") -> LabelledPicture:
    faces = tuple(LabelledFace(FaceBox(40, 20, 80, 60), name, state=state) for name in characters)
    return LabelledPicture(path, 200, 100, "test", "train", faces)


def test_a_large_picture_is_shrunk_with_its_boxes(picture_file: Path) -> None:
    loaded, left_out = load_pictures([labelled(picture_file, None)], ("face",), kept_side=100)
    assert left_out == ()
    scene = loaded.scenes[0]
    assert (scene.width, scene.height) == (100, 50)
    assert scene.boxes.tolist() == [[20.0, 10.0, 40.0, 30.0]]
    assert redness(scene.image, scene.boxes[0]) == 1.0
    assert scene.classes.tolist() == [0]
    assert (loaded.paths, loaded.sources) == ((picture_file,), ("test",))


def test_characters_are_classes_in_their_order(picture_file: Path) -> None:
    pictures = [labelled(picture_file, "mio"), labelled(picture_file, "aya", "mio")]
    names = class_names(pictures, "characters")
    assert names == ("aya", "mio")
    loaded, _ = load_pictures(pictures, names, kept_side=200)
    assert [scene.classes.tolist() for scene in loaded.scenes] == [[1], [0, 1]]


def test_faces_without_a_name_are_a_class_of_their_own(picture_file: Path) -> None:
    pictures = [labelled(picture_file, "mio", None)]
    names = class_names(pictures, "characters")
    assert names == ("face", "mio")
    assert load_pictures(pictures, names, kept_side=200)[0].scenes[0].classes.tolist() == [1, 0]


def test_one_class_takes_faces_with_and_without_names(picture_file: Path) -> None:
    pictures = [labelled(picture_file, "mio", None)]
    assert class_names(pictures, "face") == ("face",)
    assert load_pictures(pictures, ("face",), kept_side=200)[0].scenes[0].classes.tolist() == [0, 0]


def test_pictures_with_unsure_faces_unknown_characters_or_damage_are_left_out(
    picture_file: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture_file.read_bytes()[:60])
    pictures = [
        labelled(picture_file, "mio", state="unsure"),
        labelled(picture_file, "stranger"),
        labelled(broken, "mio"),
        labelled(tmp_path / "missing.png", "mio"),
        labelled(picture_file, "mio", state="pseudo"),
    ]
    loaded, left_out = load_pictures(pictures, ("aya", "mio"), kept_side=200)
    assert len(loaded) == 1
    assert "nobody is sure of" in left_out[0].reason
    assert "stranger" in left_out[1].reason
    assert [entry.path for entry in left_out[2:]] == [broken, tmp_path / "missing.png"]
