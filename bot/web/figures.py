"""What the process's figures say on the health page: how quick it is, what waits, what could not be done."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from inference.metrics import Metrics

_STAGES = ("decode", "detect", "embed", "search", "annotate")
_MOST = 0.95


@dataclass(frozen=True, slots=True)
class Figures:
    """Since the start."""

    pictures: int
    average_ms: float
    """From question to answer."""
    within_s: float | None
    """95 % of the answers took at most so long; None when that is longer than is told apart."""
    stages: tuple[tuple[str, float], ...]
    """Milliseconds of a picture in each stage, on average."""
    waiting: tuple[tuple[str, int], ...]
    """Items that wait for a model now; nothing where a service has the models."""
    refusals: tuple[tuple[str, int], ...]
    """Codes of what could not be done, most frequent first."""


def figures_of(metrics: Metrics) -> Figures:
    """As they are now."""
    took = {what: metrics.values(f"dareda_use_case_seconds_{what}") for what in ("bucket", "sum", "count")}
    answers = took["count"].get(("identify",), 0.0)
    limits = [
        float(limit)
        for (use_case, limit), count in took["bucket"].items()
        if use_case == "identify" and count >= _MOST * answers
    ]
    sums, counts = (metrics.values(f"dareda_stage_seconds_{what}") for what in ("sum", "count"))
    refusals: Counter[str] = Counter()
    for (_, code), count in metrics.values("dareda_refusals_total").items():
        refusals[code] += int(count)
    return Figures(
        int(sum(metrics.values("dareda_pictures_total").values())),
        took["sum"].get(("identify",), 0.0) / max(answers, 1.0) * 1_000,
        least if math.isfinite(least := min(limits, default=math.inf)) else None,
        tuple((one, sums[one,] / counts[one,] * 1_000) for one in _STAGES if counts.get((one,))),
        tuple((name, int(count)) for (name,), count in metrics.values("dareda_queue_items").items()),
        tuple(refusals.most_common()),
    )
