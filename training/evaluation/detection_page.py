"""The report of detectors on the labelled pictures of manifests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from inference.domain import ImageRGB
from training.dataset.manifest import LabelledPicture
from training.errors import TrainingError
from training.evaluation.detection import (
    SIZES,
    DetectionFigures,
    SeenPicture,
    answered_share,
    detection_figures,
    picture_slices,
)
from training.evaluation.faces import open_picture
from training.evaluation.finding import FaceFinder
from training.evaluation.page import Page, Plot, Section, Table, Tile, percent
from training.evaluation.plots import Line, line_plot

PROTOCOL = (
    "Every picture is seen as in serving: its views, the network, boxes merged. A box is right from IoU 0.5 "
    "with a labelled face that no better box has (COCO matching). AP is COCO's, of 101 recalls; AP50-95 is "
    "the mean over IoU 0.50 to 0.95. Labels marked unsure count neither way, nor do faces outside of a slice "
    "by size."
)

_GREY_SPREAD = 12  # of 255: channels that differ by less are the noise of a JPEG
_GREY_SHARE = 0.99  # of the pixels


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """One pack's detector on the pictures."""

    pack: str
    threshold: float
    whole: DetectionFigures
    slices: Mapping[str, DetectionFigures]
    answered: float
    """Share of the pictures without a face that are answered with one, at the pack's threshold."""
    answered_at_best: float
    empty: int
    """Pictures without a face."""
    milliseconds: float
    """Median of a picture: views, network and merging, without decoding."""
    canvas_wh: tuple[int, int]
    canvas_milliseconds: float
    """Median of the network on one canvas of the largest size."""


def measure(
    pictures: Sequence[LabelledPicture], finder: FaceFinder, pack: str, groups: Mapping[str, Sequence[str]]
) -> DetectionResult:
    """Everything the page shows of one pack. Raises TrainingError."""
    if not any(picture.faces for picture in pictures):
        raise TrainingError("there is no picture with a labelled face in that split")
    seen, times = [], []
    for picture in track(
        pictures,
        description=f"Pictures as {pack} sees them",
        console=Console(stderr=True),
        transient=True,
    ):
        image = open_picture(picture.path)
        found = finder.find(image)
        times.append(found.milliseconds)
        seen.append(SeenPicture(picture, found.candidates, found.served, is_greyscale(image)))
    threshold = finder.score_threshold
    whole = detection_figures(seen, threshold)
    slices = {
        name: detection_figures(entries, threshold) for name, entries in picture_slices(seen, groups).items()
    }
    slices |= {size.name: detection_figures(seen, threshold, size) for size in SIZES}
    canvas_wh, canvas_milliseconds = finder.canvas_milliseconds()
    return DetectionResult(
        pack=pack,
        threshold=threshold,
        whole=whole,
        slices={name: figures for name, figures in slices.items() if figures.faces},
        answered=answered_share(seen),
        answered_at_best=answered_share(seen, whole.best.threshold),
        empty=sum(not picture.faces for picture in pictures),
        milliseconds=float(np.median(times)),
        canvas_wh=canvas_wh,
        canvas_milliseconds=canvas_milliseconds,
    )


def is_greyscale(image: ImageRGB) -> bool:
    """Whether a picture has no colour to speak of."""
    step = max(1, min(image.shape[:2]) // 256)
    spread = np.ptp(image[::step, ::step].astype(np.int16), axis=2)
    return bool(np.quantile(spread, _GREY_SHARE) <= _GREY_SPREAD)


def figures_of(result: DetectionResult) -> dict[str, Any]:
    """For report.json."""
    return {
        **_figures(result.whole),
        "empty_pictures": result.empty,
        "empty_pictures_answered": result.answered,
        "empty_pictures_answered_at_best_threshold": result.answered_at_best,
        "milliseconds_per_picture": result.milliseconds,
        "milliseconds_per_canvas": result.canvas_milliseconds,
        "canvas": list(result.canvas_wh),
        "slices": {name: _figures(figures) for name, figures in result.slices.items()},
    }


def detection_page(results: Sequence[DetectionResult], facts: Mapping[str, str]) -> Page:
    first = results[0]
    return Page(
        title=f"Detection: {', '.join(result.pack for result in results)}",
        protocol=PROTOCOL,
        facts={**facts, "faces": f"{first.whole.faces:,} in {first.whole.pictures:,} pictures"},
        tiles=[
            Tile("AP50", percent(first.whole.ap50), first.pack),
            Tile("F1", percent(first.whole.at_pack.f1), f"at the pack's threshold, {first.threshold:g}"),
            Tile("Empty pictures answered", percent(first.answered), f"of {first.empty} without a face"),
            Tile("Time", f"{first.milliseconds:.0f} ms", "a picture, median, without decoding"),
        ],
        sections=[
            _summary(results),
            Section(
                "Precision and recall",
                "As the score threshold falls from left to right, at IoU 0.5.",
                plots=[Plot("Precision over recall", _curves(results))],
            ),
            *(_slice_section(result) for result in results),
        ],
    )


def _figures(figures: DetectionFigures) -> dict[str, Any]:
    return {
        "pictures": figures.pictures,
        "faces": figures.faces,
        "ap50": figures.ap50,
        "ap50_95": figures.ap50_95,
        "at_pack_threshold": {**asdict(figures.at_pack), "f1": figures.at_pack.f1},
        "at_best_threshold": {**asdict(figures.best), "f1": figures.best.f1},
    }


def _summary(results: Sequence[DetectionResult]) -> Section:
    def row(name: str, cells: Sequence[str]) -> list[str]:
        return [name, *cells]

    points = [(result.whole.at_pack, result.whole.best) for result in results]
    rows = [
        row("AP50", [percent(result.whole.ap50) for result in results]),
        row("AP50-95", [percent(result.whole.ap50_95) for result in results]),
    ]
    for number, name in enumerate(("the pack's threshold", "the best threshold")):
        chosen = [pair[number] for pair in points]
        rows += [
            row(name, [f"{point.threshold:.3f}" for point in chosen]),
            row(f"precision at {name}", [percent(point.precision) for point in chosen]),
            row(f"recall at {name}", [percent(point.recall) for point in chosen]),
            row(f"F1 at {name}", [percent(point.f1) for point in chosen]),
        ]
    rows += [
        row("empty pictures answered with a face", [percent(result.answered) for result in results]),
        row("the same at the best threshold", [percent(result.answered_at_best) for result in results]),
        row("ms a picture, median", [f"{result.milliseconds:.1f}" for result in results]),
        row(
            "ms for one canvas",
            [
                f"{result.canvas_milliseconds:.1f} ({result.canvas_wh[0]}×{result.canvas_wh[1]})"
                for result in results
            ],
        ),
    ]
    return Section("Figures", tables=[Table(["", *(result.pack for result in results)], rows)])


def _curves(results: Sequence[DetectionResult]) -> str:
    lines = [Line(result.pack, *result.whole.curve) for result in results]
    return line_plot(lines, "recall", "precision", legend="lower left")


def _slice_section(result: DetectionResult) -> Section:
    rows = [
        [
            name,
            str(figures.pictures),
            str(figures.faces),
            percent(figures.ap50),
            percent(figures.at_pack.precision),
            percent(figures.at_pack.recall),
            percent(figures.at_pack.f1),
        ]
        for name, figures in result.slices.items()
    ]
    header = ["", "pictures", "faces", "AP50", "precision", "recall", "F1"]
    return Section(
        f"Slices ({result.pack})",
        "At the pack's threshold. In a slice by size, only such faces are looked for.",
        tables=[Table(header, rows)],
    )
