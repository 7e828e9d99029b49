"""Plots as SVG that takes its colours from the page, so that it reads on dark and on light."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator
from scipy.stats import norm

from training.evaluation.rates import THRESHOLDS, Comparisons, Floats, Roc

_INK, _GRID = "#010101", "#020202"
_SERIES = tuple(f"#0303{number:02x}" for number in range(1, 7))
_COLOURS = {
    _INK: "currentColor",
    _GRID: "var(--grid)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(_SERIES, start=1)},
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GRID,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.7,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "xtick.major.pad": 7,
    "font.size": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
_FEW = 20  # points of a line that are marked
_SIZE = 5.6, 3.7  # inches, at 72 dots each
Corner = Literal["lower left", "lower right", "upper left", "upper right"]

_RARE = 1e-4  # the lowest rate that is shown
_DET_TICKS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    x: Floats
    y: Floats


def roc_plot(rocs: Mapping[str, Roc]) -> str:
    """True over false acceptances, the latter on a logarithmic scale."""
    canvas, axes = _axes("false acceptances", "true acceptances")
    for colour, (name, roc) in _coloured(rocs.items()):
        shown = roc.false_rate > 0
        axes.plot(roc.false_rate[shown], roc.true_rate[shown], color=colour, label=name)
    axes.set_xscale("log")
    axes.set_xlim(_RARE, 1)
    axes.set_ylim(0, 1.01)
    _percent(axes.yaxis)
    _percent(axes.xaxis)
    return _svg(canvas, axes, "lower right")


def det_plot(rocs: Mapping[str, Roc]) -> str:
    """Missed over false acceptances on normal deviate scales: Martin et al., Eurospeech 1997."""
    canvas, axes = _axes("false acceptances", "missed")
    low, high = norm.ppf(_DET_TICKS[0] / 2), norm.ppf(0.6)
    for colour, (name, roc) in _coloured(rocs.items()):
        shown = (roc.false_rate > 0) & (roc.true_rate < 1)
        x, y = (
            norm.ppf(np.clip(rate[shown], 1e-6, 1 - 1e-6)) for rate in (roc.false_rate, 1 - roc.true_rate)
        )
        axes.plot(x, y, color=colour, label=name)
    axes.plot([low, high], [low, high], color=_GRID, linewidth=1, linestyle=":")
    ticks = norm.ppf(_DET_TICKS)
    labels = [f"{tick:.3g} %" for tick in np.array(_DET_TICKS) * 100]
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    return _svg(canvas, axes, "upper right")


def similarity_histogram(comparisons: Comparisons) -> str:
    """How alike genuine and impostor comparisons are, each with the same area."""
    canvas, axes = _axes("similarity", "share of the comparisons")
    width = 40
    sides = {"genuine": comparisons.wanted, "impostor": comparisons.unwanted}
    lowest = 1.0
    for colour, (name, side) in _coloured(sides.items()):
        share = side.share()[::width]
        lowest = min(lowest, float(THRESHOLDS[::width][np.argmax(share < 1) - 1]))
        axes.stairs(-np.diff(share), THRESHOLDS[::width], fill=True, color=colour, alpha=0.55, label=name)
    axes.set_xlim(lowest, 1.02)
    _percent(axes.yaxis)
    return _svg(canvas, axes, "upper left")


def line_plot(
    lines: Sequence[Line],
    x_name: str,
    y_name: str,
    *,
    logarithmic: bool = False,
    legend: Corner = "lower right",
) -> str:
    """Shares over anything; marked where a line has few points."""
    canvas, axes = _axes(x_name, y_name)
    for colour, line in _coloured(lines):
        marker = "o" if len(line.x) <= _FEW else ""
        axes.plot(line.x, line.y, color=colour, label=line.name, marker=marker, markersize=3.5)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(_RARE * 10, 1)
        _percent(axes.xaxis)
    elif all(float(x).is_integer() for line in lines for x in line.x):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        _percent(axes.xaxis)
    axes.set_ylim(0, 1.02)
    _percent(axes.yaxis)
    return _svg(canvas, axes, legend)


T = TypeVar("T")


def _coloured(items: Iterable[T]) -> Iterator[tuple[str, T]]:
    """Each with its colour; beyond the last, from the first again."""
    return zip(cycle(_SERIES), items, strict=False)


def _axes(x_name: str, y_name: str) -> tuple[Canvas, Axes]:
    with mpl.rc_context(_STYLE):
        canvas = Canvas(figsize=_SIZE, layout="constrained")
        axes = canvas.add_subplot()
        axes.set_xlabel(x_name)
        axes.set_ylabel(y_name)
    return canvas, axes


def _percent(axis: mpl.axis.Axis) -> None:
    axis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    axis.set_minor_formatter(lambda *_: "")


def _svg(canvas: Canvas, axes: Axes, legend: Corner) -> str:
    buffer = io.StringIO()
    with mpl.rc_context(_STYLE):
        if len(axes.get_legend_handles_labels()[0]) > 1:
            axes.legend(loc=legend)
        canvas.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for found, wanted in _COLOURS.items():
        text = text.replace(found, wanted)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    return re.sub(r"(font: [\d.]+px) [^;\"]+", r"\1 system-ui, sans-serif", text)
