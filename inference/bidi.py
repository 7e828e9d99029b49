"""The order of left-to-right and right-to-left pieces in one line: Unicode's bidirectional algorithm.

Without explicit directional formatting (`graphemes.readable()` removes it) and without pairing brackets.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_STRONG = ("L", "R", "AL")


def embedding_levels(pieces: Sequence[str]) -> list[int]:
    """The level of each piece of the line, in writing order: even is left to right, odd right to left.

    A piece has the direction of its first character. The first strong one gives the line's direction.
    """
    classes = [unicodedata.bidirectional(piece[0]) or "L" for piece in pieces]
    base = next((int(kind != "L") for kind in classes if kind in _STRONG), 0)
    classes = _numbers_resolved(classes, "LR"[base])
    classes = _neutral_resolved(classes, "LR"[base])
    if base == 0:
        return [{"L": 0, "R": 1}.get(kind, 2) for kind in classes]
    return [1 if kind == "R" else 2 for kind in classes]


def visual_order(levels: Sequence[int]) -> list[int]:
    """The indices of the pieces from left to right (rule L2)."""
    order = list(range(len(levels)))
    for level in range(max(levels, default=0), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            order[start:end] = reversed(order[start:end])
            start = end + 1
    return order


def _numbers_resolved(classes: Sequence[str], base: str) -> list[str]:
    """Numbers and what belongs to them (rules W2 to W7): the rest is L, R or neutral ("ON")."""
    resolved = list(classes)
    strong = base
    for index, kind in enumerate(resolved):
        if kind in _STRONG:
            strong = kind
        elif kind == "EN" and strong == "AL":
            resolved[index] = "AN"
    resolved = _separators_resolved(["R" if kind == "AL" else kind for kind in resolved])
    strong = base
    for index, kind in enumerate(resolved):
        if kind in _STRONG:
            strong = kind
        elif kind == "EN" and strong == "L":
            resolved[index] = "L"
        elif kind not in ("EN", "AN"):
            resolved[index] = "ON"
    return resolved


def _separators_resolved(classes: Sequence[str]) -> list[str]:
    """A comma between digits and a currency or percent sign beside them become part of the number."""
    resolved = list(classes)
    for index in range(1, len(resolved) - 1):
        before, kind, after = resolved[index - 1 : index + 2]
        if before == after and (before, kind) in (("EN", "ES"), ("EN", "CS"), ("AN", "CS")):
            resolved[index] = before
    for order in (range(1, len(resolved)), range(len(resolved) - 2, -1, -1)):
        for index in order:
            if resolved[index] == "ET" and resolved[index - order.step] == "EN":
                resolved[index] = "EN"
    return resolved


def _neutral_resolved(classes: Sequence[str], base: str) -> list[str]:
    """Neutrals between two of one direction take it, others that of the line (rules N1 and N2)."""
    resolved = list(classes)
    start = 0
    while start < len(resolved):
        end = start
        while end < len(resolved) and resolved[end] == "ON":
            end += 1
        if end > start:
            before = _side(resolved[start - 1]) if start else base
            after = _side(resolved[end]) if end < len(resolved) else base
            resolved[start:end] = [before if before == after else base] * (end - start)
        start = end + 1
    return resolved


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"
