"""Each kind of gallery, empty, and sound again at the end of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inference.gallery.base import Gallery
from tests.contract.galleries import KINDS, Clock, open_gallery


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=KINDS)
async def gallery(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Gallery]:
    async with open_gallery(request.param, tmp_path, clock=clock) as opened:
        yield opened
        assert not [f for f in await opened.verify(repair=False) if f.kind != "empty_character"]


@pytest.fixture(params=KINDS)
async def other_gallery(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Gallery]:
    async with open_gallery(request.param, tmp_path / "other") as opened:
        yield opened
