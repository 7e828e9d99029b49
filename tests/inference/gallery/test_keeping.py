"""What the gallery's file keeps of what was removed, for how long, and how it became able to."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from inference.domain import Scope
from inference.errors import CannotUndoError, GalleryUnavailableError
from inference.gallery import embedded, schema
from inference.gallery.embedded import EmbeddedGallery, open_embedded_gallery
from tests.contract.galleries import UNDO_DAYS, Clock
from tests.inference.gallery.samples import (
    HashEmbedder,
    make_contract,
    make_crop,
    make_embedding,
    make_sample,
    probes,
)

HERE, THERE = Scope("here"), Scope("there")
VERSION_1 = Path(__file__).with_name("version_1.sql")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.sqlite"


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def opened(path: Path, clock: Clock, **options: object) -> EmbeddedGallery:
    return await open_embedded_gallery(path, make_contract(), undo_days=UNDO_DAYS, clock=clock, **options)


async def filled(path: Path, clock: Clock) -> EmbeddedGallery:
    gallery = await opened(path, clock)
    for number in range(5):
        await gallery.enroll(HERE, f"c{number}", [make_sample(10 * number + n) for n in range(4)])
    return gallery


def is_on_disk(path: Path, seed: int) -> bool:
    """Whether the crop or the embedding can be read from the gallery's files, by whatever means."""
    files = [file.read_bytes() for file in path.parent.glob(f"{path.name}*")]
    return any(
        part in data for data in files for part in (make_crop(seed).data[40:72], bytes(make_embedding(seed)))
    )


async def until_gone(path: Path, seed: int) -> None:
    for _ in range(2_000):
        if not is_on_disk(path, seed):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it is still there")


# ── how long ────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_forgotten_for_good_cannot_be_read_from_the_file(path: Path, clock: Clock) -> None:
    gallery = await filled(path, clock)
    await gallery.forget(HERE, "c1")
    assert is_on_disk(path, 10)
    await gallery.undo(HERE)
    await gallery.forget(HERE, "c1", for_good=True)
    [sample, *_] = await gallery.samples([HERE], (await gallery.character([HERE], "c2")).id)
    await gallery.forget_sample(HERE, sample.id, for_good=True)
    for _ in range(2):  # open, and closed
        assert [is_on_disk(path, seed) for seed in (10, 11, 12, 13, 20)] == [False] * 5
        assert is_on_disk(path, 21)
        await gallery.close()


async def test_without_undo_days_forgetting_is_for_good(path: Path) -> None:
    gallery = await open_embedded_gallery(path, make_contract())
    await gallery.enroll(HERE, "c", [make_sample(1), make_sample(2)])
    await gallery.forget(HERE, "c")
    assert not is_on_disk(path, 1)
    await gallery.close()


