"""The console on the tests' conversation, reached over real sockets, and a browser to look at it with."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from bot.chat import Actor, ChatRef
from bot.conversation import Conversation
from bot.web.console import open_console
from config.options import Options, WebOptions
from config.settings import Settings
from inference.domain import Scope
from inference.enroll import EnrollRequest, PreparedFace
from inference.metrics import Metrics
from inference.service import LocalFaceService
from tests.bot.conversing import MemoryPlatform, Room
from tests.conftest import CastPictures

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_MS = 60_000
"""The machine may be busy; what is promised is measured by a benchmark."""
_spaces = itertools.count(1_000_000)
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--force-color-profile=srgb"),
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console(conversation: Conversation, chat_options: Options) -> AsyncIterator[str]:
    """Its address; without a token, as on the operator's own machine."""
    settings = Settings(
        replace(chat_options, web=WebOptions(port=0)), sources={"chats.operators": "dareda.toml"}
    )
    async with open_console(conversation.services, settings, Scope("cli"), Metrics()) as address:
        yield address


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here; `apt-get install chromium` brings it")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def prepared(core: LocalFaceService, cast_pictures: CastPictures) -> dict[str, list[PreparedFace]]:
    """The portraits of the first two of the cast, looked at once for all tests."""
    return {
        character.name: [
            await core.prepare(path.read_bytes(), EnrollRequest(character.name))
            for path in sorted((cast_pictures.folder / character.name).iterdir())
        ]
        for character in cast_pictures.cast[:2]
    }


@pytest_asyncio.fixture(loop_scope="session")
async def room(conversation: Conversation, memory_platform: MemoryPlatform) -> Room:
    """A new space that the bot was just added to; nobody is enrolled there."""
    chat = ChatRef("discord", str(next(_spaces)), "10")
    await conversation.services.store.introduce(chat)
    return Room(conversation, memory_platform, chat, Actor("1", "Manager", manages=True, language="en"))


@pytest_asyncio.fixture(loop_scope="session")
async def taught(room: Room, core: LocalFaceService, prepared: dict[str, list[PreparedFace]]) -> Room:
    """A new space in which the first two of the cast are enrolled, three samples each."""
    scope = room.conversation.services.store.scope(room.chat)
    for name, faces in prepared.items():
        await core.enroll_prepared(faces, scope, EnrollRequest(name, "Drawn"))
    return room


@dataclass
class Window:
    """A browser window of its own; what went wrong in it fails the test that opened it."""

    page: Page
    address: str
    wrong: list[str]

    async def go(self, path: str) -> Page:
        response = await self.page.goto(self.address + path)
        assert response is not None and response.status < 400, f"{path}: {response and response.status}"
        return self.page


OpenWindow = Callable[..., Awaitable[Window]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(browser: Browser, console: str) -> AsyncIterator[OpenWindow]:
    """`await open_window(width=390, scheme="dark", language="ja")`."""
    contexts: list[BrowserContext] = []
    windows: list[Window] = []

    async def open_(
        *,
        width: int = 1280,
        height: int = 900,
        scheme: Literal["light", "dark"] = "light",
        language: str = "en",
        scripts: bool = True,
    ) -> Window:
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale=language,
            java_script_enabled=scripts,
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = await context.new_page()
        window = Window(page, console, [])
        windows.append(window)

        def look(request: Request) -> None:
            if urlsplit(request.url).hostname not in ("127.0.0.1", None):
                window.wrong.append(f"a request to {request.url}")

        page.on("request", look)
        page.on("pageerror", lambda error: window.wrong.append(f"an error: {error}"))
        page.on(
            "console",
            lambda said: (
                window.wrong.append(f"{said.type}: {said.text}")
                if said.type in ("error", "warning")
                else None
            ),
        )
        return window

    yield open_
    for context in contexts:
        await context.close()
    assert [wrong for window in windows for wrong in window.wrong] == []
