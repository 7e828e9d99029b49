"""The console over a model pack that knows a fixed set of characters: pages say so, and change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.conversation import open_conversation
from bot.texts import texts_of
from bot.web.console import open_console
from config.options import WebOptions
from config.settings import Settings
from inference.domain import Scope
from inference.service import open_face_service
from tests.bot.web.test_guard import Visitor
from tests.inference.test_closed_set import options

pytestmark = pytest.mark.asyncio(loop_scope="session")
ATTENTION = "/g/cli/attention"


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    given = replace(options(tmp_path), web=WebOptions(port=0))
    async with (
        open_face_service(given) as faces,
        open_conversation(given, faces) as conversation,
        open_console(conversation.services, Settings(given), Scope("cli")) as address,
    ):
        one = Visitor(address)
        yield one
        await one.session.close()


async def test_nothing_needs_attention_where_nothing_can_be_learnt(visitor: Visitor) -> None:
    for about in ("", "?about=duplicates", "?about=misplaced&page=2", "?about=sparse"):
        status, text, _ = await visitor.get(ATTENTION + about)
        assert status == 200
        assert texts_of("en").line("web-attention-closed-set") in text
        assert 'class="card finding"' not in text and 'name="do"' not in text


@pytest.mark.parametrize(
    "change",
    [
        {"do": "merge", "source": "Red Hand", "target": "Green Head"},
        {"do": "move", "source": "Red Hand", "target": "Green Head", "sample": "1"},
        {"do": "remove", "sample": "1"},
        {"do": "forget", "source": "Red Hand"},
    ],
)
async def test_a_fix_that_somebody_sends_all_the_same_is_refused_with_its_reason(
    visitor: Visitor, change: dict[str, str]
) -> None:
    await visitor.get(ATTENTION)
    status, text, _ = await visitor.post(ATTENTION, change)
    assert 400 <= status < 500
    assert "fixed set" in text
    _, gallery, _ = await visitor.get("/g/cli/characters")
    assert "Red Hand" in gallery and "Green Head" in gallery


@pytest.mark.parametrize(
    "path", ["/g/cli/map", "/g/cli/files", "/g/cli/statistics", "/g/cli/history", "/health"]
)
async def test_other_pages_are_there(visitor: Visitor, path: str) -> None:
    assert (await visitor.get(path))[0] == 200
