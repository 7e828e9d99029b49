"""Recognition figures have the values that the structure of the embeddings implies."""

from __future__ import annotations

import time
from itertools import permutations

import numpy as np
import pytest

from inference.domain import Embeddings
from tests.training.evaluation.made_faces import make_faces
from training.errors import TrainingError
from training.evaluation.draws import draw_galleries
from training.evaluation.recognition import identification, pairs, recognition_figures


def test_faces_without_any_spread_are_never_taken_for_somebody_else() -> None:
    figures = recognition_figures(*make_faces(30, 4, 1e-4))
    assert (figures.faces, figures.characters) == (120, 30)
    assert figures.eer == 0
    assert figures.rank_1 == figures.tpir_at_1_percent == figures.tpir_at_01_percent == 1


def test_faces_without_any_structure_are_recognised_by_luck_alone() -> None:
    figures = recognition_figures(*make_faces(40, 6, 1e6, dimension=64))
    assert figures.eer == pytest.approx(0.5, abs=0.06)
    assert figures.rank_1 == pytest.approx(1 / 24, abs=0.05)
    assert figures.tpir_at_1_percent < 0.05


def test_twins_share_their_names_and_ties_are_no_success() -> None:
    """Everybody has a double with the very same faces, who is enrolled in some 60 % of the draws."""
    embeddings, characters = make_faces(20, 4, 0)
    doubled = Embeddings(np.concatenate([embeddings, embeddings]))
    both = np.concatenate([characters, characters + 20])
    found = identification(doubled, both, samples=5, seed=0, draws=30)
    assert found.rank_1 == pytest.approx(16 / 39, abs=0.05)  # 23 of the other 39 are enrolled
    assert found.cmc[1] == 1


def test_harder_faces_are_worse_by_every_figure() -> None:
    easy, hard = (recognition_figures(*make_faces(30, 5, spread)) for spread in (0.5, 1.2))
    assert easy.eer < hard.eer
    assert easy.rank_1 > hard.rank_1
    assert easy.tpir_at_5_percent > hard.tpir_at_5_percent
    assert hard.tpir_at_5_percent >= hard.tpir_at_1_percent >= hard.tpir_at_01_percent


def test_the_figures_are_those_counted_probe_by_probe() -> None:
    embeddings, characters = make_faces(12, 5, 0.9)
    found = identification(embeddings, characters, samples=3, seed=4, draws=2)
    right = total = 0.0
    strangers, named = [], []
    for draw in draw_galleries(embeddings, characters, samples=3, draws=2, seed=4):
        for character, row, stranger in zip(draw.characters, draw.likeness, draw.stranger, strict=True):
            weight = 1 / np.count_nonzero(draw.characters == character)
            best = draw.enrolled[row.argmax()]
            if stranger:
                strangers.append((row.max(), weight))
            else:
                total += weight
                right += weight * (best == character)
                named.append((row.max() if best == character else -1.0, weight))
    assert found.rank_1 == pytest.approx(right / total)
    mass = sum(weight for _, weight in strangers)
    threshold = min(
        step
        for step in np.arange(0, 1, 0.0005)
        if sum(w for s, w in strangers if s >= step - 1e-9) <= 0.1 * mass + 1e-9
    )
    expected = sum(weight for similarity, weight in named if similarity >= threshold) / total
    assert found.tpir_at(0.1) == pytest.approx(expected, abs=1e-9)


def test_more_samples_help_and_the_interval_holds_the_value() -> None:
    embeddings, characters = make_faces(40, 8, 1.0)
    few, many = (identification(embeddings, characters, samples=k, seed=0) for k in (1, 5))
    assert many.tpir_at(0.1) > few.tpir_at(0.1)
    assert many.rank_1 > few.rank_1
    first = many.rank_figure(1, seed=0)
    assert first.value == pytest.approx(many.rank_1)
    assert 0 <= first.low < many.rank_1 < first.high <= 1


def test_pairs_are_counted_all_alike_or_by_characters() -> None:
    embeddings, _ = make_faces(9, 1, 1.0, dimension=8)
    characters = np.array([0, 0, 0, 0, 0, 1, 1, 2, 2])
    alike, averaged = pairs(embeddings, characters)
    similarity = embeddings @ embeddings.T
    genuine = [
        (similarity[a, b], characters[a])
        for a, b in permutations(range(9), 2)
        if characters[a] == characters[b]
    ]
    threshold = 0.1
    index = round((threshold + 1) * 2000)
    expected = np.mean([s >= threshold for s, _ in genuine])
    assert alike.roc().true_rate[index] == pytest.approx(expected)
    by_character = [np.mean([s >= threshold for s, c in genuine if c == one]) for one in range(3)]
    assert averaged.roc().true_rate[index] == pytest.approx(np.mean(by_character))
    impostors = [
        np.mean(similarity[np.ix_(characters == a, characters == b)] >= threshold)
        for a, b in ((0, 1), (0, 2), (1, 2))
    ]
    assert averaged.roc().false_rate[index] == pytest.approx(np.mean(impostors))


def test_fewer_than_three_characters_are_refused() -> None:
    embeddings, _ = make_faces(6, 1, 0.1)
    with pytest.raises(TrainingError, match="fewer than three characters"):
        recognition_figures(embeddings, np.array([0, 0, 1, 1, 2, 3]))


def test_a_validation_set_takes_a_moment() -> None:
    embeddings, characters = make_faces(160, 8, 1.0, dimension=512)
    started = time.process_time()
    recognition_figures(embeddings, characters)
    assert time.process_time() - started < 4  # half a second where nothing else runs
