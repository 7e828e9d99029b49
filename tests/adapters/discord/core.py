"""A real conversation with the bundled models for tests of the adapter, and the cast in a gallery all see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.conversation import Conversation, open_conversation
from config.options import ChatOptions, GalleryOptions, ImageLimits, Options
from inference.domain import Scope
from inference.enroll import EnrollRequest
from tests.conftest import CastPictures

SHARED = Scope("everybody")


@asynccontextmanager
async def real_conversation(data_dir: Path, **chats: Any) -> AsyncIterator[Conversation]:
    """Patient with busy people; pictures may have a megabyte."""
    options = Options(
        data_dir=data_dir,
        images=ImageLimits(max_bytes=1_000_000),
        gallery=GalleryOptions(shared=(SHARED,)),
        chats=replace(ChatOptions(user_burst=10_000, space_burst=10_000), **chats),
    )
    async with open_conversation(options) as opened:
        yield opened


async def enroll_cast(conversation: Conversation, scope: Scope, cast: CastPictures, count: int = 5) -> None:
    """Three samples each of the first of the cast."""
    for character in cast.cast[:count]:
        for path in sorted((cast.folder / character.name).iterdir()):
            await conversation.services.faces.enroll(path.read_bytes(), scope, EnrollRequest(character.name))
