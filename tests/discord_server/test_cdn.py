"""Attachments by their addresses: whole, expired, tampered with, endless, cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import yarl

from tests.discord_server.message_payloads import attachment_payload
from tests.discord_server.people import Picture
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Delivery, Json

DATA = bytes(range(256)) * 100


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def attach(server: DiscordServer, picture: Picture) -> Json:
    """The attachment's payload in a message of somebody's."""
    guild = server.add_guild()
    member = server.add_member(guild, "alice")
    message = server.post_message(server.add_channel(guild), member, attachments=[picture])
    return attachment_payload(message.files[0], server.world)


@pytest.mark.parametrize("name", ["a.png", "猫 cat.png", "..%2f..%2fetc.png", "../../etc.png", "a&b=c?d.png"])
async def test_whole_files_under_any_name(
    discord_server: DiscordServer, web: aiohttp.ClientSession, name: str
) -> None:
    attachment = attach(discord_server, Picture(name, DATA))
    for address in (attachment["url"], attachment["proxy_url"]):
        async with web.get(yarl.URL(address, encoded=True)) as answer:
            assert (answer.status, answer.content_type) == (200, "image/png")
            assert answer.content_length == len(DATA) and await answer.read() == DATA
    assert attachment["filename"] == name


async def test_addresses_expire_after_a_day(
    discord_server: DiscordServer, web: aiohttp.ClientSession
) -> None:
    attachment = attach(discord_server, Picture("a.png", DATA))
    discord_server.clock.advance(24 * 3600 + 1)
    assert (await web.get(attachment["url"])).status == 404


@pytest.mark.parametrize("change", [("ex=", "ex=f"), ("hm=", "hm=0"), ("?", "?x"), ("a.png", "b.png")])
async def test_changed_addresses_are_not_served(
    discord_server: DiscordServer, web: aiohttp.ClientSession, change: tuple[str, str]
) -> None:
    attachment = attach(discord_server, Picture("a.png", DATA))
    assert (await web.get(attachment["url"].replace(*change))).status == 404


async def test_files_of_deleted_messages_are_gone(
    discord_server: DiscordServer, web: aiohttp.ClientSession
) -> None:
    guild = discord_server.add_guild()
    member = discord_server.add_member(guild, "alice")
    message = discord_server.post_message(
        discord_server.add_channel(guild), member, attachments=[Picture("a.png", DATA)]
    )
    url = discord_server.world.file_urls(message.files[0])[0]
    discord_server.delete_message(message)
    assert (await web.get(url)).status == 404


async def test_an_endless_file_goes_on_until_the_reader_leaves(
    discord_server: DiscordServer, web: aiohttp.ClientSession
) -> None:
    attachment = attach(
        discord_server, Picture("a.png", DATA, delivery=Delivery(endless=True), declared_size=10)
    )
    assert attachment["size"] == 10
    async with web.get(attachment["url"]) as answer:
        assert answer.content_length is None
        read = 0
        while read < 20 * len(DATA):
            read += len(await answer.content.readany())


async def test_a_slow_file_and_one_that_breaks_off(
    discord_server: DiscordServer, web: aiohttp.ClientSession
) -> None:
    slow = attach(discord_server, Picture("a.png", DATA, delivery=Delivery(delay_s=60)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), web.get(slow["url"]) as answer:
            await answer.read()
    cut = attach(discord_server, Picture("a.png", DATA, delivery=Delivery(chunk_bytes=1000, cut_after=5000)))
    with pytest.raises(aiohttp.ClientError):
        async with web.get(cut["url"]) as answer:
            await answer.read()


async def test_a_type_that_is_a_lie_and_a_status_that_is_an_error(
    discord_server: DiscordServer, web: aiohttp.ClientSession
) -> None:
    lie = attach(discord_server, Picture("a.png", DATA, delivery=Delivery(content_type="text/html")))
    assert lie["content_type"] == "image/png"
    async with web.get(lie["url"]) as answer:
        assert answer.content_type == "text/html"
    broken = attach(discord_server, Picture("a.png", DATA, delivery=Delivery(status=503)))
    assert (await web.get(broken["url"])).status == 503
