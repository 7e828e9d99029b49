"""A change as data: what it made of which characters and faces, so that it can be read backwards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from inference.domain import Character, CharacterId, SampleId


@dataclass(frozen=True, slots=True)
class Naming:
    """What a character is called."""

    names: tuple[str, ...]
    """Her name, then her aliases."""
    series: str

    @classmethod
    def of(cls, character: Character) -> Naming:
        return cls((character.name, *character.aliases), character.series)


@dataclass(frozen=True, slots=True)
class FaceMove:
    """Faces (samples and negatives) that went from one character to another."""

    faces: tuple[SampleId, ...]
    source: CharacterId | None
    """None: they were nobody's, being new or removed."""
    target: CharacterId | None
    """None: they are nobody's now."""


@dataclass(frozen=True, slots=True)
class Delta:
    """All that one change did."""

    namings: Mapping[CharacterId, tuple[Naming | None, Naming | None]]
    """Before and after; None where there is no such character."""
    moves: tuple[FaceMove, ...] = ()

    @property
    def characters(self) -> frozenset[CharacterId]:
        """Everybody who was changed."""
        ends = {end for move in self.moves for end in (move.source, move.target) if end is not None}
        return frozenset(ends.union(self.namings))

    def without(self, faces: frozenset[SampleId]) -> Delta:
        """The same, as if these faces had never been."""
        moves = (
            FaceMove(tuple(face for face in move.faces if face not in faces), move.source, move.target)
            for move in self.moves
        )
        return Delta(self.namings, tuple(move for move in moves if move.faces))

    def reversed(self) -> Delta:
        return Delta(
            {character: (after, before) for character, (before, after) in self.namings.items()},
            tuple(FaceMove(move.faces, move.target, move.source) for move in self.moves),
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Delta:
        return cls.from_fields(json.loads(text))

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Delta:
        """From what `asdict()` made of it."""
        return cls(
            {
                CharacterId(character): (_naming(before), _naming(after))
                for character, (before, after) in fields["namings"].items()
            },
            tuple(FaceMove(tuple(move["faces"]), move["source"], move["target"]) for move in fields["moves"]),
        )


def renaming(
    character: CharacterId, before: Naming | None, after: Naming | None
) -> dict[CharacterId, tuple[Naming | None, Naming | None]]:
    """For `Delta.namings`: nothing when it changes nothing, or a later renaming would stand in its way."""
    return {} if before == after else {character: (before, after)}


def _naming(fields: dict[str, Any] | None) -> Naming | None:
    return None if fields is None else Naming(tuple(fields["names"]), fields["series"])
