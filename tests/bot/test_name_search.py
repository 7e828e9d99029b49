from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.name_search import NameSearch, readings
from inference.domain import Character, CharacterId, Scope

HOME, SHARED = Scope("home"), Scope("shared")
NAMES: dict[str, tuple[str, ...]] = {
    "千反田える": (),
    "折木奉太郎": (),
    "初音ミク": ("Miku-chan",),
    "綾波レイ": (),
    "甘雨": (),
    "キョウコ": (),
    "Jotaro Kujo": (),
    "Oreki Satoshi": (),
    "Émilie": (),
}


class ListedGallery:
    """Only lists its characters, and counts how often it was asked."""

    def __init__(self, names: dict[str, tuple[str, ...]]) -> None:
        self.names = names
        self.asked = 0

    async def characters(self, scopes: Sequence[Scope]) -> tuple[Character, ...]:
        self.asked += 1
        return tuple(
            Character(CharacterId(name), HOME, name, aliases=aliases) for name, aliases in self.names.items()
        )


class HandSeconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make_search(
    names: dict[str, tuple[str, ...]] | None = None,
) -> tuple[NameSearch, ListedGallery, HandSeconds]:
    gallery, clock = ListedGallery(NAMES if names is None else names), HandSeconds()
    return NameSearch(gallery, clock=clock), gallery, clock  # type: ignore[arg-type]  # lists, which is enough


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("chitanda", "千反田える"),
        ("CHITANDA ERU", "千反田える"),
        ("titanda", "千反田える"),
        ("ちたんだ", "千反田える"),
        ("ﾁﾀﾝﾀﾞｴﾙ", "千反田える"),
        ("chitnada", "千反田える"),
        ("houtarou", "折木奉太郎"),
        ("hotaro", "折木奉太郎"),
        ("hōtarō", "折木奉太郎"),
        ("ミク", "初音ミク"),
        ("みく", "初音ミク"),
        ("hatune", "初音ミク"),
        ("miku chan", "初音ミク"),
        ("ayanami", "綾波レイ"),
        ("ganyu", "甘雨"),
        ("gan yu", "甘雨"),
        ("kyoko", "キョウコ"),
        ("Kujo Jotaro", "Jotaro Kujo"),
        ("kuujou", "Jotaro Kujo"),
        ("emilie", "Émilie"),
        ("ｅｍｉｌ", "Émilie"),
    ],
)
async def test_names_are_found_however_they_are_typed(typed: str, meant: str) -> None:
    search, _, _ = make_search()
    assert (await search.suggest([HOME], typed, limit=5))[0] == meant


async def test_beginnings_come_before_what_is_inside_and_that_before_what_is_alike() -> None:
    search, _, _ = make_search({"Banana": (), "Anabel": (), "Hana": (), "Anne Bell": ()})
    assert (await search.suggest([HOME], "ana", limit=10))[:3] == ("Anabel", "Hana", "Banana")


async def test_nothing_typed_lists_everybody_and_nonsense_nobody() -> None:
    search, _, _ = make_search()
    assert await search.suggest([HOME], "", limit=3) == tuple(NAMES)[:3]
    assert await search.suggest([HOME], "   ", limit=100) == tuple(NAMES)
    assert await search.suggest([HOME], "xqzv", limit=5) == ()
    assert await search.suggest([HOME], "\u0000\u202e", limit=5) == ()
    empty, _, _ = make_search({})
    assert await empty.suggest([HOME], "a", limit=5) == ()


async def test_names_are_read_anew_after_a_while_and_when_they_change() -> None:
    search, gallery, clock = make_search()
    for _ in range(3):
        await search.suggest([HOME, SHARED], "a", limit=5)
    assert gallery.asked == 1
    search.forget(Scope("elsewhere"))
    await search.suggest([HOME, SHARED], "a", limit=5)
    assert gallery.asked == 1
    search.forget(SHARED)
    await search.suggest([HOME, SHARED], "a", limit=5)
    assert gallery.asked == 2
    clock.now += 60
    await search.suggest([HOME, SHARED], "a", limit=5)
    assert gallery.asked == 3


async def test_ten_thousand_names_are_searched_quickly() -> None:
    import time

    search, _, _ = make_search({f"Character Number {number}": () for number in range(10_000)})
    await search.suggest([HOME], "warm", limit=25)
    started = time.perf_counter()
    found = await search.suggest([HOME], "caracter numbr 4711", limit=25)
    assert found[0] == "Character Number 4711"
    assert time.perf_counter() - started < 1.0


def test_readings_hold_no_empty_ones() -> None:
    for text in ("", " ", "・", "…", "🌸", "千", "a"):
        assert all(readings(text))
