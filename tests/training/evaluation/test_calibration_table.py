"""A calibration takes the place of the old one in a manifest, and nothing else changes."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from inference.decide import CalibrationPoint
from inference.models import contract_of, find_pack
from tests.inference.models.tiny_pack import make_pack
from training.errors import TrainingError
from training.evaluation.calibration_table import toml_table, write_calibration

POINTS = (CalibrationPoint(0.01, 1, 0.6125, 0.05), CalibrationPoint(0.01, 5, 0.7, 0.1))


def make_table(contract: str) -> str:
    return toml_table(
        POINTS,
        measured_on="made-up faces",
        flip_average=True,
        gallery_characters=24,
        contract=contract,
        rivals=0.40625,
    )


@pytest.fixture
def pack_folder(tmp_path: Path) -> Path:
    """The bundled pack's manifest in a folder of its own, under another name."""
    bundled = find_pack("dareda-1", tmp_path)
    folder = tmp_path / "mine"
    folder.mkdir()
    text = (bundled.folder / "manifest.toml").read_text(encoding="utf-8")
    (folder / "manifest.toml").write_text(
        text.replace('name = "dareda-1"', 'name = "mine"'), encoding="utf-8"
    )
    for name in bundled.manifest.files:
        shutil.copy(bundled.folder / name, folder / name)
    return folder


def test_only_the_calibration_changes(pack_folder: Path) -> None:
    contract = contract_of(find_pack("mine", pack_folder.parent), flip_average=True).id
    before = (pack_folder / "manifest.toml").read_text(encoding="utf-8")
    assert write_calibration(pack_folder, make_table(contract)) == pack_folder / "manifest.toml"
    after = (pack_folder / "manifest.toml").read_text(encoding="utf-8")
    start, end = before.index("[calibration]"), before.index("[files]")
    assert after.startswith(before[:start])
    assert after.endswith(before[end:])
    assert after[start : after.index("[files]")] == make_table(contract) + "\n"
    pack = find_pack("mine", pack_folder.parent)
    assert pack.calibration.points == POINTS
    assert pack.manifest.calibration.contract == contract
    # And again, over the one that was just written.
    write_calibration(pack_folder, make_table(contract))
    assert (pack_folder / "manifest.toml").read_text(encoding="utf-8") == after


def test_comments_stay_with_their_tables(tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "tiny")
    path = folder / "manifest.toml"
    text = path.read_text(encoding="utf-8")
    head, rest = text.split("[calibration]\n")
    body, files = rest.split("[files]\n")
    path.write_text(
        f"# what this is\n{head}# how it was calibrated\n[calibration] # now\n{body}\n"
        f"# and these are its files\n[files] # all of them\n{files}# the end\n",
        encoding="utf-8",
    )
    write_calibration(folder, make_table("0" * 16))
    after = path.read_text(encoding="utf-8")
    assert after == (
        f"# what this is\n{head}# how it was calibrated\n{make_table('0' * 16)}\n"
        f"# and these are its files\n[files] # all of them\n{files}# the end\n"
    )


def test_a_calibration_at_the_end_of_the_file_is_replaced(tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "tiny")
    path = folder / "manifest.toml"
    head, rest = path.read_text(encoding="utf-8").split("[calibration]\n")
    body, files = rest.split("[files]\n")
    path.write_text(f"{head}[files]\n{files}[calibration]\n{body}", encoding="utf-8")
    write_calibration(folder, make_table("0" * 16))
    assert path.read_text(encoding="utf-8") == f"{head}[files]\n{files}{make_table('0' * 16)}"


@pytest.mark.parametrize("header", ["[ calibration ]", "calibration.flip_average = true\n[other]"])
def test_a_manifest_that_is_written_otherwise_is_left_as_it_is(tmp_path: Path, header: str) -> None:
    folder = make_pack(tmp_path / "tiny")
    path = folder / "manifest.toml"
    text = path.read_text(encoding="utf-8").replace("[calibration]", header)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match="no \\[calibration\\] table of its own"):
        write_calibration(folder, make_table("0" * 16))
    assert path.read_text(encoding="utf-8") == text


def test_a_table_inside_a_text_is_not_taken_for_the_calibration(tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "tiny")
    path = folder / "manifest.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace('title = "Three colours"', 'title = """\n[calibration]\n[x]\n"""')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match="cannot be replaced"):
        write_calibration(folder, make_table("0" * 16))
    assert path.read_text(encoding="utf-8") == text


def test_the_table_reads_back_to_the_digit() -> None:
    table = tomllib.loads(make_table("0123456789abcdef"))["calibration"]
    assert table["contract"] == "0123456789abcdef"
    assert table["rivals"] == pytest.approx(0.40625, abs=1e-4)
    assert [(p["threshold"], p["margin"]) for p in table["points"]] == [(0.6125, 0.05), (0.7, 0.1)]
