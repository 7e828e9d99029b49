"""Strict tables: what is refused is told by its keys, all of them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, field

from inference.models.tables import Table, read_table

Word = Annotated[str, Meta(pattern=r"^[a-z]+\Z", description="it is no word")]


class Inner(Table, frozen=True, kw_only=True):
    share: Annotated[float, Meta(ge=0, le=1)]
    kind: Literal["round", "square"] = "round"
    word: Word | None = None


class Outer(Table, frozen=True, kw_only=True):
    inner: Inner
    others: Annotated[tuple[Inner, ...], Meta(max_length=2)] = ()
    pair: tuple[int, int] = (0, 0)
    named: dict[Word, Inner] = field(name="by name", default_factory=dict)
    maybe: Inner | None = None

    def __post_init__(self) -> None:
        if self.pair[0] > self.pair[1]:
            raise ValueError("pair falls")


GOOD: dict[str, Any] = {"share": 0.5}


def test_a_good_table_is_read_and_blanks_around_texts_mean_nothing() -> None:
    table = {
        "inner": {"share": 1, "word": " oak\n"},
        "others": [GOOD, {"share": 0.0, "kind": "square"}],
        "pair": [1, 2],
        "by name": {"elm": GOOD},
        "maybe": GOOD,
    }
    half = Inner(share=0.5)
    assert read_table(table, Outer) == Outer(
        inner=Inner(share=1.0, word="oak"),
        others=(half, Inner(share=0.0, kind="square")),
        pair=(1, 2),
        named={"elm": half},
        maybe=half,
    )


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"inner": {}}, ["inner.share is missing"]),
        ({"inner": 5}, ["inner: Expected `object`, got `int`"]),
        ({"inner": {"share": float("nan")}}, ["inner.share: Expected `float` >= 0.0"]),
        ({"inner": {"share": float("inf")}}, ["inner.share: Expected `float` <= 1.0"]),
        ({"inner": {"share": True}}, ["inner.share: Expected `float`, got `bool`"]),
        ({"inner": {"share": "0.5"}}, ["inner.share: Expected `float`, got `str`"]),
        ({"inner": GOOD | {"kind": "flat"}}, ["inner.kind: it is none of round, square"]),
        ({"inner": GOOD | {"word": "two words"}}, ["inner.word: it is no word"]),
        ({"inner": GOOD | {"word": 5}}, ["inner.word: it is no word"]),
        ({"maybe": GOOD | {"size": 1}}, ["maybe.size is not a known key"]),
        ({"others": [GOOD, {"share": 2}]}, ["others.1.share: Expected `float` <= 1.0"]),
        ({"others": [GOOD] * 3}, ["others: Expected `array` of length <= 2"]),
        ({"pair": [1]}, ["pair: Expected `array` of length 2, got 1"]),
        ({"pair": [1.0, 2]}, ["pair.0: Expected `int`, got `float`"]),
        ({"pair": [2, 1]}, ["the table: pair falls"]),
        ({"by name": {"no 1": GOOD}}, ["by name.no 1: it is no word"]),
        ({"by name": {"elm": {"share": -1}}}, ["by name.elm.share: Expected `float` >= 0.0"]),
        (
            {"inner": {"share": 2, "a": 1}, "pair": [2, 1], "b": 1},
            ["inner.share: Expected `float` <= 1.0", "inner.a is not a known key", "b is not a known key"],
        ),
    ],
)
def test_every_fault_is_told_with_its_key(changes: dict[str, Any], faults: list[str]) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape('; '.join(faults))}\Z"):
        read_table({"inner": GOOD} | changes, Outer)


def test_of_many_faults_the_first_are_told() -> None:
    with pytest.raises(ValueError, match=r"a4 is not a known key; and 3 more$"):
        read_table({"inner": GOOD} | {f"a{number}": 1 for number in range(8)}, Outer)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ValueError, match="the table: Expected `object`, got `array`"):
        read_table([], Outer)
