"""Measure from which similarity and lead a pack's embedder may name a face; prints the manifest's table.

    python -m training.calibrate --faces DIR --index FILE --split val --pack starter

`FILE` is a CSV with the columns path (below DIR), character, source and split; every picture shows one face,
its box centred. Open set, many random draws: a share of the characters is enrolled with up to k samples each
(always leaving one out), their other pictures and all pictures of the rest are probes. A false name is a
stranger named; rates are averaged over characters, so that many pictures of one count no more than few.
For each false-name rate and k the threshold is the lowest that keeps to the rate. The margin is one for all:
the largest that costs next to no right name, since a face that two characters fit is better left unsure.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.options import ImageLimits, ModelOptions
from inference.domain import Embeddings, FaceBox
from inference.embedding.align import align_crop
from inference.images import decode
from inference.models import Pack, find_pack, open_embedder

FALSE_NAME_RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
SAMPLES = (1, 3, 5, 10)

_ENROLLED_SHARE = 0.6
_MARGINS = tuple(step / 100 for step in range(16))
_MARGIN_COST = 0.005  # share of right names that the margin may cost
_BATCH = 32

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Probes:
    """One row a probe, over all draws."""

    similarity: Floats
    """To the best character."""
    gap: Floats
    """From there to the best other character."""
    weight: Floats
    """Adds up to 1 over the strangers, and to 1 over the others."""
    stranger: Flags
    right: Flags
    """The best character is the probe's own."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold and margin do."""

    false_name_rate: float
    samples: int
    threshold: float
    margin: float
    named: float
    """Share of the enrolled probes that are named rightly (TPIR)."""
    misnamed: float
    """Share of the enrolled probes that are named as somebody else."""
    unsure: float
    """Share of the enrolled probes above the threshold, but with too small a lead."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, required=True, help="folder that the index's paths start from")
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--pack", default="starter")
    parser.add_argument("--packs", type=Path, default=Path("data/models"), help="folder of installed packs")
    parser.add_argument("--box-share", type=float, default=0.5, help="side of the face box / of the picture")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-flip", action="store_true", help="without flip averaging")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()

    with arguments.index.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == arguments.split]
    if not rows:
        parser.error(f"{arguments.index} has no rows of split {arguments.split}")
    pack = find_pack(arguments.pack, arguments.packs)
    models = ModelOptions(pack=pack.name, flip_average=not arguments.no_flip, threads=arguments.threads)
    paths = [arguments.faces / row["path"] for row in rows]
    embeddings = embed_files(paths, pack, models, box_share=arguments.box_share)
    _, characters = np.unique([row["character"] for row in rows], return_inverse=True)
    points = calibrate(embeddings, characters, draws=arguments.draws, seed=arguments.seed)
    sys.stderr.write("\n".join(report(points)) + "\n")
    count = len(set(characters.tolist()))
    sys.stdout.write(
        toml_table(
            points,
            measured_on=f"{len(rows):,} pictures of {count} characters, split {arguments.split}, "
            f"{arguments.draws} draws, {datetime.now(UTC):%Y-%m-%d}",
            flip_average=models.flip_average,
            gallery_characters=round(_ENROLLED_SHARE * count),
        )
        + "\n"
    )


def embed_files(paths: Sequence[Path], pack: Pack, models: ModelOptions, *, box_share: float) -> Embeddings:
    """One row a picture with a centred face."""
    embedder = open_embedder(pack, models)
    table = pack.manifest.embedder
    parts = []
    for start in range(0, len(paths), _BATCH):
        crops = []
        for path in paths[start : start + _BATCH]:
            image = decode(path.read_bytes(), ImageLimits()).frames[0]
            height, width = image.shape[:2]
            x, y = width * (1 - box_share) / 2, height * (1 - box_share) / 2
            box = FaceBox(x, y, width - x, height - y)
            crops.append(align_crop(image, box, margin=table.margin, side=table.side))
        parts.append(embedder.embed(crops))
        sys.stderr.write(f"\r{start + len(crops):,} of {len(paths):,} embedded")
    sys.stderr.write("\n")
    return Embeddings(np.concatenate(parts))


def calibrate(embeddings: Embeddings, characters: Indices, *, draws: int, seed: int) -> tuple[Point, ...]:
    """The points for every number of samples and false-name rate. `characters` is 0…n-1 for each row."""
    probes = {}
    for samples in SAMPLES:
        generator = np.random.default_rng(seed)
        probes[samples] = _joined([_draw(embeddings, characters, samples, generator) for _ in range(draws)])
    by_margin = {margin: _points(probes, margin) for margin in _MARGINS}
    named = {margin: np.mean([point.named for point in points]) for margin, points in by_margin.items()}
    best = max(named.values())
    return by_margin[max(margin for margin in _MARGINS if named[margin] >= best - _MARGIN_COST)]


def report(points: Sequence[Point]) -> list[str]:
    """A Markdown table."""
    return [
        "| samples | false-name rate | threshold | margin | named rightly | misnamed | unsure |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {p.samples} | {p.false_name_rate:.1%} | {p.threshold:.3f} | {p.margin:.2f} "
            f"| {p.named:.1%} | {p.misnamed:.2%} | {p.unsure:.1%} |"
            for p in points
        ),
    ]


def toml_table(
    points: Sequence[Point], *, measured_on: str, flip_average: bool, gallery_characters: int
) -> str:
    """The `[calibration]` table of a manifest."""
    return "\n".join(
        [
            "[calibration]",
            f'measured_on = "{measured_on}"',
            f"flip_average = {str(flip_average).lower()}",
            f"gallery_characters = {gallery_characters}",
            "points = [",
            *(
                f"    {{ samples = {p.samples}, false_name_rate = {p.false_name_rate:g}, "
                f"threshold = {p.threshold:.3f}, margin = {p.margin:.2f} }},"
                for p in points
            ),
            "]",
        ]
    )


def _draw(
    embeddings: Embeddings, characters: Indices, samples: int, generator: np.random.Generator
) -> Probes:
    counts = np.bincount(characters)
    able = np.flatnonzero(counts >= 2)  # one to enroll and one to probe with
    enrolled = generator.permutation(able)[: round(_ENROLLED_SHARE * len(counts))]
    # Rows in random order, so that the first ones of each character are a random choice.
    order = generator.permutation(len(characters))
    gallery = [order[characters[order] == c][: min(samples, counts[c] - 1)] for c in enrolled]
    starts = np.cumsum([0, *(len(rows) for rows in gallery)])[:-1]
    rows = np.concatenate(gallery)
    probes = np.setdiff1d(np.arange(len(characters)), rows)
    best = np.maximum.reduceat(embeddings[probes] @ embeddings[rows].T, starts, axis=1).astype(np.float64)
    first = best.argmax(axis=1)
    second, top = np.partition(best, -2, axis=1)[:, -2:].T
    stranger = ~np.isin(characters[probes], enrolled)
    share = 1 / np.bincount(characters[probes])[characters[probes]]
    return Probes(top, top - second, share, stranger, enrolled[first] == characters[probes])


def _joined(draws: Sequence[Probes]) -> Probes:
    stranger = np.concatenate([draw.stranger for draw in draws])
    weight = np.concatenate([draw.weight for draw in draws])
    return Probes(
        similarity=np.concatenate([draw.similarity for draw in draws]),
        gap=np.concatenate([draw.gap for draw in draws]),
        weight=np.where(stranger, weight / weight[stranger].sum(), weight / weight[~stranger].sum()),
        stranger=stranger,
        right=np.concatenate([draw.right for draw in draws]),
    )


def _points(probes: Mapping[int, Probes], margin: float) -> tuple[Point, ...]:
    points = [
        _point(drawn, samples, rate, margin) for samples, drawn in probes.items() for rate in FALSE_NAME_RATES
    ]
    return tuple(points)


def _point(probes: Probes, samples: int, rate: float, margin: float) -> Point:
    leads = probes.gap >= margin
    threshold = _threshold(probes, probes.stranger & leads, rate)
    above = ~probes.stranger & (probes.similarity >= threshold)

    def share(chosen: Flags) -> float:
        return float(probes.weight[chosen].sum())

    return Point(
        false_name_rate=rate,
        samples=samples,
        threshold=threshold,
        margin=margin,
        named=share(above & leads & probes.right),
        misnamed=share(above & leads & ~probes.right),
        unsure=share(above & ~leads),
    )


def _threshold(probes: Probes, chosen: Flags, rate: float) -> float:
    """The lowest similarity, to three digits, from which at most that share of strangers is chosen."""
    order = np.argsort(-probes.similarity[chosen])
    similarity = probes.similarity[chosen][order]
    named = np.cumsum(probes.weight[chosen][order])
    too_many = np.flatnonzero(named > rate)
    if not too_many.size:
        return 0.0
    return float(np.ceil((similarity[too_many[0]] + 1e-9) * 1000) / 1000)


if __name__ == "__main__":
    main()
