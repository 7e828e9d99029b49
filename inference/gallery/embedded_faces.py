"""The embedded gallery's faces with their embeddings, page by page, for looking over all of them."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from inference.domain import CharacterId, EmbeddingContract, Embeddings, SampleId, Scope
from inference.gallery.base import EmbeddedFaces
from inference.gallery.store import VECTOR_TYPE, Store, usable_rows


def page_of_embedded_faces(
    store: Store, scope: Scope, contract: EmbeddingContract, after: int, limit: int
) -> EmbeddedFaces:
    """The next faces of the scope behind the key `after`; unusable embeddings are left to `verify`."""
    while True:
        rows = store.connection.execute(
            """SELECT f.seq, f.id, c.id, f.negative, f.added_at, e.vector
               FROM faces f CROSS JOIN characters c ON c.seq = f.character
               JOIN embeddings e ON e.face = f.seq AND e.contract = (SELECT seq FROM contracts WHERE id = ?)
               WHERE f.seq > ? AND c.scope = ? AND length(e.vector) = ? ORDER BY f.seq LIMIT ?""",
            (contract.id, after, scope, contract.dimension * VECTOR_TYPE.itemsize, limit),
        ).fetchall()
        vectors = np.frombuffer(b"".join(row[5] for row in rows), VECTOR_TYPE)
        vectors = vectors.reshape(len(rows), contract.dimension)
        usable = usable_rows(vectors)
        after = rows[-1][0] if rows else after
        if not rows or usable.any():  # a page of none but unusable ones is not the end
            break
    kept = [row for row, fit in zip(rows, usable.tolist(), strict=True) if fit]
    return EmbeddedFaces(
        tuple(SampleId(row[1]) for row in kept),
        tuple(CharacterId(row[2]) for row in kept),
        tuple(bool(row[3]) for row in kept),
        tuple(datetime.fromisoformat(row[4]) for row in kept),
        Embeddings(np.ascontiguousarray(vectors[usable], np.float32)),
        after,
    )
