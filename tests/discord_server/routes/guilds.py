"""Guilds, their members, roles and channels, to be read (Guild and Channel resources)."""

from __future__ import annotations

from tests.discord_server import payloads
from tests.discord_server.errors import MISSING_ACCESS, UNKNOWN_MEMBER, UNKNOWN_ROLE, ApiError
from tests.discord_server.intents import Intent
from tests.discord_server.routing import Call, RouteTable
from tests.discord_server.state import ChannelKind, Json

ROUTES = RouteTable()


@ROUTES.add("GET", "/guilds/{guild_id}", query=("with_counts",))
async def guild(call: Call) -> Json:
    found = call.guild()
    counts = {"approximate_member_count": len(found.members), "approximate_presence_count": 1}
    wanted = call.query.get("with_counts", "0").lower() in ("1", "true")
    return payloads.guild_payload(found) | (counts if wanted else {})


@ROUTES.add("GET", "/guilds/{guild_id}/channels")
async def guild_channels(call: Call) -> list[Json]:
    channels = call.guild().channels.values()
    return [
        payloads.channel_payload(channel) for channel in channels if channel.kind != ChannelKind.PUBLIC_THREAD
    ]


@ROUTES.add("GET", "/guilds/{guild_id}/roles")
async def guild_roles(call: Call) -> list[Json]:
    return [payloads.role_payload(role) for role in call.guild().roles.values()]


@ROUTES.add("GET", "/guilds/{guild_id}/roles/{role_id}")
async def guild_role(call: Call) -> Json:
    role = call.guild().roles.get(call.number("role_id"))
    if role is None:
        raise ApiError(UNKNOWN_ROLE)
    return payloads.role_payload(role)


@ROUTES.add("GET", "/guilds/{guild_id}/members", query=("limit", "after"))
async def guild_members(call: Call) -> list[Json]:
    # "Requires the GUILD_MEMBERS privileged intent" (Guild resource, "List Guild Members").
    if Intent.GUILD_MEMBERS not in call.world.portal_intents:
        raise ApiError(MISSING_ACCESS)
    limit, after = int(call.query.get("limit", 1)), int(call.query.get("after", 0))
    members = sorted(call.guild().members.values(), key=lambda member: member.user.id)
    return [payloads.member_payload(member) for member in members if member.user.id > after][:limit]


@ROUTES.add("GET", "/guilds/{guild_id}/members/{user_id}")
async def guild_member(call: Call) -> Json:
    member = call.guild().members.get(call.number("user_id"))
    if member is None:
        raise ApiError(UNKNOWN_MEMBER)
    return payloads.member_payload(member)


@ROUTES.add("GET", "/channels/{channel_id}")
async def channel(call: Call) -> Json:
    return payloads.channel_payload(call.channel())
