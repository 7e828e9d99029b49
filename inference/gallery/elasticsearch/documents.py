"""The documents of a gallery in Elasticsearch: values here, JSON there."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain import (
    Character,
    CharacterId,
    EmbeddingContract,
    FaceBox,
    FaceCrop,
    Sample,
    SampleId,
    Scope,
)
from inference.gallery.delta import Delta
from inference.gallery.names import letter_pairs, name_key
from inference.gallery.store import VECTOR_TYPE

Source = Mapping[str, Any]

FACE_WITHOUT_PICTURE = (
    "scope",
    "character",
    "negative",
    "removed_by",
    "content_hash",
    "perceptual_hash",
    "added_by",
    "added_at",
    "source",
    "seq",
    "written",
)
"""The fields of a face without its crop and vector."""
CHARACTER_WITHOUT_FACES = ("scope", "names", "series", "sample_count")
"""The fields of a character that make a `Character`."""


@dataclass(frozen=True, slots=True)
class CharacterDocument:
    id: CharacterId
    scope: Scope
    names: tuple[str, ...]
    """Her name, then her aliases; empty only in the middle of a change."""
    series: str
    samples: tuple[SampleId, ...] = ()
    """In the order in which they came; so are the negatives."""
    negatives: tuple[SampleId, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(map(name_key, self.names))

    def as_character(self) -> Character:
        # A character without a name is damage that `verify` reports; it must not stop a search.
        name, *aliases = self.names or (self.id,)
        return Character(self.id, self.scope, name, self.series, tuple(aliases), len(self.samples))

    def to_source(self, *, written: int) -> dict[str, Any]:
        keys = self.keys
        return {
            "scope": self.scope,
            "names": self.names,
            "name_key": keys[0] if keys else "",
            "keys": keys,
            "pairs": sorted(set().union(*map(letter_pairs, keys))),
            "series": self.series,
            "series_key": name_key(self.series),
            "samples": self.samples,
            "negatives": self.negatives,
            "sample_count": len(self.samples),
            "written": written,
        }

    @classmethod
    def from_source(cls, character_id: str, source: Source) -> CharacterDocument:
        return cls(
            CharacterId(character_id),
            Scope(source["scope"]),
            tuple(source["names"]),
            source["series"],
            tuple(source["samples"]),
            tuple(source["negatives"]),
        )


def character_from(character_id: str, source: Source) -> Character:
    """From `CHARACTER_WITHOUT_FACES` alone."""
    name, *aliases = source["names"] or (character_id,)
    return Character(
        CharacterId(character_id),
        Scope(source["scope"]),
        name,
        source["series"],
        tuple(aliases),
        source["sample_count"],
    )


@dataclass(frozen=True, slots=True)
class FaceDocument:
    """A face without its crop and vector."""

    id: SampleId
    scope: Scope | None
    """None, as the character, while it is removed."""
    character: CharacterId | None
    negative: bool
    content_hash: str
    perceptual_hash: int
    added_by: str
    added_at: datetime
    source: str
    seq: int
    removed_by: int | None = None

    def as_sample(self) -> Sample:
        assert self.character is not None, "only what is there is listed"  # noqa: S101
        return Sample(self.id, self.character, self.added_by, self.added_at, self.source)

    def ownership(self, *, written: int) -> dict[str, Any]:
        """The fields that change when the face goes from one to another."""
        return {
            "scope": self.scope,
            "character": self.character,
            "removed_by": self.removed_by,
            "written": written,
        }

    def to_source(
        self, crop: FaceCrop | None, vector: NDArray[np.float32] | None, *, written: int
    ) -> dict[str, Any]:
        source: dict[str, Any] = {
            **self.ownership(written=written),
            "negative": self.negative,
            "content_hash": self.content_hash,
            "perceptual_hash": f"{self.perceptual_hash:016x}",
            "added_by": self.added_by,
            "added_at": self.added_at.isoformat(),
            "source": self.source,
            "seq": self.seq,
        }
        if crop is not None and crop.data:
            source |= {"crop": base64.b64encode(crop.data).decode("ascii"), "box": crop.box.xyxy}
        return source if vector is None else with_vector(source, vector)

    @classmethod
    def from_source(cls, face_id: str, source: Source) -> FaceDocument:
        return cls(
            SampleId(face_id),
            source.get("scope"),
            source.get("character"),
            source["negative"],
            source["content_hash"],
            int(source["perceptual_hash"], 16),
            source["added_by"],
            datetime.fromisoformat(source["added_at"]),
            source["source"],
            source["seq"],
            source.get("removed_by"),
        )


def with_vector(source: Source, vector: NDArray[np.float32]) -> dict[str, Any]:
    """The face's document with that embedding, to be read back (`vector`) and searched (`embedding`)."""
    data = np.ascontiguousarray(vector, VECTOR_TYPE).tobytes()
    return {
        **source,
        "vector": base64.b64encode(data).decode("ascii"),
        # More digits than a float32 has would only make the request longer.
        "embedding": np.round(vector.astype(np.float64), 8).tolist(),
    }


