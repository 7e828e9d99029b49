"""What one attempt at changes has read of the cluster, so that it asks for nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from inference.domain import CharacterId, SampleId, Scope
from inference.gallery.elasticsearch.documents import FACE_WITHOUT_PICTURE, CharacterDocument, FaceDocument
from inference.gallery.elasticsearch.queries import Queries

T = TypeVar("T")
Wait = Callable[[Coroutine[Any, Any, T]], T]
"""Waits for an answer on a thread that may wait."""


class Known:
    """Characters and faces as they are in the cluster; `look_up_…()` asks for many at once."""

    def __init__(self, queries: Queries, wait: Wait[Any]) -> None:
        self._queries = queries
        self._wait = wait
        # None where there is none.
        self._characters: dict[CharacterId, CharacterDocument | None] = {}
        self._faces: dict[SampleId, FaceDocument | None] = {}
        self._named: dict[tuple[Scope, str], CharacterId | None] = {}
        self._contents: dict[tuple[Scope, str], tuple[SampleId, ...]] = {}

    def character(self, character_id: CharacterId) -> CharacterDocument | None:
        self.look_up_characters([character_id])
        return self._characters[character_id]

    def named(self, scope: Scope, key: str) -> CharacterId | None:
        self.look_up_names(scope, [key])
        return self._named[scope, key]

    def face(self, face_id: SampleId) -> FaceDocument | None:
        self.look_up_faces([face_id])
        return self._faces[face_id]

    def with_content(self, scope: Scope, content_hashes: Sequence[str]) -> list[SampleId]:
        """The samples of the scope with those pixels."""
        self.look_up_contents(scope, content_hashes)
        return [face for content_hash in content_hashes for face in self._contents[scope, content_hash]]

    def add_face(self, face: FaceDocument) -> None:
        """One that was written just now."""
        self._faces[face.id] = face
        if face.scope is not None and not face.negative:
            key = (face.scope, face.content_hash)
            self._contents[key] = (*self._contents.get(key, ()), face.id)

    def look_up_characters(self, ids: Iterable[CharacterId]) -> None:
        wanted = [one for one in dict.fromkeys(ids) if one not in self._characters]
        if wanted:
            found = self._wait(self._queries.characters(wanted))
            self._characters |= dict(zip(wanted, found, strict=True))

    def look_up_names(self, scope: Scope, keys: Iterable[str]) -> None:
        wanted = [key for key in dict.fromkeys(keys) if (scope, key) not in self._named]
        if wanted:
            self._named |= {(scope, key): None for key in wanted}
            for character in self._wait(self._queries.characters_named(scope, wanted)):
                self._characters.setdefault(character.id, character)
                self._named |= {(scope, key): character.id for key in character.keys if key in wanted}

    def look_up_faces(self, ids: Iterable[SampleId]) -> None:
        wanted = [one for one in dict.fromkeys(ids) if one not in self._faces]
        if wanted:
            found = self._wait(self._queries.faces(wanted, FACE_WITHOUT_PICTURE))
            self._faces |= dict(zip(wanted, found, strict=True))

    def look_up_contents(self, scope: Scope, content_hashes: Iterable[str]) -> None:
        wanted = [one for one in dict.fromkeys(content_hashes) if (scope, one) not in self._contents]
        if wanted:
            self._contents |= {(scope, one): () for one in wanted}
            for face in self._wait(self._queries.samples_with_content(scope, wanted)):
                self._faces.setdefault(face.id, face)
                self._contents[scope, face.content_hash] += (face.id,)
