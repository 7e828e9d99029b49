"""From discord.py's objects to the values of `bot.chat`."""

from __future__ import annotations

import re
from typing import Any

import discord

from bot.chat import Actor, ChatRef

_BEGINS_WITH_MENTION = re.compile(r"\s*<@!?[0-9]+>")

_Channel = Any
"""discord.py has a dozen kinds of channels and no common base with all that is asked here."""


def chat_of(channel: _Channel, guild_id: int | None, user_id: int) -> ChatRef:
    """Where something is said; the space of a private chat is its user."""
    if guild_id is None:
        return ChatRef("discord", str(user_id), str(channel.id), private=True)
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
    return ChatRef(
        "discord",
        str(guild_id),
        str(parent_id or channel.id),
        topic=str(channel.id) if parent_id else "",
        age_restricted=_is_age_restricted(channel),
    )


def chat_of_message(message: discord.Message) -> ChatRef:
    return chat_of(message.channel, message.guild.id if message.guild else None, message.author.id)


def chat_of_interaction(interaction: discord.Interaction[Any]) -> ChatRef:
    return chat_of(interaction.channel, interaction.guild_id, interaction.user.id)


def channel_of(chat: ChatRef) -> int:
    """The id of the channel or thread that answers go to."""
    return int(chat.topic or chat.channel)


def author_of(message: discord.Message) -> Actor:
    """Who wrote the message."""
    manages = message.guild is None or (
        isinstance(message.author, discord.Member) and message.author.guild_permissions.manage_guild
    )
    return _actor(message.author, manages)


def user_of(interaction: discord.Interaction[Any]) -> Actor:
    """Who uses a command or presses a button."""
    allowed = interaction.permissions
    manages = interaction.guild_id is None or allowed.manage_guild or allowed.administrator
    return _actor(interaction.user, manages, interaction.locale.value)


def mentions_user(message: discord.Message, user: discord.abc.User | None) -> bool:
    """Whether the message names the user in its text; a reply alone, which pings too, does not."""
    return user is not None and user.id in message.raw_mentions


def without_mention(message: discord.Message) -> str:
    """The text of the message behind the mention that it begins with; empty where it begins otherwise."""
    match = _BEGINS_WITH_MENTION.match(message.content)
    return message.content[match.end() :].strip() if match else ""


def _actor(user: discord.User | discord.Member, manages: bool, language: str = "") -> Actor:
    roles = user.roles if isinstance(user, discord.Member) else ()
    return Actor(
        str(user.id),
        user.display_name,
        manages,
        frozenset(str(role.id) for role in roles if not role.is_default()),
        language,
    )


def _is_age_restricted(channel: _Channel) -> bool:
    asks = getattr(channel, "is_nsfw", None)
    return bool(asks()) if asks is not None else False
