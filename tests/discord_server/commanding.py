"""What people do with commands, as far as Discord's own client lets them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.discord_server.checks.commands import (
    CHAT_INPUT,
    INTEGER,
    MESSAGE_MENU,
    NUMBER,
    STRING,
    SUB_COMMAND,
    SUB_COMMAND_GROUP,
    USER_MENU,
)
from tests.discord_server.interactions import Interaction, InteractionKind
from tests.discord_server.invoking import Resolved, invoke
from tests.discord_server.people import Picture, check_may
from tests.discord_server.permissions import Permission, channel_permissions
from tests.discord_server.state import Channel, Json, Member, Message, Role, User
from tests.discord_server.world import World

_BOOLEAN, _USER, _CHANNEL, _ROLE, _ATTACHMENT = 5, 6, 7, 8, 11

_VALUES: dict[int, type | tuple[type, ...]] = {
    STRING: str,
    INTEGER: int,
    _BOOLEAN: bool,
    _USER: (Member, User),
    _CHANNEL: Channel,
    _ROLE: Role,
    NUMBER: (int, float),
    _ATTACHMENT: Picture,
}


class Commands:
    """Slash commands, context menus and autocomplete. Only what the bot has registered can be used."""

    world: World

    def slash(
        self,
        channel: Channel,
        author: Member | User,
        name: str,
        options: Mapping[str, Any] | None = None,
    ) -> Interaction:
        """Uses `name`, with the words of subcommands after it; a `Picture` fills an attachment option.

        Raises:
            AssertionError: the client would not offer the command, or not let its options through.
        """
        command, chain = self._find(channel, author, name)
        resolved = Resolved(self.world, channel, author)
        values = _options(chain[-1], options or {}, resolved)
        data = _command_data(command, _nested(chain, values)) | resolved.field()
        return self._use(InteractionKind.COMMAND, channel, author, data, CHAT_INPUT, name)

    def autocomplete(
        self,
        channel: Channel,
        author: Member | User,
        name: str,
        focused: str,
        text: str,
        options: Mapping[str, Any] | None = None,
    ) -> Interaction:
        """Types `text` into the option `focused`; the choices come by `await server.choices(...)`."""
        command, chain = self._find(channel, author, name)
        option = next(option for option in chain[-1]["options"] if option["name"] == focused)
        assert option.get("autocomplete"), f"{name}: {focused} has no autocomplete"
        others = _options(chain[-1], options or {}, Resolved(self.world, channel, author), complete=False)
        typed = {"name": focused, "type": option["type"], "value": text, "focused": True}
        data = _command_data(command, _nested(chain, [*others, typed]))
        return self._use(InteractionKind.AUTOCOMPLETE, channel, author, data, CHAT_INPUT, name)

    def context_menu(
        self, channel: Channel, author: Member | User, name: str, target: Message | Member | User
    ) -> Interaction:
        """Uses a command from the menu of a message or a person."""
        kind = MESSAGE_MENU if isinstance(target, Message) else USER_MENU
        command = self._registered(channel, name, kind)
        self._check_offered(command, channel, author)
        resolved = Resolved(self.world, channel, author)
        data = {key: command[key] for key in ("id", "name", "type")} | {"target_id": resolved.add(target)}
        return self._use(InteractionKind.COMMAND, channel, author, data | resolved.field(), kind, name)

    def _use(
        self,
        interaction: InteractionKind,
        channel: Channel,
        author: Member | User,
        data: Json,
        command_type: int,
        name: str,
    ) -> Interaction:
        if channel.guild and data["id"] in self._ids(channel.guild.id):
            data |= {"guild_id": str(channel.guild.id)}
        return invoke(
            self.world, interaction, channel, author, data, command_type=command_type, command_name=name
        )

    def _find(self, channel: Channel, author: Member | User, name: str) -> tuple[Json, list[Json]]:
        """The command, and it with the groups and the subcommand that the words name."""
        first, *rest = name.split(" ")
        command = self._registered(channel, first, CHAT_INPUT)
        self._check_offered(command, channel, author)
        chain = [command]
        for word in rest:
            options = {option["name"]: option for option in chain[-1]["options"]}
            assert word in options, f"/{name}: no {word!r} among {sorted(options)}"
            chain.append(options[word])
        nested = [
            option["type"] in (SUB_COMMAND, SUB_COMMAND_GROUP) for option in chain[-1].get("options", [])
        ]
        assert not any(nested), f"/{name} needs a subcommand"
        return command, chain

    def _registered(self, channel: Channel, name: str, kind: int) -> Json:
        scopes = [channel.guild.id, None] if channel.guild else [None]
        commands = [command for scope in scopes for command in self.world.commands.get(scope, [])]
        for command in commands:
            if command["name"] == name and command["type"] == kind:
                return command
        raise AssertionError(f"{name!r} is not among {[command['name'] for command in commands]}")

    def _ids(self, guild_id: int) -> set[str]:
        return {command["id"] for command in self.world.commands.get(guild_id, [])}

    def _check_offered(self, command: Json, channel: Channel, author: Member | User) -> None:
        name = command["name"]
        contexts = command.get("contexts")
        context = 0 if channel.guild else 1
        assert contexts is None or context in contexts, f"{name} is not offered in context {context}"
        assert channel.guild or command.get("dm_permission", True), (
            f"{name} is not offered in direct messages"
        )
        assert not command["nsfw"] or channel.nsfw, f"{name} is only offered in age-restricted channels"
        check_may(channel, author)
        if isinstance(author, Member) and channel.guild:
            allowed = channel_permissions(channel, author)
            wanted = command.get("default_member_permissions")
            # "0" means nobody but administrators (Application Commands, "Permissions").
            needed = Permission.ADMINISTRATOR if wanted == "0" else Permission(int(wanted or 0))
            needed |= Permission.USE_APPLICATION_COMMANDS
            assert needed in allowed, f"{name} is not offered to {author.user.name}"


def _command_data(command: Json, options: list[Json]) -> Json:
    return {key: command[key] for key in ("id", "name", "type")} | {"options": options}


def _nested(chain: list[Json], values: list[Json]) -> list[Json]:
    for option in reversed(chain[1:]):
        values = [{"name": option["name"], "type": option["type"], "options": values}]
    return values


def _options(
    command: Json, given: Mapping[str, Any], resolved: Resolved, *, complete: bool = True
) -> list[Json]:
    known = {option["name"]: option for option in command.get("options", [])}
    assert set(given) <= set(known), f"{command['name']} has no {set(given) - set(known)}"
    if complete:
        missing = [name for name, option in known.items() if option.get("required") and name not in given]
        assert not missing, f"{command['name']} needs {missing}"
    return [
        {"name": name, "type": known[name]["type"], "value": _value(known[name], value, resolved)}
        for name, value in given.items()
    ]


def _value(option: Json, value: Any, resolved: Resolved) -> Any:
    """The value as the client sends it, if it lets it through."""
    name, kind = option["name"], option["type"]
    assert isinstance(value, _VALUES[kind]), f"{name}: {value!r} does not fit type {kind}"
    if choices := option.get("choices"):
        assert value in [choice["value"] for choice in choices], f"{name}: {value!r} is no choice"
    if kind == STRING:
        shortest, longest = option.get("min_length", 0), option.get("max_length", 6000)
        assert shortest <= len(str(value)) <= longest, f"{name}: {value!r}"
    if kind in (INTEGER, NUMBER):
        low, high = option.get("min_value", -(2**53)), option.get("max_value", 2**53)
        assert low <= value <= high, f"{name}: {value!r} is not within {low} and {high}"
    return resolved.add(value) if kind in (_USER, _CHANNEL, _ROLE, _ATTACHMENT) else value
