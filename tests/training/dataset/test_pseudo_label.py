from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.options import ImageLimits
from inference.domain import Detection, FaceBox
from inference.drawing import draw_cast, draw_portrait
from inference.images import decode, encode
from tests.training.dataset.conftest import Command, speckled
from training.dataset.manifest import LabelledFace, LabelledPicture, State, read_manifest, write_manifest
from training.dataset.pseudo_labels import Trust, doubt, needs_labels, pseudo_labelled
from training.dataset.review import Review
from training.errors import TrainingError
from training.pseudo_label import main

NEW = LabelledPicture(Path("new.png"), 100, 80, "s", "train", labelled=False)


def found(*scores: float) -> list[Detection]:
    return [Detection(FaceBox(10 * n, 10, 10 * n + 30, 40), score) for n, score in enumerate(scores)]


def labelled(*faces: tuple[State, str | None]) -> LabelledPicture:
    return LabelledPicture(
        Path("a.png"),
        9,
        9,
        "s",
        "train",
        tuple(LabelledFace(FaceBox(0, 0, 5, 5), who, state=state) for state, who in faces),
    )


@pytest.mark.parametrize(
    ("scores", "states", "reason"),
    [
        ((0.9, 0.6), ["pseudo", "pseudo"], None),
        ((0.9, 0.59, 0.2, 0.199), ["pseudo", "unsure", "unsure"], "2 of 3 boxes unsure"),
        ((0.1,), [], "no face found"),
        ((), [], "no face found"),
    ],
)
def test_scores_become_states(scores: tuple[float, ...], states: list[State], reason: str | None) -> None:
    picture = pseudo_labelled(NEW, found(*scores), Trust(sure=0.6, unsure=0.2))
    assert [face.state for face in picture.faces] == states
    assert [face.score for face in picture.faces] == list(scores[: len(states)])
    assert picture.labelled == bool(states)
    assert doubt(picture) == reason


def test_nothing_found_may_be_taken_for_no_face() -> None:
    assert pseudo_labelled(NEW, [], Trust(empty=True)).labelled


def test_boxes_stay_in_the_picture() -> None:
    (face,) = pseudo_labelled(NEW, [Detection(FaceBox(-3, 60, 20, 90), 0.9)], Trust()).faces
    assert face.box == FaceBox(0, 60, 20, 80)


@pytest.mark.parametrize(("sure", "unsure"), [(0.3, 0.5), (1.2, 0.5), (0.5, -0.1)])
def test_scores_out_of_order_are_refused(sure: float, unsure: float) -> None:
    with pytest.raises(TrainingError, match="unsure"):
        Trust(sure, unsure)


@pytest.mark.parametrize(
    ("picture", "first", "again"),
    [
        (NEW, True, True),
        (labelled(), False, False),
        (labelled(("sure", None)), False, False),
        (labelled(("pseudo", None), ("unsure", None)), False, True),
        (labelled(("pseudo", None), ("sure", None)), False, False),
        (labelled(("pseudo", "eru")), False, False),
    ],
)
def test_a_persons_labels_are_left_alone(picture: LabelledPicture, first: bool, again: bool) -> None:
    assert needs_labels(picture, again=False) == first
    assert needs_labels(picture, again=True) == again


def test_the_review_lists_the_likeliest_first_and_shows_the_boxes(tmp_path: Path) -> None:
    review = Review(tmp_path / "review")
    names = ["faint.png", "empty.png", "likely & <b>.png", "clear.png"]
    for number, (name, scores) in enumerate(zip(names, [(0.2,), (), (0.9, 0.5), (0.9,)], strict=True)):
        picture = LabelledPicture(tmp_path / name, 960, 480, "s", "train", labelled=False)
        review.consider(pseudo_labelled(picture, found(*scores), Trust()), speckled(960, 480, seed=number))
    page = review.write()
    with (page.parent / "review.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(Path(row["image"]).name, row["reason"], row["scores"]) for row in rows] == [
        ("likely & <b>.png", "1 of 2 boxes unsure", "0.900 0.500"),
        ("faint.png", "1 of 1 boxes unsure", "0.200"),
        ("empty.png", "no face found", ""),
    ]
    for row in rows:
        shown = decode((page.parent / row["thumbnail"]).read_bytes(), ImageLimits())
        assert (shown.width, shown.height) == (480, 240)
    html = page.read_text("utf-8")
    assert "3 pictures to look at" in html
    assert '<rect class="unsure" x="5.0" y="5.0" width="15.0" height="15.0"/>' in html
    assert "likely &amp; &lt;b&gt;.png" in html
    assert html.count("<figure>") == 3


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pseudo") / "frames"
    folder.mkdir()
    for number, character in enumerate(draw_cast(2, seed=5)):
        image = draw_portrait(character, seed=1, size=320).image
        (folder / f"{number}.png").write_bytes(encode(image, format="png"))
    (folder / "empty.png").write_bytes(encode(np.full((200, 200, 3), 180, np.uint8), format="png"))
    (folder / "text.jpg").write_text("no picture", encoding="utf-8")
    return folder


def test_a_folder_is_labelled(tmp_path: Path, run: Command, frames: Path) -> None:
    text = run(
        main, "--pictures", frames, "--out", tmp_path / "m.jsonl", "--review", tmp_path / "review",
        "--sure", 0.3, "--threads", 1,
    )  # fmt: skip
    pictures = read_manifest(tmp_path / "m.jsonl", unlabelled=True)
    assert [(p.path.name, p.labelled, [f.state for f in p.faces]) for p in pictures] == [
        ("0.png", True, ["pseudo"]),
        ("1.png", True, ["pseudo"]),
        ("empty.png", False, []),
    ]
    assert {picture.source for picture in pictures} == {"frames"}
    assert "1 not looked at yet" in text
    assert "(text.jpg)" in text
    assert "1 pictures for a person to look at" in text
    assert "empty.png" in (tmp_path / "review/review.csv").read_text("utf-8")


def test_a_manifest_keeps_what_it_knows(tmp_path: Path, run: Command, frames: Path) -> None:
    known = LabelledPicture(
        frames / "0.png", 320, 320, "s", "val", (LabelledFace(FaceBox(1, 2, 3, 4), "eru"),)
    )
    pictures = [
        known,
        LabelledPicture(frames / "1.png", 320, 320, "s", "val", labelled=False),
        LabelledPicture(frames / "empty.png", 200, 200, "s", "train", labelled=False),
        LabelledPicture(frames / "gone.png", 200, 200, "s", "train", labelled=False),
    ]
    write_manifest(tmp_path / "in.jsonl", pictures)
    text = run(
        main, "--data", tmp_path / "in.jsonl", "--out", tmp_path / "m.jsonl", "--empty", "--sure", 1,
        "--threads", 1,
    )  # fmt: skip
    first, second, third = read_manifest(tmp_path / "m.jsonl", unlabelled=True)
    assert first.path.samefile(known.path)
    assert replace(first, path=known.path) == known
    assert (second.split, [face.state for face in second.faces]) == ("val", ["unsure"])
    assert (third.labelled, third.faces) == (True, ())
    assert "1  picture is missing (gone.png)" in text
    assert "2 pictures for a person to look at; --review lists them" in text


def test_an_empty_folder_is_refused(tmp_path: Path, refused: Command) -> None:
    assert "has no pictures" in refused(main, "--pictures", tmp_path, "--out", tmp_path / "m.jsonl")
