"""The strict server, and what a conversation with the real core needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.conversation import Conversation, open_conversation
from config.options import ChatOptions, Options
from inference.service import LocalFaceService, open_face_service
from tests.adapters.telegram.scripted import ScriptedConversation
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, User


@pytest_asyncio.fixture(loop_scope="session")
async def telegram_server() -> AsyncIterator[TelegramServer]:
    """At the end of the test the bot has made no mistakes."""
    async with TelegramServer() as server:
        yield server
    assert not server.errors, "\n".join(server.errors)
    assert not server.api.rate_limits.exceeded, server.api.rate_limits.exceeded


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
def scripted() -> ScriptedConversation:
    return ScriptedConversation()


@pytest.fixture(scope="session")
def core_options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    return Options(data_dir=tmp_path_factory.mktemp("telegram-core"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def core(core_options: Options) -> AsyncIterator[LocalFaceService]:
    async with open_face_service(core_options) as service:
        yield service


@pytest.fixture
def chat_options(core_options: Options, tmp_path: Path) -> Options:
    """The core's, with a memory of chats of the test's own."""
    chats = ChatOptions(file=str(tmp_path / "chats.sqlite"), user_burst=10_000, space_burst=10_000)
    return Options(data_dir=core_options.data_dir, chats=chats)


@pytest_asyncio.fixture(loop_scope="session")
async def conversation(chat_options: Options, core: LocalFaceService) -> AsyncIterator[Conversation]:
    async with open_conversation(chat_options, core) as opened:
        yield opened
