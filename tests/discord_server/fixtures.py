"""The server as a fixture, and discord.py pointed at it; a conftest imports `discord_server` from here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import discord.asset
import discord.gateway
import discord.http
import pytest
import yarl

from tests.discord_server.server import DiscordServer


@contextmanager
def discord_py_pointed_at(server: DiscordServer) -> Iterator[None]:
    """discord.py's public addresses are the server's; it is otherwise as its authors made it.

    `DEFAULT_GATEWAY` counts too: with a shard count of its own, and after a session that cannot be resumed,
    discord.py does not ask `GET /gateway/bot` but goes there.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discord.http.Route, "BASE", server.api_base)
        patch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway_url))
        patch.setattr(discord.asset.Asset, "BASE", server.cdn.base)
        yield


@pytest.fixture
async def discord_server() -> AsyncIterator[DiscordServer]:
    """A running server that discord.py talks to; at the end of the test the bot has made no mistakes."""
    async with DiscordServer() as server:
        with discord_py_pointed_at(server):
            yield server
    assert not server.errors, "\n".join(server.errors)
