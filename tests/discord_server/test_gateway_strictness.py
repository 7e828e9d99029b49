"""What the gateway does not put up with; each of these ends the connection and is an error of the test."""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import Any

import aiohttp
import pytest

from tests.discord_server import raw_gateway as raw_clients
from tests.discord_server.raw_gateway import RawGateway, identify, raw_gateway
from tests.discord_server.server import DiscordServer

HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 1, 2, 3, 4, 6


async def identified(server: DiscordServer, raw: RawGateway) -> dict[str, Any]:
    """Identifies, and gives what READY says."""
    await raw.send(IDENTIFY, identify(server))
    ready = await raw.receive()
    assert ready["t"] == "READY" and ready["s"] == 1
    data: dict[str, Any] = ready["d"]
    return data


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"token": None}, 4002),
        ({"properties": None}, 4002),
        ({"properties": {"$os": "linux"}}, 4002),
        ({"intents": None}, 4002),
        ({"intents": 1 << 18}, 4013),
        ({"intents": "513"}, 4013),
        ({"shard": [1, 1]}, 4010),
        ({"shard": [0]}, 4010),
        ({"large_threshold": 251}, 4002),
        ({"compress": 1}, 4002),
        ({"guild_subscriptions": True}, 4002),
    ],
)
async def test_a_faulty_identify(discord_server: DiscordServer, changes: dict[str, Any], code: int) -> None:
    async with raw_gateway(discord_server) as raw:
        await raw.send(IDENTIFY, identify(discord_server, **changes))
        assert await raw.close_code() == code
    errors = discord_server.take_errors()
    assert len(errors) == (0 if code == 4004 else 1) and all(str(code) in error for error in errors)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no json", 4002),
        ("[]", 4002),
        ('{"op": 1}', 4002),
        (json.dumps({"op": 3, "d": "x" * 4096}), 4002),
        (json.dumps({"op": PRESENCE, "d": {"since": None}}), 4003),
    ],
)
async def test_a_faulty_payload(discord_server: DiscordServer, text: str, code: int) -> None:
    async with raw_gateway(discord_server) as raw:
        await raw.socket.send_str(text)
        assert await raw.close_code() == code
    assert len(discord_server.take_errors()) == 1


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (IDENTIFY, {}, 4005),
        (99, {}, 4001),
        (VOICE, {}, 4001),
        (PRESENCE, {"status": "online"}, 4002),
        (HEARTBEAT, 10_000, 4002),
        (HEARTBEAT, "1", 4002),
        (8, {"guild_id": "1", "limit": 0}, 4002),
    ],
)
async def test_a_faulty_payload_after_identifying(
    discord_server: DiscordServer, op: int, data: Any, code: int
) -> None:
    async with raw_gateway(discord_server) as raw:
        await identified(discord_server, raw)
        await raw.send(op, data)
        assert await raw.close_code() == code
    assert len(discord_server.take_errors()) == 1


async def test_binary_payloads(discord_server: DiscordServer) -> None:
    async with raw_gateway(discord_server) as raw:
        await raw.socket.send_bytes(b"{}")
        assert await raw.close_code() == 4002
    assert discord_server.take_errors()


@pytest.mark.parametrize(
    "query", ["?v=9&encoding=json", "?v=10&encoding=etf", "?encoding=json", "?v=10&encoding=json&x=1"]
)
async def test_a_faulty_address(discord_server: DiscordServer, query: str) -> None:
    async with raw_gateway(discord_server, query) as raw:
        assert await raw.close_code() == 4012
    assert discord_server.take_errors()


async def test_a_compression_that_does_not_exist(discord_server: DiscordServer) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with raw_gateway(discord_server, "?v=10&encoding=json&compress=gzip"):
            pass
    assert discord_server.take_errors()


async def test_more_than_120_payloads_in_a_minute(discord_server: DiscordServer) -> None:
    async with raw_gateway(discord_server) as raw:
        for _ in range(121):
            await raw.send(HEARTBEAT, None)
        assert await raw.close_code() == 4008
    assert discord_server.take_errors()


