"""`backup`: what is kept is copied beside a running bot, and a copy is all that it takes to go on."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.chat import ChatRef
from bot.chat_store import open_chat_store
from bot.space_settings import SpaceSettings
from config.options import Options
from inference.domain import Scope
from inference.gallery.base import Gallery
from inference.gallery.factory import open_gallery
from tests.flow.command_line import CommandLine
from tests.inference.gallery.samples import make_embedding, make_sample

CHAT = ChatRef("discord", "1", "1")


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path / "data", capsys)


async def enroll(gallery: Gallery, seed: int) -> None:
    embedding = make_embedding(seed, gallery.contract.dimension)
    await gallery.enroll(Scope("cli"), "Rin", [make_sample(seed, embedding=embedding)])


def test_a_copy_made_while_the_bot_runs_holds_all_that_was_acknowledged(
    line: CommandLine, tmp_path: Path
) -> None:
    options = Options(data_dir=line.data_dir)

    async def run() -> None:
        async with (
            open_gallery(options) as gallery,
            open_chat_store(options.chats_file, options.chats) as store,
        ):
            await store.set_settings(CHAT, SpaceSettings(language="zh"))
            for seed in range(3):
                await enroll(gallery, seed)
            # Both files are open for writing and locked; the newest changes are only in their logs.
            said = await asyncio.to_thread(line.run, "backup", tmp_path / "copy")
            assert said.splitlines() == [str(tmp_path / "copy" / name) for name in NAMES]
            await enroll(gallery, 3)

    asyncio.run(run())
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == sorted(NAMES)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "copy").iterdir()} == {0o600}
    assert [record["samples"] for record in line.records("characters")] == [4]

    # Restored: the files are put where the lost ones were.
    shutil.rmtree(line.data_dir)
    shutil.copytree(tmp_path / "copy", line.data_dir)
    assert [record["samples"] for record in line.records("characters")] == [3]
    assert "as it should be" in line.run("gallery", "verify")

    async def language() -> str:
        async with open_chat_store(options.chats_file, options.chats) as store:
            return store.settings(CHAT).language

    assert asyncio.run(language()) == "zh"


NAMES = ["gallery.sqlite", "chats.sqlite"]


def test_there_must_be_something_to_copy(line: CommandLine, tmp_path: Path) -> None:
    line.run("backup", tmp_path / "copy", code=1)
    assert "nothing" in line.errors
    assert not (tmp_path / "copy").exists()


def test_an_older_copy_is_not_written_over(line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    line.data_dir.mkdir()
    with closing(sqlite3.connect(line.data_dir / NAMES[0])):
        (line.data_dir / NAMES[0]).touch()
    line.run("backup", tmp_path / "copy", code=1)
    assert "File exists" in line.errors
    assert list((tmp_path / "copy").iterdir()) == []


def test_a_damaged_file_makes_no_good_copy(line: CommandLine, tmp_path: Path) -> None:
    line.data_dir.mkdir()
    (line.data_dir / NAMES[0]).write_bytes(b"no database at all" * 1_000)
    line.run("backup", tmp_path / "copy", code=78)
    assert "gallery.sqlite" in line.errors
    assert not (tmp_path / "copy").exists()
