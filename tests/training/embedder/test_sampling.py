"""How often each face is shown."""

from __future__ import annotations

import numpy as np
import pytest

from training.embedder.recipe import SamplingRecipe
from training.embedder.sampling import character_shares, epoch_of, source_shares

CHARACTERS = np.array([0] * 90 + [1] * 10, dtype=np.intp)
ONE_SOURCE = ["a"] * 100


def share_of(character: int, shares: np.ndarray) -> float:
    return float(shares[character == CHARACTERS].sum())


@pytest.mark.parametrize(("balance", "expected"), [(0.0, 0.5), (1.0, 0.9), (0.5, 0.75)])
def test_balance_leads_from_every_character_to_every_picture_alike(balance: float, expected: float) -> None:
    shares = character_shares(CHARACTERS, ONE_SOURCE, SamplingRecipe(balance=balance))

    assert share_of(0, shares) == pytest.approx(expected)


def test_a_weighted_source_is_shown_that_much_more_often() -> None:
    sources = ["fan art" if character else "icons" for character in CHARACTERS]
    recipe = SamplingRecipe(balance=0.0, source_weights={"fan art": 3.0})

    assert share_of(1, character_shares(CHARACTERS, sources, recipe)) == pytest.approx(0.75)


def test_no_source_fills_more_than_its_cap() -> None:
    sources = ["big"] * 90 + ["small"] * 5 + ["other"] * 5
    shares = character_shares(CHARACTERS, sources, SamplingRecipe(balance=1.0, source_cap=0.4))

    assert source_shares(shares, sources) == pytest.approx({"big": 0.4, "small": 0.3, "other": 0.3})


def test_caps_that_cannot_be_kept_leave_whole_epochs() -> None:
    shares = character_shares(CHARACTERS, ONE_SOURCE, SamplingRecipe(source_cap=0.2))

    assert shares.sum() == pytest.approx(1.0)
    assert (shares > 0).all()


def test_an_epoch_holds_to_the_shares_and_mixes_the_characters() -> None:
    shares = character_shares(CHARACTERS, ONE_SOURCE, SamplingRecipe(balance=0.0))
    chosen = epoch_of(shares, CHARACTERS, 1000, np.random.default_rng(3))

    counts = np.bincount(chosen, minlength=100)
    assert len(chosen) == 1000
    assert counts[:90].sum() == pytest.approx(500, abs=1)
    assert counts[:90].min() >= 5
    assert counts[90:].min() == counts[90:].max() == 50
    assert 5 <= (CHARACTERS[chosen[:20]] == 0).sum() <= 15


def test_the_same_generator_gives_the_same_epoch() -> None:
    shares = character_shares(CHARACTERS, ONE_SOURCE, SamplingRecipe())
    first, again, other = (
        epoch_of(shares, CHARACTERS, 50, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )

    assert first.tolist() == again.tolist() != other.tolist()