async def test_no_heartbeat_in_time(discord_server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.discord_server.connection._HEARTBEAT_GRACE_S", 0.0)
    discord_server.gateway.heartbeat_interval_ms = 100
    async with raw_gateway(discord_server) as raw:
        await identified(discord_server, raw)
        assert await raw.close_code() == 4000
    assert discord_server.take_errors()


async def test_a_shard_that_would_have_too_many_guilds(discord_server: DiscordServer) -> None:
    discord_server.gateway.guilds_a_shard = 1
    for _ in range(2):
        discord_server.add_guild()
    async with raw_gateway(discord_server) as raw:
        await raw.send(IDENTIFY, identify(discord_server))
        assert await raw.close_code() == 4011
    assert discord_server.take_errors()


async def test_identifying_again_within_five_seconds_is_an_invalid_session(
    discord_server: DiscordServer,
) -> None:
    async with raw_gateway(discord_server) as first, raw_gateway(discord_server) as second:
        await identified(discord_server, first)
        await second.send(IDENTIFY, identify(discord_server))
        assert await second.receive() == {"op": 9, "d": False, "s": None, "t": None}


@pytest.mark.parametrize("seq", [99, -1, None])
async def test_resuming_after_an_event_that_was_never_sent(discord_server: DiscordServer, seq: Any) -> None:
    async with raw_gateway(discord_server) as raw:
        ready = await identified(discord_server, raw)
        await raw.socket.close(code=4000)
    async with raw_gateway(discord_server) as raw:
        await raw.send(RESUME, {"token": discord_server.token, "session_id": ready["session_id"], "seq": seq})
        assert await raw.close_code() == 4007
    assert discord_server.take_errors()


async def test_resuming_a_session_that_does_not_exist(discord_server: DiscordServer) -> None:
    async with raw_gateway(discord_server) as raw:
        await raw.send(RESUME, {"token": discord_server.token, "session_id": "none", "seq": 1})
        assert (await raw.receive())["op"] == 9
    async with raw_gateway(discord_server) as raw:
        await raw.send(RESUME, {"token": "wrong", "session_id": "none", "seq": 1})
        assert await raw.close_code() == 4004
    async with raw_gateway(discord_server) as raw:
        await raw.send(RESUME, {"token": discord_server.token})
        assert await raw.close_code() == 4002
    assert len(discord_server.take_errors()) == 1


async def test_a_resume_replays_and_then_says_so(discord_server: DiscordServer) -> None:
    guild = discord_server.add_guild()
    channel = discord_server.add_channel(guild)
    alice = discord_server.add_member(guild, "alice")
    async with raw_gateway(discord_server) as raw:
        ready = await identified(discord_server, raw)
        await raw.until_event("GUILD_CREATE")
        await raw.socket.close(code=4000)
    for number in range(3):
        discord_server.post_message(channel, alice, str(number))
    async with raw_gateway(discord_server) as raw:
        await raw.send(RESUME, {"token": discord_server.token, "session_id": ready["session_id"], "seq": 2})
        assert await raw.until_event("RESUMED") == ["MESSAGE_CREATE"] * 3 + ["RESUMED"]


async def test_closing_with_1000_ends_the_session(discord_server: DiscordServer) -> None:
    async with raw_gateway(discord_server) as raw:
        ready = await identified(discord_server, raw)
        await raw.socket.close(code=1000)
    async with raw_gateway(discord_server) as raw:
        await raw.send(RESUME, {"token": discord_server.token, "session_id": ready["session_id"], "seq": 1})
        assert (await raw.receive())["op"] == 9


async def test_events_without_their_intent_are_not_sent(discord_server: DiscordServer) -> None:
    guild = discord_server.add_guild()
    channel = discord_server.add_channel(guild)
    alice = discord_server.add_member(guild, "alice")
    async with raw_gateway(discord_server) as raw:
        await raw.send(IDENTIFY, identify(discord_server, intents=1))
        await raw.until_event("GUILD_CREATE")
        discord_server.post_message(channel, alice, "not heard")
        discord_server.add_channel(guild, "heard")
        assert await raw.until_event("CHANNEL_CREATE") == ["CHANNEL_CREATE"]


async def test_zlib_streams_end_every_message_with_a_flush(discord_server: DiscordServer) -> None:
    async with raw_gateway(discord_server, raw_clients.PLAIN + "&compress=zlib-stream") as raw:
        context = zlib.decompressobj()
        for op in (10, 11):
            frame = await raw.socket.receive_bytes(timeout=5)
            assert frame.endswith(b"\x00\x00\xff\xff")
            assert json.loads(context.decompress(frame))["op"] == op
            await raw.send(HEARTBEAT, None)


async def test_zstd_streams_are_one_endless_frame(discord_server: DiscordServer) -> None:
    zstandard = pytest.importorskip("zstandard", reason="discord.py asks for zstd only where it is installed")
    async with raw_gateway(discord_server, raw_clients.PLAIN + "&compress=zstd-stream") as raw:
        context = zstandard.ZstdDecompressor().decompressobj()
        for op in (10, 11):
            frame = await raw.socket.receive_bytes(timeout=5)
            assert json.loads(context.decompress(frame))["op"] == op
            await raw.send(HEARTBEAT, None)


async def test_a_heartbeat_is_acknowledged(discord_server: DiscordServer) -> None:
    async with raw_gateway(discord_server) as raw:
        await raw.send(HEARTBEAT, None)
        assert (await raw.receive())["op"] == 11
        await identified(discord_server, raw)
        discord_server.gateway.hold()
        await raw.send(HEARTBEAT, 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await raw.socket.receive()
