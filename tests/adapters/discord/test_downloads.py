"""Files are read from the allowed places only, compared by scheme, host and port."""

from __future__ import annotations

import pytest

from bot.adapters.discord.addresses import origins
from bot.adapters.discord.downloads import Downloads
from bot.errors import PictureGoneError, PictureSourceError
from config.options import DiscordOptions
from inference.errors import ImageTooLargeError, ServiceUnavailableError
from tests.discord_server.people import Picture
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Delivery


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://evil.example/a.png", "evil.example"),
        ("https://cdn.discordapp.com@evil.example/a.png", "evil.example"),
        ("https://user@cdn.discordapp.com/a.png", "cdn.discordapp.com"),
        ("https://cdn.discordapp.com.evil.example/a.png", "cdn.discordapp.com.evil.example"),
        ("http://cdn.discordapp.com/a.png", "cdn.discordapp.com"),
        ("https://cdn.discordapp.com:8443/a.png", "cdn.discordapp.com"),
        ("file:///etc/passwd", "?"),
        ("//cdn.discordapp.com/a.png", "?"),
        ("https://[::1", "?"),
        ("", "?"),
    ],
)
async def test_other_places_are_refused_before_anything_is_asked(url: str, host: str) -> None:
    downloads = Downloads(DiscordOptions().cdn)
    with pytest.raises(PictureSourceError) as refused:
        await downloads.read(url, 1_000)
    assert refused.value.data["host"] == host
    assert downloads._session is None


def test_places_are_origins_over_https_unless_they_say_otherwise() -> None:
    assert origins(("cdn.discordapp.com", "http://127.0.0.1:80/x")) == (
        "https://cdn.discordapp.com",
        "http://127.0.0.1",
    )
    with pytest.raises(ValueError):
        origins(("",))


@pytest.mark.parametrize(
    ("delivery", "limit", "error", "reads"),
    [
        (Delivery(status=404), 1_000, PictureGoneError, 1),
        (Delivery(status=302), 1_000, ServiceUnavailableError, 3),
        (Delivery(status=500), 1_000, ServiceUnavailableError, 3),
        (Delivery(cut_after=10), 1_000, ServiceUnavailableError, 3),
        (Delivery(), 99, ImageTooLargeError, 1),
        (Delivery(endless=True), 99, ImageTooLargeError, 1),
    ],
)
async def test_failures_are_told_apart(
    discord_server: DiscordServer, delivery: Delivery, limit: int, error: type[Exception], reads: int
) -> None:
    guild = discord_server.add_guild("club")
    channel, alice = discord_server.add_channel(guild), discord_server.add_member(guild, "alice")
    picture = Picture("a.png", bytes(100), delivery=delivery)
    message = discord_server.post_message(channel, alice, attachments=[picture])
    url, _ = discord_server.world.file_urls(message.files[0])
    downloads = Downloads((discord_server.cdn.base,))
    with pytest.raises(error):
        await downloads.read(url, limit)
    await downloads.close()
    assert len(discord_server.cdn.reads) == reads