def vector_of(source: Source, dimension: int) -> NDArray[np.float32] | None:
    """The embedding exactly as it was enrolled; None where it is missing or has another length."""
    try:
        data = base64.b64decode(source.get("vector") or "", validate=True)
    except binascii.Error:
        return None
    return np.frombuffer(data, VECTOR_TYPE) if len(data) == dimension * VECTOR_TYPE.itemsize else None


def crop_of(source: Source) -> FaceCrop | None:
    if not source.get("crop") or not source.get("box"):
        return None
    return FaceCrop(base64.b64decode(source["crop"]), FaceBox(*map(float, source["box"])))


@dataclass(frozen=True, slots=True)
class EntryDocument:
    """A line of the audit log."""

    id: int
    at: datetime
    scope: Scope
    actor: str
    action: str
    detail: Mapping[str, object]
    delta: Delta | None = None
    """While it can be taken back."""
    undone_by: int | None = None

    def to_source(self) -> dict[str, Any]:
        source: dict[str, Any] = {
            "id": self.id,
            "at": self.at.isoformat(),
            "scope": self.scope,
            "actor": self.actor,
            "action": self.action,
            "detail": self.detail,
            "undone_by": self.undone_by,
        }
        if self.delta is not None:
            source |= {
                "delta": asdict(self.delta),
                "undo_from_us": microseconds(self.at),
                "delta_characters": sorted(self.delta.characters),
            }
        return source

    @classmethod
    def from_source(cls, source: Source) -> EntryDocument:
        delta = source.get("delta")
        return cls(
            source["id"],
            datetime.fromisoformat(source["at"]),
            Scope(source["scope"]),
            source["actor"],
            source["action"],
            source["detail"],
            Delta.from_fields(delta) if delta else None,
            source.get("undone_by"),
        )


def microseconds(at: datetime) -> int:
    """Since 1970."""
    return round(at.timestamp() * 1_000_000)


@dataclass(frozen=True, slots=True)
class Head:
    """The one document whose change makes a change of the gallery count."""

    commit: int
    """How many changes there were."""
    next_face: int
    next_entry: int
    contracts: tuple[EmbeddingContract, ...]
    """Those with faces of their own, the active one first."""
    token: str
    """Of the last change."""
    pending: dict[str, Any] | None = None
    """What the last change writes, until that is done."""
    place: tuple[int, int] = field(default=(0, 0), compare=False)
    """Sequence number and primary term under which it was read."""

    @property
    def contract(self) -> EmbeddingContract:
        """The active one."""
        return self.contracts[0]

    def to_source(self, schema: int) -> dict[str, Any]:
        return {
            "state": {
                "schema": schema,
                "commit": self.commit,
                "next_face": self.next_face,
                "next_entry": self.next_entry,
                "contracts": [asdict(contract) for contract in self.contracts],
                "token": self.token,
                "pending": self.pending,
            }
        }

    @classmethod
    def from_source(cls, source: Source, place: tuple[int, int]) -> Head:
        state = source["state"]
        return cls(
            state["commit"],
            state["next_face"],
            state["next_entry"],
            tuple(EmbeddingContract(**contract) for contract in state["contracts"]),
            state["token"],
            state["pending"],
            place,
        )
