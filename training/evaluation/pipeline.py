"""What the whole way is worth: faces found in pictures, and named with the pack's calibration.

In each draw some characters are enrolled with a few faces from some pictures, and every other picture is
asked about, all its faces at once, by the code that decides in serving. Shares are averaged over characters
and draws. A stranger is a face of a character that is not enrolled; the false-name rate is the share of the
strangers' faces that were found and are named, which the calibration promises.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from rich.console import Console
from rich.progress import track

from config.options import DecisionOptions, ModelOptions
from inference.decide import CANDIDATES, Policy, Verdict, decide, policy_for
from inference.domain import Character, CharacterId, Decision, Embeddings, Match, SampleId, Scope
from inference.embedding.align import align_crop
from inference.models import Pack, open_embedder
from training.dataset.manifest import LabelledPicture
from training.errors import TrainingError
from training.evaluation.detection import faces_of
from training.evaluation.draws import Draw, draw_galleries, likenesses
from training.evaluation.faces import is_evidence, open_picture
from training.evaluation.finding import FaceFinder
from training.evaluation.rates import Figure, Floats, Indices, share_figure

DRAWS = 20

_SCOPE = Scope("evaluation")
_NOBODY = -1  # a face whose character is not known
_NO_FACE = -2  # a box that is no labelled face


class Outcome(StrEnum):
    """What became of one face."""

    RIGHT = "named rightly"
    WRONG = "named as somebody else"
    UNSURE = "unsure"
    UNKNOWN = "unknown"
    MISSED = "not found"


@dataclass(frozen=True, slots=True)
class Scenes:
    """The faces of all pictures, picture by picture."""

    embeddings: Embeddings
    pictures: Indices
    """Of each row."""
    characters: Indices
    """Of each row: 0…n - 1, or less for faces that nobody named and boxes that are no face."""
    names: tuple[str, ...]
    missed: tuple[tuple[int, int], ...]
    """Picture and character of each labelled face that was not found."""
    picture_count: int
    milliseconds: Mapping[str, float]
    """Mean of each step, a picture."""


@dataclass(frozen=True, slots=True)
class NamingFigures:
    """What a policy comes to; shares of 1."""

    stated_rate: float
    false_name_rate: Figure
    """Of the strangers' faces that were found."""
    strangers_unsure: float
    enrolled: Mapping[Outcome, Figure]
    """Of all faces of the enrolled; the outcomes add up to 1."""
    named_boxes: float
    """Share of the boxes that are no labelled face, but are named; nan without any."""


def see_pictures(
    pictures: Sequence[LabelledPicture], pack: Pack, models: ModelOptions, *, detect: bool
) -> Scenes:
    """Find the faces, or take the labelled ones, of the pictures that show a known character; embed them.

    Raises TrainingError.
    """
    pictures = [p for p in pictures if any(f.character and is_evidence(f) for f in p.faces)]
    if not pictures:
        raise TrainingError("there is no face of a known character in that split")
    names = sorted({f.character for p in pictures for f in p.faces if f.character and is_evidence(f)})
    number = {name: index for index, name in enumerate(names)}
    finder = FaceFinder(pack, models) if detect else None
    embedder = open_embedder(pack, models)
    embedder.warm_up()
    table = pack.manifest.embedder
    parts, rows, missed = [], list[tuple[int, int]](), list[tuple[int, int]]()
    clock = {"decode": 0.0, "detect": 0.0, "embed": 0.0}
    shown = track(
        pictures,
        description=f"Pictures as {pack.name} sees them",
        console=Console(stderr=True),
        transient=True,
    )
    for index, picture in enumerate(shown):
        own = [
            number[face.character] if face.character and is_evidence(face) else _NOBODY
            for face in picture.faces
        ]
        started = time.perf_counter()
        image = open_picture(picture.path)
        decoded = time.perf_counter()
        boxes, characters = [face.box for face in picture.faces], own
        if finder is not None:
            found = finder.find(image)
            clock["detect"] += found.milliseconds
            faces = faces_of(found.served, picture)
            boxes = [one.box for one in found.served]
            characters = [_NO_FACE if face is None else own[face] for face in faces]
            missed += [(index, c) for face, c in enumerate(own) if c >= 0 and face not in faces]
        detected = time.perf_counter()
        if boxes:
            crops = [align_crop(image, box, margin=table.margin, side=table.side) for box in boxes]
            parts.append(embedder.embed(crops))
        clock["decode"] += (decoded - started) * 1000
        clock["embed"] += (time.perf_counter() - detected) * 1000
        rows += [(index, character) for character in characters]
    if not parts:
        raise TrainingError("no face was found in any picture")
    where = np.array(rows, dtype=np.intp)
    return Scenes(
        embeddings=Embeddings(np.concatenate(parts)),
        pictures=where[:, 0],
        characters=where[:, 1],
        names=tuple(names),
        missed=tuple(missed),
        picture_count=len(pictures),
        milliseconds={step: total / len(pictures) for step, total in clock.items()},
    )


