"""What only the gallery in a file does: locks, readers beside a writer, damaged and old files."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from inference.domain import Embeddings, SampleId, Scope
from inference.errors import (
    ContractMismatchError,
    GalleryDamagedError,
    GalleryLockedError,
    GalleryUnavailableError,
    StoppedError,
)
from inference.gallery import schema
from inference.gallery.embedded import open_embedded_gallery
from tests.inference.gallery.samples import (
    DIMENSION,
    HashEmbedder,
    make_contract,
    make_embedding,
    make_sample,
    names,
    probes,
)

HERE = Scope("here")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "gallery.sqlite"


def contents(path: Path) -> bytes:
    return path.read_bytes()


async def make_gallery(path: Path, count: int = 3) -> None:
    gallery = await open_embedded_gallery(path, make_contract())
    for number in range(count):
        await gallery.enroll(HERE, f"character {number}", [make_sample(number)])
    await gallery.close()


# ── one writer, many readers ────────────────────────────────────────────────────────────────────


async def test_a_gallery_is_there_again_after_closing(path: Path) -> None:
    await make_gallery(path)
    gallery = await open_embedded_gallery(path, make_contract())
    [[match]] = await gallery.search(probes(make_embedding(1)), [HERE], top=1)
    assert match.character.name == "character 1"
    await gallery.close()


def start_writer(path: Path) -> subprocess.Popen[str]:
    program = (
        "import asyncio, sys, pathlib\n"
        "from inference.gallery.embedded import open_embedded_gallery\n"
        "from tests.inference.gallery.samples import make_contract\n"
        "kept = asyncio.run(open_embedded_gallery(pathlib.Path(sys.argv[1]), make_contract()))\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


async def test_a_second_writer_is_told_who_has_the_gallery(path: Path) -> None:
    with start_writer(path) as child:
        assert child.stdout
        assert child.stdout.readline() == "open\n"
        with pytest.raises(GalleryLockedError, match=rf"\(pid {child.pid}\)"):
            await open_embedded_gallery(path, make_contract())
        child.kill()
    await make_gallery(path)  # the lock died with its process


async def test_the_lock_is_let_go_by_closing_and_by_a_failed_opening(path: Path) -> None:
    await make_gallery(path)
    with pytest.raises(ContractMismatchError):
        await open_embedded_gallery(path, make_contract("second"))
    first = await open_embedded_gallery(path, make_contract())
    with pytest.raises(GalleryLockedError):
        await open_embedded_gallery(path, make_contract())
    await first.close()
    await (await open_embedded_gallery(path, make_contract())).close()


async def test_a_reader_follows_what_the_writer_commits(path: Path) -> None:
    writer = await open_embedded_gallery(path, make_contract())
    await writer.enroll(HERE, "A", [make_sample(1)])
    reader = await open_embedded_gallery(path, make_contract(), read_only=True)
    for number, name in enumerate("BCD", start=2):
        await writer.enroll(HERE, name, [make_sample(number)])
        [[match]] = await reader.search(probes(make_embedding(number)), [HERE], top=1)
        assert match.character.name == name
        assert await reader.find_duplicate(HERE, make_sample(number)) == (
            match.character,
            match.sample_id,
            "identical",
        )
        assert len(await reader.characters([HERE])) == number
    assert await reader.verify(repair=False) == ()
    assert await reader.export(path.parent / "a.zip") == 4
    await reader.close()
    await writer.close()


async def test_a_reader_changes_nothing(path: Path) -> None:
    await make_gallery(path)
    before = contents(path)
    reader = await open_embedded_gallery(path, make_contract(), read_only=True)
    for change in (
        reader.enroll(HERE, "New", [make_sample(9)]),
        reader.rename(HERE, "character 1", "New"),
        reader.set_aliases(HERE, "character 1", ["New"]),
        reader.merge(HERE, "character 1", "character 2"),
        reader.forget(HERE, "character 1"),
        reader.add_negative(HERE, "character 1", make_sample(9)),
        reader.move_samples(HERE, "character 1", [SampleId("any")], "New"),
        reader.undo(HERE),
        reader.verify(repair=True),
        reader.import_(path),
        anext(reader.reindex(make_contract("second"), HashEmbedder(DIMENSION))),
    ):
        with pytest.raises(GalleryLockedError):
            await change
    await reader.close()
    assert contents(path) == before


async def test_a_reader_of_a_missing_file_sees_an_empty_gallery_and_makes_none(path: Path) -> None:
    reader = await open_embedded_gallery(path, make_contract(), read_only=True)
    assert await reader.search(probes(make_embedding(1)), [HERE], top=1) == [()]
    assert (await reader.stats()).samples == 0
    assert await reader.verify(repair=False) == ()
    with pytest.raises(GalleryLockedError):
        await reader.enroll(HERE, "A", [make_sample(1)])
    await reader.close()
    assert not path.parent.exists()


async def test_a_reader_stops_answering_when_the_contract_is_switched(path: Path) -> None:
    writer = await open_embedded_gallery(path, make_contract())
    await writer.enroll(HERE, "A", [make_sample(1)])
    reader = await open_embedded_gallery(path, make_contract(), read_only=True)
    async for _ in writer.reindex(make_contract("second"), HashEmbedder(DIMENSION)):
        pass
    with pytest.raises(ContractMismatchError):
        await reader.search(probes(make_embedding(1)), [HERE], top=1)
    await reader.close()
    await writer.close()


async def test_a_closed_gallery_says_so(path: Path) -> None:
    gallery = await open_embedded_gallery(path, make_contract())
    await gallery.close()
    await gallery.close()
    for call in (
        gallery.search(probes(make_embedding(1)), [HERE], top=1),
        gallery.enroll(HERE, "A", [make_sample(1)]),
        gallery.characters([HERE]),
        gallery.verify(repair=False),
        gallery.export(path.parent / "a.zip"),
    ):
        with pytest.raises(StoppedError):
            await call


async def test_a_cancelled_enrollment_is_whole_or_not_there(path: Path) -> None:
    gallery = await open_embedded_gallery(path, make_contract())
    for number in range(40):
        task = asyncio.create_task(gallery.enroll(HERE, f"c{number}", [make_sample(number)]))
        await asyncio.sleep(0.0002 * (number % 10))
        task.cancel()
        await asyncio.wait([task])
    listed = {c.name for c in await gallery.characters([HERE])}
    [matches] = await gallery.search(probes(make_embedding(1)), [HERE], top=100)
    assert set(names(matches)) == listed
    assert await gallery.verify(repair=False) == ()
    await gallery.close()


async def test_the_event_loop_never_waits_for_the_gallery(path: Path) -> None:
    """A long transaction of the gallery's thread leaves the loop free, and so does waiting for it."""
    gallery = await open_embedded_gallery(path, make_contract())
    gallery._store.connection.create_function("pause", 0, lambda: time.sleep(0.3))
    slow = asyncio.create_task(
        gallery._read(lambda: gallery._store.connection.execute("SELECT pause()").fetchone())
    )
    await asyncio.sleep(0.01)
    enrolling = asyncio.create_task(gallery.enroll(HERE, "A", [make_sample(1)]))
    longest = 0.0
    while not enrolling.done():
        started = time.perf_counter()
        await gallery.search(probes(make_embedding(1)), [HERE], top=1)
        longest = max(longest, time.perf_counter() - started)
        await asyncio.sleep(0.005)
    await slow
    assert longest < 0.15
    await gallery.close()


