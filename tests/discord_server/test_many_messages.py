"""The server under load: with failures and reconnects every message is still answered exactly once."""

from __future__ import annotations

import asyncio
from functools import partial

from tests.discord_server.faults import Fault
from tests.discord_server.people import Picture
from tests.discord_server.sample_bot import SampleBot, running
from tests.discord_server.server import DiscordServer

GUILDS, MESSAGES_EACH = 20, 10
RECONNECT_AFTER = (1, 4, 7)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(50_000)


async def test_200_pictures_from_20_servers_with_failures_and_reconnects(
    discord_server: DiscordServer,
) -> None:
    faults = discord_server.rest.faults
    # Beyond 50 requests a second discord.py gives up after five tries each: a bot has to hold itself back.
    discord_server.rest.rate_limits.global_limit = None
    guilds = [discord_server.add_guild(f"guild {number}") for number in range(GUILDS)]
    places = [
        (discord_server.add_channel(guild), discord_server.add_member(guild, "alice")) for guild in guilds
    ]
    async with running(discord_server) as bot:
        send = "POST /channels"
        faults.share(0.05, Fault(500, send), Fault(502, send, done_first=True), Fault(429, send), seed=1)
        posted = []
        reconnects = 0
        for number in range(MESSAGES_EACH):
            for channel, alice in places:
                picture = Picture("a.png", PICTURE + bytes([number]))
                posted.append(discord_server.post_message(channel, alice, str(number), attachments=[picture]))
            if number in RECONNECT_AFTER:
                await discord_server.until(partial(resumed, bot, reconnects), "the last resume")
                await discord_server.gateway.ask_to_reconnect()
                reconnects += 1
            await asyncio.sleep(0.01)
        everything = lambda: all(discord_server.replies(message) for message in posted)  # noqa: E731
        await discord_server.until(everything, "all replies", timeout_s=45)
        # What was done and answered with an error is tried again some seconds later.
        await discord_server.until(lambda: not bot.answering, "the bot to know of them", timeout_s=45)
        await asyncio.sleep(0.1)
        assert bot.resumes == len(RECONNECT_AFTER)
    assert faults.injected >= 5
    for message in posted:
        (reply,) = discord_server.replies(message)
        assert reply.files[0].data == message.files[0].data
    assert len(bot.seen) == len(posted)
    assert len(discord_server.gateway.sessions) == 1


def resumed(bot: SampleBot, times: int) -> bool:
    return bot.resumes == times
