"""The galleries that must keep the contract, and what their tests share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from inference.domain import Scope
from inference.gallery.base import Gallery, KeptGallery
from inference.gallery.embedded import open_embedded_gallery
from tests.contract.served import serve_gallery
from tests.inference.gallery.samples import make_contract

KINDS = ["embedded", "remote"]
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


async def open_gallery(
    kind: str, folder: Path, *, clock: Clock | None = None, undo_days: int = UNDO_DAYS
) -> KeptGallery:
    kept = await open_embedded_gallery(
        folder / "gallery.sqlite", make_contract(), undo_days=undo_days, clock=clock or Clock()
    )
    return kept if kind == "embedded" else await serve_gallery(kept)


async def everything(gallery: Gallery, scope: Scope = HERE) -> object:
    """All that a user could see of a scope, for comparing before and after."""
    return [
        (character, await gallery.samples([scope], character.id))
        for character in await gallery.characters([scope])
    ], await gallery.stats()
