"""Commands as people type them, and the menus that list them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeDefault,
    Message,
    MessageEntity,
    User,
)
from telegram.error import TelegramError

from bot.chat import CommandName
from bot.commands.catalogue import BY_NAME, CATALOGUE, CommandSpec
from bot.texts import LANGUAGES, texts_of

log = logging.getLogger(__name__)

_WHO = "who"
_WORDS: Mapping[str, CommandName] = MappingProxyType(
    {_WHO: CommandName.IDENTIFY, "start": CommandName.HELP} | {name.value: name for name in CommandName}
)


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """A command at the beginning of a text or a caption."""

    name: CommandName
    text: str
    """What is typed behind it."""

    @property
    def spec(self) -> CommandSpec:
        return BY_NAME[self.name]


def typed_command(message: Message, bot: User) -> TypedCommand | None:
    """The command that the message begins with, unless it is another bot's or none of ours."""
    text = message.text or message.caption or ""
    for entity in message.entities or message.caption_entities:
        if entity.type == MessageEntity.BOT_COMMAND and entity.offset == 0:
            # Commands are ASCII, so UTF-16 units are characters.
            word, _, addressee = text[1 : entity.length].partition("@")
            if addressee and addressee.casefold() != (bot.username or "").casefold():
                return None
            name = _WORDS.get(word.casefold())
            return TypedCommand(name, text[entity.length :].strip()) if name else None
    return None


async def set_menus(bot: Bot) -> None:
    """Lists the commands for everybody, and more for those who may do more, in every language.

    Without it Dareda works all the same, so what fails is only logged.
    """
    try:
        for scope, specs in _menus():
            for language in LANGUAGES:
                commands = [BotCommand(_word(spec), _described(spec, language)) for spec in specs]
                # English is for all who have no menu of their own language.
                code = None if language == LANGUAGES[0] else language
                if await bot.get_my_commands(scope=scope, language_code=code) != tuple(commands):
                    await bot.set_my_commands(commands, scope=scope, language_code=code)
    except TelegramError as error:
        log.warning("menus_not_set error=%s message=%s", type(error).__name__, error.message)


def _menus() -> Iterator[tuple[BotCommandScope, list[CommandSpec]]]:
    for_all = [spec for spec in CATALOGUE if not spec.teaching and not spec.managing]
    yield BotCommandScopeDefault(), for_all
    yield BotCommandScopeAllGroupChats(), for_all
    yield BotCommandScopeAllChatAdministrators(), list(CATALOGUE)
    # Everybody is at home in their private chat.
    yield BotCommandScopeAllPrivateChats(), list(CATALOGUE)


def _word(spec: CommandSpec) -> str:
    return _WHO if spec.name is CommandName.IDENTIFY else spec.name.value


def _described(spec: CommandSpec, language: str) -> str:
    return texts_of(language).command_description(spec.name)
