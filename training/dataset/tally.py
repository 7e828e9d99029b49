"""An account of what an import or export left out or changed, and why."""

from __future__ import annotations

from collections import Counter

_EXAMPLES = 3


class Tally:
    """How often each reason came up, with its first few examples."""

    def __init__(self) -> None:
        self.counts = Counter[str]()
        self._examples: dict[str, list[str]] = {}

    def add(self, reason: str, example: object) -> None:
        self.counts[reason] += 1
        if len(found := self._examples.setdefault(reason, [])) < _EXAMPLES:
            found.append(str(example))

    def report(self, title: str) -> list[str]:
        """Lines for a person, the most frequent reason first; none when nothing came up."""
        if not self.counts:
            return []
        return [
            f"{title}, {self.counts.total():,} in all:",
            *(self._line(reason, count) for reason, count in self.counts.most_common()),
        ]

    def _line(self, reason: str, count: int) -> str:
        found = self._examples[reason]
        return f"  {count:8,}  {reason} ({', '.join(found)}{', …' if count > len(found) else ''})"
