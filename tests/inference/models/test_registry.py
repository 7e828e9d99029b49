"""Which packs are found, and what is wrong with the others."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from config.options import DecisionOptions
from inference.decide import policy_for
from inference.errors import ModelFileError, SettingsError
from inference.models import Pack, find_pack, list_packs
from tests.inference.models.tiny_pack import make_pack


def test_the_bundled_pack_is_there_without_a_folder_of_installed_ones(tmp_path: Path) -> None:
    packs = list_packs(tmp_path / "absent")
    assert [(pack.name, pack.bundled) for pack in packs] == [("dareda-1", True)]


def test_the_bundled_files_are_what_their_manifest_says(tmp_path: Path) -> None:
    pack = find_pack("dareda-1", tmp_path)
    assert {name: pack.file_fault(name) for name in pack.manifest.files} == dict.fromkeys(pack.manifest.files)


def test_the_bundled_calibration_makes_a_policy_for_every_rate_it_was_measured_at(tmp_path: Path) -> None:
    calibration = find_pack("dareda-1", tmp_path).calibration
    rates = sorted({point.false_name_rate for point in calibration.points})
    assert rates == [0.001, 0.003, 0.01, 0.03, 0.1]
    thresholds = [
        policy_for(calibration, DecisionOptions(false_name_rate=rate)).level_for(5).threshold
        for rate in rates
    ]
    assert thresholds == sorted(thresholds, reverse=True)
    assert 0.3 < thresholds[-1] < thresholds[0] < 0.95


def test_an_installed_pack_is_listed_and_found(tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "tiny")
    assert [pack.name for pack in list_packs(tmp_path)] == ["dareda-1", "tiny"]
    assert find_pack("tiny", tmp_path).folder == folder


@pytest.mark.parametrize("name", ["nobody", "", "..", "../dareda-1", "dareda-1/../dareda-1", "Dareda-1"])
def test_a_name_that_is_no_pack_lists_what_there_is(tmp_path: Path, name: str) -> None:
    make_pack(tmp_path / "tiny")
    with pytest.raises(SettingsError, match="there are: dareda-1, tiny"):
        find_pack(name, tmp_path)


def test_an_installed_pack_does_not_silently_replace_a_bundled_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_pack(tmp_path / "dareda-1", {"name": "dareda-1"})
    with pytest.raises(ModelFileError, match="comes with Dareda"):
        find_pack("dareda-1", tmp_path)
    with caplog.at_level(logging.WARNING):
        assert [(pack.name, pack.bundled) for pack in list_packs(tmp_path)] == [("dareda-1", True)]
    assert "comes with Dareda" in caplog.text


def test_a_broken_pack_is_left_out_of_the_list_but_refused_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_pack(tmp_path / "tiny")
    make_pack(tmp_path / "odd", {"name": "even"})
    (tmp_path / "hollow").mkdir()
    (tmp_path / ".installing-x").mkdir()
    (tmp_path / "a-file").write_text("x")
    with caplog.at_level(logging.WARNING):
        assert [pack.name for pack in list_packs(tmp_path)] == ["dareda-1", "tiny"]
    assert len(caplog.records) == 2
    with pytest.raises(ModelFileError, match="the folder is called “odd”"):
        find_pack("odd", tmp_path)
    with pytest.raises(ModelFileError, match="does not exist"):
        find_pack("hollow", tmp_path)


def damage_nothing(pack: Pack) -> None:
    del pack


def remove(pack: Pack) -> None:
    (pack.folder / "finder.onnx").unlink()


def replace_with_folder(pack: Pack) -> None:
    remove(pack)
    (pack.folder / "finder.onnx").mkdir()


def append(pack: Pack) -> None:
    with (pack.folder / "finder.onnx").open("ab") as file:
        file.write(b"\0")


def flip_a_bit(pack: Pack) -> None:
    path = pack.folder / "finder.onnx"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (damage_nothing, None),
        (remove, "it does not exist"),
        (replace_with_folder, "it does not exist"),
        (append, "bytes where the manifest says"),
        (flip_a_bit, "sha256"),
    ],
)
def test_a_damaged_file_is_told_from_a_whole_one(tmp_path: Path, damage, complaint: str | None) -> None:
    make_pack(tmp_path / "tiny")
    pack = find_pack("tiny", tmp_path)
    damage(pack)
    if complaint is None:
        assert pack.checked_file("finder.onnx").is_file()
        return
    with pytest.raises(ModelFileError, match="models install") as caught:
        pack.checked_file("finder.onnx")
    assert complaint in str(caught.value)


def test_the_description_names_what_a_person_asks_for(tmp_path: Path) -> None:
    text = "\n".join(find_pack("dareda-1", tmp_path).describe())
    for word in ("AGPL-3.0-or-later", "640×640", "144×144", "512", "1.00%", "CARD.md", "bundled"):
        assert word in text
