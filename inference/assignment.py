"""Pairs rows with columns one to one so that the total worth of the pairs is highest."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Column = TypeVar("Column", bound=Hashable)


def best_assignment(worth: Sequence[Mapping[Column, float]]) -> list[Column | None]:
    """For each row its column, or None; no column twice, and the highest possible total worth.

    A row maps the columns that it may have to what they are worth to it, which must be above 0. Among equal
    totals the choice depends on the order of rows and columns only.

    Written here because importing SciPy's solver takes half a second, more than all else that a first answer
    does, and what is asked here is tiny.
    """
    favourites = [max(row, key=row.__getitem__, default=None) for row in worth]
    wanted = [column for column in favourites if column is not None]
    if len(set(wanted)) == len(wanted):
        return favourites
    columns = list(dict.fromkeys(column for row in worth for column in row))
    # Each row also has a column of its own that is worth nothing, so that every row can be paired.
    cost = [
        [-row.get(column, -math.inf) for column in columns]
        + [0.0 if own == index else math.inf for own in range(len(worth))]
        for index, row in enumerate(worth)
    ]
    return [columns[column] if column < len(columns) else None for column in _cheapest(cost)]


def _cheapest(cost: Sequence[Sequence[float]]) -> list[int]:
    """The column of each row with the lowest total cost; at least as many columns as rows.

    The Hungarian method: row by row, the cheapest path of swaps that ends at a free column.
    """
    width = len(cost[0])
    row_price = [0.0] * len(cost)
    column_price = [0.0] * width
    row_of: list[int | None] = [None] * width
    for start in range(len(cost)):
        reach = [math.inf] * width  # the cheapest way from `start` to each column
        came_from: list[int | None] = [None] * width
        done = [False] * width
        row, here, spent = start, None, 0.0
        while True:
            for column in range(width):
                if not done[column]:
                    price = spent + cost[row][column] - row_price[row] - column_price[column]
                    if price < reach[column]:
                        reach[column], came_from[column] = price, here
            here = min((column for column in range(width) if not done[column]), key=reach.__getitem__)
            spent = reach[here]
            owner = row_of[here]
            if owner is None:
                break
            done[here] = True
            row = owner
        row_price[start] += spent
        for column in range(width):
            owner = row_of[column]
            if done[column] and owner is not None:
                row_price[owner] += spent - reach[column]
                column_price[column] -= spent - reach[column]
        while here is not None:  # hand the columns along the path
            previous = came_from[here]
            row_of[here] = start if previous is None else row_of[previous]
            here = previous
    return [row_of.index(row) for row in range(len(cost))]
