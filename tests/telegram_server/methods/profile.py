"""Methods by which the bot describes itself: command menus, name, descriptions."""

from __future__ import annotations

import json
import re

from tests.telegram_server.errors import mistaken
from tests.telegram_server.routing import Call, Methods
from tests.telegram_server.state import Json

METHODS = Methods()
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"([a-z]{2})?")
_LONGEST = {"name": 64, "description": 512, "short_description": 120}


@METHODS.method("setMyCommands", "commands", "scope", "language_code")
async def set_my_commands(call: Call) -> bool:
    commands = call.given("commands")
    if len(commands) > 100:
        raise mistaken("BOT_COMMANDS_TOO_MUCH")
    for one in commands:
        if not _COMMAND.fullmatch(one["command"]):
            raise mistaken("BOT_COMMAND_INVALID")
        if not 1 <= len(one["description"]) <= 256:
            raise mistaken("BOT_COMMAND_DESCRIPTION_INVALID")
    if len({one["command"] for one in commands}) < len(commands):
        raise mistaken("a command is listed twice")
    call.world.commands[_key(call)] = commands
    return True


@METHODS.method("getMyCommands", "scope", "language_code")
async def get_my_commands(call: Call) -> list[Json]:
    return call.world.commands.get(_key(call), [])


@METHODS.method("deleteMyCommands", "scope", "language_code")
async def delete_my_commands(call: Call) -> bool:
    call.world.commands.pop(_key(call), None)
    return True


@METHODS.method("setMyName", "name", "language_code")
async def set_my_name(call: Call) -> bool:
    return _set(call, "name")


@METHODS.method("setMyDescription", "description", "language_code")
async def set_my_description(call: Call) -> bool:
    return _set(call, "description")


@METHODS.method("setMyShortDescription", "short_description", "language_code")
async def set_my_short_description(call: Call) -> bool:
    return _set(call, "short_description")


@METHODS.method("getMyDescription", "language_code")
async def get_my_description(call: Call) -> Json:
    return {"description": call.world.profile.get(("description", _language(call)), "")}


@METHODS.method("getMyShortDescription", "language_code")
async def get_my_short_description(call: Call) -> Json:
    return {"short_description": call.world.profile.get(("short_description", _language(call)), "")}


def _set(call: Call, what: str) -> bool:
    text = call.given(what, "")
    if len(text) > _LONGEST[what]:
        raise mistaken(f"BOT_{what.upper()}_TOO_LONG")
    call.world.profile[(what, _language(call))] = text
    return True


def _key(call: Call) -> tuple[str, str]:
    scope = call.given("scope") or {"type": "default"}
    if "chat_id" in scope:
        call.world.chat(scope["chat_id"])
    return json.dumps(scope, sort_keys=True), _language(call)


def _language(call: Call) -> str:
    language: str = call.given("language_code") or ""
    if not _LANGUAGE.fullmatch(language):
        raise mistaken("LANGUAGE_CODE_INVALID")
    return language
