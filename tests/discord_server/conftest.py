"""Fixtures of the server's own tests: a guild with a channel and a member, and a raw client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.discord_server.fixtures import discord_server
from tests.discord_server.raw_rest import RawRest, raw_rest
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Guild, Member

__all__ = ["discord_server"]


@pytest.fixture
def guild(discord_server: DiscordServer) -> Guild:
    return discord_server.add_guild("club")


@pytest.fixture
def channel(discord_server: DiscordServer, guild: Guild) -> Channel:
    return discord_server.add_channel(guild, "pictures")


@pytest.fixture
def alice(discord_server: DiscordServer, guild: Guild) -> Member:
    return discord_server.add_member(guild, "alice")


@pytest.fixture
async def rest(discord_server: DiscordServer) -> AsyncIterator[RawRest]:
    async with raw_rest(discord_server) as client:
        yield client
