"""What `doctor` says of Discord."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from bot.adapters.discord.checkup import NEEDED, check_discord
from bot.checks import Check, State
from config.options import DiscordOptions
from tests.adapters.discord.connecting import connected, options_for
from tests.adapters.discord.scripted import ScriptedConversation
from tests.discord_server.intents import Intent
from tests.discord_server.permissions import Permission
from tests.discord_server.server import DiscordServer


async def checks(server: DiscordServer, **options: object) -> dict[str, Check]:
    found = await check_discord(options_for(server, **options), SecretStr(server.token))
    return {check.label: check for check in found}


async def test_a_bot_that_is_set_up_is_fine_and_its_invitation_asks_for_what_it_needs(
    discord_server: DiscordServer, conversation: ScriptedConversation
) -> None:
    discord_server.add_guild("club")
    async with connected(discord_server, conversation):
        pass
    found = await checks(discord_server)
    assert [check.state for check in found.values()] == [State.OK] * 4 + [State.NOTE]
    assert "dareda" in found["Discord"].detail and "servers: 1" in found["Discord"].detail
    link = found["· invitation"].detail
    assert str(discord_server.world.application_id) in link and f"permissions={NEEDED.value}" in link
    assert not list(discord_server.gateway.open())


async def test_commands_that_are_not_registered_yet_are_counted(discord_server: DiscordServer) -> None:
    found = (await checks(discord_server))["· commands"]
    assert found.state is State.NOTE and found.detail.startswith("21 to be registered")


async def test_a_wrong_token_a_missing_intent_and_missing_permissions_say_what_to_do(
    discord_server: DiscordServer,
) -> None:
    options = options_for(discord_server)
    (wrong,) = await check_discord(options, SecretStr("no.such.token"))
    assert wrong.state is State.FAILED and "DISCORD_TOKEN" in wrong.fix
    discord_server.world.portal_intents = Intent.NONE
    discord_server.add_guild(
        "mute", bot_permissions=Permission.VIEW_CHANNEL, everyone=Permission.VIEW_CHANNEL
    )
    discord_server.add_guild("open", bot_permissions=Permission.ADMINISTRATOR)
    found = await checks(discord_server)
    assert found["· intents"].state is State.FAILED and "message_content" in found["· intents"].fix
    assert "mute (" in found["· permissions"].detail and "attach_files" in found["· permissions"].detail
    assert "open" not in found["· permissions"].detail
    assert (await checks(discord_server, message_content=False))["· intents"].state is State.NOTE


async def test_a_discord_that_cannot_be_reached_is_said_to_be() -> None:
    options = DiscordOptions(api_base="http://127.0.0.1:9/api/v10")
    (found,) = await check_discord(options, SecretStr("x.y.z"))
    assert found.state is State.FAILED and "cannot be reached" in found.detail


@pytest.mark.parametrize("text", ["a token"])
async def test_nothing_of_the_token_is_said(discord_server: DiscordServer, text: str) -> None:
    (wrong,) = await check_discord(options_for(discord_server), SecretStr(text))
    assert text not in f"{wrong}"
