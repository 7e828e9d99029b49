"""Damage done to the rows is found, named, and mended where that is possible."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.domain import Embeddings, FaceCrop, Scope, as_embeddings
from inference.gallery.base import Finding
from inference.gallery.embedded import EmbeddedGallery, open_embedded_gallery
from tests.inference.gallery.samples import (
    DIMENSION,
    make_contract,
    make_crop,
    make_embedding,
    make_sample,
    names,
    probes,
)

HERE = Scope("here")


async def reembed(crops: list[FaceCrop]) -> Embeddings:
    """The embeddings the crops of `samples.py` were enrolled with."""
    seeds = {make_crop(seed).data: seed for seed in range(20)}
    return as_embeddings(np.stack([make_embedding(seeds[crop.data]) for crop in crops]), DIMENSION)


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    made = tmp_path / "gallery.sqlite"
    gallery = await open_embedded_gallery(made, make_contract())
    for number in range(4):
        await gallery.enroll(
            HERE, f"c{number}", [make_sample(number), make_sample(10 + number)], aliases=[f"a{number}"]
        )
    await gallery.add_negative(HERE, "c0", make_sample(9))
    assert await gallery.verify(repair=False) == ()
    await gallery.close()
    yield made


def damage(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


FACE = "(SELECT seq FROM faces WHERE content_hash = 'content 1')"

DAMAGES = {
    "missing embedding": ([f"DELETE FROM embeddings WHERE face = {FACE}"], "missing_embedding", True),
    "short embedding": (
        [f"UPDATE embeddings SET vector = x'00' WHERE face = {FACE}"],
        "bad_embedding",
        True,
    ),
    "zero embedding": (
        [f"UPDATE embeddings SET vector = zeroblob({4 * DIMENSION}) WHERE face = {FACE}"],
        "bad_embedding",
        True,
    ),
    "nan embedding": (
        [f"UPDATE embeddings SET vector = x'{'0000c07f' * DIMENSION}' WHERE face = {FACE}"],
        "bad_embedding",
        True,
    ),
    "orphan embedding and crop": (
        [
            "INSERT INTO embeddings(face, contract, vector) VALUES(999, 1, x'00')",
            "INSERT INTO crops VALUES(999, x'00', 0, 0, 1, 1)",
        ],
        "orphan",
        True,
    ),
    "orphan face": (["UPDATE faces SET character = 999 WHERE content_hash = 'content 3'"], "orphan", True),
    "lost name": (["DELETE FROM names WHERE spelling = 'c2' AND position = 0"], "name_disagreement", True),
    "all names lost": (["DELETE FROM names WHERE spelling IN ('c2', 'a2')"], "name_disagreement", True),
    "misfiled name": (["UPDATE names SET key = 'C2' WHERE spelling = 'c2'"], "name_disagreement", True),
    "name in another scope": (
        ["UPDATE names SET scope = 'x' WHERE spelling = 'c2'"],
        "name_disagreement",
        True,
    ),
    "misfiled series": (["UPDATE characters SET series_key = 'x'"], "name_disagreement", True),
    "destroyed crop": ([f"UPDATE crops SET data = x'00' WHERE face = {FACE}"], "unreadable_crop", False),
    "cut crop": (
        [f"UPDATE crops SET data = substr(data, 1, length(data) / 2) WHERE face = {FACE}"],
        "unreadable_crop",
        False,
    ),
    "missing crop": ([f"DELETE FROM crops WHERE face = {FACE}"], "missing_crop", False),
    "empty character": (["DELETE FROM faces WHERE character = 2"], "empty_character", False),
}


@pytest.mark.parametrize(
    ("statements", "kind", "mendable"),
    list(DAMAGES.values()),
    ids=[name.replace(" ", "-") for name in DAMAGES],
)
async def test_damage_is_found_and_mended_where_it_can_be(
    path: Path, statements: list[str], kind: str, mendable: bool
) -> None:
    damage(path, *statements)
    gallery = await open_embedded_gallery(path, make_contract())
    found = await gallery.verify(repair=False)
    assert {finding.kind for finding in found} >= {kind}
    assert not any(finding.repaired for finding in found)
    assert await gallery.verify(repair=False) == found

    mended = await gallery.verify(repair=True, reembed=reembed)
    assert {(f.kind, f.subject) for f in mended} == {(f.kind, f.subject) for f in found}
    assert {f.repaired for f in mended if f.kind == kind} == {mendable}
    left = await gallery.verify(repair=False)
    if mendable:
        assert {f.kind for f in left} <= {"empty_character", "orphan"}
        assert [e.action for e in await gallery.audit(limit=1)] == ["repair"]
        left = await gallery.verify(repair=True, reembed=reembed)
        assert not [f for f in left if not f.repaired and f.kind != "empty_character"]
    answers = await gallery.search(probes(make_embedding(1), make_embedding(2)), [HERE], top=9)
    await gallery.close()
    again = await open_embedded_gallery(path, make_contract())
    assert await again.search(probes(make_embedding(1), make_embedding(2)), [HERE], top=9) == answers
    await again.close()


async def test_a_mended_embedding_is_searched_again(path: Path) -> None:
    damage(path, f"DELETE FROM embeddings WHERE face = {FACE}")
    gallery = await open_embedded_gallery(path, make_contract())
    [finding] = await gallery.verify(repair=True)
    assert (finding.kind, finding.repaired) == ("missing_embedding", False)  # nothing to embed with
    [[match]] = await gallery.search(probes(make_embedding(1)), [HERE], top=1)
    assert match.similarity < 0.99
    [finding] = await gallery.verify(repair=True, reembed=reembed)
    assert finding.repaired
    [[match]] = await gallery.search(probes(make_embedding(1)), [HERE], top=1)
    assert match.similarity > 0.99
    await gallery.close()


async def test_a_face_without_embedding_and_readable_crop_does_not_stop_the_others(path: Path) -> None:
    damage(path, "DELETE FROM embeddings", f"UPDATE crops SET data = x'00' WHERE face = {FACE}")
    gallery = await open_embedded_gallery(path, make_contract())
    findings = await gallery.verify(repair=True, reembed=reembed)
    assert sum(f.kind == "missing_embedding" and f.repaired for f in findings) == 8
    assert sum(f.kind == "missing_embedding" and not f.repaired for f in findings) == 1
    await gallery.close()


async def test_a_broken_index_is_rebuilt(path: Path) -> None:
    damage(
        path,
        "PRAGMA writable_schema = ON",
        # The index now lacks rows that the table has.
        "UPDATE sqlite_master SET sql = 'CREATE INDEX faces_by_content ON faces(content_hash)"
        " WHERE negative = 1' WHERE name = 'faces_by_content'",
    )
    damage(path, "REINDEX faces_by_content")
    damage(
        path,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'CREATE INDEX faces_by_content ON faces(content_hash)'"
        " WHERE name = 'faces_by_content'",
    )
    gallery = await open_embedded_gallery(path, make_contract())
    assert {f.kind for f in await gallery.verify(repair=False)} == {"damaged_file"}
    assert all(f.repaired for f in await gallery.verify(repair=True))
    assert await gallery.verify(repair=False) == ()
    await gallery.close()


def lose_a_row(gallery: EmbeddedGallery) -> None:
    view = gallery._projection.view(HERE)
    gallery._projection = replace(gallery._projection, views={HERE: replace(view, owners=view.owners[:-1])})


def change_a_vector(gallery: EmbeddedGallery) -> None:
    gallery._projection.view(HERE).vectors[2] *= -1


def lose_everything(gallery: EmbeddedGallery) -> None:
    gallery._projection = replace(gallery._projection, views={})


def forget_a_negative(gallery: EmbeddedGallery) -> None:
    view = gallery._projection.view(HERE)
    gallery._projection = replace(gallery._projection, views={HERE: replace(view, negatives={})})


@pytest.mark.parametrize(
    "lose", [lose_a_row, change_a_vector, lose_everything, forget_a_negative], ids=lambda f: f.__name__
)
async def test_a_projection_that_disagrees_with_the_file_is_made_again(
    path: Path, lose: Callable[[EmbeddedGallery], None]
) -> None:
    gallery = await open_embedded_gallery(path, make_contract())
    asked = probes(*(make_embedding(n) for n in range(14)))
    before = await gallery.search(asked, [HERE], top=9)
    lose(gallery)
    assert await gallery.verify(repair=False) == (Finding("stale_projection", HERE, repaired=False),)
    assert await gallery.verify(repair=True) == (Finding("stale_projection", HERE, repaired=True),)
    assert await gallery.verify(repair=False) == ()
    assert await gallery.search(asked, [HERE], top=9) == before
    assert names(before[1])[0] == "c1"
    await gallery.close()
