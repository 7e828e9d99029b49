"""Bar charts as values: where each bar goes. `charts.html` draws them as SVG, with a table beside each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 240
"""Of a drawing of columns, in its own units; that of rows is as high as it has rows."""
_LEFT, _BOTTOM, _TOP = 48, 28, 10
_ROW, _LABEL, _VALUE = 30, 210, 56
_MOST_LABELS = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; `series` says which of the chart's series it belongs to, from 0."""

    x: float
    y: float
    width: float
    height: float
    series: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of the scale (of columns: at height `at`) or a label under a bar (at `at` from the left)."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    width: int
    height: int
    left: int
    """Where the scale's lines begin."""
    baseline: float
    bars: tuple[Bar, ...]
    scale: tuple[Mark, ...]
    labels: tuple[Mark, ...]
    series: tuple[str, ...]
    """Their names, for a legend; one without a name needs none."""
    heads: tuple[str, ...]
    """Of the table's columns."""
    rows: tuple[tuple[str, ...], ...]
    """Of the table: the label, then a number for each series."""


def columns(labels: Sequence[str], series: Mapping[str, Sequence[int]], *, head: str) -> Chart:
    """Columns from left to right, those of several series stacked; `head` says what the labels are."""
    names, values = tuple(series), list(series.values())
    totals = [sum(one) for one in zip(*values, strict=True)]
    top, step = _scale(max(totals, default=0))
    room, baseline = HEIGHT - _TOP - _BOTTOM, HEIGHT - _BOTTOM
    pitch = (WIDTH - _LEFT) / max(len(labels), 1)
    width = min(pitch * 0.72, 56.0)
    bars = []
    for place, label in enumerate(labels):
        bottom = float(baseline)
        for number, one in enumerate(values):
            if height := one[place] / top * room:
                bottom -= height
                title = (
                    f"{label} · {names[number]}: {one[place]}" if names[number] else f"{label}: {one[place]}"
                )
                bars.append(
                    Bar(_LEFT + (place + 0.5) * pitch - width / 2, bottom, width, height, number, title)
                )
    every = math.ceil(len(labels) / _MOST_LABELS) or 1
    return Chart(
        WIDTH,
        HEIGHT,
        _LEFT,
        baseline,
        tuple(bars),
        scale=tuple(Mark(baseline - value / top * room, str(value)) for value in range(0, top + 1, step)),
        labels=tuple(
            Mark(_LEFT + (place + 0.5) * pitch, label)
            for place, label in enumerate(labels)
            if place % every == 0
        ),
        series=names,
        heads=(head, *names),
        rows=tuple((label, *(str(one[place]) for one in values)) for place, label in enumerate(labels)),
    )


def rows(labels: Sequence[str], counts: Sequence[int], *, head: str, name: str) -> Chart:
    """Bars from top to bottom, each with its label at its left and its number behind it."""
    most = max(counts, default=0) or 1
    room = WIDTH - _LABEL - _VALUE
    return Chart(
        WIDTH,
        _ROW * len(labels),
        _LABEL,
        0.0,
        tuple(
            Bar(_LABEL, _ROW * place + 5, count / most * room, _ROW - 10, 0, f"{label}: {count}")
            for place, (label, count) in enumerate(zip(labels, counts, strict=True))
        ),
        scale=tuple(Mark(_LABEL + count / most * room + 8, str(count)) for count in counts),
        labels=tuple(Mark(_ROW * (place + 0.5), label) for place, label in enumerate(labels)),
        series=(name,),
        heads=(head, name),
        rows=tuple((label, str(count)) for label, count in zip(labels, counts, strict=True)),
    )


def _scale(most: int) -> tuple[int, int]:
    """The top of the scale and the step between its lines, which is 1, 2 or 5 times a power of ten."""
    rough = max(most, 1) / 4
    power = 10 ** math.floor(math.log10(rough)) if rough >= 1 else 1
    step = next(int(factor * power) for factor in (1, 2, 5, 10) if factor * power >= rough or factor == 10)
    return max(step, math.ceil(max(most, 1) / step) * step), step