async def test_an_open_gallery_lets_go_by_itself_when_the_time_is_over(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_EXPIRE_EVERY_S", 0.01)
    gallery = await filled(path, clock)
    await gallery.forget(HERE, "c1")
    await asyncio.sleep(0.1)
    assert is_on_disk(path, 10)
    clock.advance(days=UNDO_DAYS)
    await until_gone(path, 10)
    await gallery.close()


async def test_letting_go_is_tried_again_when_it_fails(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(embedded, "_EXPIRE_EVERY_S", 0.01)
    gallery = await filled(path, clock)
    await gallery.forget(HERE, "c1")
    clock.advance(days=UNDO_DAYS)
    expire, failures = gallery._store.log.expire, [GalleryUnavailableError(reason="disk full")] * 2

    def expire_at_the_third_time() -> bool:
        if failures:
            raise failures.pop()
        return expire()

    monkeypatch.setattr(gallery._store.log, "expire", expire_at_the_third_time)
    await until_gone(path, 10)
    assert caplog.text.count("gallery_expire_failed") == 2
    await gallery.close()


async def test_a_gallery_opened_after_the_time_lets_go_at_once(path: Path, clock: Clock) -> None:
    gallery = await filled(path, clock)
    await gallery.forget(HERE, "c1")
    await gallery.close()
    clock.advance(days=UNDO_DAYS - 1)
    await (await opened(path, clock)).close()
    assert is_on_disk(path, 10)
    clock.advance(days=2)
    await (await opened(path, clock)).close()
    assert not is_on_disk(path, 10)


async def test_somebody_who_reads_on_does_not_hold_up_forgetting(path: Path, clock: Clock) -> None:
    gallery = await filled(path, clock)
    with closing(schema.open_reader(path)) as reader, schema.snapshot(reader):
        reader.execute("SELECT count(*) FROM faces").fetchone()
        started = time.monotonic()
        await gallery.forget(HERE, "c1", for_good=True)
        assert time.monotonic() - started < 5
    await gallery.forget(HERE, "c2", for_good=True)
    assert not is_on_disk(path, 10)
    await gallery.close()


async def test_a_reader_sees_what_can_be_taken_back(path: Path, clock: Clock) -> None:
    gallery = await filled(path, clock)
    await gallery.forget(HERE, "c1")
    reader = await opened(path, clock, read_only=True)
    assert await reader.audit(HERE) == await gallery.audit(HERE)
    assert all(entry.undo_until for entry in await reader.audit(HERE))
    await gallery.undo(HERE)
    [[match]] = await reader.search(probes(make_embedding(10)), [HERE], top=1)
    assert match.character.name == "c1"
    await reader.close()
    await gallery.close()


async def test_damage_to_what_is_kept_troubles_nobody_until_it_is_back(path: Path, clock: Clock) -> None:
    gallery = await filled(path, clock)
    await gallery.forget(HERE, "c1")
    await gallery.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM embeddings WHERE face IN (SELECT seq FROM faces WHERE removed_by)")
        connection.commit()
    gallery = await opened(path, clock)
    assert await gallery.verify(repair=False) == ()
    await gallery.undo(HERE)
    assert [f.kind for f in await gallery.verify(repair=False)] == ["missing_embedding"] * 4
    await gallery.close()


# ── files of the first version ──────────────────────────────────────────────────────────────────


@pytest.fixture
def first_version(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1.read_text(encoding="utf-8"))
        assert schema.schema_version(connection) == 1
    return path


async def test_a_file_of_the_first_version_loses_nothing(first_version: Path, clock: Clock) -> None:
    gallery = await opened(first_version, clock)
    stats = await gallery.stats()
    assert (stats.characters, stats.samples, stats.negatives) == (3, 5, 1)
    assert stats.schema_version == len(schema.MIGRATIONS)
    eru, rin = await gallery.characters([HERE])
    assert (eru.name, eru.series, eru.aliases, eru.sample_count) == ("Chitanda Eru", "Hyouka", ("える",), 2)
    assert (rin.name, rin.aliases) == ("Rin", ("Rin?",))
    for character, seeds in ((eru, (1, 2)), (rin, (3, 4))):
        samples = await gallery.samples([HERE], character.id)
        assert [sample.source for sample in samples] == [f"picture {seed}" for seed in seeds]
        assert [await gallery.crop([HERE], sample.id) for sample in samples] == list(map(make_crop, seeds))
    [[first, _], wrong] = await gallery.search(probes(make_embedding(4), make_embedding(5)), [HERE], top=2)
    assert first.character == rin
    assert first.similarity == pytest.approx(1, abs=1e-6)
    assert {m.character.name: m.negative_similarity for m in wrong} == {
        "Rin": pytest.approx(1, abs=1e-6),
        "Chitanda Eru": None,
    }
    assert await gallery.verify(repair=False) == ()
    again = HashEmbedder(8)
    async for _ in gallery.reindex(make_contract("second", 8), again):
        pass
    assert again.calls == 0  # the embeddings of the contract before came along too
    await gallery.close()


async def test_changes_of_the_first_version_stay_and_new_ones_can_be_taken_back(
    first_version: Path, clock: Clock
) -> None:
    gallery = await opened(first_version, clock)
    log = await gallery.audit(HERE)
    assert [entry.action for entry in log] == [
        "forget_character",
        "enroll",
        "merge",
        "negative",
        "enroll",
        "enroll",
        "enroll",
    ]
    assert {(entry.undo_until, entry.undone_by) for entry in log} == {(None, None)}
    with pytest.raises(CannotUndoError) as caught:
        await gallery.undo(HERE)
    assert caught.value.data["reason"] == "final"
    before = await gallery.search(probes(make_embedding(1)), [HERE, THERE], top=9)
    await gallery.forget(HERE, "Rin")
    await gallery.undo(HERE)
    assert await gallery.search(probes(make_embedding(1)), [HERE, THERE], top=9) == before
    assert before[0][0].similarity > 0.99
    await gallery.close()


async def test_a_damaged_file_of_the_first_version_keeps_its_damage_for_verify(
    first_version: Path, clock: Clock
) -> None:
    with closing(sqlite3.connect(first_version)) as connection:
        connection.execute("UPDATE faces SET character = 999 WHERE content_hash = 'content 2'")
        connection.commit()
    gallery = await opened(first_version, clock)
    assert "orphan" in {finding.kind for finding in await gallery.verify(repair=False)}
    await gallery.close()


# ── what one contributor has given ──────────────────────────────────────────────────────────────


async def test_forgotten_contributions_and_their_contributor_cannot_be_read_from_the_file(
    path: Path, clock: Clock
) -> None:
    gallery = await opened(path, clock)
    for number in range(40):
        by = "Oreki Houtarou (discord:80351110224678912)" if number % 3 else "Eru (discord:70)"
        await gallery.enroll(HERE, f"c{number % 7}", [make_sample(number, added_by=by)], actor=by)
    await gallery.forget(HERE, "c5")
    assert is_on_disk(path, 1)
    await gallery.forget_contributions(HERE, "discord:80351110224678912")
    for _ in range(2):  # open, and closed
        files = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
        assert b"Houtarou" not in files
        assert b"80351110224678912" not in files
        assert b"(discord:70)" in files
        assert {seed for seed in range(40) if is_on_disk(path, seed)} == set(range(0, 40, 3))
        await gallery.close()
