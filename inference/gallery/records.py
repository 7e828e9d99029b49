"""What a change reads and writes, whatever keeps it: the rows of one file, or the documents of a cluster.

One implementation lives for a whole gallery (`store.py`), the other for one attempt at a change
(`elasticsearch_unit.py`). A character's `key`, a number from 1, is good for as long as that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from inference.domain import Character, CharacterId, Embedding, EmbeddingContract, Sample, SampleId, Scope
from inference.gallery.base import AuditEntry, Contributions, NewSample
from inference.gallery.delta import Delta


class Alikes(Protocol):
    """The samples of one scope, to be asked for the same picture."""

    def alike(self, embedding: Embedding, perceptual_hash: int) -> tuple[Character, SampleId] | None:
        """The nearest sample that shows the same picture, encoded or cut differently."""


class ChangeLog(Protocol):
    """The audit log, and for a while what is needed to take its changes back."""

    def add(self, scope: Scope, actor: str, action: str, delta: Delta | None = None, **detail: object) -> int:
        """Returns the id of the entry, which can be taken back when a delta is given."""

    def entry(self, scope: Scope, entry_id: int) -> AuditEntry | None: ...

    def last_change(self, scope: Scope) -> AuditEntry | None:
        """The newest that is in effect: no undo, and not undone."""

    def delta(self, entry_id: int) -> Delta | None:
        """What the entry did, while it can be taken back."""

    def mark_undone(self, entry_id: int, by: int) -> None: ...

    def finish(self, *entry_ids: int) -> None:
        """From now on they cannot be taken back; what they removed, and is removed still, goes for good."""

    def finish_changes_of(self, scope: Scope, character: CharacterId) -> None:
        """Like `finish()`, for all that the scope ever did with that character."""

    def strike_faces(self, scope: Scope, faces: Sequence[SampleId]) -> frozenset[CharacterId]:
        """Take these faces out of all that can be taken back; a change that nothing is left of is finished.

        Returns everybody from or to whom a face would still go if something was taken back.
        """

    def unsign(self, scope: Scope, signatures: Sequence[str]) -> None:
        """The lines with one of these signatures have none from now on."""


class Records(Protocol):
    """Characters, their names and their faces, inside one transaction."""

    @property
    def log(self) -> ChangeLog: ...

    def find(self, scopes: Sequence[Scope], name_or_id: str) -> int | None:
        """The character of that id, else of that name or alias in the first scope that has it."""

    def find_name(self, scope: Scope, name: str) -> int | None: ...

    def require(self, scopes: Sequence[Scope], name_or_id: str) -> int:
        """Like `find()`; raises CharacterNotFoundError with suggestions."""

    def character(self, key: int, /) -> Character: ...

    def character_seq(self, character_id: CharacterId) -> int | None: ...

    def add_character(self, scope: Scope, name: str, character_id: CharacterId | None = None) -> int: ...

    def set_series(self, key: int, series: str, /) -> None: ...

    def set_names(self, key: int, spellings: Sequence[str], /) -> None:
        """The first is the name, the others are aliases. Raises CharacterExistsError."""

    def release_names(self, key: int, /) -> None:
        """Until `set_names()` the character has none, so another can take them."""

    def remove_character(self, key: int, /) -> None: ...

    def add_face(
        self,
        character: int,
        face: NewSample,
        contract: EmbeddingContract,
        *,
        negative: bool = False,
        sample_id: SampleId | None = None,
        at: datetime | None = None,
    ) -> Sample: ...

    def find_content(
        self, scope: Scope, content_hash: str, *, negative_of: int | None = None
    ) -> tuple[int, SampleId] | None:
        """The sample (or the negative of that character) with the same pixels: its character and its id."""

    def scope_of_face(self, sample_id: SampleId) -> Scope | None:
        """None when there is no such face, or it was removed."""

    def is_face_id_free(self, sample_id: SampleId) -> bool:
        """False also when a removed face that is still kept has it."""

    def owners(self, faces: Sequence[SampleId]) -> dict[SampleId, CharacterId | None]:
        """Whose they are: None when they were removed; those that are gone are missing."""

    def face_ids(self, character: int) -> tuple[SampleId, ...]:
        """Her samples and negatives."""

    def sample_owner(self, scope: Scope, sample_id: SampleId) -> int:
        """Its character. Raises SampleNotFoundError."""

    def content_hashes(self, faces: Sequence[SampleId]) -> list[str]:
        """Of their pixels, in any order."""

    def negatives_among(self, character: int, content_hashes: Sequence[str]) -> tuple[SampleId, ...]:
        """Those of her negatives that have one of these pixels."""

    def enrolled_again(self, scope: Scope, faces: Sequence[SampleId]) -> int | None:
        """A character of the scope who has a sample with the pixels of one of these samples."""

    def give_faces(self, faces: Sequence[SampleId], character: int) -> None:
        """They are hers from now on."""

    def remove_faces(self, faces: Sequence[SampleId], entry: int) -> None:
        """They are nobody's, and kept for as long as that line of the audit log can be taken back."""

    def contributions(
        self, contributor: str | None = None, scope: Scope | None = None
    ) -> tuple[Contributions, ...]:
        """Of everybody everywhere, or of one, or in one scope; by contributor, then by scope."""

    def signed_faces(self, scope: Scope, signatures: Sequence[str]) -> tuple[SampleId, ...]:
        """Samples and negatives that were added by one of these, also removed ones that are kept."""

    def erase_faces(self, faces: Sequence[SampleId]) -> None:
        """They are gone for good, with crops and embeddings, whosever they are."""


class ArchiveSource(Protocol):
    """What an archive is written from, as it is at one moment."""

    def scopes(self) -> tuple[Scope, ...]: ...

    def list_characters(
        self, scopes: Sequence[Scope], query: str, offset: int, limit: int | None
    ) -> list[int]:
        """Keys, by name, then in the order of the scopes."""

    def characters(self, keys: Sequence[int], /) -> list[Character]:
        """In the given order."""

    def exported_faces(self, scopes: Sequence[Scope], contract: EmbeddingContract) -> Iterator[Any]:
        """Every whole face of the scopes: its id, its character's id, its columns, its box and its crop."""

    def exported_vectors(self, scopes: Sequence[Scope], contract: EmbeddingContract) -> Iterator[bytes]:
        """The embeddings of the same faces in the same order."""
