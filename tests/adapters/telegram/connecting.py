"""The real adapter, connected to the strict server as an operator would: by its settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from bot.adapters.telegram.adapter import TelegramAdapter
from bot.adapters.telegram.webhook import Webhook
from config.options import TelegramOptions
from tests.telegram_server.server import TelegramServer

PUBLIC_ADDRESS = "https://bot.example.org/dareda"
"""What the reverse proxy is called from outside; it takes the path's beginning away."""


def options_for(server: TelegramServer, **changes: Any) -> TelegramOptions:
    """Settings of a Bot API server of one's own."""
    own = TelegramOptions(
        base_url=server.base_url,
        base_file_url=server.base_file_url,
        webhook_url=PUBLIC_ADDRESS,
        webhook_port=0,
        album_wait_s=0.4,
    )
    return replace(own, **changes)


@asynccontextmanager
async def connected(
    server: TelegramServer, conversation: Any, **changes: Any
) -> AsyncIterator[TelegramAdapter]:
    """The adapter, receiving; afterwards closed, and whatever ended it before is raised."""
    adapter = TelegramAdapter(conversation, options_for(server, **changes), SecretStr(server.token))
    running = asyncio.create_task(adapter.run(), name="telegram")
    ready = asyncio.create_task(adapter.ready.wait())
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        ready.cancel()
        await running
    if isinstance(adapter.receiver, Webhook):
        server.updates.proxies[PUBLIC_ADDRESS] = f"http://127.0.0.1:{adapter.receiver.port}"
    assert adapter.is_connected
    try:
        yield adapter
    finally:
        adapter.pause()
        await adapter.close(10)
        await running
        assert not adapter.is_connected
