"""How nearest neighbours are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inference.domain import Scope
from inference.gallery.elasticsearch.search import MOST_NEIGHBOURS, Searching
from tests.elasticsearch_server.shared import give_back, lent_prefix, open_test_gallery
from tests.inference.gallery.samples import make_contract, make_embedding, make_sample, probes

HERE = Scope("here")


@pytest.mark.parametrize(
    ("faces", "looked_at"),
    [(0, 200), (100_000, 200), (400_000, 400), (10_000_000, 2_000), (10**12, MOST_NEIGHBOURS)],
)
def test_more_candidates_are_looked_at_in_a_large_gallery(faces: int, looked_at: int) -> None:
    asked = Searching("int8_hnsw", 200, faces).knn(np.ones(4, np.float32), 5, [])
    assert asked["num_candidates"] == looked_at


def test_as_many_candidates_as_neighbours_are_looked_at() -> None:
    assert Searching("int8_hnsw", 200).knn(np.ones(4, np.float32), 500, [])["num_candidates"] == 500


@pytest.mark.elasticsearch
async def test_a_search_knows_how_large_the_gallery_has_become(monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[int] = []

    def knn(searching: Searching, *arguments: Any, **more: Any) -> dict[str, Any]:
        known.append(searching.faces)
        return original(searching, *arguments, **more)

    original = Searching.knn
    prefix = lent_prefix()
    gallery = await open_test_gallery(prefix, make_contract())
    try:
        await gallery.enroll(HERE, "Ran", [make_sample(number) for number in range(5)], allow_alike=True)
        await gallery.search(probes(make_embedding(1)), [HERE], top=1)
        monkeypatch.setattr(Searching, "knn", knn)
        await gallery.search(probes(make_embedding(1)), [HERE], top=1)
        other = await open_test_gallery(prefix, make_contract())
        await other.search(probes(make_embedding(1)), [HERE], top=1)
        await other.close()
    finally:
        await gallery.close()
        await give_back(prefix)
    assert known
    assert set(known) == {6}, "the number of the next face"
