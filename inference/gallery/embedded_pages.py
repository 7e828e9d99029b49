"""The embedded gallery page by page, for copying it."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from inference.domain import CharacterId, Embedding, EmbeddingContract, FaceBox, FaceCrop, SampleId
from inference.gallery.archive import ArchivedCharacter, ArchivedFace
from inference.gallery.store import VECTOR_TYPE, Store, unsigned_hash
from inference.gallery.transfer import Page


def page_of_characters(store: Store, after: int, limit: int) -> tuple[tuple[ArchivedCharacter, ...], int]:
    """The next ones of all scopes, and where the next page starts."""
    rows = store.connection.execute(
        "SELECT seq FROM characters WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
    )
    seqs = [row[0] for row in rows]
    return tuple(map(ArchivedCharacter.of, store.characters(seqs))), seqs[-1] if seqs else after


def page_of_faces(store: Store, contract: EmbeddingContract, after: int, limit: int) -> Page:
    rows = store.connection.execute(
        """SELECT f.seq, c.seq, f.id, c.id, f.negative, f.content_hash, f.perceptual_hash, f.added_by,
                  f.added_at, f.source, k.data, k.x1, k.y1, k.x2, k.y2, e.vector
           FROM faces f CROSS JOIN characters c ON c.seq = f.character
           JOIN crops k ON k.face = f.seq JOIN embeddings e ON e.face = f.seq
           WHERE f.seq > ? AND length(e.vector) = ?
           AND e.contract = (SELECT seq FROM contracts WHERE id = ?) ORDER BY f.seq LIMIT ?""",
        (after, contract.dimension * VECTOR_TYPE.itemsize, contract.id, limit),
    ).fetchall()
    faces = []
    for row in rows:
        crop = FaceCrop(row[10], FaceBox(*row[11:15]))
        face = ArchivedFace(
            SampleId(row[2]),
            CharacterId(row[3]),
            bool(row[4]),
            row[5],
            unsigned_hash(row[6]),
            row[7],
            datetime.fromisoformat(row[8]),
            row[9],
            crop.box,
            len(crop.data),
        )
        faces.append((face, face.enrolled_as(crop.data, Embedding(np.frombuffer(row[15], VECTOR_TYPE)))))
    owners = store.characters(sorted({row[1] for row in rows}))
    return Page(tuple(map(ArchivedCharacter.of, owners)), tuple(faces), rows[-1][0] if rows else after)
