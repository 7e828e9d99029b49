"""The first words in a new server."""

from __future__ import annotations

import logging

import discord

from bot.adapters.discord.sending import Destination, Sender
from bot.adapters.discord.translate import chat_of
from bot.chat import Reply
from bot.conversation import Conversation
from bot.errors import CannotSendError
from bot.texts import texts_of

log = logging.getLogger(__name__)


class Arrivals:
    """Introduces the bot once in each server, where it may speak."""

    def __init__(self, conversation: Conversation, sender: Sender) -> None:
        self._conversation = conversation
        self._sender = sender

    async def arrived(self, guild: discord.Guild) -> None:
        """The bot is in the server; perhaps it always was."""
        channel = _channel_for_words(guild)
        if channel is None:
            return  # it may speak nowhere: the next start may find it otherwise
        chat = chat_of(channel, guild.id, guild.me.id)
        language = guild.preferred_locale.value
        words: Reply | None = await self._conversation.joined(chat, language)
        if words is None:
            return
        texts = texts_of(self._conversation.language(chat, language))
        try:
            await self._sender.send(Destination(channel.id, guild.id), words, texts)
        except CannotSendError as error:
            log.warning("cannot_introduce reason=%s", error.data["reason"])


def _channel_for_words(guild: discord.Guild) -> discord.TextChannel | None:
    """Where the server says hello itself, else its first channel in which the bot may speak."""
    candidates = [guild.system_channel, *sorted(guild.text_channels, key=lambda channel: channel.position)]
    for channel in candidates:
        if channel is not None:
            allowed = channel.permissions_for(guild.me)
            if allowed.view_channel and allowed.send_messages:
                return channel
    return None
