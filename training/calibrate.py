"""Measure from which likeness and lead a pack's embedder may name a face; prints the manifest's table.

    python -m training.calibrate --data faces.jsonl --split val --pack dareda-1 --write

Open set, many random draws: a share of the characters is enrolled with up to k samples each (always leaving
one out), their other faces and all faces of the rest are probes. A false name is a stranger named; rates are
averaged over characters, so that many pictures of one count no more than few. For each false-name rate and k
the threshold is the lowest that keeps to the rate. The margin is one for all: the largest that costs next to
no right name, since a face that two characters fit is better left unsure.

With --write the table takes the place of the one in the pack's manifest.toml, together with the contract of
the embeddings that it was measured with; nothing else in the file changes.

What it cannot know: the rates hold for a gallery of about as many characters as were enrolled in the draws
(`gallery_characters`). A stranger has a chance with every character, so expect more false names in a gallery
ten times as large, though more is asked of a face there; calibrate with as many characters as there are, or
state a lower rate. A rate of r rests on some r × strangers pictures: below a few of these, the threshold is
that of single look-alikes, strict and rough. Draws with k samples hold characters who have fewer, too, while
serving asks less of these: in a gallery of mixed numbers some third more strangers are named than stated
(`python -m training.evaluate pipeline` measures it). And strangers who are drawn unlike anybody in the data
may be named more often or less.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from config.options import ModelOptions
from inference.decide import CalibrationPoint
from inference.domain import Embeddings
from inference.models import contract_of, find_pack
from training.command import command_parser, run_command
from training.dataset.manifest import read_manifests
from training.errors import TrainingError
from training.evaluation.calibration_table import toml_table, write_calibration
from training.evaluation.draws import ENROLLED_SHARE, Draw, draw_galleries, standing
from training.evaluation.faces import embed_faces, named_faces
from training.evaluation.rates import Flags, Floats, Indices, Roc, tally

FALSE_NAME_RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
SAMPLES = (1, 3, 5, 10)

_LEAST_CHARACTERS = 4
_MARGINS = tuple(step / 100 for step in range(16))
_MARGIN_COST = 0.005  # share of right names that the margin may cost


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


@dataclass(frozen=True, slots=True)
class Measured:
    """A calibration, and what it does."""

    points: tuple[Point, ...]
    rivals: float
    """How alike the rivals of the probes are on average."""


@dataclass(frozen=True, slots=True)
class Probes:
    """One row a probe, over all draws."""

    likeness: Floats
    """To the best character."""
    rivals: Floats
    """Of the next ones, see `Draw`."""
    gap: Floats
    """From there to the best other character."""
    weight: Floats
    """The probes of one character in one draw add up to 1."""
    stranger: Flags
    right: Flags
    """The best character is the probe's own."""


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="face manifests")
    parser.add_argument("--split", default="val", choices=("train", "val", "test"))
    parser.add_argument("--pack", default=ModelOptions().pack)
    parser.add_argument("--packs", type=Path, default=Path("data/models"), help="folder of installed packs")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-flip", action="store_true", help="without flip averaging")
    parser.add_argument("--threads", type=int, default=0, help="of the embedder on a CPU; 0 for all cores")
    parser.add_argument("--write", action="store_true", help="into the pack's manifest.toml")
    run_command(parser, measure)


def measure(arguments: argparse.Namespace) -> None:
    """Calibrate as the command line says."""
    pack = find_pack(arguments.pack, arguments.packs)
    models = ModelOptions(pack=pack.name, flip_average=not arguments.no_flip, threads=arguments.threads)
    table = embed_faces(named_faces(read_manifests(arguments.data, split=arguments.split)), pack, models)
    found = calibrate(table.embeddings, table.characters, draws=arguments.draws, seed=arguments.seed)
    sys.stderr.write("\n".join(report(found.points)) + "\n")
    characters = len(table.names)
    text = toml_table(
        [CalibrationPoint(p.false_name_rate, p.samples, p.threshold, p.margin) for p in found.points],
        measured_on=f"{len(table.faces):,} faces of {characters} characters, split {arguments.split}, "
        f"{arguments.draws} draws, {datetime.now(UTC):%Y-%m-%d}",
        flip_average=models.flip_average,
        gallery_characters=round(ENROLLED_SHARE * characters),
        contract=contract_of(pack, flip_average=models.flip_average).id,
        rivals=found.rivals,
    )
    if arguments.write:
        path = write_calibration(pack.folder, text)
        sys.stderr.write(f"Written into {path}.\n")
    else:
        sys.stdout.write(text)


