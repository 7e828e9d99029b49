"""What a detector that names the characters of one series itself is worth, beside an embedder with a gallery.

    python -m benchmarks.closed_set FOLDER [--arch ssdlite] [--strangers-to-train 0] [--threads 1]

Draws a series of our own with boxes as LabelImg writes them, and goes through the classic recipe with
Dareda's commands: import_voc, train_detector, build_pack, identify. Then both packs, this one and the bundled
one with five enrolled portraits of each character, are asked about the same new pictures of the series and of
strangers. The report is printed and written to FOLDER/report.md. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

from config.options import BatchingOptions, ModelOptions, Options
from inference.domain import Decision, FaceBox, FaceResult, Scope
from inference.drawing import Drawing, DrawnCharacter, Style, draw_cast, draw_group, draw_portrait
from inference.enroll import EnrollRequest
from inference.errors import SampleExistsError
from inference.images import encode
from inference.service import FaceService, open_face_service

_SEED = 11
_CAST = 8
_PORTRAITS, _GROUPS = 20, 120  # training pictures: portraits of each character, groups of two to four
_ASKED_PORTRAITS, _ASKED_GROUPS = 12, 24
_STRANGERS, _STRANGER_PORTRAITS = 24, 4
_ENROLLED = 5
_STYLES = (Style.CEL, Style.CEL, Style.CEL, Style.FLAT)
_SCOPE = Scope("benchmark")
_SAME = 0.5  # IoU
_THRESHOLDS = (0.3, 0.5, 0.7, 0.9, 0.95, 0.99)
_NAMED_SHARES = (0.8, 0.9, 0.95)
_CLOSED_MARGIN, _OPEN_MARGIN = 0.2, 0.05  # of the packs
_PACK = "drawn-series"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch", choices=("ssdlite", "ssd300", "yolo"), default="ssdlite")
    parser.add_argument(
        "--strangers-to-train",
        type=int,
        default=0,
        metavar="N",
        help="also train with pictures of N other characters as faces without a name",
    )
    parser.add_argument("--threads", type=int, default=1, help="of the training")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    arguments = parser.parse_args()
    cast, strangers, others = _people(arguments.strangers_to_train)
    folder: Path = arguments.folder
    for name in ("series", "open-set"):  # drawn and learned again; only the training is resumed
        shutil.rmtree(folder / name, ignore_errors=True)
    _draw_series(folder / "series", cast, others)
    _train(folder, arguments)
    _build(folder, cast)
    questions = list(_questions(cast, strangers))
    closed = asyncio.run(_ask(_closed_options(folder), questions))
    _write_strangers_named(folder / "data" / "models" / _PACK / "manifest.toml", closed)
    opened = asyncio.run(_ask(_open_options(folder), questions, _lessons(cast)))
    report = _report(cast, closed, opened, arguments)
    (folder / "report.md").write_text(report, encoding="utf-8")
    print(report)


# ── the series ──────────────────────────────────────────────────────────────────────────────────


def _people(
    trained_strangers: int,
) -> tuple[tuple[DrawnCharacter, ...], tuple[DrawnCharacter, ...], tuple[DrawnCharacter, ...]]:
    """The series, strangers to ask about, and other strangers to train with."""
    everybody = draw_cast(_CAST + _STRANGERS + trained_strangers, seed=_SEED)
    return everybody[:_CAST], everybody[_CAST : _CAST + _STRANGERS], everybody[_CAST + _STRANGERS :]


def _draw_series(folder: Path, cast: Sequence[DrawnCharacter], others: Sequence[DrawnCharacter]) -> None:
    """Pictures with an XML file each; faces of `others` are called "face"."""
    folder.mkdir(parents=True, exist_ok=True)
    named = {character.name for character in cast}
    for number, drawing in enumerate(_series(cast, others)):
        path = folder / f"{number:04}.png"
        path.write_bytes(encode(drawing.image, format="png"))
        labels = [
            (face.character.name if face.character.name in named else "face", face.box)
            for face in drawing.faces
        ]
        _write_voc(path, drawing, labels)


def _series(cast: Sequence[DrawnCharacter], others: Sequence[DrawnCharacter]) -> Iterator[Drawing]:
    for number in range(_PORTRAITS):
        for character in (*cast, *others[number % 2 :: 2]):
            yield draw_portrait(character, seed=number, size=384, style=_STYLES[number % len(_STYLES)])
    for number in range(_GROUPS):
        yield _group([*cast, *others], number)


def _group(people: Sequence[DrawnCharacter], number: int) -> Drawing:
    size = 2 + number % 3
    members = [people[(number * 5 + step * 3) % len(people)] for step in range(size)]
    style = _STYLES[number % len(_STYLES)]
    return draw_group(list(dict.fromkeys(members)), seed=number, size_wh=(640, 400), style=style)


def _write_voc(picture: Path, drawing: Drawing, labels: Sequence[tuple[str, FaceBox]]) -> None:
    """As LabelImg does: whole pixels inside the picture, the least of them 1."""
    height, width, depth = drawing.image.shape
    root = ElementTree.Element("annotation")

    def add(parent: ElementTree.Element, tag: str, text: object = None) -> ElementTree.Element:
        element = ElementTree.SubElement(parent, tag)
        element.text = None if text is None else str(text)
        return element

    add(root, "folder", picture.parent.name)
    add(root, "filename", picture.name)
    size = add(root, "size")
    for tag, value in (("width", width), ("height", height), ("depth", depth)):
        add(size, tag, value)
    add(root, "segmented", 0)
    for name, box in labels:
        entry = add(root, "object")
        for tag, text in (("name", name), ("pose", "Unspecified"), ("truncated", 0), ("difficult", 0)):
            add(entry, tag, text)
        corners = add(entry, "bndbox")
        inside = box.clipped(width, height)
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), inside.xyxy, strict=True):
            add(corners, tag, max(1, round(value)))
    ElementTree.ElementTree(root).write(picture.with_suffix(".xml"), encoding="utf-8")


# ── the recipe ──────────────────────────────────────────────────────────────────────────────────


def _train(folder: Path, arguments: argparse.Namespace) -> None:
    manifest = folder / "series.jsonl"
    labels = folder / "series"
    _command(
        *("import_voc", "--annotations", labels, "--classes", "characters", "--out", manifest),
        *("--val-share", 0.15, "--split-by", "picture"),
    )
    yolo = arguments.arch == "yolo"
    recipe = folder / "recipe.toml"
    recipe.write_text(_YOLO_RECIPE if yolo else _SSD_RECIPE, encoding="utf-8")
    _command(
        *("train_detector", "--arch", arguments.arch, "--data", manifest, "--recipe", recipe),
        *("--run-dir", folder / "run", "--threads", arguments.threads, "--resume"),
        *(part for change in arguments.set for part in ("--set", change)),
    )


# Portraits and groups need no pages or crowds, and smaller canvases are enough for them.
_SSD_RECIPE = """\
size = 256
batch = 16
kept_side = 640
layout = { whole = 4, zoom = 2, mosaic = 1, crowd = 0, page = 0, stickers = 0 }
medium = { colour = 0.4, grey = 0.03, tone = 0 }
schedule = { epochs = 24, rate = 2e-3, validate_every = 6 }
"""
_YOLO_RECIPE = """\
validated_size = 256
sizes = [{ size = 256, batch = 16 }]
network = { architecture = "yolov8n", classes = "characters" }
layout = { whole = 4, zoom = 2, mosaic = 1, crowd = 0, page = 0, stickers = 0 }
medium = { colour = 0.4, grey = 0.03, tone = 0 }
schedule = { epochs = 24, rate = 2e-3, validate_every = 6 }
"""


def _build(folder: Path, cast: Sequence[DrawnCharacter]) -> None:
    head, card = folder / "pack.toml", folder / "CARD.md"
    tables = (folder / "run" / "detector.toml").read_text(encoding="utf-8")
    head.write_text(_HEAD + tables, encoding="utf-8")
    names = ", ".join(character.name for character in cast)
    card.write_text(f"# Drawn series\n\nMade by `benchmarks.closed_set`. Names {names}.\n", encoding="utf-8")
    out = folder / "data" / "models" / _PACK
    _command("build_pack", "--head", head, "--card", card, "--detector", folder / "run", "--out", out)


_HEAD = f"""\
format = 1
name = "{_PACK}"
title = "The characters of a drawn series"
licence = "AGPL-3.0-or-later"
training_data = "Pictures that Dareda draws"
card = "CARD.md"

