"""The report of embedders under a published protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from training.evaluation.page import Page, Plot, Section, Table, Tile, percent, with_interval
from training.evaluation.plots import det_plot, roc_plot, similarity_histogram
from training.evaluation.protocols import DistractorFigures, PairFigures, Protocol

_INTERVAL = "In brackets the 95 % interval of a bootstrap over characters."

Results = Mapping[str, DistractorFigures | PairFigures]
"""By pack."""


def figures_of(protocol: Protocol, result: DistractorFigures | PairFigures) -> dict[str, Any]:
    """For report.json."""
    if isinstance(result, DistractorFigures):
        return asdict(result)
    return {
        "eer": asdict(result.eer),
        "false_acceptances_at_miss_rate": asdict(result.false_rate),
        "miss_rate": protocol.pairs.miss_rate if protocol.pairs else None,
        "pairs": result.pairs,
    }


def protocol_page(protocol: Protocol, results: Results, facts: Mapping[str, str]) -> Page:
    """The figures side by side, and for pairs the curves."""
    rows, tiles, rocs, plots = [], [], {}, []
    for pack, result in results.items():
        if isinstance(result, DistractorFigures):
            named = {"rank-1": result.rank_1}
            counts = f"{result.pairs:,} pairs, {result.probes:,} probes, {result.distractors:,} distractors"
        else:
            miss_rate = protocol.pairs.miss_rate if protocol.pairs else 0.0
            named = {
                "EER": result.eer,
                f"false acceptances at {percent(miss_rate)} missed": result.false_rate,
            }
            counts = f"{result.pairs:,} pairs"
            rocs[pack] = result.comparisons.roc()
            plots.append(Plot(f"Similarity ({pack})", similarity_histogram(result.comparisons)))
        for name, value in named.items():
            rows.append([f"{name} ({pack})", with_interval(**asdict(value)), counts])
            tiles.append(Tile(name, percent(value.value), pack))
    if rocs:
        plots = [Plot("ROC", roc_plot(rocs)), Plot("DET", det_plot(rocs)), *plots]
    return Page(
        title=f"{protocol.title}: {', '.join(results)}",
        protocol=f"Protocol {protocol.title}, as config/protocols describes it. {_INTERVAL}",
        facts=facts,
        tiles=tiles,
        sections=[Section("Figures", tables=[Table(["", "value", "over"], rows)], plots=plots)],
    )
