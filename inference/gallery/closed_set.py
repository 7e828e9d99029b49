"""The characters of a pack whose detector names them itself: a gallery to be asked, not changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np

from inference.closed_set import class_probabilities
from inference.domain import (
    Character,
    CharacterId,
    EmbeddingContract,
    Embeddings,
    FaceCrop,
    Match,
    Sample,
    SampleId,
    Scope,
)
from inference.errors import CharacterNotFoundError, ClosedSetError, SampleNotFoundError
from inference.gallery.base import (
    AuditEntry,
    Changed,
    Contributions,
    EmbeddedFaces,
    Enrolled,
    Finding,
    GalleryStats,
    NewSample,
    Reembed,
    Report,
)
from inference.gallery.names import name_key, suggest_names
from inference.models.manifest import ClosedSetTable, Manifest


class ClosedSetGallery:
    """A `Gallery` of the pack's characters, the same in every scope; every change raises ClosedSetError.

    The similarity of a match is the probability that the detector gives the character, 0…1, and its negative
    similarity that of the classes that stand for nobody, where there are any.
    """

    def __init__(self, manifest: Manifest, closed_set: ClosedSetTable) -> None:
        self._pack = manifest.name
        self._contract = manifest.contract(flip_average=False)
        entries = sorted(closed_set.characters, key=lambda entry: (name_key(entry.name), entry.series))
        self._characters = tuple(
            Character(CharacterId(entry.face_class), Scope(manifest.name), entry.name, entry.series)
            for entry in entries
        )
        classes = manifest.detector.ordered_face_classes
        self._columns = [classes.index(entry.face_class) for entry in entries]
        self._nobody = sorted(set(range(len(classes))) - set(self._columns))

    @property
    def contract(self) -> EmbeddingContract:
        return self._contract

    async def close(self) -> None:
        """There is nothing to let go of."""

    # ── questions ───────────────────────────────────────────────────────────────────────────────

    async def search(
        self, probes: Embeddings, scopes: Sequence[Scope], *, top: int
    ) -> list[tuple[Match, ...]]:
        rows = class_probabilities(probes)
        return [
            tuple(
                Match(
                    self._characters[index],
                    SampleId(self._characters[index].id),
                    float(row[self._columns[index]]),
                    float(row[self._nobody].max()) if self._nobody else None,
                )
                for index in np.argsort(-row[self._columns], kind="stable")[:top]
            )
            for row in rows
        ]

    async def find_duplicate(self, scope: Scope, sample: NewSample) -> tuple[Character, SampleId, str] | None:
        return None

    async def characters(
        self, scopes: Sequence[Scope], *, query: str = "", offset: int = 0, limit: int | None = None
    ) -> tuple[Character, ...]:
        wanted = name_key(query)
        found = [one for one in self._characters if wanted in f"{name_key(one.name)}\n{name_key(one.series)}"]
        return tuple(found[offset : None if limit is None else offset + limit])

    async def character(self, scopes: Sequence[Scope], name_or_id: str) -> Character:
        for one in self._characters:
            if name_or_id == one.id or name_key(name_or_id) == name_key(one.name):
                return one
        names = [one.name for one in self._characters]
        raise CharacterNotFoundError(name=name_or_id, suggestions=suggest_names(name_or_id, names))

    async def samples(self, scopes: Sequence[Scope], character_id: CharacterId) -> tuple[Sample, ...]:
        return ()

    async def crop(self, scopes: Sequence[Scope], sample_id: SampleId) -> FaceCrop:
        raise SampleNotFoundError(sample_id=sample_id)

    async def contributions(self, contributor: str | None = None) -> tuple[Contributions, ...]:
        return ()

    async def embedded_faces(self, scope: Scope, *, after: int = 0, limit: int = 4_096) -> EmbeddedFaces:
        nobody = np.empty((0, self._contract.dimension), np.float32)
        return EmbeddedFaces((), (), (), (), Embeddings(nobody), after)

    async def audit(self, scope: Scope | None = None, *, limit: int = 100) -> tuple[AuditEntry, ...]:
        return ()

    async def stats(self) -> GalleryStats:
        return GalleryStats(
            characters=len(self._characters),
            samples=0,
            negatives=0,
            scopes=(Scope(self._pack),),
            contract=self._contract,
            size_bytes=0,
            schema_version=0,
        )

    async def verify(self, *, repair: bool, reembed: Reembed | None = None) -> tuple[Finding, ...]:
        return ()

    # ── changes, which there are none of ────────────────────────────────────────────────────────

    async def enroll(
        self,
        scope: Scope,
        name: str,
        samples: Sequence[NewSample],
        *,
        series: str = "",
        aliases: Sequence[str] = (),
        actor: str = "",
        allow_alike: bool = False,
    ) -> Enrolled:
        raise self._refusal

    async def rename(
        self, scope: Scope, name: str, new_name: str, *, series: str | None = None, actor: str = ""
    ) -> Changed:
        raise self._refusal

    async def set_aliases(
        self, scope: Scope, name: str, aliases: Sequence[str], *, actor: str = ""
    ) -> Changed:
        raise self._refusal

    async def merge(self, scope: Scope, source: str, target: str, *, actor: str = "") -> Changed:
        raise self._refusal

    async def move_samples(
        self,
        scope: Scope,
        source: str,
        sample_ids: Sequence[SampleId],
        target: str,
        *,
        series: str = "",
        actor: str = "",
    ) -> Changed:
        raise self._refusal

    async def forget(self, scope: Scope, name: str, *, for_good: bool = False, actor: str = "") -> Changed:
        raise self._refusal

    async def forget_sample(
        self, scope: Scope, sample_id: SampleId, *, for_good: bool = False, actor: str = ""
    ) -> Changed:
        raise self._refusal

    async def add_negative(self, scope: Scope, name: str, sample: NewSample, *, actor: str = "") -> Changed:
        raise self._refusal

    async def forget_contributions(
        self, scope: Scope, contributor: str, *, actor: str = ""
    ) -> Contributions | None:
        raise self._refusal

    async def undo(self, scope: Scope, entry_id: int | None = None, *, actor: str = "") -> AuditEntry:
        raise self._refusal

    async def export(
        self, path: Path, scopes: Sequence[Scope] | None = None, *, report: Report | None = None
    ) -> int:
        raise self._refusal

    async def import_(self, path: Path, *, scope: Scope | None = None, actor: str = "") -> int:
        raise self._refusal

    def reindex(
        self, contract: EmbeddingContract, reembed: Reembed, *, batch: int = 64
    ) -> AsyncIterator[tuple[int, int]]:
        raise self._refusal

    async def drop_old(self) -> int:
        raise self._refusal

    @property
    def _refusal(self) -> ClosedSetError:
        return ClosedSetError(pack=self._pack)
