"""A page holds all it shows, escapes what it is told, and takes its plots' colours from its style."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from training.evaluation.page import (
    Page,
    PicturePair,
    Plot,
    Section,
    Table,
    Tile,
    percent,
    with_interval,
    write_report,
)
from training.evaluation.plots import Line, det_plot, line_plot, roc_plot, similarity_histogram
from training.evaluation.rates import Comparisons, tally


@pytest.fixture(scope="module")
def comparisons() -> Comparisons:
    generator = np.random.default_rng(0)
    nobody = np.zeros(500, dtype=np.intp)
    return Comparisons(
        tally(generator.normal(0.6, 0.1, 500), nobody, 1), tally(generator.normal(0.1, 0.2, 500), nobody, 1)
    )


def make_page(**overrides: object) -> Page:
    fields = {"title": "A report", "protocol": "As we do it.", "facts": {}, "tiles": (), "sections": ()}
    return Page(**(fields | overrides))  # type: ignore[arg-type]


def write(tmp_path: Path, page: Page, figures: dict | None = None) -> tuple[str, dict]:
    write_report(tmp_path / "report", page, figures or {})
    html = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    return html, json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))


def test_the_figures_are_strict_json_with_null_for_what_is_unknown(tmp_path: Path) -> None:
    figures = {"a": float("nan"), "b": [1.0, float("inf")], "c": {1: (0.1234567891, "x")}, "d": True}
    _, report = write(tmp_path, make_page(facts={"split": "val"}), figures)
    assert report == {
        "title": "A report",
        "protocol": "As we do it.",
        "split": "val",
        "a": None,
        "b": [1.0, None],
        "c": {"1": [0.123457, "x"]},
        "d": True,
    }


def test_whatever_a_name_holds_is_shown_as_text(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script>"
    html, _ = write(
        tmp_path,
        make_page(
            title=evil,
            protocol=evil,
            facts={evil: evil},
            tiles=[Tile(evil, evil, evil)],
            sections=[
                Section(
                    evil,
                    evil,
                    tables=[Table([evil], [[evil]])],
                    plots=[Plot(evil, "<svg></svg>")],
                    pairs=[PicturePair("data:,", "data:,", evil)],
                )
            ],
        ),
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 14


def test_a_page_shows_its_sections_in_order(tmp_path: Path) -> None:
    sections = [
        Section("First", tables=[Table(["", "one"], [["a", "1"], ["b", "2"]])]),
        Section("Second", plots=[Plot("", "<svg></svg>", wide=True)]),
    ]
    html, _ = write(tmp_path, make_page(sections=sections))
    assert re.findall("<h2>(.*?)</h2>", html) == ["First", "Second"]
    assert html.count("<tr>") == 3
    assert '<figure class="wide"><svg></svg></figure>' in html


def test_plots_are_svg_in_the_colours_of_the_page(comparisons: Comparisons) -> None:
    roc = comparisons.roc()
    line = Line("a <line>", np.linspace(0, 1, 5), np.linspace(0, 1, 5))
    for svg in (
        roc_plot({"one": roc, "two": roc}),
        det_plot({"one": roc}),
        similarity_histogram(comparisons),
        line_plot([line], "x", "y"),
    ):
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert "currentColor" in svg
        assert "var(--series-1)" in svg
        assert not re.search("#0[123]0[123]", svg)
        # Only the names of XML's own name spaces have addresses.
        assert not re.findall(r'(?:href|src)="http', svg)
    assert "one</text>" in roc_plot({"one": roc, "two": roc})


def test_more_lines_than_colours_begin_anew(comparisons: Comparisons) -> None:
    svg = roc_plot({f"pack {number}": comparisons.roc() for number in range(8)})
    assert "pack 7" in svg


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(0.1234, 1, "12.3 %"), (1, 0, "100 %"), (float("nan"), 1, "–")]
)
def test_shares_are_percents(value: float, digits: int, text: str) -> None:
    assert percent(value, digits) == text


def test_an_interval_follows_its_value() -> None:
    assert with_interval(0.5, 0.4, 0.625) == "50.0 % (40.0–62.5)"