def naming_figures(
    scenes: Scenes, pack: Pack, rates: Sequence[float], *, samples: int, seed: int, draws: int = DRAWS
) -> list[NamingFigures]:
    """What the pack's calibration comes to at each false-name rate. Raises TrainingError, SetupError."""
    policies = [policy_for(pack.calibration, DecisionOptions(false_name_rate=rate)) for rate in rates]
    named = np.flatnonzero(scenes.characters >= 0)
    if np.count_nonzero(np.bincount(scenes.characters[named]) >= 2) < 2:
        raise TrainingError("there are fewer than two characters that were found twice to enroll")
    counts = [_Counts(len(scenes.names)) for _ in rates]
    for draw in draw_galleries(
        Embeddings(scenes.embeddings[named]),
        scenes.characters[named],
        samples=samples,
        draws=draws,
        seed=seed,
        pictures=scenes.pictures[named],
    ):
        asked = _Asked(scenes, draw, named)
        for policy, count in zip(policies, counts, strict=True):
            count.add(asked, asked.verdicts(policy))
    return [count.figures(rate, seed=seed) for rate, count in zip(rates, counts, strict=True)]


class _Asked:
    """The pictures that a draw asks about, and what the gallery answers."""

    def __init__(self, scenes: Scenes, draw: Draw, named: Indices) -> None:
        gallery = [named[rows] for rows in draw.gallery]
        self.enrolled = set(draw.enrolled.tolist())
        taken = np.unique(scenes.pictures[np.concatenate(gallery)])
        self.rows = np.flatnonzero(~np.isin(scenes.pictures, taken))
        self.characters = scenes.characters[self.rows]
        self.missed = [c for picture, c in scenes.missed if picture not in set(taken.tolist())]
        self._pictures = scenes.pictures[self.rows]
        people = [
            Character(CharacterId(str(c)), _SCOPE, scenes.names[c], sample_count=len(rows))
            for c, rows in zip(draw.enrolled.tolist(), gallery, strict=True)
        ]
        similarity = likenesses(scenes.embeddings, self.rows, gallery)
        best = np.argsort(-similarity, axis=1)[:, :CANDIDATES]
        self._matches = [
            [
                Match(people[column], SampleId(people[column].id), float(similarity[row, column]))
                for column in columns
            ]
            for row, columns in enumerate(best.tolist())
        ]

    def verdicts(self, policy: Policy) -> list[Verdict]:
        """Of every row, decided picture by picture."""
        starts = np.flatnonzero(np.diff(self._pictures, prepend=-1)).tolist()
        return [
            verdict
            for start, end in pairwise([*starts, len(self.rows)])
            for verdict in decide(self._matches[start:end], policy)
        ]


class _Counts:
    """Outcomes by character; in each draw a character's faces count 1 together."""

    def __init__(self, characters: int) -> None:
        self._characters = characters
        self._enrolled = {outcome: np.zeros(characters) for outcome in Outcome}
        self._strangers = {outcome: np.zeros(characters) for outcome in Outcome}
        self._boxes: list[bool] = []

    def add(self, asked: _Asked, verdicts: Sequence[Verdict]) -> None:
        faces = [
            (character, _outcome(character, verdict))
            for character, verdict in zip(asked.characters.tolist(), verdicts, strict=True)
            if character >= 0
        ]
        faces += [(character, Outcome.MISSED) for character in asked.missed if character in asked.enrolled]
        total = np.bincount([character for character, _ in faces], minlength=self._characters)
        for character, outcome in faces:
            table = self._enrolled if character in asked.enrolled else self._strangers
            table[outcome][character] += 1 / total[character]
        self._boxes += [
            verdict.decision is Decision.KNOWN
            for character, verdict in zip(asked.characters.tolist(), verdicts, strict=True)
            if character == _NO_FACE
        ]

    def figures(self, rate: float, *, seed: int) -> NamingFigures:
        return NamingFigures(
            stated_rate=rate,
            false_name_rate=self._share(self._strangers, Outcome.WRONG, seed),
            strangers_unsure=self._share(self._strangers, Outcome.UNSURE, seed).value,
            enrolled={outcome: self._share(self._enrolled, outcome, seed) for outcome in Outcome},
            named_boxes=float(np.mean(self._boxes)) if self._boxes else float("nan"),
        )

    def _share(self, table: Mapping[Outcome, Floats], outcome: Outcome, seed: int) -> Figure:
        return share_figure(table[outcome], np.sum(list(table.values()), axis=0), seed=seed)


def _outcome(character: int, verdict: Verdict) -> Outcome:
    if verdict.decision is Decision.UNKNOWN or verdict.character is None:
        return Outcome.UNKNOWN
    if verdict.decision is Decision.UNSURE:
        return Outcome.UNSURE
    return Outcome.RIGHT if verdict.character.id == str(character) else Outcome.WRONG
