"""Published protocols: their lists are read as they are written, their figures are their authors'."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.domain import as_embeddings
from inference.drawing import draw_cast, draw_portrait
from inference.images import encode
from training.errors import DatasetError, RecipeError
from training.evaluation.faces import face_table
from training.evaluation.protocols import (
    PairOptions,
    Protocol,
    Trials,
    distractor_figures,
    pair_figures,
    read_trials,
)
from training.recipes import load_recipe

PROTOCOLS = Path(__file__).resolve().parents[3] / "config" / "protocols"

LIST = """\
a1.jpg 10 20 60 70 17
a2.jpg 0 0 50 50 17
b1.jpg 5 5 55.5 60 4
x1.jpg 1 1 9 9 -1

b2.jpg 5 5 55 60 4
x2.jpg 1 1 9 9 -1
"""


def read_list(tmp_path: Path, text: str) -> Trials:
    (tmp_path / "list.txt").write_text(text, encoding="utf-8")
    return read_trials(Protocol(title="t", list="list.txt", images="images"), tmp_path)


def test_every_published_protocol_is_one() -> None:
    names = {path.stem: load_recipe(path, Protocol) for path in sorted(PROTOCOLS.glob("*.toml"))}
    assert set(names) == {"icartoonface-rectest", "zaci-20"}
    assert names["icartoonface-rectest"].pairs is None
    assert names["zaci-20"].pairs == PairOptions(miss_rate=0.139, box_share=1.0)


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text('title = "t"\nlist = "a"\nimages = "b"\nsplit = "val"\n', encoding="utf-8")
    with pytest.raises(RecipeError, match="split"):
        load_recipe(path, Protocol)


def test_a_list_with_distractors_pairs_the_pictures_of_a_character(tmp_path: Path) -> None:
    trials = read_list(tmp_path, LIST)
    assert [(face.picture.path.name, face.character) for face in trials.faces] == [
        ("a1.jpg", "17"),
        ("a2.jpg", "17"),
        ("b1.jpg", "4"),
        ("x1.jpg", "-1"),
        ("b2.jpg", "4"),
        ("x2.jpg", "-1"),
    ]
    assert trials.faces[2].box.xyxy == (5, 5, 55.5, 60)
    assert trials.faces[0].picture.path == tmp_path / "images" / "a1.jpg"
    assert trials.pairs.tolist() == [[0, 1], [1, 0], [2, 4], [4, 2]]
    assert trials.distractors.tolist() == [3, 5]


def test_listed_probes_take_the_place_of_all_pairs(tmp_path: Path) -> None:
    trials = read_list(tmp_path, f"{LIST}a1.jpg a2.jpg\nb2.jpg b1.jpg\n")
    assert trials.pairs.tolist() == [[0, 1], [4, 2]]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a.jpg 1 2 3\n", "line 1: neither"),
        ("a.jpg 1 2 3 four 5\n", "line 1: 1 2 3 four is no box"),
        ("a.jpg 9 2 3 4 5\n", "line 1: 9 2 3 4 is no box"),
        (f"{LIST}a1.jpg c.jpg\n", "line 8: c.jpg is not listed"),
        ("a.jpg 1 1 2 2 5\n", "no pair of the same character"),
        ("a.jpg 1 1 2 2 5\nb.jpg 1 1 2 2 5\n", "no distractor"),
    ],
)
def test_a_wrong_list_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DatasetError, match=complaint):
        read_list(tmp_path, text)


def test_rank_1_among_distractors_is_that_of_the_authors_count(tmp_path: Path) -> None:
    """Sorted by similarity, the match must come before the first distractor, whoever else is between."""
    generator = np.random.default_rng(0)
    lines = [f"p{c}-{n}.jpg 0 0 9 9 {c}" for c in range(15) for n in range(4)]
    lines += [f"x{n}.jpg 0 0 9 9 -1" for n in range(12)]
    trials = read_list(tmp_path, "\n".join(lines))
    rows = generator.normal(size=(72, 8))
    rows[:60] += 1.2 * np.repeat(generator.normal(size=(15, 8)), 4, axis=0)
    table = face_table(trials.faces, as_embeddings(rows, 8))
    similarity = table.embeddings @ table.embeddings.T
    right = 0
    for probe, match in trials.pairs.tolist():
        for other in np.argsort(-similarity[probe]).tolist():
            if other == match:
                right += 1
            if other == match or table.faces[other].character == "-1":
                break
    figures = distractor_figures(trials, table, seed=0)
    assert figures.rank_1.value == pytest.approx(right / len(trials.pairs))
    assert 0.1 < figures.rank_1.value < 0.9
    assert figures.rank_1.low < figures.rank_1.value < figures.rank_1.high
    assert (figures.pairs, figures.probes, figures.distractors) == (180, 60, 12)


def draw_pairs(tmp_path: Path) -> Protocol:
    for number, character in enumerate(draw_cast(3, seed=6)):
        folder = tmp_path / "crops" / f"somebody_({number})"
        folder.mkdir(parents=True)
        for seed in range(2):
            image = draw_portrait(character, seed=seed, size=96).image
            (folder / f"{seed}.jpg").write_bytes(encode(image, format="jpeg"))
    (tmp_path / "pairs.csv").write_text(
        "pathA,pathB,label,human_prediction,invalid\n"
        "somebody_(0)/0.jpg,somebody_(0)/1.jpg,1,1,0\n"
        "somebody_(1)/0.jpg,somebody_(1)/1.jpg,1,0,0\n"
        "somebody_(0)/0.jpg,somebody_(2)/1.jpg,0,0,0\n"
        "somebody_(1)/0.jpg,somebody_(2)/1.jpg,0,0,0\n"
        "somebody_(2)/0.jpg,somebody_(2)/1.jpg,1,0,1\n",
        encoding="utf-8",
    )
    options = PairOptions(miss_rate=0.139, box_share=0.5)
    return Protocol(title="t", list="pairs.csv", images="crops", pairs=options)


def test_listed_pairs_are_read_without_the_invalid_ones(tmp_path: Path) -> None:
    trials = read_trials(draw_pairs(tmp_path), tmp_path)
    assert [face.character for face in trials.faces] == [f"somebody_({n})" for n in (0, 0, 1, 1, 2)]
    assert trials.faces[0].box.xyxy == (24, 24, 72, 72)
    assert trials.genuine.tolist() == [True, True, False, False]
    assert trials.pairs.tolist() == [[0, 1], [2, 3], [0, 4], [2, 4]]


def test_pair_figures_count_every_pair(tmp_path: Path) -> None:
    trials = read_trials(draw_pairs(tmp_path), tmp_path)
    # The genuine pairs have cosines .8 and .6, the others .7 and 0.
    rows = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1], [0, 0.8, 0.6], [0.7, -np.sqrt(0.51), 0]])
    table = face_table(trials.faces, as_embeddings(rows, 3))
    figures = pair_figures(trials, table, 0.139, seed=0)
    assert figures.pairs == 4
    assert figures.eer.value == pytest.approx(0.5)
    assert figures.false_rate.value == pytest.approx(0.5)
    lenient = pair_figures(trials, table, 0.5, seed=0)
    assert lenient.false_rate.value == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("pathA,pathB\n", "no column invalid, label"), ("pathA,pathB,label,invalid\n", "valid pairs")],
)
def test_a_wrong_list_of_pairs_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    protocol = draw_pairs(tmp_path)
    (tmp_path / "pairs.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=complaint):
        read_trials(protocol, tmp_path)


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="absent"):
        read_trials(Protocol(title="t", list="absent", images="i"), tmp_path)
