"""Every page of the console as a person meets it: in a browser, on the phone, with a keyboard."""

from __future__ import annotations

import pytest

from tests.bot.web.conftest import OpenWindow

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_health_says_what_is_enrolled(open_window: OpenWindow) -> None:
    window = await open_window()
    page = await window.go("/health")
    assert await page.title() == "Health · Dareda"
    assert "dareda-1" in await page.inner_text("main")
