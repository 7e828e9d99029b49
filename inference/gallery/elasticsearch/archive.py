"""Archives of a gallery in Elasticsearch: what one is written from, and how one is read in quickly."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import IO, Any

from inference.domain import Character, CharacterId, Embedding, EmbeddingContract, Scope
from inference.gallery.archive import ArchivedCharacter, ArchivedFace, Content
from inference.gallery.base import NewSample
from inference.gallery.elasticsearch.documents import FaceDocument, crop_of, vector_of
from inference.gallery.elasticsearch.queries import Queries
from inference.gallery.elasticsearch.unit import Unit
from inference.gallery.names import name_key
from inference.gallery.store import VECTOR_TYPE, signed_hash
from inference.gallery.transfer import Page

_FACES_AT_ONCE = 200
_MOST_IN_MEMORY = 64 * 1024 * 1024
Wait = Callable[..., Any]


class ClusterSource:
    """The `ArchiveSource` of a cluster, on a thread that may wait.

    What is changed while it is read may be in the archive or not; what is in it belongs together.
    """

    def __init__(self, queries: Queries, scopes: tuple[Scope, ...], wait: Wait) -> None:
        self._queries = queries
        self._scopes = scopes
        self._wait = wait
        self._characters: dict[CharacterId, Character] = {}
        self._vectors: IO[bytes] = tempfile.SpooledTemporaryFile(_MOST_IN_MEMORY)  # noqa: SIM115 - kept

    def scopes(self) -> tuple[Scope, ...]:
        return self._scopes

    def list_characters(
        self, scopes: Sequence[Scope], query: str, offset: int, limit: int | None
    ) -> list[int]:
        found = self._wait(self._queries.listed_characters(scopes, query, offset, limit))
        first = len(self._characters)
        self._characters |= {one.id: one for one in found}
        return list(range(first, first + len(found)))

    def characters(self, keys: Sequence[int]) -> list[Character]:
        there = list(self._characters.values())
        return [there[key] for key in keys]

    def exported_faces(self, scopes: Sequence[Scope], contract: EmbeddingContract) -> Iterator[Any]:
        pages = self._queries.every_face(
            {"bool": {"filter": [{"terms": {"scope": [*scopes]}}]}}, True, page=_FACES_AT_ONCE
        )
        while True:
            try:
                hit = self._wait(anext(pages))
            except StopAsyncIteration:
                return
            face = FaceDocument.from_source(hit["_id"], hit["_source"])
            crop, vector = crop_of(hit["_source"]), vector_of(hit["_source"], contract.dimension)
            if crop is None or vector is None or face.character not in self._characters:
                continue
            self._vectors.write(vector.tobytes())
            yield (
                face.id,
                face.character,
                int(face.negative),
                face.content_hash,
                signed_hash(face.perceptual_hash),
                face.added_by,
                face.added_at.isoformat(),
                face.source,
                *crop.box.xyxy,
                crop.data,
            )

    def exported_vectors(self, scopes: Sequence[Scope], contract: EmbeddingContract) -> Iterator[bytes]:
        """Of the faces that `exported_faces()` has given."""
        self._vectors.seek(0)
        while vector := self._vectors.read(contract.dimension * VECTOR_TYPE.itemsize):
            yield vector
        self._vectors.close()


async def page_of_faces(queries: Queries, contract: EmbeddingContract, after: int, limit: int) -> Page:
    """The next faces that are somebody's, in the order in which they came."""
    query = {"bool": {"filter": [{"exists": {"field": "character"}}, {"range": {"seq": {"gt": after}}}]}}
    faces: list[tuple[ArchivedFace, NewSample]] = []
    async for hit in queries.every_face(query, True, page=min(limit, _FACES_AT_ONCE)):
        face = FaceDocument.from_source(hit["_id"], hit["_source"])
        crop, vector = crop_of(hit["_source"]), vector_of(hit["_source"], contract.dimension)
        after = face.seq
        if crop is not None and vector is not None and face.character is not None:
            archived = ArchivedFace(
                face.id,
                face.character,
                face.negative,
                face.content_hash,
                face.perceptual_hash,
                face.added_by,
                face.added_at,
                face.source,
                crop.box,
                len(crop.data),
            )
            faces.append((archived, archived.enrolled_as(crop.data, Embedding(vector))))
            if len(faces) == limit:
                break
    owners = await queries.characters(list(dict.fromkeys(face.character for face, _ in faces)))
    there = {one.id: ArchivedCharacter.of(one.as_character()) for one in owners if one}
    return Page(tuple(there.values()), tuple(one for one in faces if one[0].character in there), after)


def looked_up(
    content: Content, unit: Unit, scope: Scope | None, *, after_some: Callable[[], None]
) -> Iterator[tuple[ArchivedFace, NewSample]]:
    """The faces of the archive; what adding them will ask for is asked for many at once."""
    homes = {one.id: scope or one.scope for one in content.characters}
    faces = content.samples()
    while some := list(islice(faces, _FACES_AT_ONCE)):
        unit.known.look_up_faces(face.id for face, _ in some)
        for home in {homes[face.character] for face, _ in some}:
            unit.known.look_up_contents(
                home, (face.content_hash for face, _ in some if homes[face.character] == home)
            )
        yield from some
        after_some()


def look_up_characters(content: Content, unit: Unit, scope: Scope | None) -> None:
    """Asks at once for the characters that the archive may join."""
    unit.known.look_up_characters(one.id for one in content.characters)
    for home in {scope or one.scope for one in content.characters}:
        there = [one for one in content.characters if (scope or one.scope) == home]
        unit.known.look_up_names(home, (name_key(name) for one in there for name in (one.name, *one.aliases)))
