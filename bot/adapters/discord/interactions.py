"""Commands, buttons, menus and forms: from discord.py's interactions to the conversation and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

import discord

from bot.adapters.discord.late_forms import LateForms
from bot.adapters.discord.pictures import ReadUrl, given_file, given_picture, pictures_of
from bot.adapters.discord.responding import Response
from bot.adapters.discord.sending import Sender
from bot.adapters.discord.translate import chat_of_interaction, user_of
from bot.adapters.in_flight import InFlight
from bot.chat import ChatRef, Command, CommandName, Press, Reply, Submission
from bot.commands.catalogue import BY_NAME, MESSAGE
from bot.conversation import Conversation
from bot.errors import CannotSendError
from bot.texts import texts_of
from config.logs import bind

log = logging.getLogger(__name__)

_Interaction = discord.Interaction[Any]
_SUGGEST_WITHIN_S = 2.0
"""Discord takes nothing after three seconds."""


class Interactions:
    """Answers them all; nothing that goes wrong leaves one without an answer."""

    def __init__(
        self, conversation: Conversation, sender: Sender, forms: LateForms, in_flight: InFlight, read: ReadUrl
    ) -> None:
        self._conversation = conversation
        self._sender = sender
        self._forms = forms
        self._in_flight = in_flight
        self._read = read

    async def command(
        self, interaction: _Interaction, name: CommandName, given: Mapping[str, object]
    ) -> None:
        """A slash command with its parameters; files are sorted into pictures and others by the catalogue."""
        files = [value for value in given.values() if isinstance(value, discord.Attachment)]
        takes_file = any(parameter.kind == "file" for parameter in BY_NAME[name].parameters)
        command = Command(
            name,
            chat_of_interaction(interaction),
            user_of(interaction),
            str(interaction.id),
            {
                key: _as_text(value)
                for key, value in given.items()
                if value not in files and value is not None
            },
            () if takes_file else tuple(given_picture(file, self._read) for file in files),
            given_file(files[0], self._read) if takes_file and files else None,
        )
        await self._answer_command(interaction, command)

    async def on_message(
        self, interaction: _Interaction, name: CommandName, message: discord.Message
    ) -> None:
        """A command from the menu of a message, about the pictures there."""
        command = Command(
            name,
            chat_of_interaction(interaction),
            user_of(interaction),
            str(interaction.id),
            {MESSAGE: str(message.id)},
            pictures_of(message, self._read),
        )
        await self._answer_command(interaction, command)

    async def control(self, interaction: _Interaction) -> None:
        """A button pressed, a line chosen or a form sent off."""
        data: Mapping[str, Any] = interaction.data or {}
        chat, actor, id_ = chat_of_interaction(interaction), user_of(interaction), str(interaction.id)
        token = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.modal_submit:
            submission = Submission(token, chat, actor, _filled_in(data), id_)
            await self._answer(interaction, chat, lambda: self._conversation.submit(submission))
        elif form := self._forms.opened_by(token):
            await self._answer(interaction, chat, lambda: _at_once(Reply(form=form)), opens_form=True)
        else:
            press = Press(token, chat, actor, id_, chosen=next(iter(data.get("values", ())), ""))
            opens_form = self._conversation.opens_form(press)
            await self._answer(
                interaction, chat, lambda: self._conversation.press(press), opens_form=opens_form
            )

    async def suggest(self, interaction: _Interaction, text: str) -> tuple[str, ...]:
        """Names for an unfinished one; none rather than an error."""
        try:
            async with asyncio.timeout(_SUGGEST_WITHIN_S):
                return await self._conversation.suggest(chat_of_interaction(interaction), text, limit=25)
        except TimeoutError:
            log.info("suggest_too_slow")
        except Exception:
            log.exception("suggest_failed")
        return ()

    async def not_understood(self, interaction: _Interaction, error: Exception) -> None:
        """Something that discord.py could not make a command of."""

        async def fail() -> Reply:
            raise error

        if interaction.type is discord.InteractionType.application_command:
            await self._answer(interaction, chat_of_interaction(interaction), fail, private=True)

    async def _answer_command(self, interaction: _Interaction, command: Command) -> None:
        await self._answer(
            interaction,
            command.chat,
            lambda: self._conversation.command(command),
            opens_form=self._conversation.opens_form(command),
            private=BY_NAME[command.name].private,
        )

    async def _answer(
        self,
        interaction: _Interaction,
        chat: ChatRef,
        ask: Callable[[], Awaitable[Reply]],
        *,
        opens_form: bool = False,
        private: bool = False,
    ) -> None:
        response = Response(interaction, self._sender, self._forms)
        texts = texts_of(self._conversation.language(chat, interaction.locale.value))
        request_id = uuid4().hex[:8]
        with bind(request_id=request_id, platform="discord"), self._in_flight.one():
            try:
                if not opens_form:
                    await response.acknowledge(private=private)
                reply = await ask()
                message = await response.give(reply, texts)
                if reply.answer and message:
                    await self._conversation.answered(chat, reply.answer, message)
            except CannotSendError as error:
                log.warning("cannot_answer reason=%s", error.data["reason"])
            except Exception:
                log.exception("interaction_failed")
                with suppress(CannotSendError):
                    await response.give(Reply(texts.say("unexpected", id=request_id), private=True), texts)


async def _at_once(reply: Reply) -> Reply:
    return reply


def _as_text(value: object) -> str:
    """A parameter's value; channels and roles by their id."""
    return str(getattr(value, "id", value))


def _filled_in(data: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a form by their keys."""
    fields = [part["component"] for part in data.get("components", ()) if "component" in part]
    return {field["custom_id"]: str(field.get("value", "")) for field in fields}