# ── contracts ───────────────────────────────────────────────────────────────────────────────────


async def test_another_contract_is_refused_unless_it_is_asked_for(path: Path) -> None:
    await make_gallery(path)
    second = make_contract("second", 24)
    for read_only in (False, True):
        with pytest.raises(ContractMismatchError, match="made with the model first, but second"):
            await open_embedded_gallery(path, second, read_only=read_only)
    gallery = await open_embedded_gallery(path, second, any_contract=True)
    assert gallery.contract == make_contract()
    assert len(await gallery.characters([HERE])) == 3
    async for _ in gallery.reindex(second, HashEmbedder(24)):
        pass
    await gallery.close()
    await (await open_embedded_gallery(path, second)).close()


# ── files that are not what they should be ──────────────────────────────────────────────────────


def write_text(path: Path) -> None:
    path.write_text("this is not a gallery" * 100)


def write_other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t(a)")
        connection.commit()


def write_newer_schema(path: Path) -> None:
    with closing(schema.open_writer(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (write_text, "not a database"),
        (write_other_database, "not a gallery"),
        (write_newer_schema, "version 99.*Update Dareda"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
async def test_a_file_that_is_no_gallery_of_ours_is_refused_and_left_alone(
    path: Path, write: Callable[[Path], None], reason: str, read_only: bool
) -> None:
    path.parent.mkdir()
    write(path)
    before = contents(path)
    with pytest.raises(GalleryDamagedError, match=reason):
        await open_embedded_gallery(path, make_contract(), read_only=read_only)
    assert contents(path) == before


def destroy_pages(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:8192] + np.random.default_rng(1).bytes(len(data) - 8192))


async def test_a_file_with_destroyed_pages_is_reported_as_damaged(path: Path) -> None:
    await make_gallery(path, 40)
    destroy_pages(path)
    with pytest.raises(GalleryDamagedError):
        await open_embedded_gallery(path, make_contract())


def make_tables(path: Path) -> None:
    schema.open_writer(path).close()  # no contract yet


@pytest.mark.parametrize("make", [Path.touch, make_tables])
async def test_a_file_whose_creation_was_cut_short_is_finished(
    path: Path, make: Callable[[Path], None]
) -> None:
    path.parent.mkdir()
    make(path)
    reader = await open_embedded_gallery(path, make_contract(), read_only=True)
    assert await reader.search(probes(make_embedding(1)), [HERE], top=1) == [()]
    await reader.close()
    await make_gallery(path)


async def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GalleryUnavailableError):
        await open_embedded_gallery(tmp_path / "file" / "gallery.sqlite", make_contract())


async def test_an_older_file_is_migrated_by_a_writer_and_refused_to_a_reader(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_gallery(path)
    newer = (*schema.MIGRATIONS, ("CREATE TABLE later(a)", "INSERT INTO later VALUES(1)"))
    monkeypatch.setattr(schema, "MIGRATIONS", newer)
    with pytest.raises(GalleryDamagedError, match="older version"):
        await open_embedded_gallery(path, make_contract(), read_only=True)
    with closing(schema.open_writer(path, newer)) as connection:
        assert schema.schema_version(connection) == len(newer)
        assert connection.execute("SELECT a FROM later").fetchall() == [(1,)]
        assert connection.execute("SELECT count(*) FROM faces").fetchone() == (3,)


async def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    await make_gallery(path)
    broken = (*schema.MIGRATIONS, ("CREATE TABLE later(a)", "INSERT INTO nowhere VALUES(1)"))
    with pytest.raises(sqlite3.OperationalError):
        schema.open_writer(path, broken)
    gallery = await open_embedded_gallery(path, make_contract())
    assert (await gallery.stats()).schema_version == len(schema.MIGRATIONS)
    assert await gallery.verify(repair=False) == ()
    await gallery.close()


async def test_a_full_disk_loses_nothing_and_is_reported_as_passing(path: Path) -> None:
    gallery = await open_embedded_gallery(path, make_contract())
    await gallery.enroll(HERE, "A", [make_sample(1)])
    connection = gallery._store.connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(GalleryUnavailableError, match="full"):
        for number in range(2, 200):
            await gallery.enroll(HERE, f"c{number}", [make_sample(number)])
    connection.execute("PRAGMA max_page_count = 1000000")
    count = len(await gallery.characters([HERE]))
    await gallery.enroll(HERE, "Z", [make_sample(1000)])
    [matches] = await gallery.search(probes(make_embedding(1)), [HERE], top=500)
    assert len(matches) == count + 1
    assert await gallery.verify(repair=False) == ()
    await gallery.close()


async def test_search_of_a_big_batch_gives_each_probe_its_own_answer(path: Path) -> None:
    await make_gallery(path, 40)
    gallery = await open_embedded_gallery(path, make_contract())
    asked = Embeddings(np.stack([make_embedding(n % 40) for n in range(100)]))
    found = await gallery.search(asked, [HERE], top=1)
    assert [names(one) for one in found] == [[f"character {n % 40}"] for n in range(100)]
    await gallery.close()
