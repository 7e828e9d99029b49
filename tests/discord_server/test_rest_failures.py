"""discord.py when requests are limited, fail or lose their answers."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import discord
import pytest

from tests.discord_server.faults import BROKEN_LINE, Fault
from tests.discord_server.sample_bot import SampleBot, running
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Member

SEND = "POST /channels/{channel_id}/messages"


def place(bot: SampleBot, channel: Channel) -> discord.abc.Messageable:
    found = bot.get_channel(channel.id)
    assert isinstance(found, discord.abc.Messageable)
    return found


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
async def test_a_429_is_tried_again_when_it_says(
    discord_server: DiscordServer, channel: Channel, scope: str
) -> None:
    async with running(discord_server) as bot:
        discord_server.rest.faults.next(429, SEND, retry_after_s=0.3, scope=scope)
        await place(bot, channel).send("hello")
    first, second = discord_server.requests(SEND)
    assert (first.status, second.status) == (429, 200)
    assert second.at - first.at >= 0.3
    assert [said.content for said in discord_server.said_in(channel)] == ["hello"]


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_5xx_is_tried_again(discord_server: DiscordServer, channel: Channel, status: int) -> None:
    async with running(discord_server) as bot:
        discord_server.rest.faults.next(status, SEND)
        await place(bot, channel).send("hello", file=discord.File(__file__))
    assert [record.status for record in discord_server.requests(SEND)] == [status, 200]
    assert len(discord_server.said_in(channel)) == 1


async def test_discord_py_gives_up_on_503_and_on_broken_lines(
    discord_server: DiscordServer, channel: Channel
) -> None:
    async with running(discord_server) as bot:
        discord_server.rest.faults.next(503, SEND)
        with pytest.raises(discord.DiscordServerError):
            await place(bot, channel).send("hello")
        discord_server.rest.faults.next(BROKEN_LINE, SEND)
        with pytest.raises(aiohttp.ClientError):
            await place(bot, channel).send("hello")
    assert discord_server.said_in(channel) == []


async def test_discord_py_gives_up_after_five_429s(discord_server: DiscordServer, channel: Channel) -> None:
    async with running(discord_server) as bot:
        discord_server.rest.faults.next(429, SEND, times=5, retry_after_s=0.01)
        with pytest.raises(discord.HTTPException):
            await place(bot, channel).send("hello")
    assert len(discord_server.requests(SEND)) == 5


async def test_a_lost_answer_does_not_send_the_message_twice(
    discord_server: DiscordServer, channel: Channel
) -> None:
    async with running(discord_server) as bot:
        discord_server.rest.faults.next(502, SEND, done_first=True)
        sent = await place(bot, channel).send("once")
    assert [record.status for record in discord_server.requests(SEND)] == [502, 200]
    (said,) = discord_server.said_in(channel)
    assert said.id == sent.id


async def test_a_lost_answer_to_an_interaction_is_known_the_second_time(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    bot = SampleBot()
    codes: list[int] = []

    @bot.tree.command(name="hello", description="Says hello")
    async def hello(interaction: discord.Interaction[SampleBot]) -> None:
        try:
            await interaction.response.send_message("hello")
        except discord.HTTPException as error:
            codes.append(error.code)

    async with running(discord_server, bot):
        discord_server.rest.faults.next(502, "/callback", done_first=True)
        used = discord_server.slash(channel, alice, "hello")
        await discord_server.until(lambda: codes, "the second try")
    assert codes == [40060]
    assert [said.content for said in discord_server.said_in(channel)] == ["hello"]
    assert used.original is not None


async def test_the_limit_of_a_route_is_kept(discord_server: DiscordServer, channel: Channel) -> None:
    discord_server.rest.rate_limits.by_route[SEND] = (2, 0.4)
    started = time.monotonic()
    async with running(discord_server) as bot:
        await asyncio.gather(*(place(bot, channel).send(str(number)) for number in range(5)))
    assert time.monotonic() - started >= 0.8
    assert {record.status for record in discord_server.requests(SEND)} == {200}, (
        "discord.py knows the headers"
    )
    assert len(discord_server.said_in(channel)) == 5


async def test_more_than_50_requests_a_second_are_too_many(
    discord_server: DiscordServer, channel: Channel
) -> None:
    headers = {
        "Authorization": f"Bot {discord_server.token}",
        "User-Agent": "DiscordBot (https://example.org 1)",
    }
    async with aiohttp.ClientSession(discord_server.api_base + "/", headers=headers) as session:
        answers = [await session.get(f"channels/{channel.id}") for _ in range(51)]
        limited = answers[-1]
        assert [answer.status for answer in answers] == [200] * 50 + [429]
        assert limited.headers["X-RateLimit-Scope"] == "global"
        assert (await limited.json())["global"] is True
        await asyncio.sleep((await limited.json())["retry_after"])
        assert (await session.get(f"channels/{channel.id}")).status == 200


async def test_the_headers_of_a_429(discord_server: DiscordServer, channel: Channel) -> None:
    discord_server.rest.rate_limits.by_route["GET /channels/{channel_id}"] = (1, 60.0)
    headers = {
        "Authorization": f"Bot {discord_server.token}",
        "User-Agent": "DiscordBot (https://example.org 1)",
    }
    other = discord_server.add_channel(discord_server.add_guild())
    async with aiohttp.ClientSession(discord_server.api_base + "/", headers=headers) as session:
        first = await session.get(f"channels/{channel.id}")
        second = await session.get(f"channels/{channel.id}")
        elsewhere = await session.get(f"channels/{other.id}")
    assert (first.status, second.status, elsewhere.status) == (200, 429, 200)
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("1", "0")
    assert first.headers["X-RateLimit-Bucket"] == second.headers["X-RateLimit-Bucket"]
    assert 58 < float(second.headers["X-RateLimit-Reset-After"]) <= 60
    assert 59 <= int(second.headers["Retry-After"]) <= 60
    assert second.headers["X-RateLimit-Scope"] == "user"


async def test_a_share_of_the_requests_fails_by_its_seed(
    discord_server: DiscordServer, channel: Channel
) -> None:
    async with running(discord_server) as bot:
        discord_server.rest.faults.share(0.3, Fault(429, retry_after_s=0.01), seed=5)
        for number in range(20):
            await place(bot, channel).send(str(number))
    statuses = [record.status for record in discord_server.requests(SEND)]
    assert 3 <= statuses.count(429) == discord_server.rest.faults.injected
    assert [said.content for said in discord_server.said_in(channel)] == [str(number) for number in range(20)]
