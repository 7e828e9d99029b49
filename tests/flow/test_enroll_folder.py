"""`enroll --from DIR` as a user meets it: real models, a real gallery, folders of drawn pictures."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from inference.drawing import DrawnCharacter, draw_cast, draw_portrait
from inference.images import encode
from inference.pipeline import FacePipeline
from tests.conftest import CastPictures
from tests.flow.command_line import CommandLine

PROJECT = Path(__file__).resolve().parents[2]
PORTRAITS = 6
SIDE = 320
PIPE_BYTES = 4_096  # the smallest that Linux makes


@pytest.fixture
def bare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path / "data", capsys)


@pytest.fixture(scope="module")
def cast() -> tuple[DrawnCharacter, ...]:
    return draw_cast(3, seed=11)


@pytest.fixture(scope="module")
def stranger() -> DrawnCharacter:
    return draw_cast(4, seed=11)[3]


@pytest.fixture(scope="module")
def drawn(cast: tuple[DrawnCharacter, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per character, not to be changed; only the last one's portraits are all clearly different."""
    root = tmp_path_factory.mktemp("drawn")
    for character in cast:
        for seed in range(1, PORTRAITS + 1):
            draw(character, seed, root / character.name / f"{seed}.png")
    return root


@pytest.fixture
def folder(drawn: Path, tmp_path: Path) -> Path:
    """A copy of it, for changing."""
    return Path(shutil.copytree(drawn, tmp_path / "folder"))


def draw(character: DrawnCharacter, seed: int, path: Path, *, side: int = SIDE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(draw_portrait(character, seed=seed, size=side).image, format="png"))
    return path


def enrolled(data_dir: Path) -> Mapping[str, list[str]]:
    """The sources of the samples of every character, by its name."""
    sources: dict[str, list[str]] = {}
    with contextlib.closing(sqlite3.connect(data_dir / "gallery.sqlite")) as database:
        for name, source in database.execute(
            """SELECT n.spelling, f.source FROM names n JOIN faces f ON f.character = n.character
               WHERE n.position = 0 AND f.negative = 0 ORDER BY f.source"""
        ):
            sources.setdefault(name, []).append(source)
    return sources


def enrollments(line: CommandLine) -> int:
    """How many changes put samples into the gallery."""
    with contextlib.closing(sqlite3.connect(line.data_dir / "gallery.sqlite")) as database:
        (count,) = database.execute("SELECT count(*) FROM audit WHERE action = 'enroll'").fetchone()
    return int(count)


