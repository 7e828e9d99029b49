"""The `Gallery` protocol: everything enrolled, by scope; and the values that go in and out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from inference.domain import (
    Character,
    CharacterId,
    Embedding,
    EmbeddingContract,
    Embeddings,
    FaceCrop,
    Match,
    Sample,
    SampleId,
    Scope,
)

Report = Callable[[float], None]
"""Told, on any thread, what share of something long is done, 0…1; may raise to stop it."""


@dataclass(frozen=True, slots=True)
class NewSample:
    """A face about to be enrolled."""

    crop: FaceCrop
    embedding: Embedding
    content_hash: str
    """sha256 of the face's decoded pixels: the same pixels are the same picture (see `fingerprint.py`)."""
    perceptual_hash: int
    """64-bit pHash of the crop: a small Hamming distance means the same picture, encoded differently."""
    added_by: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an enrollment did."""

    character: Character
    """With `sample_count` after it."""
    samples: tuple[Sample, ...]
    created: bool
    """True when the character is new."""
    entry_id: int
    """Its line in the audit log, for `undo()`."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change to a character did."""

    character: Character
    """After it; one that was forgotten, as it was."""
    entry_id: int | None
    """Its line in the audit log, for `undo()`; None when there was nothing to change."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    id: int
    at: datetime
    scope: Scope
    actor: str
    action: str
    """enroll, rename, alias, merge, move, forget_character, forget_sample, negative, undo (of another entry),
    redo (an undo taken back), import, reindex, repair, forget_contributions."""
    detail: dict[str, object]
    undo_until: datetime | None
    """Until when it can be taken back, unless a later change stands in the way; None when it cannot."""
    undone_by: int | None
    """The entry that took it back."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """What one contributor has given to one scope, and is kept there."""

    contributor: str
    """Whom the signatures stand for, as `contributor_of()` says: "discord:7", "cli"."""
    scope: Scope
    """The empty one stands for lines of the audit log about the whole gallery."""
    signatures: tuple[str, ...]
    """In alphabetical order; who changes names has several."""
    samples: int
    negatives: int
    removed: int
    """Faces that were removed and are kept for `undo()`."""
    changes: int
    """Lines of the audit log."""


@dataclass(frozen=True, slots=True)
class GalleryStats:
    characters: int
    samples: int
    negatives: int
    scopes: tuple[Scope, ...]
    contract: EmbeddingContract
    size_bytes: int
    schema_version: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something `verify` found wrong."""

    kind: str
    """One of damaged_file, orphan, missing_crop, unreadable_crop, missing_embedding, bad_embedding,
    name_disagreement, empty_character, stale_projection."""
    subject: str
    repaired: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedFaces:
    """Some faces of a scope, without their crops; row i of `embeddings` belongs to the i-th of each tuple."""

    sample_ids: tuple[SampleId, ...]
    character_ids: tuple[CharacterId, ...]
    negative: tuple[bool, ...]
    """True for a face that somebody said is not the character."""
    added_at: tuple[datetime, ...]
    embeddings: Embeddings
    """n × dimension of the contract."""
    last: int
    """Where the next page starts."""


class Reembed(Protocol):
    """Embeds stored crops under a new contract."""

    async def __call__(self, crops: Sequence[FaceCrop]) -> Embeddings: ...


