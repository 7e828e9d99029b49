"""What came of the pictures of `enroll --from`, counted and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from inference.enroll import Fate
from inference.errors import (
    AmbiguousFacesError,
    FaceTooPoorError,
    NameInvalidError,
    NoFaceError,
    SampleExistsError,
)

_FATES = frozenset(Fate)
_REASONS = {
    NoFaceError.code: "without a face",
    AmbiguousFacesError.code: "with several faces",
    FaceTooPoorError.code: "not clear enough",
    SampleExistsError.code: "enrolled as somebody else",
    NameInvalidError.code: "of a name that cannot be one",
}


@dataclass(slots=True)
class Tally:
    """Counts of one run."""

    characters: int = 0
    """Those of the folder that are in the gallery now."""
    created: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Pictures by their fate, or by the code of the error that kept them from having one."""

    def add(self, outcomes: Iterable[str]) -> None:
        self.outcomes.update(outcomes)

    @property
    def unusable(self) -> int:
        """Pictures that had an error."""
        return sum(count for outcome, count in self.outcomes.items() if outcome not in _FATES)

    def lines(self, limit: int) -> list[str]:
        """The summary; `limit` is how many samples a character may have, if any."""
        count = self.outcomes
        lines = [
            f"{self.characters} characters, {self.created} of them new: "
            f"{count[Fate.ADDED]} added, {count[Fate.ENROLLED]} enrolled already."
        ]
        left_out = {
            "the same as another": count[Fate.DUPLICATE],
            "unlike the others": count[Fate.OUTLIER],
            f"over the limit of {limit} a character": count[Fate.SURPLUS],
        }
        if any(left_out.values()):
            lines.append(f"Left out: {_listed(left_out)}.")
        if self.unusable:
            lines.append(f"Not usable: {self.unusable} ({_listed(self._reasons())}).")
        return lines

    def _reasons(self) -> Counter[str]:
        reasons: Counter[str] = Counter()
        for outcome, count in self.outcomes.items():
            if outcome not in _FATES:
                reasons[_REASONS.get(outcome, "unreadable")] += count
        return reasons


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {words}" for words, count in counts.items() if count)
