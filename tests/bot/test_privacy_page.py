"""docs/privacy.md promises to list everything that is stored: here it is held to that."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest

from bot.chat import ChatRef
from bot.chat_schema import open_chat_file
from bot.remembered import RememberedFace
from bot.space_settings import SpaceSettings
from inference.gallery.schema import open_writer
from tests.conftest import CastPictures
from tests.flow.command_line import CommandLine

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")


def rows() -> Iterator[tuple[set[str], str]]:
    """Of each line of the page's tables: what stands as code in its first cell, and its second."""
    for line in PAGE.splitlines():
        if line.startswith("| `"):
            first, second = line.strip("| ").split(" | ", 1)
            yield set(re.findall(r"`([^`]+)`", first)), second


def described() -> set[str]:
    return {name for names, _ in rows() for name in names}


def meaning(column: str) -> str:
    return next(second for names, second in rows() if column in names)


def columns(tmp_path: Path) -> set[str]:
    """All that the databases have, as `table.column`."""
    found = set()
    for connection in (open_writer(tmp_path / "gallery"), open_chat_file(tmp_path / "chats")):
        with closing(connection):
            found |= {
                f"{table}.{column}"
                for table, column in connection.execute(
                    """SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c
                       WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"""
                )
            }
    return found


def test_every_column_is_described_and_none_that_is_not_there(tmp_path: Path) -> None:
    stored = columns(tmp_path)
    assert len(stored) > 80
    assert stored - described() == set()
    assert {name for name in described() if re.fullmatch(r"[a-z]+\.[a-z0-9_]+", name)} - stored <= {
        "chats.sqlite",
        "gallery.sqlite",
        "console.json",
        "run.alive",
    }


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("spaces.settings", SpaceSettings),
        ("answers.chat", ChatRef),
        ("answers.faces", RememberedFace),
    ],
)
def test_what_a_column_holds_as_json_is_described(column: str, kind: type) -> None:
    named = set(re.findall(r"`([^`]+)`", meaning(column)))
    assert named >= {field.name for field in fields(kind)}


def test_every_file_that_the_command_line_leaves_is_described(
    tmp_path: Path, cast_pictures: CastPictures, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CommandLine(tmp_path / "data", capsys)
    shutil.copytree(cast_pictures.folder / cast_pictures.cast[0].name, tmp_path / "cast" / "Somebody")
    line.run("enroll", "--from", tmp_path / "cast")
    line.run("enroll", "--name", "Several", cast_pictures.group, code=1)
    line.run("identify", cast_pictures.group)
    left = {path.name + ("/" if path.is_dir() else "") for path in (tmp_path / "data").iterdir()}
    assert {"gallery.sqlite", "gallery.sqlite.folders", "previews/"} <= left
    assert {name.removesuffix("-wal").removesuffix("-shm") for name in left} - described() == set()
