"""Measure what detectors, embedders and whole packs are worth, and write a report folder.

    python -m training.evaluate detection   --data pictures.jsonl --pack dareda-1 --report reports/detection
    python -m training.evaluate recognition --data faces.jsonl    --pack dareda-1 --report reports/recognition
    python -m training.evaluate pipeline    --data pictures.jsonl --pack dareda-1 --report reports/pipeline

A report folder has report.json and index.html, which holds the pictures it shows and needs no network.
Several packs after --pack are set side by side. `--group NAME=SOURCE,SOURCE` makes a slice of sources, say
`chibi=stickers,stamps` or `fanart=booru`. Published protocols of other data sets: config/protocols.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.options import ModelOptions
from inference.models import Pack, contract_of, find_pack
from training.command import command_parser, run_command
from training.dataset.manifest import LabelledPicture, read_manifests
from training.errors import TrainingError
from training.evaluation import detection_page, pipeline_page, protocol_page, recognition_page
from training.evaluation.faces import embed_faces, named_faces
from training.evaluation.finding import FaceFinder
from training.evaluation.page import Page, write_report
from training.evaluation.pipeline import naming_figures, see_pictures
from training.evaluation.protocols import (
    DistractorFigures,
    PairFigures,
    Protocol,
    distractor_figures,
    pair_figures,
    read_trials,
)
from training.evaluation.recognition import DRAWS
from training.recipes import load_recipe


def main() -> None:
    parser = command_parser(__doc__)
    commands = parser.add_subparsers(required=True, metavar="detection|recognition|pipeline")
    for name, work, text in (
        ("detection", detection, "faces found in labelled pictures"),
        ("recognition", recognition, "faces of known characters compared"),
        ("pipeline", pipeline, "pictures in, names out"),
    ):
        command = commands.add_parser(name, help=text, description=f"Measure: {text}.")
        command.set_defaults(work=work)
        command.add_argument("--data", type=Path, nargs="+", default=[], help="face manifests")
        command.add_argument("--split", default="val", choices=("train", "val", "test"))
        command.add_argument("--pack", nargs="+", default=[ModelOptions().pack], metavar="NAME")
        command.add_argument(
            "--packs", type=Path, default=Path("data/models"), help="folder of installed packs"
        )
        command.add_argument("--report", type=Path, required=True, help="folder to write")
        command.add_argument(
            "--threads", type=int, default=0, help="of each network on a CPU; 0 for all cores"
        )
        command.add_argument("--runtime", default="auto", choices=("auto", "openvino", "onnx", "torch"))
        command.add_argument(
            "--precision", default="auto", choices=("auto", "float32"), help="on a CPU; default: as serving"
        )
        command.add_argument("--seed", type=int, default=0)
        if name != "pipeline":
            command.add_argument("--group", action="append", default=[], metavar="NAME=SOURCE,…")
        if name != "detection":
            command.add_argument("--no-flip", action="store_true", help="without flip averaging")
        if name == "recognition":
            command.add_argument("--protocol", type=Path, help="of another data set, from config/protocols")
            command.add_argument("--root", type=Path, help="the folder of that data set")
            command.add_argument(
                "--draws", type=int, default=DRAWS, help="random galleries; more give steadier figures"
            )
        if name == "pipeline":
            command.add_argument("--boxes", choices=("detected", "given"), default="detected")
            command.add_argument(
                "--samples", type=int, default=5, help="enrolled faces of a character, at most"
            )
            command.add_argument(
                "--rate", type=float, nargs="+", help="false-name rates; without, those of the calibration"
            )
    run_command(parser, lambda arguments: arguments.work(arguments))


def detection(arguments: argparse.Namespace) -> None:
    """Write the report of the packs' detectors."""
    pictures, groups = _pictures(arguments), _groups(arguments)
    results = [
        detection_page.measure(pictures, FaceFinder(pack, _models(arguments, pack)), pack.name, groups)
        for pack in _packs(arguments)
    ]
    _finish(
        arguments,
        detection_page.detection_page(results, _facts(arguments)),
        {result.pack: detection_page.figures_of(result) for result in results},
    )


