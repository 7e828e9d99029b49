"""Many pictures in many chats at once, with requests that fail: each post is answered once, none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.chat import ChatRef
from bot.conversation import Conversation
from bot.space_settings import Answering
from tests.adapters.telegram.connecting import connected
from tests.conftest import CastPictures
from tests.telegram_server.faults import BROKEN_LINE, Fault
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, Media, Message, User

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900), pytest.mark.slow]

SHARES = (
    [1] * 10,
    [10],
    [2, 8],
    [1, 3, 1, 5],
    [4, 6],
    [1, 1, 7, 1],
    [5, 1, 4],
    [9, 1],
    [2, 2, 2, 2, 2],
    [3, 3, 4],
)
"""How the ten pictures of a chat are posted: alone, and in albums of two to ten."""


async def post_all(
    server: TelegramServer, chat: Chat, author: User, photos: Sequence[Media], shares: Sequence[int]
) -> list[list[Message]]:
    left, posts = photos, []
    for count in shares:
        media, left = left[:count], left[count:]
        if count == 1:
            posts.append([server.post(chat, author, media=media[0])])
        else:
            posts.append(await server.post_album(chat, author, media, gap_s=0.02))
        await asyncio.sleep(0.05)
    return posts


async def test_three_hundred_pictures_in_thirty_chats(
    telegram_server: TelegramServer, conversation: Conversation, cast_pictures: CastPictures
) -> None:
    server, store = telegram_server, conversation.services.store
    server.world.privacy_mode = False
    pictures = [*cast_pictures.new, *sorted(cast_pictures.folder.rglob("*.png"))]
    data = [path.read_bytes() for path in pictures]
    places: list[tuple[Chat, User]] = []
    for number in range(30):
        user = server.add_user(f"User{number}")
        if number % 3 == 0:
            places.append((server.add_private_chat(user), user))
        else:
            group = server.add_group(f"group {number}", user)
            ref = ChatRef("telegram", str(group.id), str(group.id))
            await store.set_settings(ref, replace(store.settings(ref), answering=Answering.ALL))
            places.append((group, user))
    # Before anything goes on: making their sizes takes a while.
    photos = [
        [server.files.photo(data[(number + offset) % len(data)]) for offset in range(10)]
        for number in range(len(places))
    ]
    async with connected(server, conversation, album_wait_s=0.8):
        faults = [Fault(status) for status in (429, 500, 502, BROKEN_LINE)]
        server.api.faults.share(0.05, *faults, seed=7)
        posted = await asyncio.gather(
            *(
                post_all(server, chat, user, photos[number], SHARES[number % len(SHARES)])
                for number, (chat, user) in enumerate(places)
            )
        )
        for posts in posted:
            for post in posts:
                await server.replies_to(post, timeout_s=600)
        server.api.faults.share(0.0)
        await asyncio.sleep(2.0)  # what would come twice, would come now
    assert sum(len(post) for posts in posted for post in posts) == 300
    assert server.api.faults.injected >= 20
    for (chat, _), posts in zip(places, posted, strict=True):
        answers = [server.replies(post) for post in posts]
        assert [len(found) for found in answers] == [1] * len(posts)
        firsts = [found[0] for found in answers]
        assert [len(server.album(first)) for first in firsts] == [len(post) for post in posts]
        assert all(one.media is not None for first in firsts for one in server.album(first))
        ids = [first.id for first in firsts]
        assert ids == sorted(ids), f"out of order in {chat.title}"
    # Telegram's own limits were never reached: each 429 was injected.
    limited = [record for record in server.api.requests if record.status == 429]
    assert all(record.fault is not None for record in limited)
    assert server.api.rate_limits.exceeded == []
