"""Registering application commands, for all guilds or for one (Application Commands, "Endpoints")."""

from __future__ import annotations

from tests.discord_server.checks.commands import CHAT_INPUT, check_commands
from tests.discord_server.errors import UNKNOWN_COMMAND, ApiError
from tests.discord_server.routing import Body, Call, RouteTable
from tests.discord_server.state import Json

ROUTES = RouteTable()

_GLOBAL = "/applications/{application_id}/commands"
_OF_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"


@ROUTES.add("GET", _GLOBAL, query=("with_localizations",))
@ROUTES.add("GET", _OF_GUILD, query=("with_localizations",))
async def list_commands(call: Call) -> list[Json]:
    registered = call.world.commands.get(_scope(call), [])
    if call.query.get("with_localizations", "false").lower() in ("1", "true"):
        return registered
    hidden = {"name_localizations", "description_localizations"}
    return [{key: value for key, value in command.items() if key not in hidden} for command in registered]


@ROUTES.add("PUT", _GLOBAL, body=Body.JSON)
@ROUTES.add("PUT", _OF_GUILD, body=Body.JSON)
async def overwrite_commands(call: Call) -> list[Json]:
    """All commands at once; those whose name and type stay keep their id."""
    scope = _scope(call)
    checked = check_commands(call.body)
    old = {
        (command["type"], command["name"]): command["id"] for command in call.world.commands.get(scope, [])
    }
    registered = []
    for command in checked:
        kind = command.get("type", CHAT_INPUT)
        command_id = old.get((kind, command["name"])) or str(call.world.snowflakes.next())
        permissions = command.get("default_member_permissions")
        registered.append(
            {"description": "", "options": [], "nsfw": False}
            | command
            | {
                "id": command_id,
                "type": kind,
                "application_id": str(call.world.application_id),
                "version": str(call.world.snowflakes.next()),
                "default_member_permissions": None if permissions is None else str(permissions),
            }
            | ({} if scope is None else {"guild_id": str(scope)})
        )
    call.world.commands[scope] = registered
    return registered


@ROUTES.add("GET", _GLOBAL + "/{command_id}")
@ROUTES.add("GET", _OF_GUILD + "/{command_id}")
async def get_command(call: Call) -> Json:
    return _find(call)


@ROUTES.add("DELETE", _GLOBAL + "/{command_id}")
@ROUTES.add("DELETE", _OF_GUILD + "/{command_id}")
async def delete_command(call: Call) -> None:
    call.world.commands[_scope(call)].remove(_find(call))


def _find(call: Call) -> Json:
    for command in call.world.commands.get(_scope(call), []):
        if int(command["id"]) == call.number("command_id"):
            return command
    raise ApiError(UNKNOWN_COMMAND)


def _scope(call: Call) -> int | None:
    call.check_application()
    return call.guild().id if "guild_id" in call.parameters else None
