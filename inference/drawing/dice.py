"""Repeatable chance: every choice of a drawing comes from dice that are named by what they decide."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

_Item = TypeVar("_Item")


class Dice:
    """The same names give the same throws, on every machine and in every process."""

    def __init__(self, *names: object) -> None:
        self._random = random.Random("/".join(map(str, names)))  # noqa: S311 - art, not secrets

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._random.random()

    def number(self) -> int:
        """A whole number of 32 bits."""
        return self._random.getrandbits(32)

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def sign(self) -> int:
        return 1 if self._random.random() < 0.5 else -1

    def choice(self, items: Sequence[_Item]) -> _Item:
        return items[int(self._random.random() * len(items))]

    def shuffled(self, items: Sequence[_Item]) -> list[_Item]:
        rest = list(items)
        return [rest.pop(int(self._random.random() * len(rest))) for _ in range(len(items))]
