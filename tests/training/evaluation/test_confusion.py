"""The faces that a person should look at are those nearest to somebody else."""

from __future__ import annotations

import numpy as np
import pytest

from inference.domain import FaceBox, as_embeddings
from tests.training.evaluation.made_faces import make_picture
from training.evaluation.confusion import worst_confusions
from training.evaluation.faces import FaceTable, NamedFace, face_table


def make_table(characters: str, angles: list[float]) -> FaceTable:
    """Faces on a circle, by their angle in degrees."""
    rows = np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=1)
    faces = [NamedFace(make_picture(), FaceBox(0, 0, 1, 1), character) for character in characters]
    return face_table(faces, as_embeddings(rows, 2))


def test_a_face_between_two_characters_is_a_confusion() -> None:
    table = make_table("aaabbb", [0, 5, 55, 60, 70, 75])
    (confusion,) = worst_confusions(table, 10)
    assert (confusion.face, confusion.other) == (2, 3)
    assert confusion.similarity == pytest.approx(np.cos(np.radians(5)))
    assert confusion.own_similarity == pytest.approx(np.cos(np.radians(50)))


def test_faces_that_are_nearest_to_their_own_are_none() -> None:
    assert worst_confusions(make_table("aabb", [0, 5, 60, 65]), 10) == []


def test_two_characters_are_shown_once_and_the_worst_first() -> None:
    table = make_table("aabbccdd", [0, 30, 31, 2, 100, 130, 133, 97])
    found = worst_confusions(table, 10)
    names = [{table.faces[row].character for row in (one.face, one.other)} for one in found]
    assert names == [{"a", "b"}, {"c", "d"}]
    assert found[0].similarity > found[1].similarity
    assert len(worst_confusions(table, 1)) == 1


def test_some_of_the_faces_are_a_table_of_their_own() -> None:
    table = make_table("cab", [0, 10, 20])
    assert table.names == ("a", "b", "c")
    part = table.only(np.array([True, False, True]))
    assert part.names == ("b", "c")
    assert part.characters.tolist() == [1, 0]
    assert np.array_equal(part.embeddings, table.embeddings[[0, 2]])
