"""One attempt at changes: what they read, what they would write, nothing of it written yet.

It runs on a thread that may wait: `changes.py` asks it for one thing after another, as it asks the tables of
the embedded gallery. Whatever was changed here is seen by what follows here. What it read may be outdated by
the time it is written; then the head is another one, the attempt is refused, and a new one starts afresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain import Character, CharacterId, EmbeddingContract, Sample, SampleId, Scope
from inference.errors import CharacterExistsError, CharacterNotFoundError, SampleNotFoundError
from inference.gallery.audit import Clock
from inference.gallery.base import Contributions, NewSample
from inference.gallery.elasticsearch.commits import Write, delete, delete_face, own, put
from inference.gallery.elasticsearch.contributions import list_contributions, signed_faces
from inference.gallery.elasticsearch.documents import (
    CharacterDocument,
    EntryDocument,
    FaceDocument,
    Head,
    vector_of,
)
from inference.gallery.elasticsearch.known import Known, Wait
from inference.gallery.elasticsearch.log import UnitLog
from inference.gallery.elasticsearch.mappings import IndexNames
from inference.gallery.elasticsearch.queries import Queries
from inference.gallery.names import distinct_names, name_key, suggest_names
from inference.gallery.store import check_embedding, new_id


@dataclass(slots=True)
class Changed:
    """What was changed so far; None is removed."""

    characters: dict[CharacterId, CharacterDocument | None] = field(default_factory=dict)
    faces: dict[SampleId, FaceDocument | None] = field(default_factory=dict)
    new: dict[SampleId, NewSample] = field(default_factory=dict)
    """Those of the faces that are not written anywhere yet."""
    named: dict[tuple[Scope, str], CharacterId | None] = field(default_factory=dict)
    """Whose a name is now; None is nobody's any more."""
    entries: dict[int, EntryDocument] = field(default_factory=dict)
    next_face: int = 0
    next_entry: int = 0

    def copy(self) -> Changed:
        return Changed(
            dict(self.characters),
            dict(self.faces),
            dict(self.new),
            dict(self.named),
            dict(self.entries),
            self.next_face,
            self.next_entry,
        )


