"""The command tree, made from the catalogue: names in each language, parameters, completion, menus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter as Argument
from inspect import Signature
from typing import Any

import discord
from discord import app_commands

from bot.adapters.discord.interactions import Interactions
from bot.commands.catalogue import CATALOGUE, CommandSpec, Parameter, ParameterKind
from bot.texts import Texts, choose_language, texts_of
from bot.words import shorten

_Interaction = discord.Interaction[Any]
_LONGEST_NAME = 100
"""Characters of a completed name, and of its value."""
_MOST_CHOICES = 25

_CONTEXTS = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False)
_INSTALLS = app_commands.AppInstallationType(guild=True, user=False)


class FluentTranslator(app_commands.Translator):
    """Says each name and description in the languages that there are sentences for."""

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: Any
    ) -> str | None:
        say: Callable[[Texts], str] | None = string.extras.get("say")
        language = choose_language(locale.value)
        if say is None or language == "en":
            return None
        return say(texts_of(language))


class CommandTree(app_commands.CommandTree[Any]):
    """Everything in the catalogue, as slash commands and in the menu of messages."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__(client)
        for spec in CATALOGUE:
            self.add_command(_slash_command(spec))
            if spec.on_messages:
                self.add_command(_message_menu(spec))

    async def payloads(self) -> list[Mapping[str, Any]]:
        """What Discord is told of the commands."""
        return [
            await command.get_translated_payload(self, FluentTranslator()) for command in self.get_commands()
        ]

    async def on_error(self, interaction: _Interaction, error: app_commands.AppCommandError, /) -> None:
        """A command that Discord offers and this version does not know like that."""
        await _answering(interaction).not_understood(interaction, error)


def _slash_command(spec: CommandSpec) -> app_commands.Command[Any, ..., Any]:
    async def callback(interaction: _Interaction, **given: object) -> None:
        await _answering(interaction).command(interaction, spec.name, given)

    offered = list(_offered(spec))
    arguments = [Argument(option.name, Argument.POSITIONAL_OR_KEYWORD, **option.how) for option in offered]
    itself = Argument("interaction", Argument.POSITIONAL_OR_KEYWORD)
    # discord.py reads the options of a command from the signature of its function.
    callback.__signature__ = Signature([itself, *arguments])  # type: ignore[attr-defined]
    app_commands.describe(**{option.name: option.description for option in offered})(callback)
    app_commands.rename(**{option.name: option.shown_name for option in offered})(callback)
    completed = {option.name: _complete for option in offered if option.completed}
    if completed:
        app_commands.autocomplete(**completed)(callback)
    if spec.managing:
        app_commands.default_permissions(manage_guild=True)(callback)
    return app_commands.Command(
        name=_said(lambda texts: texts.command_name(spec.name), spec.name.value),
        description=_said(lambda texts: texts.command_description(spec.name)),
        callback=callback,
        allowed_contexts=_CONTEXTS,
        allowed_installs=_INSTALLS,
    )


def _message_menu(spec: CommandSpec) -> app_commands.ContextMenu:
    async def callback(interaction: _Interaction, message: discord.Message) -> None:
        await _answering(interaction).on_message(interaction, spec.name, message)

    # Not postponed, as `from __future__ import annotations` would: discord.py reads them as they are.
    callback.__annotations__["message"] = discord.Message
    return app_commands.ContextMenu(
        name=_said(lambda texts: texts.context_menu_name(spec.name)),
        callback=callback,
        allowed_contexts=_CONTEXTS,
        allowed_installs=_INSTALLS,
    )


class _Option:
    """One option of a slash command."""

    def __init__(self, spec: CommandSpec, parameter: Parameter, number: int = 1) -> None:
        name, suffix = parameter.name, str(number) if number > 1 else ""
        self.name = name + suffix
        self.completed = parameter.kind is ParameterKind.CHARACTER
        self.description = _said(lambda texts: texts.parameter_description(spec.name, name))
        self.shown_name = _said(lambda texts: texts.parameter_name(spec.name, name) + suffix, self.name)
        self.how: dict[str, Any] = {"annotation": _annotation(parameter)}
        if not parameter.required:
            self.how = {"annotation": self.how["annotation"] | None, "default": None}


def _offered(spec: CommandSpec) -> Iterator[_Option]:
    for parameter in spec.parameters:
        several = parameter.most if parameter.kind is ParameterKind.PICTURES else 1
        yield from (_Option(spec, parameter, number) for number in range(1, several + 1))


def _annotation(parameter: Parameter) -> Any:
    match parameter.kind:
        case ParameterKind.NUMBER:
            low, high = parameter.lowest, parameter.highest
            return int if low is high is None else app_commands.Range[int, low, high]
        case ParameterKind.CHOICE:
            return str
        case ParameterKind.CHANNEL:
            return app_commands.AppCommandChannel | app_commands.AppCommandThread
        case ParameterKind.ROLE:
            return discord.Role
        case ParameterKind.PICTURES | ParameterKind.FILE:
            return discord.Attachment
        case _:
            return app_commands.Range[str, 1, parameter.longest]


async def _complete(interaction: _Interaction, current: str) -> list[app_commands.Choice[str]]:
    found = await _answering(interaction).suggest(interaction, current)
    names = dict.fromkeys(shorten(name, _LONGEST_NAME) for name in found)
    return [app_commands.Choice(name=name, value=name) for name in names][:_MOST_CHOICES]


def _answering(interaction: _Interaction) -> Interactions:
    """Who answers the commands of the client that it came to, a `DiscordClient`."""
    answering: Interactions = interaction.client.interactions
    return answering


def _said(say: Callable[[Texts], str], english: str | None = None) -> app_commands.locale_str:
    """A text in English that the translator can say in other languages."""
    return app_commands.locale_str(english or say(texts_of("en")), say=say)
