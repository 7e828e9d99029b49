"""Application commands that Discord would refuse are refused and noted, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.discord_server.raw_rest import RawRest
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Json


@pytest.fixture
def commands(discord_server: DiscordServer) -> str:
    """The path of the global commands."""
    return f"/applications/{discord_server.world.application_id}/commands"


def slash(**changes: Any) -> Json:
    return {"name": "identify", "type": 1, "description": "Says who it is"} | changes


def option(**changes: Any) -> Json:
    return {"name": "name", "type": 3, "description": "Whose"} | changes


def menu(**changes: Any) -> Json:
    return {"name": "Who is this?", "type": 3} | changes


def choices(count: int) -> list[Json]:
    return [{"name": str(number), "value": str(number)} for number in range(count)]


def named(count: int) -> list[Json]:
    return [option(name=f"o{number}") for number in range(count)]


GOOD = [
    slash(name="x" * 32, description="x" * 100),
    slash(
        name="調べる",
        name_localizations={"ja": "調べる", "zh-CN": "谁"},
        description_localizations={"ja": "誰"},
    ),
    slash(options=[option(required=True, choices=choices(25)), *named(24)]),
    slash(options=[option(type=2, options=[option(type=1, options=[option()])])]),
    slash(options=[option(type=4, min_value=0, max_value=5), option(name="b", autocomplete=True)]),
    slash(default_member_permissions="32", contexts=[0, 1], integration_types=[0], nsfw=True),
    slash(default_member_permissions=None, contexts=None, integration_types=None, dm_permission=False),
    menu(description=""),
]

FAULTY: list[tuple[Json, str]] = [
    ({"type": 1, "description": "x"}, "name"),
    (slash(name="x" * 33), "name"),
    (slash(name="Identify"), "name"),
    (slash(name="who is"), "name"),
    (slash(name="who?"), "name"),
    (slash(type=5), "type"),
    (slash(description=""), "description"),
    (slash(description="x" * 101), "description"),
    (menu(description="x"), "description"),
    (menu(name="x" * 33), "name"),
    (menu(options=[option()]), "options"),
    (slash(name_localizations={"jp": "x"}), "name_localizations"),
    (slash(name_localizations={"ja": "Groß"}), "name_localizations"),
    (slash(name_localizations={"de": "Wer"}), "name_localizations"),
    (slash(name_localizations=["ja"]), "name_localizations"),
    (slash(description_localizations={"ja": "x" * 101}), "description_localizations"),
    (slash(default_member_permissions="manage"), "default_member_permissions"),
    (slash(contexts=[3]), "contexts"),
    (slash(contexts=[0, 0]), "contexts"),
    (slash(integration_types=[2]), "integration_types"),
    (slash(nsfw="yes"), "nsfw"),
    (slash(usage="x"), "usage"),
    (slash(options=named(26)), "options"),
    (slash(options=[option(), option()]), "options"),
    (slash(options=[option(), option(name="b", required=True)]), "options"),
    (slash(options=[option(), option(name="b", type=1)]), "options"),
    (slash(options=[option(type=12)]), "options.0.type"),
    (slash(options=[option(name="Name")]), "options.0.name"),
    (slash(options=[option(description="x" * 101)]), "options.0.description"),
    (slash(options=[option(choices=choices(26))]), "options.0.choices"),
    (slash(options=[option(choices=[{"name": "x" * 101, "value": "x"}])]), "options.0.choices.0.name"),
    (slash(options=[option(choices=[{"name": "x", "value": "x" * 101}])]), "options.0.choices.0.value"),
    (slash(options=[option(type=4, choices=[{"name": "x", "value": "1"}])]), "options.0.choices.0.value"),
    (slash(options=[option(choices=choices(1), autocomplete=True)]), "options.0.autocomplete"),
    (slash(options=[option(type=11, autocomplete=True)]), "options.0.autocomplete"),
    (slash(options=[option(min_length=6001)]), "options.0.min_length"),
    (slash(options=[option(max_length=0)]), "options.0.max_length"),
    (slash(options=[option(min_value=1)]), "options.0.min_value"),
    (slash(options=[option(type=4, min_value=0.5)]), "options.0.min_value"),
    (slash(options=[option(type=2, options=[option(type=2, options=[])])]), "options.0.options.0.type"),
]


@pytest.mark.parametrize("command", GOOD)
async def test_what_is_just_within_the_limits(rest: RawRest, commands: str, command: Json) -> None:
    answer = await rest.send("PUT", commands, [command])
    assert answer.status == 200, answer.body
    (registered,) = answer.body
    assert registered["name"] == command["name"] and int(registered["id"])


@pytest.mark.parametrize(("command", "field"), FAULTY)
async def test_a_faulty_field(
    discord_server: DiscordServer, rest: RawRest, commands: str, command: Json, field: str
) -> None:
    answer = await rest.send("PUT", commands, [command])
    assert (answer.status, answer.code) == (400, 50035)
    assert f"commands.0.{field}" in answer.wrong()
    assert len(discord_server.take_errors()) == 1
    assert discord_server.world.commands == {}


async def test_too_many_commands_too_much_text_and_names_used_twice(
    discord_server: DiscordServer, rest: RawRest, commands: str
) -> None:
    many = [slash(name=f"c{number}") for number in range(101)]
    assert (await rest.send("PUT", commands, many)).code == 30032
    menus = [menu(name=f"Menu {number}") for number in range(16)]
    assert (await rest.send("PUT", commands, menus)).code == 30032
    assert (await rest.send("PUT", commands, [*many[:100], *menus[:15]])).status == 200
    assert (await rest.send("PUT", commands, [slash(), slash()])).wrong() == {"1.name"}
    assert (await rest.send("PUT", commands, [slash(), menu(name="identify")])).status == 200
    wordy = [option(name=f"o{n}", description="x" * 100, choices=choices(25)) for n in range(20)]
    for part in wordy:
        part["choices"] = [{"name": "x" * 99 + str(n), "value": str(n)} for n in range(5)]
    assert (await rest.send("PUT", commands, [slash(options=wordy)])).wrong() == {"0"}
    assert len(discord_server.take_errors()) == 4


async def test_commands_keep_their_ids_and_guilds_have_their_own(
    discord_server: DiscordServer, rest: RawRest, commands: str
) -> None:
    guild = discord_server.add_guild()
    of_guild = commands.replace("/commands", f"/guilds/{guild.id}/commands")
    (first,) = (await rest.send("PUT", commands, [slash()])).body
    again, new = (await rest.send("PUT", commands, [slash(description="Other"), menu()])).body
    assert again["id"] == first["id"] != new["id"]
    (own,) = (await rest.send("PUT", of_guild, [slash(name_localizations={"ja": "だれ"})])).body
    assert own["guild_id"] == str(guild.id)
    (listed,) = (await rest.send("GET", of_guild)).body
    assert "name_localizations" not in listed
    (listed,) = (await rest.send("GET", of_guild, params={"with_localizations": "true"})).body
    assert listed["name_localizations"] == {"ja": "だれ"}
    assert (await rest.send("DELETE", f"{commands}/{new['id']}")).status == 204
    assert [one["id"] for one in (await rest.send("GET", commands)).body] == [first["id"]]