def calibrate(embeddings: Embeddings, characters: Indices, *, draws: int, seed: int) -> Measured:
    """The points for every number of samples and false-name rate. `characters` is 0…n-1 for each row.

    Raises TrainingError for fewer than four characters with two faces.
    """
    if np.count_nonzero(np.bincount(characters) >= 2) < _LEAST_CHARACTERS:
        raise TrainingError("calibration needs at least four characters with two faces or more")
    probes = {
        samples: _joined(
            [
                _probes(draw)
                for draw in draw_galleries(embeddings, characters, samples=samples, draws=draws, seed=seed)
            ]
        )
        for samples in SAMPLES
    }
    rivals = _usual([*probes.values()])
    by_margin = {margin: _points(probes, margin, rivals) for margin in _MARGINS}
    named = {margin: np.mean([point.named for point in points]) for margin, points in by_margin.items()}
    best = max(named.values())
    chosen = max(margin for margin in _MARGINS if named[margin] >= best - _MARGIN_COST)
    return Measured(by_margin[chosen], rivals)


def report(points: Sequence[Point]) -> list[str]:
    """A Markdown table."""
    return [
        "| samples | false-name rate | threshold | margin | named rightly | misnamed | unsure |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {p.samples} | {p.false_name_rate:.1%} | {p.threshold:.4f} | {p.margin:.2f} "
            f"| {p.named:.1%} | {p.misnamed:.2%} | {p.unsure:.1%} |"
            for p in points
        ),
    ]


def _probes(draw: Draw) -> Probes:
    second, top = np.partition(draw.likeness, -2, axis=1)[:, -2:].T
    best = draw.enrolled[draw.likeness.argmax(axis=1)]
    right = best == draw.characters
    return Probes(top, draw.rivals, top - second, draw.weight, draw.stranger, right)


def _usual(drawn: Sequence[Probes]) -> float:
    rivals = np.concatenate([probes.rivals for probes in drawn])
    there = ~np.isnan(rivals)
    weight = np.concatenate([probes.weight for probes in drawn])[:, None] * there
    return round(float(np.sum(rivals[there] * weight[there]) / np.sum(weight)), 4)


def _joined(draws: Sequence[Probes]) -> Probes:
    return Probes(
        likeness=np.concatenate([draw.likeness for draw in draws]),
        rivals=np.concatenate([draw.rivals for draw in draws]),
        gap=np.concatenate([draw.gap for draw in draws]),
        weight=np.concatenate([draw.weight for draw in draws]),
        stranger=np.concatenate([draw.stranger for draw in draws]),
        right=np.concatenate([draw.right for draw in draws]),
    )


def _points(probes: Mapping[int, Probes], margin: float, rivals: float) -> tuple[Point, ...]:
    return tuple(
        point for samples, drawn in probes.items() for point in _points_of(drawn, samples, margin, rivals)
    )


def _points_of(probes: Probes, samples: int, margin: float, rivals: float) -> list[Point]:
    leads = probes.gap >= margin
    asked = standing(probes.likeness, probes.rivals, rivals)
    known = ~probes.stranger

    def share(of: Flags, able: Flags) -> Floats:
        """At each threshold."""
        none = np.zeros(np.count_nonzero(of), dtype=np.intp)
        return tally(asked[of], none, 1, weight=probes.weight[of], able=able[of]).share()

    named = Roc(true_rate=share(known, leads & probes.right), false_rate=share(probes.stranger, leads))
    misnamed = Roc(share(known, leads & ~probes.right), named.false_rate)
    unsure = Roc(share(known, ~leads), named.false_rate)
    return [
        Point(
            false_name_rate=rate,
            samples=samples,
            threshold=min(max(0.0, float(named.threshold_at(rate))), 1.0),
            margin=margin,
            named=float(named.true_rate_at(rate)),
            misnamed=float(misnamed.true_rate_at(rate)),
            unsure=float(unsure.true_rate_at(rate)),
        )
        for rate in FALSE_NAME_RATES
    ]


if __name__ == "__main__":
    main()
