"""Which faces are chosen: checked on made-up embeddings, where it is known who is who."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.domain import Embeddings, as_embeddings
from inference.gallery.fingerprint import is_same_picture
from inference.selection import LEAST_FOR_OUTLIERS, Selection, choose_faces
from tests.inference.gallery.samples import hash_of

DIMENSION = 32
NOBODY = Embeddings(np.empty((0, DIMENSION), np.float32))


def faces_of(person: int, count: int, *, spread: float = 0.7, seed: int = 0) -> Embeddings:
    """Faces around the direction that is the person's own; similarities of some 1 / (1 + spread²)."""
    direction = as_embeddings(np.random.default_rng(person).standard_normal((1, DIMENSION)), DIMENSION)
    noise = np.random.default_rng([person, seed]).standard_normal((count, DIMENSION))
    return as_embeddings(direction + spread * noise / np.sqrt(DIMENSION), DIMENSION)


def choose(
    embeddings: Embeddings,
    *,
    hashes: Sequence[int] | None = None,
    sides: Sequence[float] | None = None,
    enrolled: Embeddings = NOBODY,
    at_most: int | None = None,
    leave_out_outliers: bool = True,
) -> Selection:
    count = len(embeddings)
    return choose_faces(
        embeddings,
        [hash_of(seed) for seed in range(count)] if hashes is None else hashes,
        [100.0] * count if sides is None else sides,
        enrolled=enrolled,
        at_most=at_most,
        leave_out_outliers=leave_out_outliers,
    )


def together(*parts: Embeddings) -> Embeddings:
    return Embeddings(np.concatenate(parts))


def medoid(embeddings: Embeddings) -> int:
    return int((embeddings.astype(np.float64) @ embeddings.astype(np.float64).T).sum(axis=0).argmax())


@settings(max_examples=80, deadline=None)
@given(
    count=st.integers(0, 30),
    strangers=st.integers(0, 3),
    enrolled=st.integers(0, 5),
    at_most=st.none() | st.integers(0, 12),
    copies=st.integers(0, 5),
    seed=st.integers(0, 1_000),
)
def test_every_face_is_in_one_place_and_the_chosen_ones_keep_the_rules(
    count: int, strangers: int, enrolled: int, at_most: int | None, copies: int, seed: int
) -> None:
    parts = [faces_of(1, count, seed=seed), faces_of(2, strangers, seed=seed)]
    copies = min(copies, count)
    embeddings = together(*parts, Embeddings(parts[0][:copies]))
    hashes = [hash_of(number) for number in (*range(count + strangers), *range(copies))]
    known = faces_of(1, enrolled, seed=seed + 1)
    rng = np.random.default_rng(seed)
    sides = rng.integers(40, 200, len(hashes)).astype(float).tolist()

    chosen = choose(embeddings, hashes=hashes, sides=sides, enrolled=known, at_most=at_most)

    everything = [*chosen.chosen, *chosen.duplicates, *chosen.outliers, *chosen.surplus]
    assert sorted(everything) == list(range(len(hashes)))
    assert len(chosen.duplicates) == copies
    fit = len(hashes) - len(chosen.duplicates) - len(chosen.outliers)
    assert len(chosen.chosen) == (fit if at_most is None else min(fit, at_most))
    for one, other in combinations(chosen.chosen, 2):
        similarity = float(embeddings[one] @ embeddings[other])
        assert not is_same_picture(hashes[one], hashes[other], similarity)
    assert choose(embeddings, hashes=hashes, sides=sides, enrolled=known, at_most=at_most) == chosen


@pytest.mark.parametrize("at_most", [1, 4, None])
def test_the_most_typical_face_is_the_first(at_most: int | None) -> None:
    embeddings = faces_of(1, 12)
    assert choose(embeddings, at_most=at_most).chosen[0] == medoid(embeddings)


def test_each_next_face_is_the_one_that_raises_the_coverage_most() -> None:
    embeddings = faces_of(1, 15, spread=1.0)
    similarity = embeddings.astype(np.float64) @ embeddings.astype(np.float64).T
    chosen = choose(embeddings, at_most=5, leave_out_outliers=False).chosen
    for place, index in enumerate(chosen):
        covered = similarity[list(chosen[:place])].max(axis=0, initial=-1.0)
        reached = np.maximum(similarity, covered).sum(axis=1)
        assert reached[index] == pytest.approx(reached.max())


def test_every_look_of_a_character_gets_its_sample() -> None:
    looks = [faces_of(look, 8, spread=0.4) for look in (1, 2, 3)]
    chosen = choose(together(*looks), at_most=3).chosen
    assert sorted(index // 8 for index in chosen) == [0, 1, 2]


def test_what_is_enrolled_need_not_be_chosen_again() -> None:
    looks = [faces_of(look, 6, spread=0.4) for look in (1, 2)]
    chosen = choose(together(*looks), enrolled=faces_of(1, 2, spread=0.4, seed=5), at_most=1).chosen
    assert chosen[0] >= 6


@pytest.mark.parametrize("count", [3, 5, 12])
def test_somebody_else_is_left_out(count: int) -> None:
    selection = choose(together(faces_of(1, count), faces_of(9, 1)))
    assert selection.outliers == (count,)
    assert len(selection.chosen) == count


def test_somebody_else_is_told_by_the_samples_there_are() -> None:
    embeddings = together(faces_of(1, 1), faces_of(9, 1))
    assert choose(embeddings).outliers == ()
    assert choose(embeddings, enrolled=faces_of(1, 5, seed=3)).outliers == (1,)


def test_among_few_faces_nobody_is_left_out() -> None:
    embeddings = together(faces_of(1, LEAST_FOR_OUTLIERS - 2), faces_of(9, 1))
    assert len(choose(embeddings).chosen) == LEAST_FOR_OUTLIERS - 1


def test_outliers_may_be_kept() -> None:
    embeddings = together(faces_of(1, 8), faces_of(9, 1))
    assert choose(embeddings, leave_out_outliers=False).outliers == ()


def test_copies_of_a_wrong_picture_do_not_vouch_for_each_other() -> None:
    wrong = faces_of(9, 1)
    embeddings = together(faces_of(1, 5), wrong, wrong, wrong)
    hashes = [*map(hash_of, range(5)), 7, 7, 7]
    selection = choose(embeddings, hashes=hashes)
    assert selection.outliers == (5,)
    assert selection.duplicates == (6, 7)


def test_of_a_picture_in_several_sizes_the_largest_is_kept() -> None:
    one = faces_of(1, 1)
    selection = choose(together(one, one, one), hashes=[5, 5, 4], sides=[80.0, 120.0, 120.0])
    assert selection.chosen == (1,)
    assert selection.duplicates == (0, 2)


def test_more_faces_than_fit_into_one_block_are_judged_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings = together(faces_of(1, 40), faces_of(9, 2))
    whole = choose(embeddings, at_most=6)
    monkeypatch.setattr("inference.selection._ROWS_AT_ONCE", 8)
    assert choose(embeddings, at_most=6) == whole
    assert whole.outliers == (40, 41)
