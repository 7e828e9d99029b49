"""The index that older recipes for finding anime faces keep in Elasticsearch, read as pages of a gallery.

Its documents have an id, a name, the name of a picture file and an embedding of 512 numbers; no crops. So
what comes from there can be searched, but not be embedded again by another model.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from inference.domain import (
    CharacterId,
    EmbeddingContract,
    FaceBox,
    FaceCrop,
    SampleId,
    Scope,
    as_embedding,
)
from inference.errors import GalleryServerError, NameInvalidError
from inference.gallery.archive import ArchivedCharacter, ArchivedFace
from inference.gallery.base import NewSample
from inference.gallery.elasticsearch.client import Cluster
from inference.gallery.names import clean_name, name_key
from inference.gallery.transfer import Page

log = logging.getLogger(__name__)
CLASSIC_INDEX = "anime_face"
_FACES_AT_ONCE = 500
_NO_CROP = FaceCrop(b"", FaceBox(0, 0, 1, 1))


async def classic_pages(
    cluster: Cluster, index: str, scope: Scope, contract: EmbeddingContract
) -> AsyncIterator[tuple[Page, int]]:
    """All documents as samples in that scope, page by page, and how many of each page cannot be used.

    The embeddings are taken as made under the contract; that they were is for the operator to know. Ids
    follow from the documents', so reading them again gives the same samples.
    Raises GalleryServerError when there is no such index or its embeddings have another dimension.
    """
    if not await cluster.has_index(index):
        raise GalleryServerError(
            address=cluster.address, reason=f"it has no index {index}", fix="Name another with --index."
        )
    page: list[tuple[str, Mapping[str, Any]]] = []
    async for document_id, source in cluster.every_document(index, ["id", "name", "img_name", "embedding"]):
        page.append((document_id, source))
        if len(page) == _FACES_AT_ONCE:
            yield _as_page(page, index, scope, contract, cluster.address)
            page = []
    if page:
        yield _as_page(page, index, scope, contract, cluster.address)


def _as_page(
    documents: Sequence[tuple[str, Mapping[str, Any]]],
    index: str,
    scope: Scope,
    contract: EmbeddingContract,
    address: str,
) -> tuple[Page, int]:
    characters: dict[str, ArchivedCharacter] = {}
    faces: list[tuple[ArchivedFace, NewSample]] = []
    unusable = 0
    for document_id, source in documents:
        try:
            name = clean_name(str(source.get("name") or ""))
        except NameInvalidError as error:
            log.warning("classic_face_left_out document=%s error=%s", document_id, error)
            unusable += 1
            continue
        numbers = np.asarray(source.get("embedding") or [], np.float64)
        if numbers.shape != (contract.dimension,):
            raise GalleryServerError(
                address=address,
                reason=f"the embeddings in {index} have {numbers.size} numbers, {contract.model} makes "
                f"{contract.dimension}",
                fix="Choose the model pack that made them (models.pack).",
            )
        try:
            embedding = as_embedding(numbers, contract.dimension)
        except ValueError as error:
            log.warning("classic_face_left_out document=%s error=%s", document_id, error)
            unusable += 1
            continue
        character = characters.setdefault(
            name_key(name),
            ArchivedCharacter(CharacterId(_digest(scope, name_key(name))), scope, name, "", ()),
        )
        identity = _digest(index, document_id, str(source.get("id", "")))
        face = ArchivedFace(
            SampleId(identity),
            character.id,
            negative=False,
            content_hash=f"{index}/{document_id}",
            # No picture to take it from: one that no picture comes near.
            perceptual_hash=int(_digest("perceptual", identity), 16),
            added_by="",
            added_at=datetime.now(UTC),
            source=str(source.get("img_name") or ""),
            box=_NO_CROP.box,
            crop_bytes=0,
        )
        faces.append(
            (
                face,
                NewSample(_NO_CROP, embedding, face.content_hash, face.perceptual_hash, source=face.source),
            )
        )
    return Page(tuple(characters.values()), tuple(faces)), unusable


def _digest(*parts: str) -> str:
    """64 bits in hexadecimal, the same for the same parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