@pytest.fixture
def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing may be detected or embedded."""

    async def refuse(*arguments: object) -> None:
        raise AssertionError("a picture was looked at again")

    monkeypatch.setattr(FacePipeline, "detect", refuse)


def test_each_character_gets_at_most_so_many_samples_in_one_change(
    bare: CommandLine, drawn: Path, cast: tuple[DrawnCharacter, ...]
) -> None:
    report = bare.run("enroll", "--from", drawn, "--at-most", 3)
    assert {name: len(sources) for name, sources in enrolled(bare.data_dir).items()} == {
        character.name: 3 for character in cast
    }
    assert enrollments(bare) == len(cast)
    assert f"3 characters, 3 of them new: {3 * len(cast)} added, 0 enrolled already." in report
    assert "over the limit of 3 a character" in report


def test_the_same_command_again_changes_nothing_and_looks_at_nothing(
    bare: CommandLine, drawn: Path, request: pytest.FixtureRequest
) -> None:
    first = bare.run("enroll", "--from", drawn, "--at-most", 3)
    before = enrolled(bare.data_dir)
    request.getfixturevalue("no_models")
    second = bare.run("enroll", "--from", drawn, "--at-most", 3)
    assert enrolled(bare.data_dir) == before
    assert "3 of 3 folders are finished" in bare.errors
    assert "0 added, 9 enrolled already" in second
    assert first.splitlines()[-1] == second.splitlines()[-1]  # what was left out
    assert {record["series"] for record in bare.records("characters")} == {""}
    bare.run("enroll", "--from", drawn, "--at-most", 3, "--series", "The Drawn")
    assert {record["series"] for record in bare.records("characters")} == {"The Drawn"}


def test_what_was_finished_is_only_remembered_to_save_time(bare: CommandLine, drawn: Path) -> None:
    bare.run("enroll", "--from", drawn, "--at-most", 3)
    before = enrolled(bare.data_dir)
    (bare.data_dir / "gallery.sqlite.folders").unlink()
    assert "0 added, " in bare.run("enroll", "--from", drawn, "--at-most", 3)
    assert "finished" not in bare.errors
    assert enrolled(bare.data_dir) == before
    assert enrollments(bare) == 3


def test_a_file_that_is_no_memory_is_named(bare: CommandLine, drawn: Path) -> None:
    bare.data_dir.mkdir()
    (bare.data_dir / "gallery.sqlite.folders").write_text("something else " * 100)
    bare.run("enroll", "--from", drawn, code=1)
    assert "gallery.sqlite.folders cannot be read" in bare.errors
    assert "deleted" in bare.errors


def test_only_folders_with_new_pictures_are_looked_at_again(
    bare: CommandLine, folder: Path, cast: tuple[DrawnCharacter, ...]
) -> None:
    bare.run("enroll", "--from", folder, "--at-most", 0)
    before = enrolled(bare.data_dir)
    draw(cast[2], 20, folder / cast[2].name / "new.png")
    bare.run("enroll", "--from", folder, "--at-most", 0)
    assert "2 of 3 folders are finished" in bare.errors
    assert enrolled(bare.data_dir) == {
        **before,
        cast[2].name: sorted([*before[cast[2].name], "new.png"]),
    }


def test_a_picture_replaced_under_its_old_name_is_seen(
    bare: CommandLine, folder: Path, cast: tuple[DrawnCharacter, ...]
) -> None:
    changed = folder / cast[2].name / "1.png"
    changed.write_text("not a picture yet")
    bare.run("enroll", "--from", folder, "--at-most", 0, code=1)
    assert "1.png" not in enrolled(bare.data_dir)[cast[2].name]
    draw(cast[2], 20, changed)
    bare.run("enroll", "--from", folder, "--at-most", 0)
    assert "1.png" in enrolled(bare.data_dir)[cast[2].name]


def test_who_was_forgotten_is_enrolled_again(
    bare: CommandLine, drawn: Path, cast: tuple[DrawnCharacter, ...]
) -> None:
    bare.run("enroll", "--from", drawn, "--at-most", 3)
    before = enrolled(bare.data_dir)
    bare.run("forget", cast[0].name, "--for-good")
    report = bare.run("enroll", "--from", drawn, "--at-most", 3)
    assert "3 characters, 1 of them new: 3 added, 6 enrolled already." in report
    assert enrolled(bare.data_dir) == before


def test_a_higher_limit_adds_to_the_samples_there_are(bare: CommandLine, drawn: Path) -> None:
    bare.run("enroll", "--from", drawn, "--set", "enroll.samples_per_character=2")
    assert {len(sources) for sources in enrolled(bare.data_dir).values()} == {2}
    before = enrolled(bare.data_dir)
    assert "6 added" in bare.run("enroll", "--from", drawn, "--at-most", 4)
    after = enrolled(bare.data_dir)
    assert all(set(before[name]) < set(after[name]) for name in before)
    assert {len(sources) for sources in after.values()} == {4}


def test_a_picture_of_somebody_else_is_left_out_and_named(
    bare: CommandLine, folder: Path, cast: tuple[DrawnCharacter, ...], stranger: DrawnCharacter
) -> None:
    wrong = draw(stranger, 1, folder / cast[0].name / "wrong.png")
    report = bare.run("enroll", "--from", folder)
    assert f"{wrong.resolve()}: left out, since the face is unlike the others" in bare.errors
    assert "1 unlike the others" in report
    assert "wrong.png" not in enrolled(bare.data_dir)[cast[0].name]
    keeping = ("--set", "enroll.leave_out_outliers=false")
    assert "1 added" in bare.run("enroll", "--from", folder, *keeping)
    assert "wrong.png" in enrolled(bare.data_dir)[cast[0].name]


def test_a_picture_that_is_there_twice_is_enrolled_once_from_the_larger_file(
    bare: CommandLine, tmp_path: Path, cast: tuple[DrawnCharacter, ...]
) -> None:
    folder = tmp_path / "twice"
    small = draw(cast[0], 1, folder / cast[0].name / "a small one.png", side=SIDE)
    large = draw_portrait(cast[0], seed=1, size=2 * SIDE).image
    (small.parent / "b large one.jpg").write_bytes(encode(large, format="jpeg", quality=80))
    assert "1 the same as another" in bare.run("enroll", "--from", folder)
    assert enrolled(bare.data_dir) == {cast[0].name: ["b large one.jpg"]}


def test_pictures_that_cannot_be_used_are_named_and_counted_and_the_others_enrolled(
    bare: CommandLine, folder: Path, cast: tuple[DrawnCharacter, ...], cast_pictures: CastPictures
) -> None:
    name = cast[0].name
    shutil.copy(cast_pictures.group, folder / name / "group.png")
    shutil.copy(cast_pictures.empty, folder / name / "empty.png")
    (folder / name / "text.png").write_text("this is no picture")
    shutil.copy(folder / cast[2].name / "1.png", folder / name / "z hers.png")
    (folder / "nothing inside").mkdir()
    (folder / cast[1].name).rename(folder / ("too long " * 20))
    (folder / "sheet.txt").write_text("no folder")

    report = bare.run("enroll", "--from", folder, code=1)

    for subject, words in (
        ("group.png", " faces"),
        ("empty.png", "No drawn face"),
        ("text.png", "not a supported picture"),
        ("too long", "cannot be a name"),
    ):
        assert any(subject in line and words in line for line in bare.errors.splitlines())
    assert "1 unlike the others" in report  # a copy of a picture of somebody who comes later
    assert f"Not usable: {3 + PORTRAITS} (" in report
    for part in ("1 without a face", "1 with several faces", "1 unreadable", f"{PORTRAITS} of a name that"):
        assert part in report
    assert set(enrolled(bare.data_dir)) == {cast[0].name, cast[2].name}
    assert not (bare.data_dir / "previews").exists()
    again = bare.run("enroll", "--from", folder, code=1)
    assert again.splitlines()[-2:] == report.splitlines()[-2:]


def test_a_picture_that_somebody_else_is_enrolled_with_is_refused(
    bare: CommandLine, folder: Path, cast: tuple[DrawnCharacter, ...]
) -> None:
    bare.run("enroll", "--name", "Somebody", folder / cast[2].name / "1.png")
    report = bare.run("enroll", "--from", folder, code=1)
    assert "already enrolled as “Somebody”" in bare.errors
    assert "1 enrolled as somebody else" in report
    assert "1.png" not in enrolled(bare.data_dir)[cast[2].name]
    bare.run("forget", "Somebody", "--for-good")
    bare.run("enroll", "--from", folder)
    assert "1.png" in enrolled(bare.data_dir)[cast[2].name]


def test_a_character_without_a_usable_picture_is_not_made(
    bare: CommandLine, tmp_path: Path, cast_pictures: CastPictures
) -> None:
    (tmp_path / "folder" / "Nobody").mkdir(parents=True)
    shutil.copy(cast_pictures.empty, tmp_path / "folder" / "Nobody")
    for _ in range(2):
        report = bare.run("enroll", "--from", tmp_path / "folder", code=1)
        assert "0 characters, 0 of them new: 0 added, 0 enrolled already." in report
        assert "Not usable: 1 (1 without a face)." in report
        assert bare.records("characters") == []
    bare.run("enroll", "--from", tmp_path / "data", code=1)
    assert "no picture in there" in bare.errors


def test_characters_who_look_like_each_other_are_pointed_out(
    bare: CommandLine, tmp_path: Path, cast: tuple[DrawnCharacter, ...]
) -> None:
    for name, seeds in (("First", range(1, 5)), ("Second", (41, 47, 52, 53))):
        for seed in seeds:
            draw(cast[0], seed, tmp_path / "folder" / name / f"{seed}.png")
    bare.run("enroll", "--from", tmp_path / "folder")
    assert "It also looks like First" in bare.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["--from", "folder", "--alias", "Her"],
        ["--from", "folder", "--face", "2"],
        ["--from", "folder", "--at-most", "-1"],
        ["--from", "folder", "--at-most", "many"],
        ["--name", "Her", "--at-most", "3", "picture.png"],
    ],
)
def test_options_that_do_not_go_together_are_refused(bare: CommandLine, arguments: list[str]) -> None:
    bare.run("enroll", *arguments, code=2)


@contextlib.contextmanager
def pipe_with_room(size: int) -> Iterator[tuple[int, int]]:
    """The ends to read and write of a pipe that holds its writer up after so many bytes."""
    reading, writing = os.pipe()
    try:
        assert fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES) == PIPE_BYTES
        os.write(writing, b"\n" * (PIPE_BYTES - size))
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def room_in(pipe: int) -> int:
    (filled,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return PIPE_BYTES - int(filled)


def test_killed_in_the_middle_it_goes_on_and_ends_as_if_never_stopped(
    bare: CommandLine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    cast = draw_cast(9, seed=12)
    for character in cast:
        for seed in range(1, 5):
            draw(character, seed, folder / character.name / f"{seed}.png", side=256)
    command = ["bot.py", "enroll", "--from", str(folder), "--at-most", "3", "--data-dir", str(bare.data_dir)]
    with pipe_with_room(220) as (reading, writing):  # for a line of each of four characters, not of nine
        with subprocess.Popen([sys.executable, *command], cwd=PROJECT, stdout=writing) as process:
            while room_in(reading) > 60:
                assert process.poll() is None
                time.sleep(0.01)
            process.kill()
        lines = os.read(reading, PIPE_BYTES).decode().strip().splitlines()
    assert len(lines) >= 3
    assert all("added" in line for line in lines)
    there = len(enrolled(bare.data_dir))
    assert 3 <= there < len(cast)

    bare.run("enroll", "--from", folder, "--at-most", 3)
    finished = int(bare.errors.split(f" of {len(cast)} folders are finished")[0])
    assert there - 1 <= finished <= there  # the last one may be in the gallery only
    bare.run("gallery", "verify")
    undisturbed = CommandLine(tmp_path / "undisturbed", capsys)
    undisturbed.run("enroll", "--from", folder, "--at-most", 3)
    assert enrolled(bare.data_dir) == enrolled(undisturbed.data_dir)
    assert len(enrolled(bare.data_dir)) == len(cast)
