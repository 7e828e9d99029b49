"""Where discord.py looks for Discord: its own addresses, or those of a compatible server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import discord
import yarl
from discord.asset import Asset
from discord.gateway import DiscordWebSocket
from discord.http import Route

from config.options import DiscordOptions

_DISCORD = Route.BASE


@contextmanager
def pointed_at(options: DiscordOptions) -> Iterator[None]:
    """Inside, discord.py talks to the servers of `options`; its addresses are those of the whole process."""
    before = Route.BASE, Asset.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE = options.api_base
    Asset.BASE = next(iter(origins(options.cdn)), Asset.BASE)
    try:
        yield
    finally:
        Route.BASE, Asset.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


async def learn_gateway(client: discord.Client) -> None:
    """Where a compatible server has its gateway, which discord.py asks for only without a shard count."""
    if Route.BASE != _DISCORD:
        _, url, _ = await client.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)


def origins(places: Sequence[str]) -> tuple[str, ...]:
    """Each place as scheme, host and port; https where it does not say. Raises ValueError."""
    urls = (yarl.URL(place if "://" in place else f"https://{place}") for place in places)
    return tuple(str(url.origin()) for url in urls)
