"""Everything that is in one gallery into another, whatever each is kept in; and a check that it arrived."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from inference.domain import EmbeddingContract, SampleId
from inference.errors import ContractMismatchError
from inference.gallery.archive import ArchivedCharacter, ArchivedFace
from inference.gallery.base import NewSample

_FACES_AT_ONCE = 1_000
_CHARACTERS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Page:
    """Characters, and faces of theirs: what `archive.add()` adds."""

    characters: tuple[ArchivedCharacter, ...]
    faces: tuple[tuple[ArchivedFace, NewSample], ...] = ()
    last: int = 0
    """Where the next page starts."""

    def samples(self) -> Iterator[tuple[ArchivedFace, NewSample]]:
        return iter(self.faces)


class Movable(Protocol):
    """A gallery that can be read and added to page by page."""

    @property
    def contract(self) -> EmbeddingContract: ...

    def pages_of_characters(self, limit: int) -> AsyncIterator[tuple[ArchivedCharacter, ...]]:
        """All of all scopes."""

    async def page_of_faces(self, after: int, limit: int) -> Page:
        """The next faces (samples and negatives) in the order in which they came, with their characters.

        Faces without crop or embedding are left out. No faces: there are no more.
        """

    async def add_page(self, page: Page, *, actor: str = "") -> int:
        """Add what is not there yet, as an import does; returns the samples and negatives added."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did, and what its check found."""

    characters: int
    faces: int
    """Samples and negatives in the source."""
    added: int
    already: int
    """Faces that the target had under another id: the same pixels, enrolled there before."""
    wrong: tuple[SampleId, ...]
    """Faces that are not in the target, or not as they are in the source."""


async def copy_gallery(
    source: Movable, target: Movable, *, actor: str = "", progress: Callable[[int], None] = lambda _: None
) -> Copied:
    """Copies and checks; `progress` is told how many faces are done.

    What is in the target already is skipped: so a copy that was interrupted goes on when it is started again.
    Changes to the source meanwhile may be missed. The audit log stays where it is.
    Raises ContractMismatchError when the two were not embedded by the same model.
    """
    if source.contract != target.contract:
        raise ContractMismatchError(gallery=target.contract.model, running=source.contract.model)
    characters = 0
    async for some in source.pages_of_characters(_CHARACTERS_AT_ONCE):
        await target.add_page(Page(some), actor=actor)
        characters += len(some)
    faces = added = 0
    async for page in _pages(source):
        added += await target.add_page(page, actor=actor)
        faces += len(page.faces)
        progress(faces)
    already, wrong = await _compare(source, target)
    return Copied(characters, faces, added, already, wrong)


async def _compare(source: Movable, target: Movable) -> tuple[int, tuple[SampleId, ...]]:
    there: dict[SampleId, bytes] = {}
    contents: set[bytes] = set()
    async for seen in _seen(target):
        there[seen.id] = seen.everything
        contents.add(seen.content)
    already, wrong = 0, []
    async for seen in _seen(source):
        if seen.id not in there and seen.content in contents:
            already += 1
        elif there.get(seen.id) != seen.everything:
            wrong.append(seen.id)
    return already, tuple(wrong)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A face as digests: of all that must be the same, and of what makes it the same picture."""

    id: SampleId
    everything: bytes
    content: bytes


async def _seen(gallery: Movable) -> AsyncIterator[_Seen]:
    async for page in _pages(gallery):
        scopes = {one.id: one.scope for one in page.characters}
        for face, sample in page.faces:
            content = repr((scopes[face.character], face.negative, face.content_hash)).encode()
            about = (face.perceptual_hash, face.added_by, face.added_at, face.source, face.box.xyxy)
            everything = hashlib.sha256(content + repr(about).encode())
            everything.update(sample.crop.data)
            everything.update(sample.embedding.tobytes())
            yield _Seen(face.id, everything.digest(), hashlib.sha256(content).digest())


async def _pages(gallery: Movable) -> AsyncIterator[Page]:
    after = 0
    while (page := await gallery.page_of_faces(after, _FACES_AT_ONCE)).faces:
        yield page
        after = page.last
