"""The galleries that must keep the contract, and what their tests share."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inference.domain import Scope
from inference.gallery.base import Gallery, KeptGallery
from inference.gallery.elasticsearch.gallery import ElasticsearchGallery
from inference.gallery.embedded import open_embedded_gallery
from tests.contract.served import serve_gallery
from tests.elasticsearch_server.shared import give_back, lent_prefix, open_test_gallery
from tests.inference.gallery.samples import make_contract

KINDS = ["embedded", "indexed", "remote", pytest.param("elasticsearch", marks=pytest.mark.elasticsearch)]
UNDO_DAYS = 7
HERE = Scope("here")
THERE = Scope("there")
SHARED = Scope("shared")


class Clock:
    """The time that a gallery believes in; it passes a little with each look."""

    def __init__(self) -> None:
        self.now = datetime(2024, 2, 28, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@asynccontextmanager
async def open_gallery(
    kind: str, folder: Path, *, clock: Clock | None = None, undo_days: int = UNDO_DAYS
) -> AsyncIterator[KeptGallery]:
    """An empty one, closed at the end of the block."""
    clock = clock or Clock()
    if kind in ("embedded", "indexed", "remote"):
        gallery: KeptGallery = await open_embedded_gallery(
            folder / "gallery.sqlite",
            make_contract(),
            undo_days=undo_days,
            exact_up_to=0 if kind == "indexed" else sys.maxsize,
            clock=clock,
        )
        if kind == "remote":
            gallery = await serve_gallery(gallery)
        yield gallery
        await gallery.close()
        return
    prefix = lent_prefix()
    gallery = await open_test_gallery(prefix, make_contract(), undo_days=undo_days, clock=clock)
    yield gallery
    await gallery.close()
    await give_back(prefix)


async def open_again(gallery: Gallery, folder: Path, *, clock: Clock) -> KeptGallery:
    """The one from `open_gallery()` after it was closed; the caller closes it."""
    if isinstance(gallery, ElasticsearchGallery):
        prefix = gallery._names.prefix
        return await open_test_gallery(prefix, make_contract(), undo_days=UNDO_DAYS, clock=clock)
    return await open_embedded_gallery(
        folder / "gallery.sqlite", make_contract(), undo_days=UNDO_DAYS, clock=clock
    )


async def everything(gallery: Gallery, scope: Scope = HERE) -> object:
    """All that a user could see of a scope, for comparing before and after.

    But for how large its files are: Elasticsearch merges its own whenever it likes.
    """
    return [
        (character, await gallery.samples([scope], character.id))
        for character in await gallery.characters([scope])
    ], replace(await gallery.stats(), size_bytes=0)
