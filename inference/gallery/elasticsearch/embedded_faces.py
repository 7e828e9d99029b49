"""The faces with their embeddings, page by page, for looking over all of them."""

from __future__ import annotations

import numpy as np

from inference.domain import CharacterId, EmbeddingContract, Embeddings, SampleId, Scope
from inference.gallery.base import EmbeddedFaces
from inference.gallery.elasticsearch.documents import FACE_WITHOUT_PICTURE, FaceDocument, vector_of
from inference.gallery.elasticsearch.queries import Queries
from inference.gallery.store import usable_rows


async def page_of_embedded_faces(
    queries: Queries, contract: EmbeddingContract, scope: Scope, *, after: int, limit: int
) -> EmbeddedFaces:
    """The next faces of the scope behind the number `after`; unusable embeddings are left to `verify`."""
    query = {"bool": {"filter": [{"term": {"scope": scope}}, {"range": {"seq": {"gt": after}}}]}}
    faces, vectors = [], []
    async for hit in queries.every_face(query, [*FACE_WITHOUT_PICTURE, "vector"], page=min(limit, 1_000)):
        face = FaceDocument.from_source(hit["_id"], hit["_source"])
        vector = vector_of(hit["_source"], contract.dimension)
        after = face.seq
        if vector is not None and usable_rows(vector[np.newaxis])[0] and face.character is not None:
            faces.append(face)
            vectors.append(vector)
            if len(faces) == limit:
                break
    rows = np.stack(vectors) if vectors else np.empty((0, contract.dimension), np.float32)
    return EmbeddedFaces(
        tuple(SampleId(face.id) for face in faces),
        tuple(CharacterId(face.character) for face in faces if face.character is not None),
        tuple(face.negative for face in faces),
        tuple(face.added_at for face in faces),
        Embeddings(np.ascontiguousarray(rows, np.float32)),
        after,
    )
