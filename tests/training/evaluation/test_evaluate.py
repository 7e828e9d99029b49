"""The whole command on drawn pictures: the report's figures agree with what was drawn."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from inference.drawing import draw_cast, draw_portrait
from inference.images import encode
from tests.training.evaluation.made_faces import draw_manifest
from training import evaluate


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_manifest(tmp_path_factory.mktemp("drawn"), portraits=3, characters=6)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command; gives what it wrote into its report and printed."""

    def run(command: str, *arguments: str | Path) -> tuple[dict[str, Any], str, str]:
        report = tmp_path / "report"
        words = [command, *map(str, arguments), "--report", str(report), "--packs", str(tmp_path / "packs")]
        monkeypatch.setattr(sys, "argv", ["evaluate", *words, "--threads", "1"])
        evaluate.main()
        figures = json.loads((report / "report.json").read_text(encoding="utf-8"))
        return figures, (report / "index.html").read_text(encoding="utf-8"), capsys.readouterr().out

    return run


def is_self_contained(html: str) -> bool:
    return not re.search(r'(?:src|href)="(?!data:|#)', html) and "url(http" not in html


def test_detection_finds_the_drawn_faces(run: Any, manifest: Path) -> None:
    report, html, printed = run("detection", "--data", manifest, "--group", "portraits=even,odd")
    figures = report["results"]["dareda-1"]
    assert report["split"] == "val"
    assert "COCO" in report["protocol"]
    assert (figures["pictures"], figures["faces"]) == (20, 24)
    assert figures["ap50"] > 0.9
    assert figures["at_best_threshold"]["f1"] >= figures["at_pack_threshold"]["f1"] > 0.85
    assert figures["empty_pictures"] == 1
    slices = figures["slices"]
    assert slices["portraits"]["faces"] == 18
    assert slices["source group"]["faces"] == slices["crowded, 5 faces or more"]["faces"] == 6
    assert slices["labelled by a person"]["faces"] == 24
    assert sum(found["faces"] for name, found in slices.items() if name.endswith(" px")) == 24
    assert is_self_contained(html)
    assert "Precision over recall" in html
    assert "AP50: " in printed
    assert "index.html" in printed


def test_recognition_tells_the_drawn_characters_apart(run: Any, manifest: Path) -> None:
    report, html, _ = run("recognition", "--data", manifest, "--group", "portraits=even,odd", "--no-flip")
    figures = report["results"]["dareda-1"]
    assert "dareda-val" in report["protocol"]
    assert report["flip averaging"] == "no"
    assert (figures["faces"], figures["characters"]) == (24, 6)
    for figure in (figures["eer"], figures["rank_1"], figures["tpir_at_fpir"]["0.01"]):
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    assert figures["rank_1"]["value"] > 0.5
    assert set(figures["open_set_by_samples"]) == {"1", "3", "5", "10"}
    assert set(figures["verification"]["pairs of faces, all alike"]["tar_at_far"]) == {"0.01", "0.001"}
    assert figures["slices"]["portraits"]["characters"] == 6
    assert figures["slices"]["source even"]["characters"] == 3
    assert is_self_contained(html)
    for title in (
        "ROC",
        "DET",
        "Closed set (CMC)",
        "Worst confusions (dareda-1)",
        "Map of the faces (dareda-1)",
    ):
        assert title in html
    assert html.count("<image ") == 6


def test_the_pipeline_names_drawn_characters(run: Any, manifest: Path) -> None:
    report, html, _ = run(
        "pipeline", "--data", manifest, "--boxes", "given", "--rate", "0.1", "0.01", "--samples", "2"
    )
    figures = report["results"]["dareda-1"]
    assert "labelled boxes" in report["protocol"]
    assert figures["pictures"] == 19
    assert figures["faces_found"] == 1
    assert list(figures["rates"]) == ["0.01", "0.1"]
    strict, loose = figures["rates"].values()
    assert sum(share["value"] for share in strict["enrolled"].values()) == pytest.approx(1, abs=1e-5)
    assert strict["enrolled"]["named rightly"]["value"] <= loose["enrolled"]["named rightly"]["value"]
    assert strict["measured_over_stated"] == pytest.approx(
        strict["false_name_rate"]["value"] / 0.01, abs=1e-3
    )
    assert figures["milliseconds_per_picture"]["embed"] > 0
    assert is_self_contained(html)


def test_a_published_protocol_is_measured_on_its_own_data(run: Any, tmp_path: Path) -> None:
    lines = ["pathA,pathB,label,human_prediction,invalid"]
    for number, character in enumerate(draw_cast(3, seed=6)):
        folder = tmp_path / "data" / "crops" / f"somebody_({number})"
        folder.mkdir(parents=True)
        for seed in range(2):
            drawing = draw_portrait(character, seed=seed, size=160)
            (folder / f"{seed}.jpg").write_bytes(encode(drawing.image, format="jpeg"))
        lines += [f"somebody_({number})/0.jpg,somebody_({number})/1.jpg,1,1,0"]
        lines += [f"somebody_({number})/0.jpg,somebody_({(number + 1) % 3})/1.jpg,0,0,0"]
    (tmp_path / "data" / "pairs.csv").write_text("\n".join(lines), encoding="utf-8")
    protocol = tmp_path / "protocol.toml"
    protocol.write_text(
        'title = "Drawn pairs"\nlist = "pairs.csv"\nimages = "crops"\n'
        "[pairs]\nmiss_rate = 0.2\nbox_share = 0.5\n",
        encoding="utf-8",
    )
    report, html, printed = run("recognition", "--protocol", protocol, "--root", tmp_path / "data")
    figures = report["results"]["dareda-1"]
    assert report["title"] == "Drawn pairs: dareda-1"
    assert (figures["pairs"], figures["miss_rate"]) == (6, 0.2)
    assert 0 <= figures["eer"]["value"] <= 0.5
    assert is_self_contained(html)
    assert "EER: " in printed


@pytest.mark.parametrize(
    ("command", "arguments", "complaint"),
    [
        ("recognition", (), "--data is missing"),
        ("recognition", ("--data", "MANIFEST", "--split", "test"), "no picture of split test"),
        ("detection", ("--data", "MANIFEST", "--group", "chibi"), "NAME=SOURCE,SOURCE"),
        ("detection", ("--data", "MANIFEST", "--pack", "absent"), "no model pack called"),
        ("detection", ("--data", "absent.jsonl"), "absent.jsonl"),
        ("recognition", ("--protocol", "some.toml"), "--protocol needs --root"),
        (
            "pipeline",
            ("--data", "MANIFEST", "--boxes", "given", "--rate", "0.5"),
            "outside of what the model pack",
        ),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    run: Any,
    manifest: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(command, *(manifest if word == "MANIFEST" else word for word in arguments))
    assert ended.value.code == 1
    assert complaint in capsys.readouterr().err


def test_a_picture_that_is_gone_is_named(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = draw_manifest(tmp_path / "gone", portraits=1, characters=1)
    (path.parent / "0-0.png").unlink()
    with pytest.raises(SystemExit):
        run("recognition", "--data", path)
    assert "0-0.png" in capsys.readouterr().err
