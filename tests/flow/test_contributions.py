"""`contributions`: an operator finds what somebody has given, and removes it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.chat import ChatRef
from bot.chat_store import open_chat_store
from bot.remembered import Answer, Traces, new_token
from bot.terminal.enroll import ACTOR
from config.options import Options
from inference.domain import Scope
from inference.gallery.base import NewSample
from inference.gallery.factory import open_gallery
from tests.flow.command_line import CommandLine
from tests.inference.gallery.samples import make_embedding, make_sample

ORE, ERU = "Oreki (discord:7)", "Eru (telegram:7)"


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """With samples of two contributors in two galleries, and an answer to the one in a chat."""
    made = CommandLine(tmp_path / "data", capsys)
    options = Options(data_dir=made.data_dir)

    async def fill() -> None:
        async with open_gallery(options) as gallery:

            def sample(seed: int, by: str) -> NewSample:
                embedding = make_embedding(seed, gallery.contract.dimension)
                return make_sample(seed, embedding=embedding, added_by=by)

            await gallery.enroll(Scope("discord:1"), "Rin", [sample(1, ORE), sample(2, ORE)], actor=ORE)
            await gallery.enroll(Scope("cli"), "Rin", [sample(1, ORE)], actor=ORE)
            await gallery.enroll(Scope("cli"), "Rin", [sample(2, ERU)], actor=ERU)
        async with open_chat_store(options.chats_file, options.chats) as store:
            chat = ChatRef("discord", "1", "1")
            await store.remember(Answer(new_token(), chat, "7", (), (), datetime.now(UTC)))

    asyncio.run(fill())
    return made


def traces(line: CommandLine) -> Traces:
    options = Options(data_dir=line.data_dir)

    async def ask() -> Traces:
        async with open_chat_store(options.chats_file, options.chats) as store:
            return await store.traces("discord", "7")

    return asyncio.run(ask())


def test_contributors_are_listed_with_what_they_gave(line: CommandLine) -> None:
    assert line.records("contributions", "list") == [
        {
            "contributor": who,
            "scope": scope,
            "signatures": [signature],
            "samples": samples,
            "negatives": 0,
            "removed": 0,
            "changes": 1,
        }
        for who, scope, signature, samples in (
            ("discord:7", "cli", ORE, 1),
            ("discord:7", "discord:1", ORE, 2),
            ("telegram:7", "cli", ERU, 1),
        )
    ]
    [one] = line.records("contributions", "list", "--by", "telegram:7")
    assert one["signatures"] == [ERU]
    rows = [row.split()[:2] for row in line.run("contributions", "list").splitlines()]
    assert [row for row in rows if row[0] in ("discord:7", "telegram:7")] == [
        ["discord:7", "cli"],
        ["discord:7", "discord:1"],
        ["telegram:7", "cli"],
    ]
    assert line.run("contributions", "list", "--by", "nobody") == ""
    assert "Nothing is kept of nobody." in line.errors


def test_nothing_goes_before_somebody_says_so(line: CommandLine) -> None:
    before = line.records("contributions", "list")
    assert "discord:1" in line.run("contributions", "remove", "--by", "discord:7")
    assert "Nothing was removed." in line.errors
    assert line.records("contributions", "list") == before
    assert traces(line).answers == 1


def test_all_that_one_gave_goes_everywhere_and_shows_in_the_history(line: CommandLine) -> None:
    said = line.run("contributions", "remove", "--by", "discord:7", "--yes")
    assert said == "Removed of discord:7: 3 faces, names in 2 lines of the history, 1 traces of chats.\n"
    assert [(one["contributor"], one["scope"]) for one in line.records("contributions", "list")] == [
        (ACTOR, "cli"),
        (ACTOR, "discord:1"),
        ("telegram:7", "cli"),
    ]
    assert traces(line) == Traces(answers=0, questions=0, reviews=0)
    assert [record["samples"] for record in line.records("characters")] == [1]
    [entry, *_] = line.records("history")
    assert (entry["action"], entry["detail"]["samples"]) == ("forget_contributions", 1)
    assert "Removed what" in line.run("history")
    line.run("contributions", "remove", "--by", "discord:7", "--yes")
    assert "Nothing is kept of discord:7." in line.errors
    line.run("undo", code=1)


def test_who_is_to_be_removed_must_be_said(line: CommandLine) -> None:
    line.run("contributions", "remove", code=2)
    line.run("contributions", code=2)
