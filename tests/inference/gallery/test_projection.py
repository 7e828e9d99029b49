from __future__ import annotations

import threading
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.domain import Character, CharacterId, SampleId, Scope
from inference.gallery.projection import CharacterFaces, ScopeView
from inference.gallery.search import search
from tests.inference.gallery.samples import names

DIMENSION = 8


def make_faces(name: str, vectors: np.ndarray, *, first: int = 0, negatives: int = 0) -> CharacterFaces:
    rows = np.asarray(vectors, np.float32).reshape(-1, DIMENSION)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return CharacterFaces(
        Character(CharacterId(name), Scope("s"), name, sample_count=len(rows)),
        tuple(SampleId(f"{name}-{first + row}") for row in range(len(rows))),
        rows.astype(np.float32),
        np.arange(len(rows), dtype=np.uint64),
        rows[:negatives].astype(np.float32),
    )


def make_view(*faces: CharacterFaces) -> ScopeView:
    return ScopeView.empty(DIMENSION).updated({one.character.id: one for one in faces})


def brute_force(faces: list[CharacterFaces], probe: np.ndarray, top: int) -> list[tuple[str, float]]:
    wide = probe.astype(np.float64)
    best = [
        (-min(1.0, max(float(row.astype(np.float64) @ wide) for row in one.vectors)), one.character.name)
        for one in faces
        if len(one.vectors)
    ]
    return [(name, -similarity) for similarity, name in sorted(best)[:top]]


