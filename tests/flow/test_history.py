"""`history` and `undo`: the audit log as a user meets it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.terminal.history import describe
from config.options import Options
from inference.domain import Embeddings, FaceCrop, Scope
from inference.gallery.base import NewSample
from inference.gallery.embedded import open_embedded_gallery
from inference.gallery.factory import open_gallery
from tests.flow.command_line import CommandLine
from tests.inference.gallery.samples import HashEmbedder, make_contract, make_embedding, make_sample

CLI = Scope("cli")


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """With Rin and Ran enrolled, and somebody in another gallery."""
    made = CommandLine(tmp_path / "data", capsys)

    async def fill() -> None:
        async with open_gallery(Options(data_dir=made.data_dir)) as gallery:

            def sample(seed: int) -> NewSample:
                return make_sample(seed, embedding=make_embedding(seed, gallery.contract.dimension))

            await gallery.enroll(CLI, "Rin", [sample(1), sample(2)], series="Fate", actor="somebody")
            await gallery.enroll(CLI, "Ran", [sample(3)])
            await gallery.enroll(Scope("other"), "Saber", [sample(4)])

    asyncio.run(fill())
    return made


def listed(line: CommandLine, *arguments: object) -> dict[str, int]:
    return {record["name"]: record["samples"] for record in line.records("characters", *arguments)}


def test_changes_are_taken_back_one_after_the_other(line: CommandLine) -> None:
    line.run("rename", "Rin", "Tohsaka Rin")
    line.run("merge", "Ran", "Tohsaka Rin")
    line.run("forget", "Tohsaka Rin")
    assert "`undo 6` brings her back, for 7 days." in line.errors
    assert listed(line) == {}

    assert line.run("undo") == "Undid no. 6 (forget character, Tohsaka Rin).\n"
    assert "`undo 7` reverses that." in line.errors
    assert listed(line) == {"Tohsaka Rin": 3}
    assert line.run("undo", 5) == "Undid no. 5 (merge, Tohsaka Rin).\n"
    assert listed(line) == {"Tohsaka Rin": 2, "Ran": 1}
    line.run("undo")
    assert listed(line) == {"Rin": 2, "Ran": 1}
    assert line.run("undo", 9).startswith("Undid no. 9, so did again (rename, ")
    assert listed(line) == {"Tohsaka Rin": 2, "Ran": 1}


def test_what_cannot_be_taken_back_is_refused_with_the_reason(line: CommandLine) -> None:
    line.run("forget", "Rin", "--for-good")
    assert line.errors == ""
    line.run("undo", code=1)
    assert "it was done for good" in line.errors
    line.run("undo", 1, code=1)
    assert "it is final by now" in line.errors
    line.run("undo", 3, code=1)
    assert "no such change in this gallery" in line.errors
    line.run("undo", 2)
    line.run("undo", 2, code=1)
    assert "taken back already" in line.errors
    line.run("undo", "soon", code=2)
    line.run("forget", "Saber", "--gallery", "other", "--set", "gallery.undo_days=0")
    assert line.errors == ""
    line.run("undo", "--gallery", "other", code=1)
    assert "it is final by now" in line.errors


def test_history_shows_who_did_what_and_what_can_be_taken_back(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    line.run("rename", "Ran", "Run")
    line.run("undo")
    records = line.records("history")
    assert [(r["id"], r["action"], r["actor"], r["gallery"]) for r in records] == [
        (5, "undo", "command line", "cli"),
        (4, "rename", "command line", "cli"),
        (2, "enroll", "", "cli"),
        (1, "enroll", "somebody", "cli"),
    ]
    assert [r["undone_by"] for r in records] == [None, 5, None, None]
    assert [r["undo_until"] is not None for r in records] == [True, False, True, True]
    assert records[1]["detail"]["before"] == ["Ran", ""]
    assert [r["id"] for r in line.records("history", "--all", "--limit", 4)] == [5, 4, 3, 2]
    assert [r["id"] for r in line.records("history", "--gallery", "other")] == [3]

    head, undo, rename, *_, first = line.run("history").splitlines()
    assert head.split() == ["No.", "When", "Who", "What", "Undo"]
    assert "Undid no. 4 (rename, Run)" in undo
    assert "until 2" in undo
    assert "Renamed Ran to Run" in rename
    assert rename.rstrip().endswith("undone by 5")
    assert "somebody" in first
    assert "Added 2 samples to Rin" in first


def test_an_empty_history_says_so(line: CommandLine) -> None:
    assert line.run("history", "--gallery", "nobody's") == ""
    assert line.errors == "Nothing was changed yet.\n"
    line.run("undo", "--gallery", "nobody's", code=1)
    assert "there is nothing left to take back" in line.errors


async def test_everything_in_the_log_has_its_sentence(tmp_path: Path) -> None:
    path, here = tmp_path / "gallery.sqlite", Scope("here")
    gallery = await open_embedded_gallery(path, make_contract(), undo_days=7)
    enrolled = await gallery.enroll(here, "Rin", [make_sample(1), make_sample(2)])
    await gallery.rename(here, "Rin", "Tohsaka Rin", series="Fate")
    await gallery.set_aliases(here, "Rin", [])
    await gallery.add_negative(here, "Tohsaka Rin", make_sample(3))
    await gallery.move_samples(here, "Tohsaka Rin", [enrolled.samples[0].id], "Ran")
    await gallery.merge(here, "Ran", "Tohsaka Rin")
    await gallery.forget_sample(here, enrolled.samples[0].id)
    await gallery.forget(here, "Tohsaka Rin")
    undo = await gallery.undo(here)
    await gallery.undo(here, undo.id)
    await gallery.enroll(here, "Saber", [make_sample(5)])
    await gallery.export(tmp_path / "a.zip")
    await gallery.import_(tmp_path / "a.zip", scope=Scope("there"))
    async for _ in gallery.reindex(make_contract("second", 24), HashEmbedder(24)):
        pass
    await gallery.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM embeddings")
        connection.commit()
    gallery = await open_embedded_gallery(path, make_contract("second", 24), undo_days=7)

    async def reembed(crops: list[FaceCrop]) -> Embeddings:
        return await HashEmbedder(24)(crops)

    await gallery.verify(repair=True, reembed=reembed)
    assert [describe(entry) for entry in reversed(await gallery.audit())] == [
        "Added 2 samples to Rin",
        "Renamed Rin to Tohsaka Rin",
        "Changed the other names of Tohsaka Rin",
        "Learnt a face that is not Tohsaka Rin",
        "Moved 1 sample from Tohsaka Rin to Ran",
        "Merged Ran into Tohsaka Rin",
        "Forgot a sample of Tohsaka Rin",
        "Forgot Tohsaka Rin and 1 sample",
        "Undid no. 8 (forget character, Tohsaka Rin)",
        "Undid no. 9, so did again (forget character, Tohsaka Rin)",
        "Added 1 sample to Saber",
        "Imported 1 sample from a.zip",
        "Embedded everything with another model",
        "Mended what verify had found",
    ]
    await gallery.close()
