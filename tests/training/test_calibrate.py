"""A calibration keeps strangers to the rate it names, and becomes a table of the pack's manifest."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from inference.decide import Level, Policy, decide
from inference.domain import (
    Character,
    CharacterId,
    Decision,
    Embeddings,
    Match,
    SampleId,
    Scope,
    as_embeddings,
)
from inference.errors import ModelFileError
from inference.models import Pack, contract_of, find_pack, verify_pack
from inference.models.manifest import CalibrationTable
from inference.models.tables import read_table
from tests.inference.models.tiny_pack import make_pack
from tests.training.evaluation.made_faces import draw_manifest, make_faces
from training.calibrate import FALSE_NAME_RATES, SAMPLES, Measured, calibrate, main
from training.errors import TrainingError


def make_look_alikes(characters: int, pictures: int, spread: float) -> tuple[Embeddings, np.ndarray]:
    """Faces scattered around a centre a character; two characters share almost the same centre."""
    generator = np.random.default_rng(1)
    centres = generator.normal(size=(characters, 32))
    centres[1] = centres[0] + 0.05 * generator.normal(size=32)
    labels = np.repeat(np.arange(characters), pictures)
    rows = centres[labels] + spread * generator.normal(size=(len(labels), 32))
    return as_embeddings(rows, 32), labels


@pytest.fixture(scope="module")
def measured() -> Measured:
    return calibrate(*make_look_alikes(40, 6, 0.5), draws=150, seed=0)


def test_there_is_a_point_for_every_rate_and_number_of_samples(measured: Measured) -> None:
    assert {(point.samples, point.false_name_rate) for point in measured.points} == {
        (samples, rate) for samples in SAMPLES for rate in FALSE_NAME_RATES
    }


def test_a_stricter_rate_has_a_higher_threshold_and_names_fewer(measured: Measured) -> None:
    for samples in SAMPLES:
        own = sorted((p for p in measured.points if p.samples == samples), key=lambda p: p.false_name_rate)
        thresholds = [point.threshold for point in own]
        assert thresholds == sorted(thresholds, reverse=True)
        named = [point.named for point in own]
        assert named == sorted(named)
        assert named[-1] > 0.9


@pytest.mark.parametrize("samples", [1, 5])
def test_strangers_are_named_at_the_rate(measured: Measured, samples: int) -> None:
    """Counted anew, one stranger after another, against everybody else, by the code that serves."""
    embeddings, labels = make_look_alikes(40, 6, 0.5)
    for point in measured.points:
        if point.samples != samples or point.false_name_rate < 0.01:
            continue
        level = Level(point.samples, point.threshold, point.margin)
        policy = Policy((level,), usual_rivals=measured.rivals)
        generator = np.random.default_rng(7)
        named = total = 0
        for _ in range(100):
            enrolled = generator.permutation(40)[:24]
            gallery = {
                c: embeddings[generator.permutation(np.flatnonzero(labels == c))[:samples]] for c in enrolled
            }
            for row in np.flatnonzero(~np.isin(labels, enrolled)):
                matches = [make_match(str(c), rows, embeddings[row]) for c, rows in gallery.items()]
                [verdict] = decide([matches], policy)
                named += verdict.decision is Decision.KNOWN
                total += 1
        assert named / total == pytest.approx(point.false_name_rate, rel=0.6, abs=0.005)


def make_match(name: str, samples: np.ndarray, probe: np.ndarray) -> Match:
    character = Character(CharacterId(name), Scope("s"), name, sample_count=len(samples))
    mean = samples.mean(axis=0) / np.linalg.norm(samples.mean(axis=0))
    return Match(character, SampleId(name), float((samples @ probe).max()), None, float(mean @ probe))


def test_a_gallery_of_fewer_characters_than_rivals_can_be_calibrated() -> None:
    measured = calibrate(*make_faces(4, 4, 0.3), draws=20, seed=0)  # two are enrolled
    assert -1 < measured.rivals < 0.9
    assert max(point.named for point in measured.points) > 0.5


def test_without_any_spread_everybody_is_named_and_nobody_wrongly() -> None:
    points = calibrate(*make_look_alikes(20, 4, 1e-4), draws=5, seed=0).points
    assert all(point.misnamed == 0 for point in points)
    assert max(point.named for point in points) > 0.85  # all but the two that look the same


def test_too_few_characters_are_refused() -> None:
    embeddings, labels = make_look_alikes(3, 4, 0.1)
    with pytest.raises(TrainingError, match="at least four characters"):
        calibrate(embeddings, labels, draws=5, seed=0)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """A pack of its own, whose calibration does not say what it was measured for."""
    make_pack(tmp_path / "packs" / "tiny")
    return find_pack("tiny", tmp_path / "packs")


def run(pack: Pack, monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> None:
    words = ["--pack", pack.name, "--packs", pack.folder.parent, "--draws", "5", "--threads", "1", *arguments]
    monkeypatch.setattr(sys, "argv", ["calibrate", *map(str, words)])
    main()


def test_the_printed_table_is_one_that_a_manifest_takes(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (pack.folder / "manifest.toml").read_text(encoding="utf-8")
    run(pack, monkeypatch, "--data", draw_manifest(tmp_path / "drawn", portraits=2))
    printed = capsys.readouterr().out
    table = read_table(tomllib.loads(printed)["calibration"], CalibrationTable)
    assert len(table.points) == len(FALSE_NAME_RATES) * len(SAMPLES)
    assert table.contract == contract_of(pack, flip_average=True).id
    assert table.measured_on.startswith("18 faces of 6 characters, split val, 5 draws")
    assert table.gallery_characters == 4
    assert (pack.folder / "manifest.toml").read_text(encoding="utf-8") == before


def test_a_calibration_is_written_with_the_contract_it_was_measured_for(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = draw_manifest(tmp_path / "drawn", portraits=2)
    run(pack, monkeypatch, "--data", data, "--no-flip", "--write")
    assert capsys.readouterr().out == ""
    written = find_pack("tiny", pack.folder.parent)
    assert written.manifest.calibration.contract == contract_of(pack, flip_average=False).id
    assert not written.manifest.calibration.flip_average
    assert len(written.calibration.points) == len(FALSE_NAME_RATES) * len(SAMPLES)
    assert written.calibration.rivals is not None
    assert verify_pack(written) == ()


def test_with_another_embedder_a_calibration_is_refused_until_it_is_measured_anew(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = draw_manifest(tmp_path / "drawn", portraits=2)
    run(pack, monkeypatch, "--data", data, "--write")
    path = pack.folder / "manifest.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"margin" = 3.0', '"margin" = 2.0'), encoding="utf-8")
    changed = find_pack("tiny", pack.folder.parent)
    with pytest.raises(ModelFileError, match="measured for contract"):
        _ = changed.calibration
    run(changed, monkeypatch, "--data", data, "--write")
    assert verify_pack(find_pack("tiny", pack.folder.parent)) == ()


def test_a_split_without_a_known_character_is_refused(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(pack, monkeypatch, "--data", draw_manifest(tmp_path / "drawn"), "--split", "test")
    assert ended.value.code == 1
    assert "no face of a known character" in capsys.readouterr().err