@given(
    # Few distinct directions, so that ties and characters that own all of the best rows are common.
    characters=st.lists(st.lists(st.integers(0, 11), max_size=40), max_size=12),
    probe=st.integers(0, 11),
    top=st.integers(1, 15),
    seed=st.integers(0, 3),
)
def test_search_agrees_with_brute_force(characters: list[list[int]], probe: int, top: int, seed: int) -> None:
    directions = np.random.default_rng(seed).standard_normal((12, DIMENSION)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    faces = [
        make_faces(f"c{number:02}", directions[rows] if rows else np.empty((0, DIMENSION)))
        for number, rows in enumerate(characters)
    ]
    [matches] = search([make_view(*faces)], directions[probe : probe + 1], top)
    expected = brute_force(faces, directions[probe], top)
    assert names(matches) == [name for name, _ in expected]
    assert [m.similarity for m in matches] == pytest.approx([s for _, s in expected], abs=1e-9)


def test_a_match_tells_the_mean_of_its_samples_and_of_one_sample_none() -> None:
    rng = np.random.default_rng(4)
    faces = [make_faces(f"c{n}", rng.standard_normal((n, DIMENSION))) for n in (1, 2, 7)]
    opposite = make_faces("opposite", np.stack([np.eye(DIMENSION)[0], -np.eye(DIMENSION)[0]]))
    probe = rng.standard_normal((1, DIMENSION)).astype(np.float32)
    probe /= np.linalg.norm(probe)
    [matches] = search([make_view(*faces, opposite)], probe, 9)
    found = {match.character.name: match.mean_similarity for match in matches}
    means = {one.character.name: one.vectors.astype(np.float64).mean(axis=0) for one in faces[1:]}
    expected = {name: float(mean @ probe[0]) / float(np.linalg.norm(mean)) for name, mean in means.items()}
    assert found == pytest.approx({**expected, "c1": None, "opposite": 0.0}, abs=2e-9)


@given(order=st.permutations(range(9)), split=st.integers(1, 8), batch=st.integers(1, 5))
def test_answers_do_not_depend_on_where_rows_lie_or_on_other_probes(
    order: list[int], split: int, batch: int
) -> None:
    rng = np.random.default_rng(1)
    faces = [make_faces(f"c{n}", rng.standard_normal((n + 1, DIMENSION)), negatives=n % 2) for n in range(9)]
    asked = rng.standard_normal((5, DIMENSION)).astype(np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    expected = search([make_view(*faces)], asked, 9)

    shuffled = make_view(*(faces[n] for n in order[:split]))
    shuffled = shuffled.updated({faces[n].character.id: faces[n] for n in order[split:]})
    found = [match for n in range(0, 5, batch) for match in search([shuffled], asked[n : n + batch], 9)]
    assert found == expected


@given(
    owners=st.lists(st.integers(0, 30), min_size=1, max_size=300),
    crowded=st.integers(0, 5),
    gone=st.sets(st.integers(0, 30), max_size=5),
    top=st.integers(1, 6),
    seed=st.integers(0, 1_000),
)
def test_looking_only_at_promising_rows_changes_no_answer(
    owners: list[int], crowded: int, gone: set[int], top: int, seed: int
) -> None:
    """With small blocks the short cut is taken already for few rows, or given up where it would be wrong."""
    rng = np.random.default_rng(seed)
    faces = []
    for number in sorted(set(owners)):
        vectors = rng.standard_normal((owners.count(number), DIMENSION))
        if number < crowded:
            vectors = np.eye(DIMENSION)[0] + vectors * 0.01
        faces.append(make_faces(f"c{number:02}", vectors))
    view = make_view(*faces).updated({CharacterId(f"c{number:02}"): None for number in gone})
    there = [one for one in faces if one.character.id in view.slots]
    probe = np.eye(DIMENSION, dtype=np.float32)[:1]
    with patch.multiple("inference.gallery.search", _BLOCK_ROWS=2, _SPARE=-7 * top):
        [matches] = search([view], probe, top)
    assert names(matches) == [name for name, _ in brute_force(there, probe[0], top)]


@pytest.mark.parametrize("crowd_rows", [100, 30_000])
def test_one_character_may_own_all_of_the_best_rows(crowd_rows: int) -> None:
    rng = np.random.default_rng(2)
    crowd = make_faces("crowd", np.eye(DIMENSION)[0] + rng.standard_normal((crowd_rows, DIMENSION)) * 0.01)
    others = [make_faces(f"other {n:02}", rng.standard_normal((500, DIMENSION))) for n in range(40)]
    probe = np.eye(DIMENSION, dtype=np.float32)[:1]
    [matches] = search([make_view(*others[:20], crowd, *others[20:])], probe, 4)
    assert names(matches) == [name for name, _ in brute_force([crowd, *others], probe[0], 4)]
    assert matches[0].character.name == "crowd"


def test_an_older_view_keeps_its_answers_while_newer_ones_are_made() -> None:
    rng = np.random.default_rng(3)
    faces = [make_faces(f"c{n}", rng.standard_normal((4, DIMENSION)), negatives=1) for n in range(50)]
    asked = rng.standard_normal((3, DIMENSION)).astype(np.float32)
    view = make_view(*faces[:10])
    before = search([view], asked, 20)
    newer = view
    for one in faces[10:]:
        newer = newer.updated({one.character.id: one})
    newer = newer.updated({one.character.id: None for one in faces[:30]})
    newer = newer.updated(
        {faces[40].character.id: make_faces("c40", rng.standard_normal((2, DIMENSION)), first=4)}
    )
    assert search([view], asked, 20) == before
    assert {m.character.name for m in search([newer], asked, 100)[0]} == {f"c{n}" for n in range(30, 50)}


def test_a_change_that_came_to_nothing_leaves_no_trace() -> None:
    rng = np.random.default_rng(4)
    one, two, three = (make_faces(name, rng.standard_normal((3, DIMENSION))) for name in "abc")
    view = make_view(one)
    view.updated({two.character.id: two})  # never published
    view = view.updated({three.character.id: three})
    [matches] = search([view], three.vectors[1:2], 5)
    assert names(matches)[0] == "c"
    assert matches[0].sample_id == "c-1"
    assert set(view.rows()) == {*one.sample_ids, *three.sample_ids}


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.lists(st.integers(0, 9), max_size=8, unique=True) | st.none()),
        max_size=40,
    )
)
def test_any_row_of_updates_gives_the_view_of_the_last_state(
    updates: list[tuple[int, list[int] | None]],
) -> None:
    vectors = np.random.default_rng(6).standard_normal((6, 10, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    view, state = ScopeView.empty(DIMENSION, 1), {}
    for number, rows in updates:
        name = f"c{number}"
        faces = None
        if rows is not None:
            faces = replace(
                make_faces(name, vectors[number, rows] if rows else np.empty((0, DIMENSION))),
                sample_ids=tuple(SampleId(f"{name}-{row}") for row in rows),
            )
        view = view.updated({CharacterId(name): faces})
        state[name] = faces
    there = [faces for faces in state.values() if faces]
    assert set(view.rows()) == {sample for faces in there for sample in faces.sample_ids}
    assert {c.name for c in view.characters if c} == {faces.character.name for faces in there}
    probe = vectors[0, 0][np.newaxis].astype(np.float32)
    [matches] = search([view], probe, 10)
    assert names(matches) == [name for name, _ in brute_force(there, probe[0], 10)]
    for match in matches:
        number, row = match.sample_id[1:].split("-")
        expected = float(vectors[int(number), int(row)].astype(np.float32) @ probe[0])
        assert match.similarity == pytest.approx(expected, abs=1e-5)


def test_gone_rows_do_not_pile_up() -> None:
    view = make_view(make_faces("stays", np.eye(DIMENSION)[:2]))
    for number in range(400):
        faces = make_faces(f"c{number}", np.eye(DIMENSION))
        view = view.updated({faces.character.id: faces}).updated({faces.character.id: None})
    assert len(view.owners) < 300
    assert len(view.vectors) < 600
    assert names(search([view], np.eye(DIMENSION, dtype=np.float32)[:1], 5)[0]) == ["stays"]


def test_searches_in_threads_see_whole_views_while_they_change() -> None:
    rng = np.random.default_rng(8)
    faces = [make_faces(f"c{n:03}", rng.standard_normal((5, DIMENSION))) for n in range(150)]
    published = [make_view(faces[0])]
    failures: list[object] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            view = published[0]
            newest = max(c.name for c in view.characters if c)
            probe = faces[int(newest[1:])].vectors[:1]
            [[match]] = search([view], probe, 1)
            if match.character.name != newest or match.similarity < 0.999:
                failures.append(match)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number, one in enumerate(faces[1:], start=1):
        states = {one.character.id: one}
        if number > 20:
            states[faces[number - 20].character.id] = None
        published[0] = published[0].updated(states)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
