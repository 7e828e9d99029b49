"""Faces in memory: the same pixels as serving cuts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from config.options import ImageLimits
from inference.embedding.align import align_crop
from inference.images import decode, encode
from tests.training.embedder.drawn_faces import write_drawn_faces
from training.dataset.manifest import LabelledFace, LabelledPicture, read_manifest
from training.embedder.faces import load_faces


def test_a_face_from_memory_is_the_face_cut_from_its_picture(tmp_path: Path) -> None:
    pictures = read_manifest(write_drawn_faces(tmp_path, characters=2, portraits=1))
    faces, left_out = load_faces(pictures, margin=1.6, side=400)

    assert left_out == ()
    assert len(faces) == 2
    for index, picture in enumerate(pictures):
        image = decode(picture.path.read_bytes(), ImageLimits()).frames[0]
        direct = align_crop(image, picture.faces[0].box, margin=1.3, side=96).ravel()
        stored = align_crop(faces.squares[index], faces.box(index), margin=1.3, side=96).ravel()
        assert np.corrcoef(direct, stored)[0, 1] > 0.95  # scaled twice


def test_faces_without_a_character_and_unsure_ones_are_not_trained_on(tmp_path: Path) -> None:
    (picture, *_) = read_manifest(write_drawn_faces(tmp_path, characters=1, portraits=1))
    box = picture.faces[0].box
    faces = (LabelledFace(box), LabelledFace(box, "a", 0.4, "unsure"), LabelledFace(box, "b", 0.9, "pseudo"))
    loaded, _ = load_faces(
        [LabelledPicture(picture.path, picture.width, picture.height, "s", "train", faces)],
        margin=1.3,
        side=32,
    )

    assert loaded.names == ("b",)
    assert len(loaded) == 1


def test_a_broken_picture_is_left_out_and_named(tmp_path: Path) -> None:
    pictures = read_manifest(write_drawn_faces(tmp_path, characters=3, portraits=1))
    pictures[1].path.write_bytes(encode(np.zeros((9, 9, 3), np.uint8), format="png")[:40])

    faces, left_out = load_faces(pictures, margin=1.3, side=32)

    assert [entry.path for entry in left_out] == [pictures[1].path]
    assert len(faces) == len(faces.sources) == len(faces.squares) == 2
    assert faces.squares.any(axis=(1, 2, 3)).all()


def test_the_stored_squares_are_used_again_only_for_the_same_faces(tmp_path: Path) -> None:
    pictures = read_manifest(write_drawn_faces(tmp_path, characters=2, portraits=1))
    first, _ = load_faces(pictures, margin=1.3, side=32, cache=tmp_path / "cache")
    for picture in pictures:
        picture.path.unlink()

    again, missing = load_faces(pictures, margin=1.3, side=32, cache=tmp_path / "cache")
    _, others_missing = load_faces(pictures, margin=1.4, side=32, cache=tmp_path / "cache")

    assert np.array_equal(first.squares, again.squares)
    assert missing == ()
    assert len(others_missing) == 2


def test_characters_with_too_few_faces_are_left_out_and_the_rest_numbered_anew(tmp_path: Path) -> None:
    pictures = read_manifest(write_drawn_faces(tmp_path, characters=3, portraits=2))
    faces, _ = load_faces(pictures[1:], margin=1.3, side=32)  # one face of the first character

    enough = faces.with_at_least(2)

    assert len(enough) == len(enough.squares) == len(enough.sources) == 4
    assert len(enough.names) == 2
    assert [enough.names[number] for number in enough.characters] == [
        faces.names[number] for number in faces.characters[1:]
    ]