class Unit:
    """The `Records` of one attempt."""

    def __init__(
        self, head: Head, queries: Queries, wait: Wait[Any], *, undo_period: timedelta, clock: Clock
    ) -> None:
        self.head = head
        self.clock = clock
        self.queries = queries
        self.wait = wait
        self.changed = Changed(next_face=head.next_face, next_entry=head.next_entry)
        self.log = UnitLog(self, undo_period)
        self._ids: dict[int, CharacterId] = {}
        self._keys: dict[CharacterId, int] = {}
        self.known = Known(queries, wait)

    # ── the attempt ─────────────────────────────────────────────────────────────────────────────

    def savepoint(self) -> Changed:
        return self.changed.copy()

    def roll_back(self, savepoint: Changed) -> None:
        self.changed = savepoint

    def has_changes(self) -> bool:
        changed = self.changed
        return bool(changed.characters or changed.faces or changed.entries)

    def take_writes(self, names: IndexNames) -> list[Write]:
        """What has been changed, as writes; new faces are then no longer kept here."""
        number = self.head.commit + 1
        faces_index = names.faces(self.head.contract.id)
        writes: list[Write] = []
        for character_id, character in self.changed.characters.items():
            writes.append(
                put(names.characters, character_id, character.to_source(written=number))
                if character
                else delete(names.characters, character_id)
            )
        for face_id, face in self.changed.faces.items():
            new = self.changed.new.get(face_id)
            if face is None:
                writes.append(delete_face(face_id))
            elif new is not None:
                source = face.to_source(new.crop, new.embedding, written=number)
                writes.append(put(faces_index, face_id, source))
            else:
                writes.append(own(face_id, face.ownership(written=number)))
        writes += [
            put(names.audit, str(entry.id), entry.to_source()) for entry in self.changed.entries.values()
        ]
        return writes

    def take_new_faces(self, names: IndexNames) -> list[Write]:
        """The writes of the faces that are new, which are remembered from now on as if they were written."""
        number = self.head.commit + 1
        writes = []
        for face_id, new in self.changed.new.items():
            face = self.changed.faces.pop(face_id)
            if face is not None:
                source = face.to_source(new.crop, new.embedding, written=number)
                writes.append(put(names.faces(self.head.contract.id), face_id, source))
                self.known.add_face(face)
        self.changed.new.clear()
        return writes

    @property
    def new_bytes(self) -> int:
        """Of the new faces that are kept here."""
        return sum(len(new.crop.data) + new.embedding.nbytes for new in self.changed.new.values())

    # ── characters and names ────────────────────────────────────────────────────────────────────

    def find(self, scopes: Sequence[Scope], name_or_id: str) -> int | None:
        found = self._character(CharacterId(name_or_id))
        if found and found.scope in scopes:
            return self._key(found.id)
        for scope in scopes:
            key = self.find_name(scope, name_or_id)
            if key is not None:
                return key
        return None

    def find_name(self, scope: Scope, name: str) -> int | None:
        key = name_key(name)
        if (scope, key) in self.changed.named:
            character_id = self.changed.named[scope, key]
        else:
            character_id = self.known.named(scope, key)
        return None if character_id is None else self._key(character_id)

    def require(self, scopes: Sequence[Scope], name_or_id: str) -> int:
        key = self.find(scopes, name_or_id)
        if key is None:
            known = self.wait(self.queries.similar_names(scopes, name_or_id))
            known += [
                name
                for changed in self.changed.characters.values()
                if changed and changed.scope in scopes
                for name in changed.names
            ]
            raise CharacterNotFoundError(
                name=name_or_id[:100], suggestions=suggest_names(name_or_id, sorted(known))
            )
        return key

    def character(self, key: int) -> Character:
        return self._at(key).as_character()

    def character_seq(self, character_id: CharacterId) -> int | None:
        return self._key(character_id) if self._character(character_id) else None

    def add_character(self, scope: Scope, name: str, character_id: CharacterId | None = None) -> int:
        made = CharacterDocument(character_id or CharacterId(new_id()), scope, (), "")
        self._put(made.id, made)
        key = self._key(made.id)
        self.set_names(key, [name])
        return key

    def set_series(self, key: int, series: str) -> None:
        self._change(key, series=series)

    def set_names(self, key: int, spellings: Sequence[str]) -> None:
        scope = self._at(key).scope
        for spelling in spellings:
            owner = self.find_name(scope, spelling)
            if owner not in (None, key):
                raise CharacterExistsError(name=spelling, existing=self.character(owner).name)
        self._change(key, names=distinct_names(spellings))

    def release_names(self, key: int) -> None:
        self._change(key, names=())

    def remove_character(self, key: int) -> None:
        self._put(self._ids[key], None)

    # ── faces ───────────────────────────────────────────────────────────────────────────────────

    def add_face(
        self,
        character: int,
        face: NewSample,
        contract: EmbeddingContract,
        *,
        negative: bool = False,
        sample_id: SampleId | None = None,
        at: datetime | None = None,
    ) -> Sample:
        check_embedding(face.embedding, contract)
        owner = self._at(character)
        made = FaceDocument(
            sample_id or SampleId(new_id()),
            owner.scope,
            owner.id,
            negative,
            face.content_hash,
            face.perceptual_hash,
            face.added_by,
            at or self.clock(),
            face.source,
            self.changed.next_face,
        )
        self.changed.next_face += 1
        self.changed.faces[made.id] = made
        self.changed.new[made.id] = face
        if negative:
            self._change(character, negatives=(*owner.negatives, made.id))
        else:
            self._change(character, samples=(*owner.samples, made.id))
        return made.as_sample()

    def find_content(
        self, scope: Scope, content_hash: str, *, negative_of: int | None = None
    ) -> tuple[int, SampleId] | None:
        for face in self._with_content(scope, [content_hash], negative_of):
            if face.character is not None:
                return self._key(face.character), face.id
        return None

    def _with_content(
        self, scope: Scope, content_hashes: Sequence[str], negative_of: int | None = None
    ) -> list[FaceDocument]:
        """The samples (or the negatives of that character) with those pixels."""
        if negative_of is not None:
            of_her = self._face_documents(self._at(negative_of).negatives)
            return [face for face in of_her if face.content_hash in content_hashes]
        found = [face for face in self.changed_samples(scope) if face.content_hash in content_hashes]
        there = self.known.with_content(scope, content_hashes)
        return found + self._face_documents([one for one in there if one not in self.changed.faces])

    def changed_samples(self, scope: Scope) -> list[FaceDocument]:
        """Those of the scope that are new, or were changed so far."""
        return [
            face for face in self.changed.faces.values() if face and face.scope == scope and not face.negative
        ]

    def embedding(self, sample_id: SampleId) -> NDArray[np.float32] | None:
        new = self.changed.new.get(sample_id)
        if new:
            return new.embedding
        [found] = self.wait(self.queries.face_sources([sample_id], ["vector"]))
        return vector_of(found.source, self.head.contract.dimension) if found else None

    def scope_of_face(self, sample_id: SampleId) -> Scope | None:
        face = self._face(sample_id)
        return face.scope if face else None

    def is_face_id_free(self, sample_id: SampleId) -> bool:
        return self._face(sample_id) is None

    def owners(self, faces: Sequence[SampleId]) -> dict[SampleId, CharacterId | None]:
        return {face.id: face.character for face in self._face_documents(faces)}

    def face_ids(self, character: int) -> tuple[SampleId, ...]:
        owner = self._at(character)
        return (*owner.samples, *owner.negatives)

    def sample_owner(self, scope: Scope, sample_id: SampleId) -> int:
        face = self._face(sample_id)
        if face is None or face.negative or face.scope != scope or face.character is None:
            raise SampleNotFoundError(sample_id=sample_id)
        return self._key(face.character)

    def content_hashes(self, faces: Sequence[SampleId]) -> list[str]:
        return [face.content_hash for face in self._face_documents(faces)]

    def negatives_among(self, character: int, content_hashes: Sequence[str]) -> tuple[SampleId, ...]:
        owner = self._at(character)
        return tuple(face.id for face in self._with_content(owner.scope, content_hashes, character))

    def enrolled_again(self, scope: Scope, faces: Sequence[SampleId]) -> int | None:
        wanted = [face.content_hash for face in self._face_documents(faces) if not face.negative]
        for face in self._with_content(scope, wanted):
            if face.character is not None:
                return self._key(face.character)
        return None

    def give_faces(self, faces: Sequence[SampleId], character: int) -> None:
        owner = self._at(character)
        self._set_owner(faces, owner.id, owner.scope, None)

    def remove_faces(self, faces: Sequence[SampleId], entry: int) -> None:
        self._set_owner(faces, None, None, entry)

    def erase_removed_faces(self, faces: Sequence[SampleId], entry: int) -> bool:
        """Those that were removed by that line of the audit log go for good; True when there were any."""
        erased = [face.id for face in self._face_documents(faces) if face.removed_by == entry]
        self.changed.faces |= dict.fromkeys(erased, None)
        return bool(erased)

    def contributions(
        self, contributor: str | None = None, scope: Scope | None = None
    ) -> tuple[Contributions, ...]:
        """As they are in the cluster, without what this attempt has changed."""
        found: tuple[Contributions, ...] = self.wait(list_contributions(self.queries, contributor, scope))
        return found

    def signed_faces(self, scope: Scope, signatures: Sequence[str]) -> tuple[SampleId, ...]:
        found: tuple[SampleId, ...] = self.wait(signed_faces(self.queries, scope, signatures))
        return found

    def erase_faces(self, faces: Sequence[SampleId]) -> None:
        self._set_owner(faces, None, None, None)
        self.changed.faces |= dict.fromkeys(faces, None)

    def _set_owner(
        self,
        faces: Sequence[SampleId],
        character: CharacterId | None,
        scope: Scope | None,
        removed_by: int | None,
    ) -> None:
        moved = self._face_documents(faces)
        before = {face.character for face in moved if face.character is not None}
        for face in moved:
            self.changed.faces[face.id] = replace(
                face, character=character, scope=scope, removed_by=removed_by
            )
        gone = {face.id for face in moved}
        for character_id in before:
            owner = self._character(character_id)
            if owner:
                self._change(
                    self._key(character_id),
                    samples=tuple(one for one in owner.samples if one not in gone),
                    negatives=tuple(one for one in owner.negatives if one not in gone),
                )
        if character is not None:
            key = self._key(character)
            owner = self._at(key)
            samples = (*owner.samples, *(face.id for face in moved if not face.negative))
            negatives = (*owner.negatives, *(face.id for face in moved if face.negative))
            self._change(key, samples=self._in_order(samples), negatives=self._in_order(negatives))

    def _in_order(self, faces: Sequence[SampleId]) -> tuple[SampleId, ...]:
        return tuple(face.id for face in sorted(self._face_documents(faces), key=lambda face: face.seq))

    # ── what is known ───────────────────────────────────────────────────────────────────────────

    def _key(self, character_id: CharacterId) -> int:
        if character_id not in self._keys:
            self._keys[character_id] = len(self._ids) + 1  # like a row's, never 0
            self._ids[self._keys[character_id]] = character_id
        return self._keys[character_id]

    def _at(self, key: int) -> CharacterDocument:
        found = self._character(self._ids[key])
        if found is None:
            raise LookupError(f"the character {self._ids[key]} is gone")
        return found

    def _change(self, key: int, **fields: Any) -> None:
        self._put(self._ids[key], replace(self._at(key), **fields))

    def _put(self, character_id: CharacterId, after: CharacterDocument | None) -> None:
        before = self._character(character_id)
        if before:
            self.changed.named |= dict.fromkeys(((before.scope, key) for key in before.keys), None)
        if after:
            self.changed.named |= dict.fromkeys(((after.scope, key) for key in after.keys), character_id)
        self.changed.characters[character_id] = after

    def _character(self, character_id: CharacterId) -> CharacterDocument | None:
        if character_id in self.changed.characters:
            return self.changed.characters[character_id]
        return self.known.character(character_id)

    def _face(self, face_id: SampleId) -> FaceDocument | None:
        if face_id in self.changed.faces:
            return self.changed.faces[face_id]
        return self.known.face(face_id)

    def _face_documents(self, ids: Iterable[SampleId]) -> list[FaceDocument]:
        """Those that there are, in order."""
        ids = list(dict.fromkeys(ids))
        self.known.look_up_faces(one for one in ids if one not in self.changed.faces)
        return [face for face in map(self._face, ids) if face is not None]
