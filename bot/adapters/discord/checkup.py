"""What `doctor` wants to know of Discord: token, intents, permissions, commands; and the invitation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import aiohttp
import discord
from pydantic import SecretStr

from bot.adapters.discord.adapter import PORTAL
from bot.adapters.discord.addresses import pointed_at
from bot.adapters.discord.commands import CommandTree
from bot.checks import Check, State
from config.options import DiscordOptions

NEEDED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
    read_message_history=True,
)
"""What the bot asks for in a server."""

_MOST_SERVERS = 200
_MOST_NAMED = 5


async def check_discord(options: DiscordOptions, token: SecretStr) -> Sequence[Check]:
    """Asks Discord, without going online as the bot."""
    with pointed_at(options):
        async with discord.Client(intents=discord.Intents(guilds=True)) as client:
            try:
                await client.login(token.get_secret_value())
                return await _checks(client, options)
            except discord.LoginFailure:
                fix = f"Copy the token again from {PORTAL} (Bot, Reset Token) into DISCORD_TOKEN."
                return (Check("Discord", State.FAILED, "Discord does not know the token", fix),)
            except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError) as error:
                detail = f"{options.api_base} cannot be reached: {type(error).__name__}"
                fix = "Check the network of this machine, and discord.api_base."
                return (Check("Discord", State.FAILED, detail, fix),)


async def _checks(client: discord.Client, options: DiscordOptions) -> Sequence[Check]:
    application = await client.application_info()
    servers = await client.http.get_guilds(_MOST_SERVERS)
    return (
        Check("Discord", State.OK, f"signed in as {client.user}; servers: {len(servers)}"),
        _intent(application.flags, options),
        _permissions(servers),
        await _commands(CommandTree(client)),
        Check("· invitation", State.NOTE, invitation(application.id)),
    )


def invitation(application_id: int) -> str:
    """The link by which somebody adds the bot to a server with the right permissions."""
    return discord.utils.oauth_url(application_id, permissions=NEEDED)


def _intent(flags: discord.ApplicationFlags, options: DiscordOptions) -> Check:
    label = "· intents"
    if not options.message_content:
        detail = "discord.message_content is off: only mentions, commands and menus are answered"
        return Check(label, State.NOTE, detail)
    if flags.gateway_message_content or flags.gateway_message_content_limited:
        return Check(label, State.OK, "posted pictures can be seen")
    return Check(
        label,
        State.FAILED,
        "the Message Content Intent is not allowed, so it cannot connect",
        f"Allow it at {PORTAL} (Bot, Privileged Gateway Intents), or set discord.message_content to false.",
    )


def _permissions(servers: Iterable[Mapping[str, Any]]) -> Check:
    label = "· permissions"
    lacking = []
    for server in servers:
        allowed = discord.Permissions(int(server["permissions"]))
        missing = (
            []
            if allowed.administrator
            else [name for name, needed in NEEDED if needed and not getattr(allowed, name)]
        )
        if missing:
            lacking.append(f"{server['name']} ({', '.join(missing)})")
    if not lacking:
        return Check(label, State.OK, "as needed in all servers; channels may differ")
    more = f" and {len(lacking) - _MOST_NAMED} more" if len(lacking) > _MOST_NAMED else ""
    return Check(
        label,
        State.NOTE,
        f"missing in {'; '.join(lacking[:_MOST_NAMED])}{more}",
        "Open the invitation once more and choose the server, or give them to the bot's role.",
    )


async def _commands(tree: CommandTree) -> Check:
    label = "· commands"
    ours = {_outline(payload) for payload in await tree.payloads()}
    known = {_outline(command.to_dict()) for command in await tree.fetch_commands()}
    if ours == known:
        return Check(label, State.OK, f"{len(ours)} registered")
    detail = f"{len(ours - known)} to be registered or changed, {len(known - ours)} to be removed"
    return Check(label, State.NOTE, detail, "`python bot.py run` does it when it starts.")


def _outline(command: Mapping[str, Any]) -> tuple[object, ...]:
    """What tells one version of a command from another; discord.py does not ask for the translations."""
    return (
        command.get("type", 1),
        command["name"],
        command.get("description", ""),
        tuple((option["name"], option["type"]) for option in command.get("options") or ()),
    )
