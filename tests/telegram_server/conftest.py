"""Fixtures of the server's own tests: people, a group and a raw client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.telegram_server.fixtures import telegram_server
from tests.telegram_server.raw_api import RawApi, raw_api
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, User

__all__ = ["telegram_server"]


@pytest.fixture
def alice(telegram_server: TelegramServer) -> User:
    return telegram_server.add_user("Alice")


@pytest.fixture
def group(telegram_server: TelegramServer, alice: User) -> Chat:
    return telegram_server.add_group("club", alice)


@pytest.fixture
def private(telegram_server: TelegramServer, alice: User) -> Chat:
    return telegram_server.add_private_chat(alice)


@pytest.fixture
async def api(telegram_server: TelegramServer) -> AsyncIterator[RawApi]:
    async with raw_api(telegram_server) as client:
        yield client
