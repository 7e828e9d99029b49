"""Messages with pictures, previews that come later, and commands typed behind the bot's name."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import cache
from uuid import uuid4

import discord

from bot.adapters.discord.activity import TypingIndicators
from bot.adapters.discord.late_forms import LateForms
from bot.adapters.discord.pictures import ReadUrl, pictures_of
from bot.adapters.discord.sending import Destination, Sender
from bot.adapters.discord.translate import author_of, chat_of_message, mentions_user, without_mention
from bot.adapters.in_flight import InFlight
from bot.adapters.order import ChannelOrder
from bot.chat import ChatRef, Command, CommandName, ImagePost, IncomingImage, Reply
from bot.commands.catalogue import BY_NAME, MESSAGE, arguments_in
from bot.conversation import Conversation
from bot.errors import CannotSendError
from bot.texts import LANGUAGES, texts_of
from config.logs import bind

log = logging.getLogger(__name__)

_PREVIEWS_COME_WITHIN = timedelta(minutes=15)
"""Later changes of a message are not its first previews: it is not answered again."""


class Messages:
    """Answers messages, each channel in order."""

    def __init__(
        self,
        client: discord.Client,
        *,
        conversation: Conversation,
        sender: Sender,
        typing: TypingIndicators,
        forms: LateForms,
        in_flight: InFlight,
        read: ReadUrl,
    ) -> None:
        self._client = client
        self._conversation = conversation
        self._sender = sender
        self._typing = typing
        self._forms = forms
        self._in_flight = in_flight
        self._read = read
        self._order = ChannelOrder()

    async def posted(self, message: discord.Message) -> None:
        """A new message."""
        if message.author.bot:
            return
        mentioned = mentions_user(message, self._client.user)
        if mentioned and (name := self._command_in(message)):
            await self._typed_command(message, *name)
            return
        images = pictures_of(message, self._read)
        if images:
            await self._post(message, images, mentioned=mentioned)
        elif mentioned:
            # "@Dareda" alone asks about the picture that it replies to; without one, what it can do.
            asked = CommandName.IDENTIFY if message.reference else CommandName.HELP
            await self._typed_command(message, asked, "")

    async def changed(self, message: discord.Message) -> None:
        """A message that is another now: Discord may have added previews of its links."""
        if message.author.bot or not message.embeds or message.attachments:
            return
        if discord.utils.utcnow() - message.created_at > _PREVIEWS_COME_WITHIN:
            return
        mentioned = mentions_user(message, self._client.user)
        if mentioned and self._command_in(message):
            return
        if images := pictures_of(message, self._read):
            await self._post(message, images, mentioned=mentioned)

    async def _post(
        self, message: discord.Message, images: tuple[IncomingImage, ...], *, mentioned: bool
    ) -> None:
        chat = chat_of_message(message)
        if self._conversation.wants(chat, mentions_bot=mentioned):
            post = ImagePost(str(message.id), chat, author_of(message), images, mentioned)
            await self._answer(message, chat, lambda: self._conversation.post(post))

    async def _typed_command(self, message: discord.Message, name: CommandName, text: str) -> None:
        chat = chat_of_message(message)

        async def ask() -> Reply:
            arguments = arguments_in(BY_NAME[name], text)
            if message.reference is not None and message.reference.message_id is not None:
                arguments |= {MESSAGE: str(message.reference.message_id)}
            images = pictures_of(message, self._read) or await self._answered_pictures(message)
            return await self._conversation.command(
                Command(name, chat, author_of(message), str(message.id), arguments, images)
            )

        await self._answer(message, chat, ask)

    async def _answer(
        self, message: discord.Message, chat: ChatRef, ask: Callable[[], Awaitable[Reply | None]]
    ) -> None:
        place = self._order.enter(message.channel.id)
        texts = texts_of(self._conversation.language(chat))
        request_id = uuid4().hex[:8]
        try:
            with bind(request_id=request_id, platform="discord"), self._in_flight.one():
                try:
                    async with self._typing.shown(message.channel.id):
                        reply = await ask()
                        await place.reached()
                except Exception:
                    log.exception("message_failed")
                    reply = Reply(texts.say("unexpected", id=request_id))
                if reply is None:
                    return
                to = Destination(message.channel.id, message.guild.id if message.guild else None, message.id)
                try:
                    sent = await self._sender.send(to, self._forms.button_for(reply, texts), texts)
                except CannotSendError as error:
                    log.warning("cannot_answer reason=%s", error.data["reason"])
                    return
                if reply.answer and sent:
                    await self._conversation.answered(chat, reply.answer, sent)
        finally:
            place.leave()

    async def _answered_pictures(self, message: discord.Message) -> tuple[IncomingImage, ...]:
        """The pictures of the message that this one replies to."""
        reference = message.reference
        if reference is None or reference.message_id is None:
            return ()
        answered = reference.resolved
        if not isinstance(answered, discord.Message):
            try:
                channel = self._client.get_partial_messageable(reference.channel_id)
                answered = await channel.fetch_message(reference.message_id)
            except (discord.HTTPException, discord.RateLimited, OSError):
                return ()
        return pictures_of(answered, self._read)

    def _command_in(self, message: discord.Message) -> tuple[CommandName, str] | None:
        """The command that the text behind the bot's name begins with, and what follows."""
        words = without_mention(message).split(maxsplit=1)
        name = _commands_by_word().get(words[0].lstrip("/").casefold()) if words else None
        return (name, words[1] if len(words) > 1 else "") if name else None


@cache
def _commands_by_word() -> dict[str, CommandName]:
    """Each command by its name in each language."""
    words = {
        texts_of(language).command_name(name).casefold(): name
        for language in LANGUAGES
        for name in CommandName
    }
    return words | {name.value: name for name in CommandName}
