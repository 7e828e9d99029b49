"""discord.py when lines break, sessions end and tokens are wrong: no event is lost and none comes twice."""

from __future__ import annotations

import asyncio

import discord
import pytest
from discord.errors import ConnectionClosed

from tests.discord_server.intents import Intent
from tests.discord_server.sample_bot import SampleBot, running
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Member


def post(server: DiscordServer, channel: Channel, alice: Member, numbers: range) -> None:
    for number in numbers:
        server.post_message(channel, alice, str(number))


def contents(bot: SampleBot) -> list[str]:
    return [message.content for message in bot.seen]


def expected(count: int) -> list[str]:
    return [str(number) for number in range(count)]


async def test_unanswered_heartbeats_lead_to_a_resume(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    discord_server.gateway.heartbeat_interval_ms = 200
    bot = SampleBot(heartbeat_timeout=1.0)
    async with running(discord_server, bot):
        post(discord_server, channel, alice, range(3))
        await discord_server.until(lambda: len(bot.seen) == 3, "the first messages")
        discord_server.gateway.hold()
        post(discord_server, channel, alice, range(3, 8))
        await discord_server.until(lambda: bot.resumes, "the resume")
        post(discord_server, channel, alice, range(8, 10))
        await discord_server.until(lambda: len(bot.seen) >= 10, "the rest")
        await asyncio.sleep(0.1)
        assert contents(bot) == expected(10)
    first, *later = discord_server.gateway.connections
    assert first.heartbeats >= 2 and first.path == "/gateway"
    assert all(connection.resumed and connection.path == "/gateway/resume" for connection in later)
    assert len(discord_server.gateway.sessions) == 1


@pytest.mark.parametrize("how", ["reconnect", "drop", "close 4000", "close 1000", "invalidate resumable"])
async def test_the_session_survives(
    discord_server: DiscordServer, channel: Channel, alice: Member, how: str
) -> None:
    async with running(discord_server) as bot:
        post(discord_server, channel, alice, range(3))
        await discord_server.until(lambda: len(bot.seen) == 3, "the first messages")
        match how.split():
            case ["reconnect"]:
                await discord_server.gateway.ask_to_reconnect()
            case ["drop"]:
                discord_server.gateway.drop()
            case ["close", code]:
                await discord_server.gateway.close(int(code))
            case _:
                await discord_server.gateway.invalidate(resumable=True)
        post(discord_server, channel, alice, range(3, 6))
        await discord_server.until(lambda: bot.resumes, "the resume")
        post(discord_server, channel, alice, range(6, 8))
        await discord_server.until(lambda: len(bot.seen) >= 8, "the rest")
        assert contents(bot) == expected(8)


async def test_an_invalid_session_is_replaced_by_a_new_one(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    discord_server.gateway.identify_every_s = 0.0
    async with running(discord_server) as bot:
        await discord_server.gateway.invalidate()
        await discord_server.until(lambda: len(discord_server.gateway.sessions) == 2, "a new session")
        await discord_server.connected()
        post(discord_server, channel, alice, range(2))
        await discord_server.until(lambda: len(bot.seen) == 2, "the messages")
        assert bot.resumes == 0
    old, new = discord_server.gateway.sessions.values()
    assert not old.valid and new.names().count("MESSAGE_CREATE") == 2
    assert discord_server.gateway.connections[-1].path == "/gateway"


async def test_a_client_that_logs_out_ends_its_session(discord_server: DiscordServer, alice: Member) -> None:
    async with running(discord_server):
        pass
    (session,) = discord_server.gateway.sessions.values()
    (connection,) = discord_server.gateway.connections
    await discord_server.until(lambda: not session.valid, "the end of the session")
    assert connection.closed_with == 1000


async def test_a_wrong_token_is_refused_at_login(discord_server: DiscordServer) -> None:
    async with SampleBot() as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.start("wrong")
    assert [record.status for record in discord_server.requests()] == [401]


async def test_a_token_that_is_revoked_before_identifying_is_refused_by_the_gateway(
    discord_server: DiscordServer,
) -> None:
    class Revoked(SampleBot):
        async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
            discord_server.world.token = "another"

    async with Revoked() as bot:
        with pytest.raises(ConnectionClosed) as closed:
            await bot.start(discord_server.token)
    assert closed.value.code == 4004


async def test_an_intent_that_the_portal_does_not_allow_is_refused(discord_server: DiscordServer) -> None:
    discord_server.world.portal_intents = Intent.GUILD_MEMBERS
    async with SampleBot() as bot:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await bot.start(discord_server.token)
    assert discord_server.gateway.connections[0].closed_with == 4014


async def test_every_shard_hears_of_its_own_guilds_only(discord_server: DiscordServer) -> None:
    discord_server.gateway.shards = discord_server.gateway.max_concurrency = 2
    guilds = [discord_server.add_guild(f"guild {shard}", shard=shard) for shard in (0, 1)]
    members = [discord_server.add_member(guild, "alice") for guild in guilds]
    channels = [discord_server.add_channel(guild) for guild in guilds]
    async with running(discord_server) as bot:
        assert bot.shard_count == 2
        for number, (channel, alice) in enumerate(zip(channels, members, strict=True)):
            discord_server.post_message(channel, alice, str(number))
        await discord_server.until(lambda: len(bot.seen) == 2, "the messages")
        discord_server.gateway.drop(shard=1)
        discord_server.post_message(channels[1], members[1], "2")
        await discord_server.until(lambda: len(bot.seen) == 3, "the message after the break")
        assert {message.content for message in bot.seen} == {"0", "1", "2"}
    by_shard = {session.shard.number: session for session in discord_server.gateway.sessions.values()}
    assert by_shard[0].names().count("MESSAGE_CREATE") == 1
    assert by_shard[1].names().count("MESSAGE_CREATE") == 2
    assert (by_shard[0].resumes, by_shard[1].resumes) == (0, 1)


async def test_discord_py_gets_the_compression_that_it_asks_for(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    async with running(discord_server) as bot:
        discord_server.post_message(channel, alice, "だれだ " * 300)
        await discord_server.until(lambda: bot.seen, "the message")
        assert bot.seen[0].content == "だれだ " * 300
    assert discord_server.gateway.connections[0].compressed


async def test_members_are_listed_to_those_who_may_ask(discord_server: DiscordServer, alice: Member) -> None:
    intents = discord.Intents(guilds=True, members=True, messages=True)
    async with running(discord_server, SampleBot(intents=intents)) as bot:
        guild = bot.get_guild(alice.guild.id)
        assert guild is not None
        assert {member.name for member in guild.members} == {"alice", "dareda", "owner of club"}
        (found,) = await guild.query_members("ali")
        assert found.id == alice.user.id