def recognition(arguments: argparse.Namespace) -> None:
    """Write the report of the packs' embedders on manifests, or under a published protocol."""
    if arguments.protocol is not None:
        _published(arguments)
        return
    if arguments.draws < 1:
        raise TrainingError("--draws must be at least 1")
    faces, groups = named_faces(_pictures(arguments)), _groups(arguments)
    results = []
    for pack in _packs(arguments):
        models = _models(arguments, pack)
        table = embed_faces(faces, pack, models)
        contract = contract_of(pack, flip_average=models.flip_average).id
        results.append(
            recognition_page.measure(
                table, pack.name, contract, groups, draws=arguments.draws, seed=arguments.seed
            )
        )
    figures = {result.pack: recognition_page.figures_of(result, seed=arguments.seed) for result in results}
    page = recognition_page.recognition_page(results, _facts(arguments), figures, seed=arguments.seed)
    _finish(arguments, page, figures)


def pipeline(arguments: argparse.Namespace) -> None:
    """Write the report of whole packs."""
    pictures, detect = _pictures(arguments), arguments.boxes == "detected"
    results = []
    for pack in _packs(arguments):
        rates = arguments.rate or [point.false_name_rate for point in pack.calibration.points]
        scenes = see_pictures(pictures, pack, _models(arguments, pack), detect=detect)
        naming = naming_figures(
            scenes, pack, sorted(set(rates)), samples=arguments.samples, seed=arguments.seed
        )
        results.append(pipeline_page.PipelineResult(pack.name, scenes, naming, arguments.samples))
    _finish(
        arguments,
        pipeline_page.pipeline_page(results, _facts(arguments), detect=detect),
        {result.pack: pipeline_page.figures_of(result) for result in results},
    )


def _published(arguments: argparse.Namespace) -> None:
    if arguments.root is None:
        raise TrainingError("--protocol needs --root, the folder of that data set")
    protocol = load_recipe(arguments.protocol, Protocol)
    trials = read_trials(protocol, arguments.root)
    results: dict[str, DistractorFigures | PairFigures] = {}
    for pack in _packs(arguments):
        table = embed_faces(trials.faces, pack, _models(arguments, pack))
        if protocol.pairs is None:
            results[pack.name] = distractor_figures(trials, table, seed=arguments.seed)
        else:
            results[pack.name] = pair_figures(trials, table, protocol.pairs.miss_rate, seed=arguments.seed)
    _finish(
        arguments,
        protocol_page.protocol_page(protocol, results, _facts(arguments)),
        {name: protocol_page.figures_of(protocol, result) for name, result in results.items()},
    )


def _pictures(arguments: argparse.Namespace) -> list[LabelledPicture]:
    if not arguments.data:
        raise TrainingError("--data is missing: the face manifests to measure on")
    pictures = read_manifests(arguments.data, split=arguments.split)
    if not pictures:
        raise TrainingError(f"the manifests have no picture of split {arguments.split}")
    return pictures


def _packs(arguments: argparse.Namespace) -> list[Pack]:
    return [find_pack(name, arguments.packs) for name in dict.fromkeys(arguments.pack)]


def _models(arguments: argparse.Namespace, pack: Pack) -> ModelOptions:
    flip_average = not getattr(arguments, "no_flip", False)
    return ModelOptions(
        pack=pack.name,
        runtime=arguments.runtime,
        precision=arguments.precision,
        flip_average=flip_average,
        threads=arguments.threads,
    )


def _groups(arguments: argparse.Namespace) -> dict[str, tuple[str, ...]]:
    groups = {}
    for entry in arguments.group:
        name, separator, sources = entry.partition("=")
        if not name or not separator or not sources:
            raise TrainingError(f"--group {entry}: it is NAME=SOURCE,SOURCE")
        groups[name] = tuple(sources.split(","))
    return groups


def _facts(arguments: argparse.Namespace) -> dict[str, str]:
    facts = {"packs": ", ".join(dict.fromkeys(arguments.pack)), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    if arguments.data:
        facts |= {"data": ", ".join(path.name for path in arguments.data), "split": arguments.split}
    if hasattr(arguments, "no_flip"):
        facts["flip averaging"] = "no" if arguments.no_flip else "yes"
    return facts


def _finish(arguments: argparse.Namespace, page: Page, figures: Mapping[str, Any]) -> None:
    write_report(arguments.report, page, {"results": figures})
    for tile in page.tiles:
        sys.stdout.write(f"{tile.name}: {tile.value} ({tile.note})\n")
    sys.stdout.write(f"{arguments.report / 'index.html'}\n")


if __name__ == "__main__":
    main()
