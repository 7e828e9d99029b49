"""The console on the tests' conversation, reached over real sockets, and a browser to look at it with."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright

from bot.conversation import Conversation
from bot.web.console import open_console
from config.options import Options, WebOptions
from config.settings import Settings
from inference.domain import Scope

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
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
    async with open_console(conversation.services, settings, Scope("cli")) as address:
        yield address


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here; `apt-get install chromium` brings it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        yield browser
        await browser.close()


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
