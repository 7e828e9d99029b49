"""The report of embedders on the labelled faces of manifests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from training.errors import TrainingError
from training.evaluation.confusion import worst_confusions
from training.evaluation.draws import ENROLLED_SHARE
from training.evaluation.faces import FaceTable
from training.evaluation.gallery_map import gallery_map
from training.evaluation.page import Page, PicturePair, Plot, Section, Table, Tile, percent, with_interval
from training.evaluation.plots import Line, det_plot, line_plot, roc_plot, similarity_histogram
from training.evaluation.rates import Comparisons, Floats, Roc, roc_figures
from training.evaluation.recognition import (
    RANKS,
    SAMPLES,
    Identification,
    identification,
    pairs,
    with_two_faces,
)
from training.evaluation.thumbnails import thumbnail

_PROTOCOL = (
    "Protocol dareda-val: characters with at least two faces. In each of "
    f"{{draws}} draws {ENROLLED_SHARE:.0%} of them are enrolled with {SAMPLES} random faces, or all but one; "
    "their other faces and all faces of the rest are probes, as alike to a character as in serving. "
    "EER: a probe against one character. Rank-1: the enrolled among the enrolled. TPIR: "
    "an enrolled character's face named rightly where that share of strangers (FPIR) is named. All averaged "
    "over characters; in brackets the 95 % interval of a bootstrap over characters."
)
NUMBERS_OF_SAMPLES = (1, 3, 5, 10)
FPIRS = (0.05, 0.01, 0.001)
FARS = (0.01, 0.001)

_CONFUSIONS = 24
_THUMBNAIL = 112  # pixels


@dataclass(frozen=True, slots=True)
class RecognitionResult:
    """One pack's embedder on the faces."""

    pack: str
    contract: str
    draws: int
    table: FaceTable
    """Only characters with two faces."""
    by_samples: Mapping[int, Identification]
    everybody: Identification
    """With all characters enrolled."""
    all_pairs: Comparisons
    averaged_pairs: Comparisons
    slices: Mapping[str, Identification]
    """By group of sources and by source."""

    @property
    def headline(self) -> Identification:
        return self.by_samples[SAMPLES]


def measure(
    table: FaceTable,
    pack: str,
    contract: str,
    groups: Mapping[str, Sequence[str]],
    *,
    draws: int,
    seed: int,
) -> RecognitionResult:
    """Everything the page shows of one pack. Raises TrainingError when there are too few characters."""
    table = table.only(with_two_faces(table.embeddings, table.characters)[2])
    embeddings, characters = table.embeddings, table.characters
    all_pairs, averaged = pairs(embeddings, characters)
    return RecognitionResult(
        pack=pack,
        contract=contract,
        draws=draws,
        table=table,
        by_samples={
            samples: identification(embeddings, characters, samples=samples, seed=seed, draws=draws)
            for samples in NUMBERS_OF_SAMPLES
        },
        everybody=identification(embeddings, characters, samples=SAMPLES, seed=seed, draws=draws, share=1.0),
        all_pairs=all_pairs,
        averaged_pairs=averaged,
        slices=dict(_slices(table, groups, draws, seed)),
    )


def figures_of(result: RecognitionResult, *, seed: int) -> dict[str, Any]:
    """For report.json."""
    headline, everybody = result.headline, result.everybody
    open_set = {samples: _tpirs(found, seed) for samples, found in result.by_samples.items()}
    return {
        "contract": result.contract,
        "faces": len(result.table.faces),
        "characters": len(result.table.names),
        "eer": _verified(headline.verification, seed)["eer"],
        "rank_1": asdict(headline.rank_figure(1, seed=seed)),
        "tpir_at_fpir": open_set[SAMPLES],
        "open_set_by_samples": open_set,
        "everybody_enrolled": {
            f"rank_{rank}": asdict(everybody.rank_figure(rank, seed=seed)) for rank in (1, 5, 10)
        },
        "verification": {
            name: _verified(comparisons, seed) for name, comparisons in _verification(result).items()
        },
        "slices": {
            name: {
                "characters": found.characters,
                "eer": _verified(found.verification, seed)["eer"],
                "rank_1": asdict(found.rank_figure(1, seed=seed)),
                "tpir_at_fpir": _tpirs(found, seed),
            }
            for name, found in result.slices.items()
        },
    }


