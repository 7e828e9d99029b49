"""The command line as a user meets it: real models, a real gallery, drawn pictures."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from config.options import ImageLimits
from inference.images import decode
from tests.conftest import CastPictures
from tests.flow.command_line import CommandLine, without_timings

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path / "data", capsys)


@pytest.fixture
def taught(bare: CommandLine, cast_pictures: CastPictures) -> CommandLine:
    """With the cast enrolled."""
    bare.run("enroll", "--from", cast_pictures.folder)
    return bare


def test_enrolled_characters_are_named_and_a_stranger_is_not(
    taught: CommandLine, cast_pictures: CastPictures
) -> None:
    records = taught.records("identify", *cast_pictures.new, cast_pictures.stranger_portrait)
    faces = [record["faces"][0] for record in records]
    assert [face["name"] for face in faces] == [*(character.name for character in cast_pictures.cast), None]
    assert faces[-1]["decision"] == "unknown"
    assert [face["matches"][0]["name"] for face in faces[:-1]] == [face["name"] for face in faces[:-1]]


def test_a_group_picture_names_everybody_once(taught: CommandLine, cast_pictures: CastPictures) -> None:
    (record,) = taught.records("identify", cast_pictures.group)
    names = [face["name"] for face in record["faces"] if face["name"]]
    assert len(record["faces"]) == len(cast_pictures.cast) + 1
    assert len(names) == len(set(names)) >= len(cast_pictures.cast) - 1
    assert set(names) <= {character.name for character in cast_pictures.cast}


def test_json_has_exactly_the_fields_of_the_contract(
    taught: CommandLine, cast_pictures: CastPictures
) -> None:
    (record,) = taught.records("identify", cast_pictures.group, "--top", 3)
    assert set(record) == {"image", "width", "height", "faces", "timings_ms", "error"}
    assert record["image"] == str(cast_pictures.group)
    assert record["error"] is None
    assert {"decode", "detect", "embed", "search"} <= set(record["timings_ms"])
    for face in record["faces"]:
        assert set(face) == {"box", "score", "decision", "name", "matches"}
        assert 0 <= face["box"][0] < face["box"][2] <= record["width"]
        assert 0 <= face["box"][1] < face["box"][3] <= record["height"]
        assert [set(match) for match in face["matches"]] == [{"name", "similarity"}] * 3
        similarities = [match["similarity"] for match in face["matches"]]
        assert similarities == sorted(similarities, reverse=True)


def test_identify_goes_on_past_bad_files_and_says_what_was_wrong(
    taught: CommandLine, cast_pictures: CastPictures, tmp_path: Path
) -> None:
    text = tmp_path / "text.png"
    text.write_text("this is no picture")
    missing = tmp_path / "missing.png"
    records = taught.records("identify", text, cast_pictures.new[0], missing, cast_pictures.empty, code=1)
    assert [record["error"] and record["error"]["code"] for record in records] == [
        "image_unsupported",
        None,
        "file_unreadable",
        None,
    ]
    assert records[0]["faces"] == []
    assert records[0]["width"] is None
    assert records[1]["faces"][0]["name"] == cast_pictures.cast[0].name
    assert records[3]["faces"] == []


def test_of_many_pictures_none_is_given_up_for_the_time_that_the_others_take(
    taught: CommandLine, cast_pictures: CastPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAREDA_BATCHING__DEADLINE_S", "0.1")
    records = taught.records("identify", *[cast_pictures.group] * 12)
    assert [record["error"] for record in records] == [None] * 12


def test_annotated_pictures_are_written_for_pictures_with_faces(
    taught: CommandLine, cast_pictures: CastPictures, tmp_path: Path
) -> None:
    out = tmp_path / "answers"
    taught.run("identify", cast_pictures.group, cast_pictures.empty, "--out", out)
    (written,) = out.iterdir()
    annotated = decode(written.read_bytes(), ImageLimits()).frames[0]
    original = decode(cast_pictures.group.read_bytes(), ImageLimits()).frames[0]
    assert annotated.shape == original.shape
    changed = cv2.absdiff(annotated, original).max(axis=2) > 60
    assert 0.002 < changed.mean() < 0.3


def test_pictures_of_one_name_do_not_overwrite_each_other(
    taught: CommandLine, cast_pictures: CastPictures, tmp_path: Path
) -> None:
    first, second = (cast_pictures.folder / character.name / "1.png" for character in cast_pictures.cast[:2])
    taught.run("identify", first, second, "--out", tmp_path / "answers")
    assert len(list((tmp_path / "answers").iterdir())) == 2


def test_the_same_picture_is_refused_for_another_character_with_what_it_matches(
    taught: CommandLine, cast_pictures: CastPictures
) -> None:
    known = cast_pictures.cast[0].name
    picture = cast_pictures.folder / known / "1.png"
    taught.run("enroll", "--name", "Somebody Else", picture, code=1)
    assert known in taught.errors
    assert "Somebody Else" not in taught.run("characters")


def test_enrolling_a_folder_again_adds_nothing(taught: CommandLine, cast_pictures: CastPictures) -> None:
    before = taught.records("gallery", "stats")[0]["samples"]
    assert f"0 added, {before} enrolled already" in taught.run("enroll", "--from", cast_pictures.folder)
    assert taught.records("gallery", "stats")[0]["samples"] == before == 3 * len(cast_pictures.cast)


def test_a_picture_with_several_faces_needs_a_choice(bare: CommandLine, cast_pictures: CastPictures) -> None:
    bare.run("enroll", "--name", "One of them", cast_pictures.group, code=1)
    assert "--face NUMBER" in bare.errors
    (preview,) = (bare.data_dir / "previews").iterdir()
    assert decode(preview.read_bytes(), ImageLimits()).width > 0
    assert bare.run("enroll", "--name", "One of them", "--face", 1, cast_pictures.group)
    bare.run("enroll", "--name", "Nobody", "--face", 99, cast_pictures.group, code=1)
    assert "99" in bare.errors
    assert [record["name"] for record in bare.records("characters")] == ["One of them"]


def test_a_picture_without_a_face_cannot_be_enrolled(bare: CommandLine, cast_pictures: CastPictures) -> None:
    bare.run("enroll", "--name", "Nobody", cast_pictures.empty, code=1)
    assert "No drawn face" in bare.errors
    assert bare.records("characters") == []


def test_characters_can_be_renamed_merged_and_forgotten(
    taught: CommandLine, cast_pictures: CastPictures
) -> None:
    first, second, third, *_ = (character.name for character in cast_pictures.cast)
    taught.run("rename", first, "A New Name")
    taught.run("merge", second, "A New Name")
    taught.run("forget", third)
    listed = {record["name"]: record for record in taught.records("characters")}
    assert listed["A New Name"]["samples"] == 6
    assert {first, second} <= set(listed["A New Name"]["aliases"])
    assert second not in listed
    assert third not in listed
    (record,) = taught.records("identify", cast_pictures.new[1])
    assert record["faces"][0]["name"] == "A New Name"
    taught.run("forget", "A Nw Name", code=1)
    assert "A New Name" in taught.errors


def test_galleries_do_not_see_each_other_unless_shared(
    taught: CommandLine, cast_pictures: CastPictures
) -> None:
    (record,) = taught.records("identify", cast_pictures.new[0], "--gallery", "other")
    assert record["faces"][0]["name"] is None
    assert record["faces"][0]["matches"] == []
    (record,) = taught.records(
        "identify", cast_pictures.new[0], "--gallery", "other", "--set", "gallery.shared=cli"
    )
    assert record["faces"][0]["name"] == cast_pictures.cast[0].name


def test_an_exported_gallery_answers_the_same_after_import(
    taught: CommandLine, cast_pictures: CastPictures, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = [*cast_pictures.new, cast_pictures.group, cast_pictures.stranger_portrait]
    before = without_timings(taught.records("identify", *pictures, "--top", 5))
    archive = tmp_path / "gallery.zip"
    taught.run("gallery", "export", archive)
    other = CommandLine(tmp_path / "elsewhere", capsys)
    other.run("gallery", "import", archive)
    assert without_timings(other.records("identify", *pictures, "--top", 5)) == before
    other.run("gallery", "verify")


def test_reindexing_with_another_contract_keeps_the_answers(
    taught: CommandLine, cast_pictures: CastPictures
) -> None:
    without_flip = ("--set", "models.flip_average=false")
    taught.run("identify", cast_pictures.new[0], *without_flip, code=78)
    assert "reindex" in taught.errors
    taught.run("gallery", "reindex", *without_flip)
    records = taught.records("identify", *cast_pictures.new, *without_flip)
    assert [record["faces"][0]["name"] for record in records] == [c.name for c in cast_pictures.cast]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["identify"], 2),
        (["enroll", "picture.png"], 2),
        (["enroll", "--name", "X"], 2),
        (["enroll", "--name", "X", "--from", "folder"], 2),
        (["identify", "x.png", "--top", "0"], 2),
        (["dance"], 2),
        (["doctor", "--set", "images.max_sides=3"], 78),
        (["doctor", "--set", "images.max_side=many"], 78),
        (["identify", "x.png", "--set", "models.pack=nothing-like-it"], 78),
        (["identify", "x.png", "--config", "missing.toml"], 78),
        (["forget", "Nobody"], 1),
        (["enroll", "--from", "missing-folder"], 1),
    ],
)
def test_mistakes_have_their_exit_codes_and_a_sentence(
    bare: CommandLine, arguments: list[str], code: int
) -> None:
    bare.run(*arguments, code=code)
    assert bare.errors.strip()
    assert "Traceback" not in bare.errors


def test_doctor_finds_everything_in_order(bare: CommandLine) -> None:
    report = bare.run("doctor")
    for part in ("Python", "Settings", "Data folder", "Models", "Gallery", "Fonts", "Chats"):
        assert part in report
    assert "failed" not in report


def test_models_are_listed_shown_and_verified(bare: CommandLine) -> None:
    assert "dareda-1" in bare.run("models", "list")
    assert "AGPL" in bare.run("models", "show", "dareda-1")
    assert "as it should be" in bare.run("models", "verify")


def test_run_without_a_token_shows_the_main_job(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in {"DISCORD_TOKEN", "TELEGRAM_TOKEN"}}
    done = subprocess.run(
        [sys.executable, "bot.py", "run", "--data-dir", str(tmp_path)],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,  # at a terminal, the web console would stay open
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (annotated,) = (tmp_path / "demo").glob("group-named.*")
    assert str(annotated) in done.stdout
    assert done.stdout.count("unknown") == 1
    assert decode(annotated.read_bytes(), ImageLimits()).width >= 800


def test_results_go_to_the_file_and_the_progress_bar_to_the_terminal(
    taught: CommandLine, cast_pictures: CastPictures
) -> None:
    terminal, its_side = pty.openpty()
    command = [sys.executable, "bot.py", "identify", *map(str, cast_pictures.new), "--json"]
    with subprocess.Popen(
        [*command, "--data-dir", str(taught.data_dir)], cwd=PROJECT, stdout=subprocess.PIPE, stderr=its_side
    ) as process:
        os.close(its_side)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that the other side is closed
            while part := os.read(terminal, 4096):
                shown += part
        results, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert [json.loads(line)["image"] for line in results.splitlines()] == list(map(str, cast_pictures.new))
    assert b"Looking" in shown
    assert b"{" not in shown


def test_a_lost_embedding_is_found_and_mended(taught: CommandLine) -> None:
    with contextlib.closing(sqlite3.connect(taught.data_dir / "gallery.sqlite")) as database:
        database.execute("DELETE FROM embeddings WHERE rowid IN (SELECT rowid FROM embeddings LIMIT 1)")
        database.commit()
    assert "missing_embedding" in taught.run("gallery", "verify", code=1)
    assert "repaired: missing_embedding" in taught.run("gallery", "verify", "--repair")
    assert "as it should be" in taught.run("gallery", "verify")


def test_characters_can_be_read_while_another_process_writes(
    taught: CommandLine, cast_pictures: CastPictures
) -> None:
    writer = (
        "import asyncio, sys; from pathlib import Path; from config.options import Options;"
        "from inference.gallery.factory import open_gallery\n"
        "async def main():\n"
        "    async with open_gallery(Options(data_dir=Path(sys.argv[1]))):\n"
        "        print('open', flush=True); sys.stdin.readline()\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(taught.data_dir)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        (record,) = taught.records("identify", cast_pictures.new[0])
        assert record["faces"][0]["name"] == cast_pictures.cast[0].name
        taught.run("forget", cast_pictures.cast[0].name, code=78)
        assert "in use by another process" in taught.errors
        process.communicate(b"\n", timeout=30)
