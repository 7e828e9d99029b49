"""Who is in a gallery, held in memory for as long as nothing changes: for paging, filters and counts."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from inference.domain import Character, Scope
from inference.gallery.base import Gallery
from inference.gallery.names import name_key

Order = Literal["name", "most", "fewest"]
_SORT_KEYS: Mapping[Order, Callable[[Character], float]] = MappingProxyType(
    {"most": lambda one: -one.sample_count, "fewest": lambda one: one.sample_count}
)
_MOST_CATALOGUES = 16


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of those that were asked for."""

    characters: tuple[Character, ...]
    total: int
    number: int
    """From 1; the last one when a later one was asked for."""
    pages: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The characters of one gallery at one moment."""

    characters: tuple[Character, ...]
    """By name."""
    series: tuple[tuple[str, int], ...]
    """Each series with how many characters are from it, by name."""
    samples: int
    _keys: tuple[str, ...]
    """Of each character what a search looks in."""

    @classmethod
    def of(cls, characters: Sequence[Character]) -> Catalogue:
        series = Counter(one.series for one in characters if one.series)
        return cls(
            tuple(characters),
            tuple(sorted(series.items(), key=lambda item: name_key(item[0]))),
            sum(one.sample_count for one in characters),
            tuple("\n".join(map(name_key, (one.name, one.series, *one.aliases))) for one in characters),
        )

    def shelf(self, *, query: str, series: str, order: Order, number: int, size: int) -> Shelf:
        """Page `number` (from 1, of `size` characters) of those with that text in a name, alias or series."""
        key = name_key(query)
        found = [
            one
            for one, text in zip(self.characters, self._keys, strict=True)
            if key in text and (not series or one.series == series)
        ]
        if order in _SORT_KEYS:
            found.sort(key=_SORT_KEYS[order])
        pages = max(1, -(-len(found) // size))
        number = min(number, pages)
        return Shelf(tuple(found[(number - 1) * size : number * size]), len(found), number, pages)


class Catalogues:
    """The catalogues of the galleries that were looked at last; each is made anew when its gallery changed.

    Whether it did is told by the audit log, in which every change is a line.
    """

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._kept: OrderedDict[Scope, tuple[int, Catalogue]] = OrderedDict()
        self._scopes: tuple[int, tuple[Scope, ...]] = (-1, ())
        self._making = asyncio.Lock()

    async def of(self, scope: Scope) -> Catalogue:
        """Raises GalleryUnavailableError."""
        version = await self._version(scope)
        async with self._making:
            kept = self._kept.pop(scope, None)
            if kept is None or kept[0] < version:
                characters = await self._gallery.characters([scope])
                kept = version, await asyncio.to_thread(Catalogue.of, characters)
            self._kept[scope] = kept
            if len(self._kept) > _MOST_CATALOGUES:
                self._kept.popitem(last=False)
        return kept[1]

    async def scopes(self) -> tuple[Scope, ...]:
        """Every gallery that somebody is enrolled in."""
        version = await self._version(None)
        if version != self._scopes[0]:
            self._scopes = version, (await self._gallery.stats()).scopes
        return self._scopes[1]

    async def _version(self, scope: Scope | None) -> int:
        newest = await self._gallery.audit(scope, limit=1)
        return newest[0].id if newest else 0
