"""The map: everybody has a place, near is alike, and the same gallery gives the same map."""

from __future__ import annotations

import numpy as np
import pytest

from inference.survey import gallery_map
from inference.survey.gallery_map import draw_map
from inference.survey.layout import lay_out
from tests.inference.gallery.samples import make_embedding, near
from tests.inference.survey.faces import AT, DIMENSION, looks, make_faces


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 40])
def test_any_number_of_points_is_laid_out_within_the_square(count: int) -> None:
    rows = np.stack([make_embedding(seed, DIMENSION) for seed in range(count)] or [np.empty(DIMENSION)])
    points = lay_out(rows[:count].astype(np.float32), seed=1)
    assert points.shape == (count, 2)
    assert np.all((points >= 0) & (points <= 1))
    assert len(np.unique(points, axis=0)) == count


def test_equal_embeddings_are_laid_out_too() -> None:
    points = lay_out(np.tile(make_embedding(1, DIMENSION), (8, 1)), seed=1)
    assert np.all(np.isfinite(points))


def test_the_same_embeddings_give_the_same_places() -> None:
    rows = np.stack([make_embedding(seed, DIMENSION) for seed in range(30)])
    np.testing.assert_array_equal(lay_out(rows, seed=3), lay_out(rows, seed=3))


def test_alike_characters_are_near_on_the_map() -> None:
    groups = {
        f"{group}-{one}": [near(make_embedding(group, DIMENSION), 50 * group + one, 0.5)]
        for group in range(4)
        for one in range(12)
    }
    drawn = draw_map(make_faces(groups), at=AT, report=lambda _: None)
    points = np.array([(place.x, place.y) for place in drawn.places])
    group = np.array([int(place.character.name[0]) for place in drawn.places])
    apart = np.linalg.norm(points[:, np.newaxis] - points[np.newaxis], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert np.mean(group[apart.argmin(axis=1)] == group) > 0.9
    for place, own in zip(drawn.places, group, strict=True):
        assert {int(drawn.places[one.place].character.name[0]) for one in place.neighbours} == {own}
        assert [one.similarity for one in place.neighbours] == sorted(
            (one.similarity for one in place.neighbours), reverse=True
        )


def test_characters_without_samples_have_no_place() -> None:
    drawn = draw_map(
        make_faces({"none": [], "one": looks(1, 2), "two": looks(2, 1)}), at=AT, report=lambda _: None
    )
    assert [place.character.name for place in drawn.places] == ["one", "two"]
    assert [[one.place for one in place.neighbours] for place in drawn.places] == [[1], [0]]


def test_of_too_many_characters_those_with_most_samples_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery_map, "_MOST_PLACES", 2)
    faces = make_faces({"a": looks(1, 1), "b": looks(2, 3), "c": looks(3, 2)})
    drawn = draw_map(faces, at=AT, report=lambda _: None)
    assert [place.character.name for place in drawn.places] == ["b", "c"]