def recognition_page(
    results: Sequence[RecognitionResult], facts: Mapping[str, str], figures: Mapping[str, Any], *, seed: int
) -> Page:
    """The page; confusions and map are those of the first pack. `figures` are `figures_of()` by pack."""
    first = results[0]
    return Page(
        title=f"Recognition: {', '.join(result.pack for result in results)}",
        protocol=_PROTOCOL.format(draws=first.draws),
        facts={**facts, "faces": f"{len(first.table.faces):,} of {len(first.table.names):,} characters"},
        tiles=_tiles(first.pack, figures[first.pack]),
        sections=[
            _summary(results, figures),
            _verification_section(results),
            _identification_section(results, figures),
            _slice_section(results, figures),
            _confusion_section(first),
            Section(
                f"Map of the faces ({first.pack})",
                "Near is alike (t-SNE). Dots are faces, coloured by source; each character shows one face.",
                plots=[Plot("", gallery_map(first.table, seed=seed), wide=True)],
            ),
        ],
    )


def _slices(
    table: FaceTable, groups: Mapping[str, Sequence[str]], draws: int, seed: int
) -> list[tuple[str, Identification]]:
    sources = np.array(table.sources)
    wanted = {**groups, **{f"source {source}": (source,) for source in sorted(set(table.sources))}}
    found = []
    for name, members in wanted.items():
        part = table.only(np.isin(sources, list(members)))
        try:
            embeddings, characters, _ = with_two_faces(part.embeddings, part.characters)
        except TrainingError:
            continue
        identified = identification(embeddings, characters, samples=SAMPLES, seed=seed, draws=draws)
        found.append((name, identified))
    return found


def _verification(result: RecognitionResult) -> dict[str, Comparisons]:
    return {
        "a probe against a character": result.headline.verification,
        "pairs of faces, averaged over characters": result.averaged_pairs,
        "pairs of faces, all alike": result.all_pairs,
    }


def _verified(comparisons: Comparisons, seed: int) -> dict[str, Any]:
    """The EER, and the TAR at each FAR."""
    measures: dict[str, Callable[[Roc], Floats]] = {"eer": lambda roc: roc.equal_error_rate}
    measures |= {f"{far:g}": partial(Roc.true_rate_at, false_rate=far) for far in FARS}
    figures = {name: asdict(found) for name, found in roc_figures(comparisons, measures, seed=seed).items()}
    return {"eer": figures.pop("eer"), "tar_at_far": figures}


def _tpirs(found: Identification, seed: int) -> dict[str, Any]:
    """The TPIR at each FPIR."""
    measures = {f"{fpir:g}": partial(Roc.true_rate_at, false_rate=fpir) for fpir in FPIRS}
    return {name: asdict(one) for name, one in roc_figures(found.open_set, measures, seed=seed).items()}


def _tiles(pack: str, figures: Mapping[str, Any]) -> list[Tile]:
    def tile(name: str, value: Mapping[str, float]) -> Tile:
        return Tile(
            name, percent(value["value"]), f"{percent(value['low'])} to {percent(value['high'])}, {pack}"
        )

    return [
        tile("EER", figures["eer"]),
        tile("Rank-1", figures["rank_1"]),
        tile("TPIR at FPIR 1 %", figures["tpir_at_fpir"]["0.01"]),
        tile("TPIR at FPIR 0.1 %", figures["tpir_at_fpir"]["0.001"]),
    ]


