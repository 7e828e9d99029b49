"""Scopes that are searched through an index answer as those that are compared as a whole."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.faces import CONTRACT, SCOPE, Faces, fill, make_faces
from inference.domain import Embeddings, Match
from inference.errors import StoppedError
from inference.gallery import centres, schema, stored
from inference.gallery.base import Gallery
from inference.gallery.embedded import EmbeddedGallery, open_embedded_gallery
from inference.gallery.loading import load_character
from inference.gallery.projection import CharacterFaces
from inference.gallery.search import search
from inference.gallery.stored import StoredVectors, VectorFile
from tests.inference.gallery.samples import make_sample

SAMPLES = 6_000


@pytest.fixture(autouse=True)
def look_at_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with many samples, not at all of them."""
    monkeypatch.setattr(centres, "_ROWS_LOOKED_AT", 0)


@pytest.fixture(scope="module")
def faces() -> Faces:
    return make_faces(SAMPLES, 400)


@pytest.fixture(scope="module")
def filled(faces: Faces, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("filled") / "gallery.sqlite"
    fill(path, faces, crop_bytes=10)
    return path.read_bytes()


@pytest.fixture
def path(filled: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "gallery.sqlite"
    path.write_bytes(filled)
    return path


async def open_indexed(
    path: Path, *, exact_up_to: int = 1_000, read_only: bool = False, undo_days: int = 7
) -> EmbeddedGallery:
    return await open_embedded_gallery(
        path, CONTRACT, exact_up_to=exact_up_to, read_only=read_only, undo_days=undo_days
    )


@pytest.fixture
async def gallery(path: Path) -> AsyncIterator[EmbeddedGallery]:
    opened = await open_indexed(path)
    assert stored_in(opened) == SAMPLES
    yield opened
    await opened.close()


def stored_in(gallery: EmbeddedGallery) -> int:
    return gallery._projection.view(SCOPE).stored_count


def faces_of(gallery: EmbeddedGallery, match: Match) -> CharacterFaces:
    found = load_character(gallery._store, match.character.id, CONTRACT)
    assert found
    return found


def embeddings_in(path: Path) -> dict[int, tuple[int, bytes]]:
    """By their keys: those of the faces, and the vectors."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT seq, face, vector FROM embeddings").fetchall()
    return {key: (face, vector) for key, face, vector in rows}


async def ask(gallery: Gallery, vectors: np.ndarray, *, top: int = 5) -> list[tuple[Match, ...]]:
    return await gallery.search(Embeddings(vectors), [SCOPE], top=top)


async def ask_exactly(path: Path, vectors: np.ndarray, *, top: int = 5) -> list[tuple[Match, ...]]:
    exact = await open_embedded_gallery(path, CONTRACT, read_only=True, exact_up_to=sys.maxsize)
    assert stored_in(exact) == 0
    found = await ask(exact, vectors, top=top)
    await exact.close()
    return found


async def test_known_faces_get_the_same_match_and_decisions_do_not_change(
    gallery: EmbeddedGallery, path: Path, faces: Faces
) -> None:
    found, expected = await ask(gallery, faces.probes), await ask_exactly(path, faces.probes)
    known = faces.truth >= 0
    same = np.array([one[0] == other[0] for one, other in zip(found, expected, strict=True)])
    assert same[known].mean() >= 0.99
    ours, theirs = (np.array([one[0].similarity for one in some]) for some in (found, expected))
    threshold = np.quantile(theirs[~known], 0.99)
    assert np.mean((ours >= threshold) == (theirs >= threshold)) >= 0.995
    assert all(len(one) == 5 for one in found)


async def test_what_is_enrolled_is_found_at_once_and_what_is_forgotten_no_longer(
    gallery: EmbeddedGallery, path: Path, faces: Faces
) -> None:
    probe = faces.probes[faces.truth >= 0][:1]
    [[first, *_]] = await ask(gallery, probe)
    new = make_sample(1, embedding=probe[0])
    await gallery.enroll(SCOPE, "new", [new])
    [[best, second, *_]] = await ask(gallery, probe)
    assert (best.character.name, best.similarity) == ("new", pytest.approx(1.0, abs=1e-6))
    assert second == first
    await gallery.forget(SCOPE, first.character.name)
    assert await ask(gallery, probe, top=1) == await ask_exactly(path, probe, top=1)
    assert first.character not in [match.character for match in (await ask(gallery, probe))[0]]
    await gallery.undo(SCOPE)
    await gallery.forget(SCOPE, "new", for_good=True)
    assert await ask(gallery, probe, top=1) == [(first,)]
    assert gallery._stale_scopes(repair=False) == ()


async def test_moved_samples_and_new_names_are_seen(
    gallery: EmbeddedGallery, path: Path, faces: Faces
) -> None:
    await gallery.merge(SCOPE, "character 1", "character 2")
    await gallery.rename(SCOPE, "character 3", "renamed")
    asked = faces.vectors[[1, 2, 3]]
    found = await ask(gallery, asked)
    assert [one[0].character.name for one in found] == ["character 2", "character 2", "renamed"]
    expected = await ask_exactly(path, asked)
    assert [one[0] for one in found] == [one[0] for one in expected]


async def test_means_are_not_made_from_samples_as_long_as_these_are_the_same(
    gallery: EmbeddedGallery, faces: Faces
) -> None:
    view, asked = gallery._projection.view(SCOPE), []
    stored = view.stored
    assert stored

    def read(keys: Sequence[int]) -> StoredVectors:
        asked.append(keys)
        return stored.read(keys)

    view = replace(view, stored=replace(stored, read=read))
    [[first, *_]] = search([view], faces.vectors[:1], 5)
    assert len(asked) == 1, "only the nearest samples are read"
    asked.clear()
    changed = view.updated({first.character.id: faces_of(gallery, first)})
    [[again, *_]] = search([changed], faces.vectors[:1], 5)
    assert again == first
    assert len(asked) == 2
    assert len(asked[1]) == len(faces_of(gallery, first).sample_ids)


async def test_the_same_picture_is_recognised_though_its_vector_is_in_the_file(
    gallery: EmbeddedGallery, faces: Faces
) -> None:
    view = gallery._projection.view(SCOPE)
    [[match, *_]] = await ask(gallery, faces.vectors[5:6])
    row = view.rows()[match.sample_id]
    same = make_sample(8, embedding=faces.vectors[5], perceptual_hash=int(view.hashes[row]))
    assert await gallery.find_duplicate(SCOPE, same) == (match.character, match.sample_id, "alike")
    other = make_sample(8, embedding=faces.vectors[6], perceptual_hash=int(view.hashes[row]))
    assert await gallery.find_duplicate(SCOPE, other) is None


async def test_a_crowd_near_the_probe_does_not_hide_the_other_characters(path: Path, faces: Faces) -> None:
    """More samples of one character than are looked at first; gone or not."""
    crowd = Faces(
        np.concatenate([faces.vectors, np.repeat(faces.probes[:1], 700, axis=0)]),
        np.concatenate([faces.owners, np.full(700, faces.owners.max() + 1)]),
        faces.probes,
        faces.truth,
    )
    path = path.with_name("crowd.sqlite")
    fill(path, crowd, crop_bytes=10)
    gallery = await open_indexed(path)
    [matches] = await ask(gallery, faces.probes[:1])
    assert len({match.character.id for match in matches}) == 5
    assert matches[:1] == (await ask_exactly(path, faces.probes[:1]))[0][:1]
    await gallery.forget(SCOPE, matches[0].character.name)
    assert await ask(gallery, faces.probes[:1], top=4) == [tuple(matches[1:])]
    await gallery.close()


async def test_fewer_characters_than_asked_for_are_all_found(tmp_path: Path, faces: Faces) -> None:
    path = tmp_path / "few.sqlite"
    fill(path, Faces(faces.vectors[:2_000], faces.owners[:2_000] % 3, faces.probes, faces.truth), 10)
    gallery = await open_indexed(path)
    assert stored_in(gallery) == 2_000
    found = await ask(gallery, faces.probes[:4])
    assert found == await ask_exactly(path, faces.probes[:4])
    assert [len(one) for one in found] == [3] * 4
    await gallery.close()


async def test_a_scope_is_indexed_anew_when_much_has_come(path: Path, faces: Faces) -> None:
    gallery = await open_indexed(path, exact_up_to=5)
    strangers = faces.probes[faces.truth < 0]
    for number, vector in enumerate(strangers[:8]):
        await gallery.enroll(SCOPE, f"new {number}", [make_sample(number, embedding=vector)])
    view = gallery._projection.view(SCOPE)
    assert (view.stored_count, len(view.owners)) == (SAMPLES + 6, SAMPLES + 8)
    found = await ask(gallery, strangers[:8], top=1)
    assert [one[0].character.name for one in found] == [f"new {number}" for number in range(8)]
    await gallery.close()


async def test_a_scope_that_grows_is_indexed_when_it_is_large(tmp_path: Path, faces: Faces) -> None:
    gallery = await open_indexed(tmp_path / "new.sqlite", exact_up_to=20)
    for number in range(25):
        await gallery.enroll(SCOPE, f"one {number}", [make_sample(number, embedding=faces.vectors[number])])
        assert stored_in(gallery) == (0 if number < 20 else 21)
    found = await ask(gallery, faces.vectors[:25], top=1)
    assert [one[0].character.name for one in found] == [f"one {number}" for number in range(25)]
    await gallery.close()


async def test_a_reader_sees_what_the_writer_commits(path: Path, faces: Faces) -> None:
    writer = await open_indexed(path)
    reader = await open_indexed(path, read_only=True)
    stranger = faces.probes[faces.truth < 0][:1]
    await writer.enroll(SCOPE, "new", [make_sample(1, embedding=stranger[0])])
    assert (await ask(reader, stranger))[0][0].character.name == "new"
    assert stored_in(reader) == SAMPLES + 1
    await reader.close()
    await writer.close()


async def test_a_search_that_began_before_its_sample_was_erased_leaves_it_out(
    path: Path, faces: Faces
) -> None:
    gallery = await open_indexed(path, undo_days=0)
    before = gallery._projection.view(SCOPE)
    await gallery.forget(SCOPE, "character 0", for_good=True)
    [matches] = search([before], faces.vectors[:1], 5)
    assert "character 0" not in [match.character.name for match in matches]
    assert matches
    await gallery.close()


async def test_a_closed_file_is_not_opened_again(gallery: EmbeddedGallery, path: Path, faces: Faces) -> None:
    view = gallery._projection.view(SCOPE)
    await gallery.close()
    with pytest.raises(StoppedError):
        search([view], faces.probes[:1], 5)


def test_vectors_are_read_as_they_were_written(gallery: EmbeddedGallery, path: Path, faces: Faces) -> None:
    file, stored = VectorFile(path), gallery._projection.view(SCOPE).stored
    assert stored
    wanted = stored.embeddings[:3].tolist()
    read = file.read(CONTRACT, [*wanted, 10**9])
    assert read.keys.tolist() == wanted
    assert read.faces.tolist() == stored.faces[:3].tolist()
    assert all((faces.vectors == vector).all(axis=1).any() for vector in read.vectors)
    none = file.read(replace(CONTRACT, model="other"), wanted)
    assert (none.keys.shape, none.faces.shape, none.vectors.shape) == ((0,), (0,), (0, CONTRACT.dimension))
    file.close()


@pytest.mark.parametrize(("quick_s", "connections"), [(-1.0, 9), (60.0, 1)])
def test_helpers_wait_for_a_slow_disk_only(
    path: Path, monkeypatch: pytest.MonkeyPatch, quick_s: float, connections: int
) -> None:
    opened: list[Path] = []

    def open_reader(path: Path) -> sqlite3.Connection:
        opened.append(path)
        return open_unpatched(path)

    open_unpatched = schema.open_reader
    monkeypatch.setattr(schema, "open_reader", open_reader)
    monkeypatch.setattr(stored, "_LONG_S", quick_s)
    there, file = embeddings_in(path), VectorFile(path)
    for count in (1, 8, 9, 500):
        wanted = sorted(there)[3 : 5_000 : 5_000 // count][:count]
        read = file.read(CONTRACT, wanted)
        assert read.keys.tolist() == wanted
        found = zip(read.faces.tolist(), (vector.tobytes() for vector in read.vectors), strict=True)
        assert [*found] == [there[key] for key in wanted]
    file.close()
    assert opened == [path] * connections
    with pytest.raises(StoppedError):
        file.read(CONTRACT, wanted)


def test_an_embedding_that_is_of_another_face_now_is_not_taken(gallery: EmbeddedGallery) -> None:
    stored, rows = gallery._projection.view(SCOPE).stored, np.array([4, 2, 9])
    assert stored
    read = stored.vectors(rows)
    assert read.rows.tolist() == [2, 4, 9]
    assert read.places(np.array([9, 2, 3, 10, 4])).tolist() == [2, 0, -1, -1, 1]
    others = stored.faces.copy()
    others[2] += 1
    again = replace(stored, faces=others).vectors(rows)
    assert again.rows.tolist() == [4, 9]
    assert np.array_equal(again.vectors, read.vectors[1:])


def test_rows_that_are_all_gone_are_nowhere(gallery: EmbeddedGallery) -> None:
    stored = gallery._projection.view(SCOPE).stored
    assert stored
    read = replace(stored, embeddings=stored.embeddings + 10**9).vectors(np.array([4, 2, 9]))
    assert (read.rows.shape, read.vectors.shape) == ((0,), (0, CONTRACT.dimension))
    assert read.places(np.array([4, 9])).tolist() == [-1, -1]