"""


def _command(name: str, *arguments: object) -> None:
    subprocess.run([sys.executable, "-m", f"training.{name}", *map(str, arguments)], check=True)


# ── the questions ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Question:
    """A picture, and who of the series is where in it; None is a stranger."""

    picture: bytes
    faces: tuple[tuple[FaceBox, str | None], ...]


@dataclass(frozen=True)
class Asked:
    """What a pack said about one face."""

    truth: str | None
    found: FaceResult | None

    @property
    def outcome(self) -> str:
        if self.found is None:
            return "not found"
        if self.found.decision is not Decision.KNOWN or self.found.character is None:
            return self.found.decision.value
        if self.truth is None:
            return "named"
        return "named rightly" if self.found.character.name == self.truth else "misnamed"

    def similarity(self, margin: float) -> float:
        """Up to which threshold its matches alone would name it; -1 where the lead is below the margin."""
        matches = self.found.matches if self.found else ()
        if not matches or (len(matches) > 1 and matches[0].similarity - matches[1].similarity < margin):
            return -1.0
        return matches[0].similarity

    @property
    def is_right(self) -> bool:
        """Whether the likeliest character is who it is."""
        return bool(self.found and self.found.matches and self.found.matches[0].character.name == self.truth)


def _questions(cast: Sequence[DrawnCharacter], strangers: Sequence[DrawnCharacter]) -> Iterator[Question]:
    known = {character.name for character in cast}
    drawings = [
        draw_portrait(character, seed=1_000 + number, size=384, style=_STYLES[number % len(_STYLES)])
        for people, portraits in ((cast, _ASKED_PORTRAITS), (strangers, _STRANGER_PORTRAITS))
        for character in people
        for number in range(portraits)
    ]
    drawings += [_group(cast, 1_000 + number) for number in range(_ASKED_GROUPS)]
    for drawing in drawings:
        faces = [(f.box, f.character.name if f.character.name in known else None) for f in drawing.faces]
        yield Question(encode(drawing.image, format="png"), tuple(faces))


def _lessons(cast: Sequence[DrawnCharacter]) -> list[tuple[DrawnCharacter, Iterator[bytes]]]:
    """Portraits of the training pictures for each character, as many as are asked for."""

    def portraits(character: DrawnCharacter) -> Iterator[bytes]:
        for number in count():
            style = _STYLES[number % len(_STYLES)]
            yield encode(draw_portrait(character, seed=number, size=384, style=style).image, format="png")

    return [(character, portraits(character)) for character in cast]


def _closed_options(folder: Path) -> Options:
    models = ModelOptions(pack=_PACK, runtime="onnx")
    return Options(data_dir=folder / "data", models=models, batching=_PATIENT)


def _open_options(folder: Path) -> Options:
    return Options(data_dir=folder / "open-set", models=ModelOptions(runtime="onnx"), batching=_PATIENT)


_PATIENT = BatchingOptions(deadline_s=600)


async def _ask(
    options: Options,
    questions: Sequence[Question],
    lessons: Sequence[tuple[DrawnCharacter, Iterator[bytes]]] = (),
) -> list[Asked]:
    async with open_face_service(options) as service:
        for character, portraits in lessons:
            await _teach(service, character, portraits)
        answers = []
        for question in questions:
            answer = await service.identify(question.picture, [_SCOPE], draw=False)
            answers += [
                Asked(name, _face_at(box, answer.identification.faces)) for box, name in question.faces
            ]
    return answers


async def _teach(service: FaceService, character: DrawnCharacter, portraits: Iterator[bytes]) -> None:
    learned = 0
    while learned < _ENROLLED:
        with suppress(SampleExistsError):  # too like an earlier one
            await service.enroll(next(portraits), _SCOPE, EnrollRequest(character.name, character.series))
            learned += 1


def _face_at(box: FaceBox, faces: Sequence[FaceResult]) -> FaceResult | None:
    best = max(faces, key=lambda face: face.detection.box.iou(box), default=None)
    return best if best is not None and best.detection.box.iou(box) >= _SAME else None


# ── the report ──────────────────────────────────────────────────────────────────────────────────


def _write_strangers_named(manifest: Path, closed: Sequence[Asked]) -> None:
    """Let the pack tell what was measured."""
    found = [asked for asked in closed if asked.truth is None and asked.found is not None]
    share = sum(asked.outcome == "named" for asked in found) / max(1, len(found))
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        text.replace("[closed_set]\n", f"[closed_set]\nstrangers_named = {share:.3f}\n"), encoding="utf-8"
    )


def _report(
    cast: Sequence[DrawnCharacter],
    closed: Sequence[Asked],
    opened: Sequence[Asked],
    arguments: argparse.Namespace,
) -> str:
    known = sum(asked.truth is not None for asked in closed)
    title = f"{arguments.arch}, trained with {arguments.strangers_to_train} nameless strangers"
    packs = ((f"closed set ({title})", closed), (f"bundled pack, {_ENROLLED} samples each", opened))
    lines = [
        f"{known} faces of the series, {len(closed) - known} faces of {_STRANGERS} strangers",
        "",
        *_outcome_table("series", ("named rightly", "misnamed", "unsure", "unknown", "not found"), packs),
        "",
        *_outcome_table("strangers", ("named", "unsure", "unknown", "not found"), packs),
        "",
        *_trade_table([(*packs[0], _CLOSED_MARGIN), (*packs[1], _OPEN_MARGIN)]),
        "",
        *_threshold_table(closed),
        "",
        *_confusion(cast, closed),
    ]
    return "\n".join(lines) + "\n"


def _outcome_table(
    who: str, outcomes: Sequence[str], packs: Sequence[tuple[str, Sequence[Asked]]]
) -> list[str]:
    lines = [f"| {who} | {' | '.join(outcomes)} |", "|---|" + "---|" * len(outcomes)]
    for title, answers in packs:
        own = [asked for asked in answers if (asked.truth is None) == (who == "strangers")]
        tally = Counter(asked.outcome for asked in own)
        shares = [f"{tally[outcome] / len(own):.1%}" for outcome in outcomes]
        lines.append(f"| {title} | {' | '.join(shares)} |")
    return lines


def _threshold_table(closed: Sequence[Asked]) -> list[str]:
    """What another threshold would do to each face by itself."""
    lines = [
        "| closed set's threshold | series named | of them rightly | strangers named |",
        "|---|---|---|---|",
    ]
    series, strangers = _split(closed)
    for threshold in _THRESHOLDS:
        named = [asked for asked in series if asked.similarity(_CLOSED_MARGIN) >= threshold]
        strange = sum(asked.similarity(_CLOSED_MARGIN) >= threshold for asked in strangers) / len(strangers)
        right = sum(asked.is_right for asked in named) / max(1, len(named))
        lines.append(f"| {threshold:g} | {len(named) / len(series):.1%} | {right:.1%} | {strange:.1%} |")
    return lines


def _trade_table(packs: Sequence[tuple[str, Sequence[Asked], float]]) -> list[str]:
    """How many strangers get a name at the threshold that names so many of the series rightly."""
    heads = (f"{share:.0%} of the series named" for share in _NAMED_SHARES)
    lines = [f"| strangers named where | {' | '.join(heads)} |", "|---|" + "---|" * len(_NAMED_SHARES)]
    for title, answers, margin in packs:
        series, strangers = _split(answers)
        reached = sorted(
            (asked.similarity(margin) if asked.is_right else -1.0 for asked in series), reverse=True
        )
        cells = []
        for share in _NAMED_SHARES:
            threshold = reached[math.ceil(share * len(series)) - 1]
            named = sum(asked.similarity(margin) >= threshold for asked in strangers) / len(strangers)
            cells.append(f"{named:.1%} (from {threshold:.2f})" if threshold > -1 else "never")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def _split(answers: Sequence[Asked]) -> tuple[list[Asked], list[Asked]]:
    """The series' faces and the strangers'."""
    return (
        [asked for asked in answers if asked.truth is not None],
        [asked for asked in answers if asked.truth is None],
    )


def _confusion(cast: Sequence[DrawnCharacter], closed: Sequence[Asked]) -> list[str]:
    """Rows are who it is, columns the closed set's likeliest character, whatever was decided."""
    letters = {character.name: chr(ord("A") + number) for number, character in enumerate(cast)}
    pairs = Counter(
        (asked.truth, letters[asked.found.matches[0].character.name]) for asked in closed if asked.found
    )
    rows = [(letter, name) for name, letter in letters.items()] + [("strangers", None)]
    lines = [f"| likeliest | {' | '.join(letters.values())} |", "|---|" + "---|" * len(letters)]
    for title, name in rows:
        counts = (str(pairs[name, letter] or "·") for letter in letters.values())
        lines.append(f"| {title} | {' | '.join(counts)} |")
    legend = ", ".join(f"{letter} {name}" for name, letter in letters.items())
    return [*lines, "", legend]


if __name__ == "__main__":
    main()