class Gallery(Protocol):
    """Everything enrolled. Every change is one transaction and one line in the audit log.

    Changes of one scope can be taken back for a number of days. What was removed is kept for that long, seen
    by nobody, and is gone for good then; the log keeps only its line.

    A method that takes `scopes` sees the own gallery first, then shared ones; a method that takes one
    `scope` changes only that. No scope ever sees another's. Names and aliases are matched ignoring case,
    width (NFKC) and surrounding space, and are unique within a scope.
    """

    @property
    def contract(self) -> EmbeddingContract:
        """The contract that searches use now."""

    async def close(self) -> None:
        """Wait for changes under way and let go of everything; later calls raise StoppedError."""

    async def search(
        self, probes: Embeddings, scopes: Sequence[Scope], *, top: int
    ) -> list[tuple[Match, ...]]:
        """For each probe the `top` characters with the nearest samples, nearest first.

        Ties are in the order of `scopes`, then by name.

        It sees every enrollment that was acknowledged before it was called.
        """

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
        """Add samples to the character of that name or alias, creating it if there is none.

        All or nothing. With `allow_alike` only the same pixels count as the same picture. A given series
        fills an empty one; new aliases are added; a face that was said not to be the character is hers from
        now on.
        Raises SampleExistsError (also for the same picture twice in `samples`), NameInvalidError,
        CharacterExistsError (an alias belongs to another).
        """

    async def find_duplicate(self, scope: Scope, sample: NewSample) -> tuple[Character, SampleId, str] | None:
        """The enrolled sample that shows the same picture, and how ("identical" or "alike")."""

    async def characters(
        self, scopes: Sequence[Scope], *, query: str = "", offset: int = 0, limit: int | None = None
    ) -> tuple[Character, ...]:
        """By name; `query` matches a part of name, alias or series."""

    async def character(self, scopes: Sequence[Scope], name_or_id: str) -> Character:
        """By id, name or alias. Raises CharacterNotFoundError with suggestions."""

    async def samples(self, scopes: Sequence[Scope], character_id: CharacterId) -> tuple[Sample, ...]:
        """Oldest first; none when there is no such character."""

    async def crop(self, scopes: Sequence[Scope], sample_id: SampleId) -> FaceCrop:
        """Raises SampleNotFoundError."""

    async def rename(
        self, scope: Scope, name: str, new_name: str, *, series: str | None = None, actor: str = ""
    ) -> Changed:
        """The old name is kept as an alias when the new one differs by more than spelling width or case.

        Raises CharacterNotFoundError, CharacterExistsError, NameInvalidError.
        """

    async def set_aliases(
        self, scope: Scope, name: str, aliases: Sequence[str], *, actor: str = ""
    ) -> Changed:
        """Replace all aliases. Raises CharacterNotFoundError, CharacterExistsError, NameInvalidError."""

    async def merge(self, scope: Scope, source: str, target: str, *, actor: str = "") -> Changed:
        """Move source's samples, negatives, name and aliases to target; source is gone.

        Raises CharacterNotFoundError, MergeSelfError.
        """

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
        """Split samples off as a new character called `target`, or give them to the one there is.

        Returns the target. The samples stay what they were; the source keeps its negatives, and stays even
        without samples. As when enrolling, a given series fills an empty one, and a face that was said not to
        be the target is hers now.
        Raises CharacterNotFoundError, SampleNotFoundError (also for a sample of somebody else),
        MergeSelfError, NameInvalidError.
        """

    async def forget(self, scope: Scope, name: str, *, for_good: bool = False, actor: str = "") -> Changed:
        """Remove a character with its samples, crops and negatives.

        `for_good`: without keeping anything for `undo()`, also of what was removed of her before.
        """

    async def forget_sample(
        self, scope: Scope, sample_id: SampleId, *, for_good: bool = False, actor: str = ""
    ) -> Changed:
        """Remove one sample; returns its character, which stays even when that was its last.

        Raises SampleNotFoundError, also when the sample belongs to another scope.
        """

    async def add_negative(self, scope: Scope, name: str, sample: NewSample, *, actor: str = "") -> Changed:
        """Somebody said that this face is not that character. Saying it twice changes nothing."""

    async def undo(self, scope: Scope, entry_id: int | None = None, *, actor: str = "") -> AuditEntry:
        """Take that change of the scope back, or its last one that is in effect.

        All that the change did is taken back, or nothing: what it changed must still be as it left it. What
        was done beside it stays. An undo can be taken back too. Returns the line of the undo itself.
        Raises CannotUndoError.
        """

    async def contributions(self, contributor: str | None = None) -> tuple[Contributions, ...]:
        """Of everybody or of one, in every scope; by contributor, then by scope.

        What is unsigned is nobody's.
        """

    async def forget_contributions(
        self, scope: Scope, contributor: str, *, actor: str = ""
    ) -> Contributions | None:
        """Remove all that somebody has given to the scope, for good, and their name from its audit log.

        Their samples and negatives go with every trace, also those that were removed before and kept for
        `undo()`. What others did can be undone as before, without these faces. A character who loses her
        last face by it goes too, unless faces of others may come back to her. Returns what there was; None,
        and nothing is changed, when there was nothing.
        """

    async def audit(self, scope: Scope | None = None, *, limit: int = 100) -> tuple[AuditEntry, ...]:
        """Newest first."""

    async def stats(self) -> GalleryStats: ...

    async def export(
        self, path: Path, scopes: Sequence[Scope] | None = None, *, report: Report | None = None
    ) -> int:
        """Write a portable archive (of all scopes by default), whole or not at all; returns its samples."""

    async def import_(self, path: Path, *, scope: Scope | None = None, actor: str = "") -> int:
        """Add an archive, into `scope` when given; what is here already is skipped; returns samples added.

        All or nothing. Raises ArchiveInvalidError, ContractMismatchError.
        """


class StoredGallery(Gallery, Protocol):
    """A gallery whose embeddings can be read too: what they are kept in is within this process's reach."""

    async def embedded_faces(self, scope: Scope, *, after: int = 0, limit: int = 4_096) -> EmbeddedFaces:
        """The next faces (samples and negatives) of the scope, in the order in which they came.

        Those without a usable embedding under `contract` are left out. No faces: there are no more.
        """


class KeptGallery(StoredGallery, Protocol):
    """A gallery as the process sees it that keeps it, and looks after it as a whole."""

    async def verify(self, *, repair: bool, reembed: Reembed | None = None) -> tuple[Finding, ...]:
        """Everything that is not as it should be; with `repair`, mended where it can be.

        Embeddings that are missing or unusable can be mended only with `reembed`.
        """

    def reindex(
        self, contract: EmbeddingContract, reembed: Reembed, *, batch: int = 64
    ) -> AsyncIterator[tuple[int, int]]:
        """Re-embed every stored crop under `contract`, yielding (done, total), then switch to it atomically.

        Searches go on under the old contract until the switch, and samples enrolled meanwhile are included.
        The switch comes after the last value. Interrupted, it resumes where it stopped. Embeddings under the
        contract before are kept until `drop_old()`, so that going back needs none.
        """

    async def drop_old(self) -> int:
        """Delete the embeddings under contracts that are not used now; returns how many those were."""
