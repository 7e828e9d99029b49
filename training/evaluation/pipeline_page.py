"""The report of whole packs: pictures in, names out, with the pack's calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from training.evaluation.draws import ENROLLED_SHARE
from training.evaluation.page import Page, Plot, Section, Table, Tile, percent, with_interval
from training.evaluation.pipeline import DRAWS, NamingFigures, Outcome, Scenes
from training.evaluation.plots import Line, line_plot

HEADLINE_RATE = 0.01
ALLOWED_FACTOR = 1.5
"""The measured false-name rate may be that much higher or lower than the stated one."""


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """One pack on the pictures."""

    pack: str
    scenes: Scenes
    naming: Sequence[NamingFigures]
    """For each stated rate, ascending."""
    samples: int

    @property
    def headline(self) -> NamingFigures:
        """At the rate nearest to that of the default settings."""
        return min(self.naming, key=lambda one: abs(np.log(one.stated_rate / HEADLINE_RATE)))

    @property
    def found(self) -> float:
        """Share of the named faces that were found."""
        seen = int(np.count_nonzero(self.scenes.characters >= 0))
        return seen / (seen + len(self.scenes.missed))

    @property
    def milliseconds(self) -> float:
        """Mean of a picture, all steps together."""
        return sum(self.scenes.milliseconds.values())


def protocol(samples: int, *, detect: bool) -> str:
    """How it was measured, in sentences."""
    boxes = "are found by the pack's detector" if detect else "are the labelled boxes"
    return (
        f"In each of {DRAWS} draws {ENROLLED_SHARE:.0%} of the characters are enrolled with up to {samples} "
        "random faces, always leaving one out; all other pictures are asked about, all faces at once. Faces "
        f"{boxes}. Named is what serving would name at the stated false-name rate. Shares are averaged over "
        "characters; in brackets the 95 % interval of a bootstrap over characters."
    )


def figures_of(result: PipelineResult) -> dict[str, Any]:
    """For report.json."""
    return {
        "pictures": result.scenes.picture_count,
        "characters": len(result.scenes.names),
        "faces_found": result.found,
        "milliseconds_per_picture": dict(result.scenes.milliseconds),
        "rates": {
            f"{one.stated_rate:g}": {
                "false_name_rate": asdict(one.false_name_rate),
                "measured_over_stated": one.false_name_rate.value / one.stated_rate,
                "within_allowed_factor": is_within(one),
                "strangers_unsure": one.strangers_unsure,
                "named_boxes_without_face": one.named_boxes,
                "enrolled": {outcome.value: asdict(share) for outcome, share in one.enrolled.items()},
            }
            for one in result.naming
        },
    }


def is_within(figures: NamingFigures) -> bool:
    """Whether the measured false-name rate keeps to the stated one by the allowed factor."""
    ratio = figures.false_name_rate.value / figures.stated_rate
    return 1 / ALLOWED_FACTOR <= ratio <= ALLOWED_FACTOR


def pipeline_page(results: Sequence[PipelineResult], facts: Mapping[str, str], *, detect: bool) -> Page:
    first = results[0]
    headline = first.headline
    named, wrong = headline.enrolled[Outcome.RIGHT], headline.false_name_rate
    return Page(
        title=f"Pipeline: {', '.join(result.pack for result in results)}",
        protocol=protocol(first.samples, detect=detect),
        facts={
            **facts,
            "pictures": f"{first.scenes.picture_count:,}, {len(first.scenes.names):,} characters",
        },
        tiles=[
            Tile("Named rightly", percent(named.value), f"{percent(named.low)} to {percent(named.high)}"),
            Tile(
                "Strangers named", percent(wrong.value, 2), f"where {percent(headline.stated_rate)} is stated"
            ),
            Tile("Faces found", percent(first.found), "of those with a name"),
            Tile("Time", f"{first.milliseconds:.0f} ms", "a picture, mean, with decoding"),
        ],
        sections=[
            *(_naming_section(result) for result in results),
            _rate_section(results),
            Section(
                "Time",
                tables=[
                    Table(
                        ["ms a picture, mean", *first.scenes.milliseconds],
                        [
                            [result.pack, *(f"{value:.1f}" for value in result.scenes.milliseconds.values())]
                            for result in results
                        ],
                    )
                ],
            ),
        ],
    )


def _naming_section(result: PipelineResult) -> Section:
    header = ["stated rate", "strangers named", "of stated", "strangers unsure"]
    rows = [
        [
            percent(one.stated_rate),
            with_interval(**asdict(one.false_name_rate), digits=2),
            f"×{one.false_name_rate.value / one.stated_rate:.2f}",
            percent(one.strangers_unsure, 2),
            *(percent(one.enrolled[outcome].value) for outcome in Outcome),
            percent(one.named_boxes),
        ]
        for one in result.naming
    ]
    return Section(
        f"Names ({result.pack})",
        "Of the strangers' faces that were found, and of all faces of the enrolled. The last column is the "
        "share of the boxes around no labelled face that are given a name.",
        tables=[Table([*header, *(outcome.value for outcome in Outcome), "no face, named"], rows)],
    )


def _rate_section(results: Sequence[PipelineResult]) -> Section:
    stated = np.array([one.stated_rate for one in results[0].naming])
    lines = [
        Line("named rightly" if len(results) == 1 else f"{result.pack}: named rightly", stated, right)
        for result in results
        for right in [np.array([one.enrolled[Outcome.RIGHT].value for one in result.naming])]
    ]
    lines += [
        Line("strangers named" if len(results) == 1 else f"{result.pack}: strangers named", stated, wrong)
        for result in results
        for wrong in [np.array([one.false_name_rate.value for one in result.naming])]
    ]
    plot = line_plot(lines, "stated false-name rate", "share of the faces", logarithmic=True)
    return Section("What a stated rate costs and brings", plots=[Plot("", plot)])
