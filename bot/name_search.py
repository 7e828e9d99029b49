"""Finds the character that somebody means while typing: forgiving of spelling, script and word order."""

from __future__ import annotations

import asyncio
import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from rapidfuzz import fuzz, process

from inference.domain import Character, Scope
from inference.gallery.base import Gallery
from inference.gallery.names import name_key

_KEPT_S = 30.0
_MOST_INDEXES = 256
_ALIKE = 66.0
"""From this score of RapidFuzz's (0…100) on a name may be meant."""
_LONGEST_QUERY = 100

# Hepburn, as it is mostly written, to one spelling that Kunrei and sloppy long vowels share with it.
_ROMAJI = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("sh(?=[aueo])", "sy"),
        ("shi", "si"),
        ("ch(?=[aueo])", "ty"),
        ("tch", "tt"),
        ("chi", "ti"),
        ("tsu", "tu"),
        ("j(?=[aueo])", "zy"),
        ("ji", "zi"),
        ("fu", "hu"),
        ("m(?=[bp])", "n"),
        ("n'", "n"),
        ("ou|oo|oh(?![aiueo])", "o"),
        ("uu", "u"),
        ("aa", "a"),
        ("[-'’・·.,]", ""),
    )
)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_KANA = re.compile(r"[\u3040-\u30ff\uff66-\uff9f]")


class NameSearch:
    """Completes names of the characters in galleries; remembers them for a short while."""

    def __init__(self, gallery: Gallery, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._gallery = gallery
        self._clock = clock
        self._indexes: dict[tuple[Scope, ...], tuple[float, _Index]] = {}

    async def suggest(self, scopes: Sequence[Scope], text: str, *, limit: int) -> tuple[str, ...]:
        """Names that may be meant, likeliest first; all there are, by name, for an empty text."""
        index = await self._index(tuple(scopes))
        return await asyncio.to_thread(index.search, text[:_LONGEST_QUERY], limit)

    def forget(self, scope: Scope) -> None:
        """Read the names of that gallery anew, because they were changed."""
        for scopes in [scopes for scopes in self._indexes if scope in scopes]:
            del self._indexes[scopes]

    async def _index(self, scopes: tuple[Scope, ...]) -> _Index:
        known = self._indexes.get(scopes)
        if known is not None and self._clock() < known[0]:
            return known[1]
        characters = await self._gallery.characters(scopes)
        index = await asyncio.to_thread(_Index.of, characters)
        while len(self._indexes) >= _MOST_INDEXES:
            del self._indexes[next(iter(self._indexes))]
        self._indexes[scopes] = self._clock() + _KEPT_S, index
        return index


@dataclass(frozen=True, slots=True)
class _Index:
    """Every spelling and reading of every character, with the name it stands for."""

    keys: list[str]
    names: list[str]
    all_names: tuple[str, ...]

    @classmethod
    def of(cls, characters: Sequence[Character]) -> _Index:
        keys, names = [], []
        for character in characters:
            spellings = (character.name, *character.aliases)
            for key in dict.fromkeys(key for spelling in spellings for key in readings(spelling)):
                keys.append(key)
                names.append(character.name)
        return cls(keys, names, tuple(dict.fromkeys(character.name for character in characters)))

    def search(self, text: str, limit: int) -> tuple[str, ...]:
        if not text.strip():
            return self.all_names[:limit]
        best: dict[str, float] = {}
        for query in readings(text):
            for place, score in self._scored(query, limit):
                name = self.names[place]
                best[name] = max(best.get(name, 0.0), score)
        ranked = sorted(best, key=lambda name: (-best[name], len(name), name))
        return tuple(ranked[:limit])

    def _scored(self, query: str, limit: int) -> list[tuple[int, float]]:
        found = []
        for place, key in enumerate(self.keys):
            if query in key:
                begins = key.startswith(query) or f" {query}" in key
                found.append((place, (300.0 if key == query else 200.0) if begins else 150.0))
        if len(query) > 1:
            # A name has several keys, hence more than `limit`.
            alike = process.extract(
                query, self.keys, scorer=fuzz.WRatio, processor=None, limit=8 * limit, score_cutoff=_ALIKE
            )
            found += [(place, float(score)) for _, score, place in alike]
        return found


def readings(text: str) -> tuple[str, ...]:
    """The ways in which a text may be typed, made comparable: itself, in romaji, in pinyin.

    Case, width, accents, word order of the surname and small differences of romanisation do not matter.
    """
    key = name_key(text)
    found = [key, _plain_romaji(key)]
    if _KANA.search(text) or _HAN.search(text):
        found.append(_plain_romaji(_romaji(text)))
    if _HAN.search(text) and not _KANA.search(text):
        found.append(_pinyin(text))
    return tuple(dict.fromkeys(reading for reading in (*found, *map(_without_spaces, found)) if reading))


def load_dictionaries() -> None:
    """What Japanese and Chinese names are read with; takes seconds the first time, so do it beforehand."""
    readings("名")


def _plain_romaji(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    for pattern, replacement in _ROMAJI:
        plain = pattern.sub(replacement, plain)
    # What is kana or Han in it is read elsewhere.
    return " ".join(plain.split()) if plain.isascii() else ""


def _without_spaces(text: str) -> str:
    return text.replace(" ", "")


def _romaji(text: str) -> str:
    return "".join(part["hepburn"] for part in _kakasi().convert(unicodedata.normalize("NFKC", text)))


def _pinyin(text: str) -> str:
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - half a second, and only for Han characters

    return "".join(lazy_pinyin(text)).casefold()


@cache
def _kakasi() -> Any:
    import pykakasi  # noqa: PLC0415 - most of a second, and only for Japanese

    return pykakasi.kakasi()  # type: ignore[no-untyped-call]  # it says nothing of types
