"""Draws enroll a share of the characters and keep the rest, and faces of the same picture, apart."""

from __future__ import annotations

import numpy as np
import pytest

from inference.domain import Character, CharacterId, Embeddings, SampleId, Scope
from inference.gallery.projection import CharacterFaces, ScopeView
from inference.gallery.search import search
from tests.training.evaluation.made_faces import make_faces
from training.evaluation.draws import draw_galleries
from training.evaluation.recognition import with_two_faces


def test_a_draw_enrolls_its_share_and_leaves_a_face_of_each_out() -> None:
    embeddings, characters = make_faces(20, 4, 0.3)
    for draw in draw_galleries(embeddings, characters, samples=10, draws=5, seed=0):
        assert len(draw.enrolled) == 12
        assert [len(rows) for rows in draw.gallery] == [3] * 12
        assert all(set(characters[rows]) == {c} for c, rows in zip(draw.enrolled, draw.gallery, strict=True))
        enrolled = np.concatenate(draw.gallery)
        assert sorted([*enrolled, *draw.probes]) == list(range(80))
        assert draw.stranger.sum() == 8 * 4
        assert draw.own.sum() == 12
        assert draw.weight.sum() == pytest.approx(20)


def test_who_has_one_face_is_a_stranger_for_ever() -> None:
    embeddings, characters = make_faces(10, 1, 0.3)
    both = np.concatenate([characters, characters[:8]])
    rows = Embeddings(np.concatenate([embeddings, embeddings[:8]]))
    for draw in draw_galleries(rows, both, samples=1, draws=20, seed=1):
        assert not set(draw.enrolled) & {8, 9}


@pytest.mark.parametrize("samples", [1, 3])
def test_the_likeness_is_what_a_gallery_answers(samples: int) -> None:
    embeddings, characters = make_faces(6, 5, 0.8)
    embeddings[-1] = embeddings[-2]  # the same pixels again
    (draw,) = draw_galleries(embeddings, characters, samples=samples, draws=1, seed=3)
    names = [str(one) for one in draw.enrolled]
    view = make_view(names, [embeddings[rows] for rows in draw.gallery])
    for matches, row in zip(search([view], embeddings[draw.probes], len(names)), draw.likeness, strict=True):
        expected = {match.character.name: match.likeness for match in matches}
        assert dict(zip(names, row.tolist(), strict=True)) == pytest.approx(expected, abs=1e-6)


def make_view(names: list[str], vectors: list[np.ndarray]) -> ScopeView:
    faces = {
        CharacterId(name): CharacterFaces(
            Character(CharacterId(name), Scope("s"), name, sample_count=len(rows)),
            tuple(SampleId(f"{name}-{row}") for row in range(len(rows))),
            rows,
            np.zeros(len(rows), np.uint64),
            rows[:0],
        )
        for name, rows in zip(names, vectors, strict=True)
    }
    return ScopeView.empty(vectors[0].shape[1]).updated(faces)


def test_faces_of_a_picture_that_a_sample_is_from_are_no_probes() -> None:
    embeddings, characters = make_faces(8, 4, 0.3)
    pictures = np.tile(np.arange(4), 8)  # every picture shows everybody
    (draw,) = draw_galleries(embeddings, characters, samples=1, draws=1, seed=0, pictures=pictures)
    taken = set(pictures[np.concatenate(draw.gallery)])
    assert not taken & set(pictures[draw.probes])


def test_the_same_seed_draws_the_same() -> None:
    embeddings, characters = make_faces(8, 4, 0.3)
    one, other = (
        [draw.probes.tolist() for draw in draw_galleries(embeddings, characters, samples=2, draws=3, seed=5)]
        for _ in range(2)
    )
    assert one == other
    assert one[0] != one[1]


def test_more_samples_include_the_fewer() -> None:
    embeddings, characters = make_faces(8, 6, 0.3)
    (few,), (many,) = (
        draw_galleries(embeddings, characters, samples=samples, draws=1, seed=5) for samples in (1, 3)
    )
    assert few.enrolled.tolist() == many.enrolled.tolist()
    assert all(set(a) < set(b) for a, b in zip(few.gallery, many.gallery, strict=True))


def test_characters_are_numbered_anew_without_those_of_one_face() -> None:
    embeddings, _ = make_faces(7, 1, 0.3)
    kept, characters, rows = with_two_faces(embeddings, np.array([30, 5, 30, 7, 5, 9, 9]))
    assert rows.tolist() == [0, 1, 2, 4, 5, 6]
    assert characters.tolist() == [2, 0, 2, 0, 1, 1]
    assert np.array_equal(kept, embeddings[rows])
