"""A function of several things: one after the other here, beside each other where threads are idle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


class Each(Protocol):
    """What `in_turn()` does, in any order."""

    def __call__(self, function: Callable[[In], Out], items: Sequence[In], /) -> list[Out]:
        """The function of each item, in the order of the items."""
        ...


def in_turn(function: Callable[[In], Out], items: Sequence[In], /) -> list[Out]:
    """The function of each item, one after the other in this thread."""
    return [*map(function, items)]
