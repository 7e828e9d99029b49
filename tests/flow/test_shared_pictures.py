"""The whole flow on real art, where the local pictures are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.command_line import CommandLine, without_timings

pytestmark = pytest.mark.slow


@pytest.fixture
def characters(shared_data: Path, tmp_path: Path) -> Path:
    """Sixty characters with up to three pictures each, as `enroll --from` takes them."""
    root = tmp_path / "characters"
    folders = sorted((shared_data / "recognition" / "faces").iterdir())
    for folder in folders[:: len(folders) // 60]:
        (root / folder.name).mkdir(parents=True)
        for picture in sorted(folder.iterdir())[:3]:
            (root / folder.name / picture.name).symlink_to(picture)
    return root


def test_200_pictures_are_answered_identically_after_export_and_import(
    shared_data: Path, characters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = CommandLine(tmp_path / "here", capsys), CommandLine(tmp_path / "there", capsys)
    here.run("enroll", "--from", characters, code=None)
    pictures = shared_data / "pictures"
    before = without_timings(here.records("identify", pictures, "--top", 5))
    assert len(before) == 200
    assert sum(len(record["faces"]) for record in before) > 150
    here.run("gallery", "export", tmp_path / "gallery.zip")
    there.run("gallery", "import", tmp_path / "gallery.zip")
    assert without_timings(there.records("identify", pictures, "--top", 5)) == before
