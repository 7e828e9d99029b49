"""How every page looks to people and their tools: nothing serious for axe, nothing that sticks out."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.bot.conversing import Room
from tests.bot.web.conftest import OpenWindow
from tests.bot.web.test_pages import answered, gallery_of, known_in
from tests.conftest import CastPictures

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGES = ["identify", "characters", "character", "enroll", "history", "reviews", "settings", "health", "login"]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
async def test_axe_finds_nothing_serious_and_nothing_sticks_out(
    taught: Room,
    open_window: OpenWindow,
    cast_pictures: CastPictures,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    window = await open_window(width=width, height=844, scheme=scheme)
    her = (await known_in(taught))[cast_pictures.cast[0].name]
    found: dict[str, object] = {}
    for name in PAGES:
        here = {"reviews": "", "settings": "", "health": "", "login": ""}.get(name, gallery_of(taught))
        rest = f"characters/{her.id}" if name == "character" else name
        page = await window.go(f"{here}/{rest}")
        if name == "identify":
            await page.set_input_files("#pictures", str(cast_pictures.group))
            await answered(page, 1)
            await page.locator(".say summary").first.click()
        if wide := await page.evaluate("() => document.documentElement.scrollWidth - innerWidth"):
            found[f"{name} sticks out"] = wide
        results = await Axe().run(page)
        for violation in results.response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                found[f"{name}: {violation['id']}"] = [node["html"][:200] for node in violation["nodes"]]
    assert found == {}
