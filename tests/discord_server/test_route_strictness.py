"""Only known routes, by known methods, with the right headers."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.discord_server.intents import Intent
from tests.discord_server.raw_rest import RawRest
from tests.discord_server.server import DiscordServer


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nonsense", 404),
        ("GET", "/channels/abc", 404),
        ("GET", "/guilds/1/widget", 404),
        ("POST", "/channels/1/messages/", 404),
        ("DELETE", "/users/@me", 405),
        ("PUT", "/channels/1/messages", 405),
    ],
)
async def test_unknown_routes_and_methods(
    discord_server: DiscordServer, rest: RawRest, method: str, path: str, status: int
) -> None:
    assert (await rest.send(method, path)).status == status
    assert len(discord_server.take_errors()) == 1


async def test_another_version_of_the_interface(discord_server: DiscordServer) -> None:
    url = discord_server.cdn.base + "/api/v9/gateway/bot"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 404
    assert discord_server.take_errors()


@pytest.mark.parametrize(
    ("headers", "status", "mistake"),
    [
        ({"Authorization": None}, 401, True),
        ({"Authorization": "Bearer x"}, 401, True),
        ({"Authorization": "Bot "}, 401, True),
        ({"Authorization": "Bot wrong"}, 401, False),
        ({"User-Agent": "curl/8"}, 400, True),
    ],
)
async def test_headers(
    discord_server: DiscordServer, rest: RawRest, headers: dict[str, Any], status: int, mistake: bool
) -> None:
    assert (await rest.send("GET", "/users/@me", headers=headers)).status == status
    assert bool(discord_server.take_errors()) == mistake


async def test_bodies_of_the_wrong_kind(discord_server: DiscordServer, rest: RawRest) -> None:
    channel = discord_server.add_channel(discord_server.add_guild())
    path = f"/channels/{channel.id}"
    answers = [
        await rest.send("POST", path + "/messages", data=b"x", headers={"Content-Type": "text/plain"}),
        await rest.send("POST", path + "/messages", data=b"{", headers={"Content-Type": "application/json"}),
        await rest.send("POST", path + "/messages", ["no", "object"]),
        await rest.send("POST", path + "/typing", {"a": "body"}),
        await rest.upload("POST", "/users/@me/channels", {"recipient_id": "1"}, {}),
        await rest.send("GET", path, params={"unknown": "1"}),
    ]
    assert [answer.code for answer in answers] == [50035, 50109, 50035, 50035, 50035, 50035]
    assert len(discord_server.take_errors()) == 6


async def test_things_that_do_not_exist(discord_server: DiscordServer, rest: RawRest) -> None:
    guild = discord_server.add_guild()
    codes = {
        "/channels/1": 10003,
        "/guilds/1": 10004,
        f"/guilds/{guild.id}/members/1": 10007,
        f"/guilds/{guild.id}/roles/1": 10011,
        "/users/1": 10013,
        f"/applications/{discord_server.world.application_id}/commands/1": 10063,
    }
    assert {path: (await rest.send("GET", path)).code for path in codes} == codes
    assert (await rest.send("POST", "/users/@me/channels", {"recipient_id": "1"})).code == 10013
    assert (await rest.send("GET", "/applications/1/commands")).code == 10002
    assert discord_server.take_errors()


async def test_what_exists_can_be_read(discord_server: DiscordServer, rest: RawRest) -> None:
    guild = discord_server.add_guild("club")
    channel = discord_server.add_channel(guild, "pictures", nsfw=True)
    alice = discord_server.add_member(guild, "alice", nick="Al")
    assert (await rest.send("GET", f"/guilds/{guild.id}")).body["name"] == "club"
    assert (await rest.send("GET", f"/guilds/{guild.id}/channels")).body[0]["id"] == str(channel.id)
    assert (await rest.send("GET", f"/channels/{channel.id}")).body["nsfw"] is True
    member = (await rest.send("GET", f"/guilds/{guild.id}/members/{alice.user.id}")).body
    assert (member["nick"], member["user"]["username"]) == ("Al", "alice")
    assert len((await rest.send("GET", f"/guilds/{guild.id}/members", params={"limit": "9"})).body) == 3
    assert len((await rest.send("GET", f"/guilds/{guild.id}/roles")).body) == 2
    assert len((await rest.send("GET", "/users/@me/guilds")).body) == 1
    assert (await rest.send("GET", "/applications/@me")).body["flags"] == (1 << 13) | (1 << 15) | (1 << 19)
    discord_server.world.portal_intents = Intent.NONE
    assert (await rest.send("GET", f"/guilds/{guild.id}/members")).code == 50001


async def test_messages_are_listed_newest_first_and_without_content_where_the_portal_says_so(
    discord_server: DiscordServer, rest: RawRest
) -> None:
    guild = discord_server.add_guild()
    channel = discord_server.add_channel(guild)
    alice = discord_server.add_member(guild, "alice")
    posted = [discord_server.post_message(channel, alice, str(number)) for number in range(4)]
    path = f"/channels/{channel.id}/messages"
    listed = (await rest.send("GET", path, params={"limit": "2", "before": str(posted[3].id)})).body
    assert [one["content"] for one in listed] == ["2", "1"]
    listed = (await rest.send("GET", path, params={"limit": "2", "after": str(posted[0].id)})).body
    assert [one["content"] for one in listed] == ["2", "1"]
    discord_server.world.portal_intents = Intent.NONE
    assert (await rest.send("GET", f"{path}/{posted[0].id}")).body["content"] == ""


async def test_reactions(discord_server: DiscordServer, rest: RawRest) -> None:
    guild = discord_server.add_guild()
    channel = discord_server.add_channel(guild)
    message = discord_server.post_message(channel, discord_server.add_member(guild, "alice"), "x")
    path = f"/channels/{channel.id}/messages/{message.id}/reactions"
    assert (await rest.send("PUT", f"{path}/👀/@me")).status == 204
    assert message.reactions == {"👀": {discord_server.world.bot.id}}
    assert (await rest.send("DELETE", f"{path}/👀/@me")).status == 204
    assert message.reactions == {}
    assert (await rest.send("PUT", f"{path}/eyes/@me")).code == 10014
    assert discord_server.take_errors()
