"""The server as a fixture; a conftest imports `telegram_server` from here."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.telegram_server.server import TelegramServer


@pytest.fixture
async def telegram_server() -> AsyncIterator[TelegramServer]:
    """A running server; at the end of the test the bot has made no mistakes."""
    async with TelegramServer() as server:
        yield server
    assert not server.errors, "\n".join(server.errors)
