"""The bot about itself, users and direct messages (User, Application and Gateway resources)."""

from __future__ import annotations

from tests.discord_server import payloads
from tests.discord_server.checks.form import Form, FormErrors
from tests.discord_server.errors import UNKNOWN_USER, ApiError
from tests.discord_server.routing import Body, Call, RouteTable
from tests.discord_server.state import Json

ROUTES = RouteTable()


@ROUTES.add("GET", "/gateway/bot")
async def gateway_bot(call: Call) -> Json:
    return call.gateway.bot_payload()


@ROUTES.add("GET", "/users/@me")
async def current_user(call: Call) -> Json:
    return payloads.user_payload(call.world.bot) | {"verified": True, "mfa_enabled": False, "email": None}


@ROUTES.add("GET", "/users/@me/guilds", query=("limit", "before", "after", "with_counts"))
async def current_user_guilds(call: Call) -> list[Json]:
    world = call.world
    limit, after = int(call.query.get("limit", 200)), int(call.query.get("after", 0))
    guilds = sorted(
        (guild for guild in world.guilds.values() if guild.id > after), key=lambda guild: guild.id
    )
    return [payloads.own_guild_payload(guild, world.bot_member(guild)) for guild in guilds[:limit]]


@ROUTES.add("GET", "/applications/@me")
@ROUTES.add("GET", "/oauth2/applications/@me")
async def current_application(call: Call) -> Json:
    world = call.world
    return {
        "id": str(world.application_id),
        "name": "Dareda",
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": world.application_flags,
        "owner": payloads.user_payload(world.owner),
        "team": None,
        "bot": payloads.user_payload(world.bot),
        "interactions_endpoint_url": None,
        "approximate_guild_count": len(world.guilds),
        "integration_types_config": {"0": {}},
    }


@ROUTES.add("GET", "/users/{user_id}")
async def user(call: Call) -> Json:
    found = call.world.users.get(call.number("user_id"))
    if found is None:
        raise ApiError(UNKNOWN_USER)
    return payloads.user_payload(found)


@ROUTES.add("POST", "/users/@me/channels", body=Body.JSON)
async def create_direct_channel(call: Call) -> Json:
    errors = FormErrors()
    form = Form(call.body, errors)
    user_id = form.snowflake("recipient_id", required=True)
    form.finish()
    errors.check()
    recipient = call.world.users.get(user_id or 0)
    if recipient is None or recipient is call.world.bot:
        raise ApiError(UNKNOWN_USER)
    return payloads.channel_payload(call.world.direct_channel(recipient))
