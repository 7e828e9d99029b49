"""Application commands and autocomplete choices (Application Commands, "Application Command Structure")."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.discord_server.checks.form import Form, FormErrors
from tests.discord_server.errors import TOO_MANY_COMMANDS, ApiError
from tests.discord_server.state import Json

CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUB_COMMAND, SUB_COMMAND_GROUP, STRING, INTEGER, NUMBER, CHANNEL = 1, 2, 3, 4, 10, 7

MOST_COMMANDS = {CHAT_INPUT: 100, USER_MENU: 15, MESSAGE_MENU: 15}  # ("Registering a Command")
MOST_OPTIONS = 25
MOST_CHOICES = 25
ALL_TEXT_TOGETHER = 8000
"""Of names, descriptions and values of one command, where of translations the longest counts."""

LOCALES = frozenset(
    re.findall(
        r"\S+",
        """id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi
        th zh-CN ja zh-TW ko""",
    )
)
"""(Reference, "Locales")."""

_SLASH_NAME = re.compile(r"[-_'\w\u0900-\u097f\u0e00-\u0e7f]{1,32}")
"""`^[-_'\\p{L}\\p{N}\\p{sc=Deva}\\p{sc=Thai}]{1,32}$` ("Application Command Naming")."""

_TYPED: dict[int, Any] = {STRING: str, INTEGER: int, NUMBER: (int, float)}


def check_commands(body: Any) -> list[Json]:
    """All commands of one scope, for a bulk overwrite.

    Raises:
        ApiError: 50035 for a faulty command, 30032 for too many.
    """
    errors = FormErrors()
    form = Form({"commands": body}, errors)
    form.forms("commands", 1000, _check_command, required=True)
    errors.check()
    for kind, most in MOST_COMMANDS.items():
        if sum(command.get("type", CHAT_INPUT) == kind for command in body) > most:
            raise ApiError(TOO_MANY_COMMANDS)
    keys = [(command.get("type", CHAT_INPUT), command["name"]) for command in body]
    for number, command in enumerate(body):
        if (length := _text_length(command)) > ALL_TEXT_TOGETHER:
            message = f"Command exceeds maximum size ({length} > {ALL_TEXT_TOGETHER})"
            errors.add((str(number),), "APPLICATION_COMMAND_TOO_LARGE", message)
        if keys.index(keys[number]) != number:
            errors.add((str(number), "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Names must be unique")
    errors.check()
    return list(body)


def check_choices(form: Form, kind: int) -> None:
    """The data of an autocomplete answer for an option of this type (Interactions, "Autocomplete")."""
    form.forms("choices", MOST_CHOICES, lambda choice: _check_choice(choice, kind), required=True)


def _check_command(form: Form) -> None:
    kind = form.one_of("type", (CHAT_INPUT, USER_MENU, MESSAGE_MENU)) or CHAT_INPUT
    form.raw("id")
    _check_names(form, slash=kind == CHAT_INPUT)
    if kind == CHAT_INPUT:
        _check_descriptions(form)
        form.forms("options", MOST_OPTIONS, lambda option: _check_option(option, depth=0))
        _check_order(form)
    else:  # "Empty string for USER and MESSAGE commands"
        form.text("description", 0)
    permissions = form.raw(
        "default_member_permissions"
    )  # text; discord.py sends a number, which Discord takes
    if permissions is not None and not str(permissions).isdecimal():
        form.fail("default_member_permissions", "BITFIELD_TYPE_CONVERT", "Not a set of permissions")
    form.boolean("nsfw")
    form.boolean("dm_permission", nullable=True)
    for name, known in (("contexts", {0, 1, 2}), ("integration_types", {0, 1})):
        values = form.items(name, len(known), nullable=True)
        if set(map(repr, values)) - set(map(repr, known)) or len(set(map(repr, values))) != len(values):
            form.fail(name, "BASE_TYPE_CHOICES", f"Values must be some of {sorted(known)}, once each.")


def _check_option(form: Form, depth: int) -> None:
    kind = form.one_of("type", range(1, 12), required=True)
    _check_names(form, slash=True)
    _check_descriptions(form)
    if kind in (SUB_COMMAND, SUB_COMMAND_GROUP):
        # Groups hold subcommands, subcommands hold parameters ("Subcommands and Subcommand Groups").
        if depth > 1 or (depth == 1 and kind == SUB_COMMAND_GROUP):
            form.fail("type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Nested too deeply")
        form.forms("options", MOST_OPTIONS, lambda option: _check_option(option, depth + 1))
        _check_order(form)
        form.boolean("required")
        return
    form.boolean("required")
    if kind == CHANNEL:
        form.items("channel_types", 20)
    if kind not in _TYPED:
        return
    form.forms("choices", MOST_CHOICES, lambda choice: _check_choice(choice, kind))
    if form.boolean("autocomplete") and form.raw("choices"):
        form.fail("autocomplete", "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", "Not with choices")
    if kind == STRING:
        form.integer("min_length", 0, 6000)
        form.integer("max_length", 1, 6000)
        return
    for name in ("min_value", "max_value"):
        value = form.raw(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, _TYPED[kind])):
            form.fail(name, "NUMBER_TYPE_COERCE", f"Value {value!r} does not fit the option.")


def _check_order(form: Form) -> None:
    options = [option for option in form.raw("options") or [] if isinstance(option, dict)]
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        message = "Required options must be placed before non-required options"
        form.fail("options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
    names = [option.get("name") for option in options]
    if len(set(map(str, names))) != len(names):
        form.fail("options", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
    kinds = {option.get("type") in (SUB_COMMAND, SUB_COMMAND_GROUP) for option in options}
    if len(kinds) == 2:
        form.fail(
            "options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Subcommands and parameters are mixed"
        )


def _check_choice(form: Form, kind: int) -> None:
    form.text("name", 100, shortest=1, required=True)
    _check_translations(form, "name_localizations", lambda text: 1 <= len(text) <= 100)
    value = form.raw("value")
    if isinstance(value, bool) or not isinstance(value, _TYPED[kind]):
        form.fail("value", "BASE_TYPE_REQUIRED", f"Value {value!r} does not fit the option.")
    elif isinstance(value, str) and not 1 <= len(value) <= 100:
        form.fail("value", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")


def _check_names(form: Form, *, slash: bool) -> None:
    def fits(name: str) -> bool:
        if not slash:
            return 1 <= len(name) <= 32
        # "If there is a lowercase variant of any letters used, you must use those."
        return bool(_SLASH_NAME.fullmatch(name)) and name == name.lower()

    name = form.text("name", 32, shortest=1, required=True)
    if name is not None and not fits(name):
        form.fail("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    _check_translations(form, "name_localizations", fits)


def _check_descriptions(form: Form) -> None:
    form.text("description", 100, shortest=1, required=True)
    _check_translations(form, "description_localizations", lambda text: 1 <= len(text) <= 100)


def _check_translations(form: Form, name: str, fits: Callable[[str], bool]) -> None:
    translations = form.raw(name)
    if translations is None:
        return
    if not isinstance(translations, dict):
        form.fail(name, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return
    for locale, text in translations.items():
        if locale not in LOCALES:
            form.fail(name, "BASE_TYPE_CHOICES", f"{locale!r} is no locale of Discord's")
        elif not isinstance(text, str) or not fits(text):
            form.fail(name, "APPLICATION_COMMAND_INVALID_NAME", f"{locale}: {text!r} does not fit")


def _text_length(node: Json) -> int:
    total = 0
    for name in ("name", "description"):
        texts = [node.get(name) or "", *(node.get(f"{name}_localizations") or {}).values()]
        total += max(map(len, texts))
    total += len(node["value"]) if isinstance(node.get("value"), str) else 0
    return total + sum(
        _text_length(child) for part in ("options", "choices") for child in node.get(part) or []
    )
