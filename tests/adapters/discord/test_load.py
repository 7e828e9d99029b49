"""Two hundred pictures from twenty servers at once, while Discord fails and asks to reconnect."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from functools import partial
from pathlib import Path

import pytest

from tests.adapters.discord.connecting import connected
from tests.adapters.discord.core import SHARED, enroll_cast, real_conversation
from tests.conftest import CastPictures
from tests.discord_server.faults import Fault
from tests.discord_server.people import Picture
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Message

GUILDS, MESSAGES_EACH = 20, 10
RECONNECT_AFTER = (1, 4, 7)
SEND = "POST /channels/{channel_id}/messages"
TYPING = "POST /channels/{channel_id}/typing"
TYPING_LASTS_S = 10.0


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_200_pictures_from_20_servers_are_answered_once_each_in_order_and_acknowledged_within_a_second(
    discord_server: DiscordServer, tmp_path: Path, cast_pictures: CastPictures
) -> None:
    server, faults = discord_server, discord_server.rest.faults
    pictures = [path.read_bytes() for path in cast_pictures.new]
    names = [character.name for character in cast_pictures.cast]
    places = []
    for number in range(GUILDS):
        guild = server.add_guild(f"guild {number}")
        places.append((server.add_channel(guild), server.add_member(guild, "alice")))
    async with real_conversation(tmp_path, answering="all") as conversation:
        await enroll_cast(conversation, SHARED, cast_pictures)
        async with connected(server, conversation):
            await server.until(
                lambda: all(server.said_in(channel) for channel, _ in places), "the first words"
            )
            resumes = partial(lambda: sum(session.resumes for session in server.gateway.sessions.values()))
            # Each kind at a seventh of 5 %, on every request that a bot may repeat.
            faults.share(
                0.05,
                *(Fault(status, SEND) for status in (500, 502, 503, 429)),
                Fault(502, SEND, done_first=True),
                Fault(500, TYPING),
                Fault(429, TYPING),
                seed=1,
            )
            posted: list[tuple[Message, float, int]] = []
            for number in range(MESSAGES_EACH):
                for place, (channel, alice) in enumerate(places):
                    who = (number + place) % len(pictures)
                    picture = Picture(f"{number}.png", pictures[who])
                    message = server.post_message(channel, alice, attachments=[picture])
                    posted.append((message, time.monotonic(), who))
                if number in RECONNECT_AFTER:
                    before = resumes()
                    await server.gateway.ask_to_reconnect()
                    await server.until(lambda before=before: resumes() > before, "the resume")  # type: ignore[misc]
                await asyncio.sleep(0.05)
            answered = lambda: all(server.replies(message) for message, _, _ in posted)  # noqa: E731
            await server.until(answered, "all replies", timeout_s=600)
            await asyncio.sleep(0.5)
            assert resumes() == len(RECONNECT_AFTER)
    assert faults.injected >= 10
    assert len(server.gateway.sessions) == 1
    for message, _, who in posted:
        (reply,) = server.replies(message)
        assert f"**{names[who]}**" in reply.content and len(reply.files) == 1 and not reply.pings
    for channel, _ in places:
        answers = [reply.reply_to for reply in server.said_in(channel) if reply.reply_to]
        assert answers == [message for message, _, _ in posted if message.channel is channel]
    waits = [acknowledged_after(server, message.channel, at) for message, at, _ in posted]
    p95 = statistics.quantiles(waits, n=20)[-1]
    print(f"acknowledged after {p95 * 1000:.0f} ms (p95), {max(waits) * 1000:.0f} ms (worst)")
    assert p95 < 1.0


def acknowledged_after(server: DiscordServer, channel: Channel, at: float) -> float:
    """Seconds from a post until the bot is seen typing in its channel, or says something there."""
    seen: list[tuple[float, bool]] = [
        (record.at, record.route == TYPING)
        for record in server.requests()
        if record.route in (SEND, TYPING)
        and re.search(rf"/channels/{channel.id}/", record.path)
        and record.status < 300
    ]
    before = [event for event in seen if event[0] <= at]
    if before and before[-1][1] and at - before[-1][0] < TYPING_LASTS_S:
        return 0.0
    return min(event[0] for event in seen if event[0] > at) - at
