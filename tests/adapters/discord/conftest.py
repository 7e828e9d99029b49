"""A strict Discord that is reached by settings alone: nothing of discord.py is patched."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.adapters.discord.scripted import ScriptedConversation
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Guild, Member


@pytest.fixture
async def discord_server() -> AsyncIterator[DiscordServer]:
    """At the end of the test the bot has made no mistakes."""
    async with DiscordServer() as server:
        yield server
    assert not server.errors, "\n".join(server.errors)


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
def conversation() -> ScriptedConversation:
    return ScriptedConversation()
