"""Names in whole pictures are counted by what became of each face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.options import ModelOptions
from inference.domain import Embeddings, as_embeddings
from inference.models import Pack, find_pack
from tests.training.evaluation.made_faces import draw_manifest, make_faces
from training.dataset.manifest import read_manifest
from training.errors import TrainingError
from training.evaluation.pipeline import Outcome, Scenes, naming_figures, see_pictures


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return find_pack("dareda-1", tmp_path_factory.mktemp("packs"))


def make_scenes(embeddings: Embeddings, characters: np.ndarray, pictures: np.ndarray | None = None) -> Scenes:
    count = int(characters.max()) + 1
    pictures = np.arange(len(characters)) if pictures is None else pictures
    return Scenes(
        embeddings=embeddings,
        pictures=pictures,
        characters=characters,
        names=tuple(f"character {number}" for number in range(count)),
        missed=(),
        picture_count=len(set(pictures.tolist())),
        milliseconds={"decode": 1.0, "detect": 2.0, "embed": 3.0},
    )


def test_clear_faces_are_all_named_rightly_and_no_stranger_is(pack: Pack) -> None:
    """Distances of the bundled pack's thresholds: unrelated faces far below, own faces far above."""
    (figures,) = naming_figures(
        make_scenes(*make_faces(20, 4, 0.05, dimension=256)), pack, [0.01], samples=5, seed=0
    )
    assert figures.enrolled[Outcome.RIGHT].value == 1
    assert figures.false_name_rate.value == 0
    assert sum(share.value for share in figures.enrolled.values()) == pytest.approx(1)
    assert np.isnan(figures.named_boxes)


def test_a_stranger_who_looks_like_somebody_enrolled_is_a_false_name(pack: Pack) -> None:
    """Characters come in pairs of doubles: unsure with both enrolled, else a stranger is named."""
    embeddings, characters = make_faces(20, 4, 0.05, dimension=256)
    noise = np.random.default_rng(4).normal(0, 0.005, embeddings.shape)  # alike, but not the same pictures
    doubles = as_embeddings(np.concatenate([embeddings, embeddings + noise]), 256)
    both = np.concatenate([characters, characters + 20])
    (figures,) = naming_figures(make_scenes(doubles, both), pack, [0.01], samples=5, seed=0)
    assert figures.false_name_rate.value == pytest.approx(24 / 39, abs=0.06)
    assert figures.enrolled[Outcome.UNSURE].value == pytest.approx(23 / 39, abs=0.06)
    assert figures.enrolled[Outcome.RIGHT].value == pytest.approx(16 / 39, abs=0.06)


def test_a_lower_rate_names_no_more(pack: Pack) -> None:
    scenes = make_scenes(*make_faces(30, 5, 0.7, dimension=64))
    strict, loose = naming_figures(scenes, pack, [0.001, 0.1], samples=3, seed=0)
    assert strict.enrolled[Outcome.RIGHT].value < loose.enrolled[Outcome.RIGHT].value
    assert strict.false_name_rate.value <= loose.false_name_rate.value


def test_faces_that_were_not_found_and_boxes_without_a_face_are_counted(pack: Pack) -> None:
    embeddings, characters = make_faces(10, 4, 0.05, dimension=256)
    everywhere = as_embeddings(np.concatenate([embeddings, embeddings[:4]]), 256)
    no_face, nobody = -2, -1
    rows = np.concatenate([characters, [no_face, no_face, nobody, nobody]])
    pictures = np.concatenate([np.arange(40), [40, 41, 42, 43]])
    scenes = replace(
        make_scenes(everywhere, rows, pictures), missed=tuple((44 + number, number) for number in range(10))
    )
    (figures,) = naming_figures(scenes, pack, [0.01], samples=1, seed=0)
    assert figures.enrolled[Outcome.MISSED].value == pytest.approx(1 / 4)  # three asked about and one missed
    assert figures.enrolled[Outcome.RIGHT].value == pytest.approx(3 / 4)
    assert figures.named_boxes == pytest.approx(0.6, abs=0.25)  # named when character 0 is enrolled


def test_nobody_is_named_twice_in_one_picture(pack: Pack) -> None:
    """Every picture shows one character twice, so that half of the faces cannot be named."""
    embeddings, characters = make_faces(8, 8, 0.02, dimension=256)
    scenes = make_scenes(embeddings, characters, np.arange(64) // 2)
    (figures,) = naming_figures(scenes, pack, [0.01], samples=1, seed=0)
    assert figures.enrolled[Outcome.RIGHT].value == pytest.approx(0.5)
    assert figures.enrolled[Outcome.UNKNOWN].value == pytest.approx(0.5)


def test_pictures_that_are_all_enrolled_from_leave_nothing_to_ask(pack: Pack) -> None:
    embeddings, characters = make_faces(2, 6, 0.02, dimension=256)
    order = np.argsort(np.tile(np.arange(6), 2), kind="stable")
    everybody = make_scenes(Embeddings(embeddings[order]), characters[order], np.zeros(12, dtype=np.intp))
    (figures,) = naming_figures(everybody, pack, [0.01], samples=1, seed=0)
    assert np.isnan(figures.false_name_rate.value)


def test_pictures_are_seen_with_the_given_boxes_or_the_detected_ones(pack: Pack, tmp_path: Path) -> None:
    pictures = read_manifest(draw_manifest(tmp_path, portraits=2, characters=3))
    models = ModelOptions(threads=1)
    given = see_pictures(pictures, pack, models, detect=False)
    assert given.picture_count == 7  # the empty picture shows nobody
    assert np.bincount(given.characters).tolist() == [3, 3, 3]
    assert given.milliseconds["detect"] == 0
    found = see_pictures(pictures, pack, models, detect=True)
    assert np.count_nonzero(found.characters >= 0) + len(found.missed) == 9
    assert np.count_nonzero(found.characters >= 0) >= 8
    assert found.milliseconds["detect"] > 0
    for character in range(3):  # the same faces, a little differently cut
        one, other = (scenes.embeddings[scenes.characters == character] for scenes in (given, found))
        assert (one @ other.T).max() > 0.9


def test_pictures_without_a_known_character_are_refused(pack: Pack, tmp_path: Path) -> None:
    pictures = read_manifest(draw_manifest(tmp_path, portraits=1, characters=2))
    with pytest.raises(TrainingError, match="no face of a known character"):
        see_pictures(pictures[-1:], pack, ModelOptions(threads=1), detect=False)
    lonely = make_scenes(*make_faces(4, 1, 0.1))
    with pytest.raises(TrainingError, match="fewer than two characters"):
        naming_figures(lonely, pack, [0.01], samples=1, seed=0)
