"""Reading a scope's embeddings page by page: every gallery that keeps some gives all of them, once."""

from __future__ import annotations

import numpy as np
import pytest

from inference.domain import Scope
from inference.gallery.base import EmbeddedFaces, StoredGallery
from tests.contract.galleries import HERE, THERE
from tests.inference.gallery.samples import DIMENSION, make_embedding, make_sample


async def pages(gallery: StoredGallery, scope: Scope, limit: int) -> list[EmbeddedFaces]:
    found, after = [], 0
    while (page := await gallery.embedded_faces(scope, after=after, limit=limit)).sample_ids:
        found.append(page)
        after = page.last
    return found


async def test_nothing_is_in_an_empty_scope(gallery: StoredGallery) -> None:
    page = await gallery.embedded_faces(HERE)
    assert page.sample_ids == ()
    assert page.embeddings.shape == (0, DIMENSION)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_of_any_size_give_every_face_once_and_in_order(
    gallery: StoredGallery, limit: int
) -> None:
    first = await gallery.enroll(HERE, "First", [make_sample(1), make_sample(2)])
    await gallery.enroll(THERE, "Elsewhere", [make_sample(3)])
    second = await gallery.enroll(HERE, "Second", [make_sample(4)])
    found = await pages(gallery, HERE, limit)
    assert max(len(page.sample_ids) for page in found) <= limit
    ids = [one for page in found for one in page.sample_ids]
    assert ids == [sample.id for sample in (*first.samples, *second.samples)]
    owners = [one for page in found for one in page.character_ids]
    assert owners == [first.character.id, first.character.id, second.character.id]
    assert [one for page in found for one in page.added_at] == [
        sample.added_at for sample in (*first.samples, *second.samples)
    ]
    rows = np.concatenate([page.embeddings for page in found])
    np.testing.assert_array_equal(rows, np.stack([make_embedding(seed) for seed in (1, 2, 4)]))


async def test_negatives_are_told_from_samples(gallery: StoredGallery) -> None:
    await gallery.enroll(HERE, "Her", [make_sample(1)])
    await gallery.add_negative(HERE, "Her", make_sample(2))
    (page,) = await pages(gallery, HERE, 10)
    assert page.negative == (False, True)


async def test_what_was_removed_is_not_read(gallery: StoredGallery) -> None:
    enrolled = await gallery.enroll(HERE, "Her", [make_sample(1), make_sample(2)])
    await gallery.forget_sample(HERE, enrolled.samples[0].id)
    (page,) = await pages(gallery, HERE, 10)
    assert page.sample_ids == (enrolled.samples[1].id,)
