"""Discord and Telegram in one process: their faces share batches, and what they are told is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.adapters.discord.adapter import DiscordAdapter
from bot.adapters.telegram.adapter import TelegramAdapter
from bot.app import serve
from config import logs
from inference.batching import MicroBatcher
from tests.adapters.discord import connecting as discord_connecting
from tests.adapters.discord.core import SHARED, enroll_cast, real_conversation
from tests.adapters.telegram import connecting as telegram_connecting
from tests.conftest import CastPictures
from tests.discord_server.people import Picture
from tests.discord_server.server import DiscordServer
from tests.telegram_server.server import TelegramServer

_ROUNDS = 4


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, frozenset[str]]]:
    """The log of all batches: whose they were, and which platforms' pictures they held."""
    log: list[tuple[str, frozenset[str]]] = []
    platforms: dict[int, str] = {}
    calls: list[Any] = []  # kept, so that no two have one id
    enqueue, run = MicroBatcher._enqueue, MicroBatcher._run

    def watched_enqueue(self: Any, call: Any) -> None:
        calls.append(call)
        platforms[id(call)] = logs._context.get().get("platform", "")
        enqueue(self, call)

    def watched_run(self: Any, function: Any, parts: Sequence[Any]) -> bool:
        log.append((self.name, frozenset(platforms[id(part.call)] for part in parts)))
        return run(self, function, parts)

    monkeypatch.setattr(MicroBatcher, "_enqueue", watched_enqueue)
    monkeypatch.setattr(MicroBatcher, "_run", watched_run)
    return log


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_both_platforms_share_batches_and_answer_alike(
    tmp_path: Path, cast_pictures: CastPictures, batches: list[tuple[str, frozenset[str]]]
) -> None:
    pictures = [path.read_bytes() for path in (*cast_pictures.new, cast_pictures.group)]
    async with (
        DiscordServer() as discord,
        TelegramServer() as telegram,
        real_conversation(tmp_path, answering="all") as conversation,
    ):
        await enroll_cast(conversation, SHARED, cast_pictures, count=3)
        guild = discord.add_guild("club")
        channels = [discord.add_channel(guild, f"pictures-{number}") for number in range(len(pictures))]
        member = discord.add_member(guild, "alice")
        users = [telegram.add_user(f"User{number}") for number in range(len(pictures))]
        chats = [telegram.add_private_chat(user) for user in users]
        adapters = (
            DiscordAdapter(conversation, discord_connecting.options_for(discord), SecretStr(discord.token)),
            TelegramAdapter(
                conversation, telegram_connecting.options_for(telegram), SecretStr(telegram.token)
            ),
        )
        adapters[0].client._connection.guild_ready_timeout = 0.1
        stop = asyncio.Event()
        serving = asyncio.create_task(serve(adapters, conversation, stop, close_s=20))
        await discord.connected(timeout_s=60)
        await discord.until(lambda: any(discord.said_in(channel) for channel in channels), "first words")
        await telegram.polled(timeout_s=60)
        for _ in range(_ROUNDS):
            batches.clear()
            asked = [
                (
                    discord.post_message(channel, member, attachments=[Picture("a.png", data)]),
                    # As a file: a photo would be another picture, Telegram makes a new one of it.
                    telegram.post(chat, user, media=telegram.files.document("a.png", data)),
                )
                for channel, chat, user, data in zip(channels, chats, users, pictures, strict=True)
            ]
            for message, posted in asked:
                in_discord = await discord.reply_to(message, timeout_s=60)
                in_telegram = await telegram.reply_to(posted, timeout_s=60)
                assert in_discord.content.replace("*", "") == in_telegram.text
                sent = next(
                    record
                    for record in telegram.requests("sendPhoto")
                    if record.parameters["reply_parameters"]["message_id"] == posted.id
                    and record.parameters["chat_id"] == posted.chat.id
                )
                (upload,) = sent.uploads.values()
                assert upload.data == in_discord.files[0].data
            shared = {name for name, platforms in batches if platforms >= {"discord", "telegram"}}
            if shared == {"detector", "embedder"}:
                break
        assert shared == {"detector", "embedder"}, batches
        stop.set()
        await serving
    assert not discord.errors, discord.errors
    assert not telegram.errors, telegram.errors
