"""One core and one conversation for all tests of the chat layer; each test has a space of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from bot.chat import Actor, ChatRef
from bot.conversation import Conversation, open_conversation
from config.options import BatchingOptions, ChatOptions, GalleryOptions, Options
from inference.domain import Scope
from inference.enroll import EnrollRequest
from inference.service import LocalFaceService, open_face_service
from tests.bot.conversing import MemoryPlatform, Room
from tests.conftest import CastPictures

_spaces = itertools.count(1_000)


@pytest.fixture(scope="session")
def chat_options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    return Options(
        data_dir=tmp_path_factory.mktemp("chats"),
        chats=ChatOptions(
            offered_galleries=("anime",),
            operators=("discord:900",),
            user_burst=10_000,
            space_burst=10_000,
        ),
        gallery=GalleryOptions(),
        batching=BatchingOptions(deadline_s=300.0),  # the machine may be busy
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def core(chat_options: Options, cast_pictures: CastPictures) -> AsyncIterator[LocalFaceService]:
    """With the third of the cast in the shared gallery that spaces may choose."""
    async with open_face_service(chat_options) as service:
        for path in sorted((cast_pictures.folder / cast_pictures.cast[2].name).iterdir()):
            await service.enroll(
                path.read_bytes(), Scope("anime"), EnrollRequest(cast_pictures.cast[2].name, "Shared Series")
            )
        yield service


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def conversation(chat_options: Options, core: LocalFaceService) -> AsyncIterator[Conversation]:
    async with open_conversation(chat_options, core) as opened:
        yield opened


@pytest.fixture(scope="session")
def memory_platform(conversation: Conversation) -> MemoryPlatform:
    platform = MemoryPlatform()
    conversation.attach("discord", platform)
    conversation.attach("telegram", platform)
    return platform


@pytest.fixture
def room(conversation: Conversation, memory_platform: MemoryPlatform) -> Room:
    """A new space, with its manager speaking; nobody is enrolled there."""
    chat = ChatRef("discord", str(next(_spaces)), "10")
    return Room(conversation, memory_platform, chat, Actor("1", "Manager", manages=True, language="en"))


@pytest_asyncio.fixture(loop_scope="session")
async def taught(room: Room, core: LocalFaceService, cast_pictures: CastPictures) -> Room:
    """The same with the first two of the cast enrolled, three samples each."""
    scope = room.conversation.services.store.scope(room.chat)
    for character in cast_pictures.cast[:2]:
        for path in sorted((cast_pictures.folder / character.name).iterdir()):
            await core.enroll(path.read_bytes(), scope, EnrollRequest(character.name, "Drawn"))
    return room


@pytest.fixture
def sample(cast_pictures: CastPictures) -> Callable[[int, int], bytes]:
    """`sample(character, number)`: one of the three enrolled portraits of the cast."""

    def read(character: int, number: int) -> bytes:
        folder: Path = cast_pictures.folder / cast_pictures.cast[character].name
        return (folder / f"{number}.png").read_bytes()

    return read
