"""The real adapter, connected to the strict server as an operator would: by its settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from bot.adapters.discord.adapter import DiscordAdapter
from config.options import DiscordOptions
from tests.discord_server.server import DiscordServer


def options_for(server: DiscordServer, **changes: Any) -> DiscordOptions:
    """Settings of a Discord-compatible server."""
    return replace(DiscordOptions(api_base=server.api_base, cdn=(server.cdn.base,)), **changes)


@asynccontextmanager
async def connected(
    server: DiscordServer, conversation: Any, options: DiscordOptions | None = None
) -> AsyncIterator[DiscordAdapter]:
    """The adapter, ready; afterwards closed, and whatever ended it before is raised."""
    adapter = DiscordAdapter(conversation, options or options_for(server), SecretStr(server.token))
    adapter.client._connection.guild_ready_timeout = (
        0.1  # how long it waits for one more server to be told of
    )
    running = asyncio.create_task(adapter.run(), name="discord")
    while not adapter.client.is_ready():
        await asyncio.sleep(0.01)
        if running.done():
            await running
    assert adapter.is_connected
    try:
        yield adapter
    finally:
        await adapter.close(5)
        await running
        assert not adapter.is_connected