def _summary(results: Sequence[RecognitionResult], figures: Mapping[str, Any]) -> Section:
    packs = [figures[result.pack] for result in results]
    rows = [
        ["EER", *(with_interval(**one["eer"]) for one in packs)],
        ["rank-1 among the enrolled", *(with_interval(**one["rank_1"]) for one in packs)],
        *(
            [
                f"TPIR at FPIR {100 * fpir:g} %",
                *(with_interval(**one["tpir_at_fpir"][f"{fpir:g}"]) for one in packs),
            ]
            for fpir in FPIRS
        ),
        *(
            [
                f"rank-{rank} with everybody enrolled",
                *(with_interval(**one["everybody_enrolled"][f"rank_{rank}"]) for one in packs),
            ]
            for rank in (1, 5, 10)
        ),
    ]
    for name in _verification(results[0]):
        rows.append([f"EER, {name}", *(with_interval(**one["verification"][name]["eer"]) for one in packs)])
        rows += [
            [
                f"TAR at FAR {100 * far:g} %, {name}",
                *(with_interval(**one["verification"][name]["tar_at_far"][f"{far:g}"]) for one in packs),
            ]
            for far in FARS
        ]
    return Section("Figures", tables=[Table(["", *(result.pack for result in results)], rows)])


def _verification_section(results: Sequence[RecognitionResult]) -> Section:
    first = results[0]
    rocs = {
        f"{result.pack}: {name}": comparisons.roc()
        for result in results
        for name, comparisons in list(_verification(result).items())[:2]
    }
    plots = [Plot("ROC", roc_plot(rocs)), Plot("DET", det_plot(rocs))]
    for name, comparisons in list(_verification(first).items())[:2]:
        plots.append(Plot(f"Similarity, {name} ({first.pack})", similarity_histogram(comparisons)))
    return Section("Verification: is it the same character?", plots=plots)


def _identification_section(results: Sequence[RecognitionResult], figures: Mapping[str, Any]) -> Section:
    first = results[0]
    open_set = [
        Line(_samples(samples), roc.false_rate, roc.true_rate)
        for samples, found in first.by_samples.items()
        for roc in [found.open_set.roc()]
    ]
    ranks = np.arange(1, RANKS + 1, dtype=np.float64)
    cmc = [
        Line(f"{result.pack}, {name}", ranks, found.cmc)
        for result in results
        for name, found in (("60 % enrolled", result.headline), ("everybody", result.everybody))
    ]
    rows = [
        [
            f"{result.pack}, {_samples(samples)}",
            *(
                with_interval(**figures[result.pack]["open_set_by_samples"][samples][f"{fpir:g}"])
                for fpir in FPIRS
            ),
        ]
        for result in results
        for samples in NUMBERS_OF_SAMPLES
    ]
    return Section(
        "Identification: who is it, or nobody we know?",
        tables=[Table(["samples", *(f"TPIR at FPIR {100 * fpir:g} %" for fpir in FPIRS)], rows)],
        plots=[
            Plot(
                f"Open set ({first.pack})",
                line_plot(open_set, "strangers named (FPIR)", "named rightly (TPIR)", logarithmic=True),
            ),
            Plot("Closed set (CMC)", line_plot(cmc, "rank", "found up to that rank")),
        ],
    )


def _slice_section(results: Sequence[RecognitionResult], figures: Mapping[str, Any]) -> Section:
    rows = [
        [
            f"{name} ({result.pack})" if len(results) > 1 else name,
            str(found["characters"]),
            with_interval(**found["eer"]),
            with_interval(**found["rank_1"]),
            with_interval(**found["tpir_at_fpir"]["0.01"]),
        ]
        for name in results[0].slices
        for result in results
        for found in [figures[result.pack]["slices"][name]]
    ]
    return Section(
        "By source",
        "The same protocol among the characters of these sources alone. Few characters make wide intervals.",
        tables=[Table(["", "characters", "EER", "rank-1", "TPIR at FPIR 1 %"], rows)] if rows else [],
    )


def _confusion_section(result: RecognitionResult) -> Section:
    faces = result.table.faces
    shown = [
        PicturePair(
            thumbnail(faces[one.face], _THUMBNAIL),
            thumbnail(faces[one.other], _THUMBNAIL),
            f"{faces[one.face].character} taken for {faces[one.other].character}: similarity "
            f"{one.similarity:.2f}, to the nearest of its own {one.own_similarity:.2f}",
        )
        for one in worst_confusions(result.table, _CONFUSIONS)
    ]
    note = "Faces that are more like another character's than like any of their own, the most alike first."
    return Section(f"Worst confusions ({result.pack})", note if shown else "There are none.", pairs=shown)


def _samples(count: int) -> str:
    return "1 sample" if count == 1 else f"{count} samples"
