"""From python-telegram-bot's objects to the values of `bot.chat`."""

from __future__ import annotations

from telegram import Chat, Message, MessageEntity, User
from telegram.constants import ChatType

from bot.adapters.telegram.administrators import RECENT_S, Administrators
from bot.chat import Actor, ChatRef


def chat_of(chat: Chat, topic: int | None = None) -> ChatRef:
    """Each chat is a space of its own."""
    chat_id = str(chat.id)
    return ChatRef(
        "telegram",
        chat_id,
        chat_id,
        topic=str(topic) if topic is not None else "",
        private=chat.type == ChatType.PRIVATE,
    )


def chat_of_message(message: Message) -> ChatRef:
    return chat_of(message.chat, topic_of(message))


def chat_of_user(user: User) -> ChatRef:
    """The private chat with the user."""
    return ChatRef("telegram", str(user.id), str(user.id), private=True)


def topic_of(message: Message) -> int | None:
    """The topic that answers stay in; threads of replies, which have an id as well, are none."""
    return message.message_thread_id if message.is_topic_message else None


async def author_of(message: Message, administrators: Administrators, *, for_post: bool = False) -> Actor:
    """Who wrote the message: a user, or a chat in whose name somebody did.

    Who writes in the name of the chat itself (an anonymous administrator, a channel) administers it. For a
    mere post, what was known of the administrators a while ago will do.
    """
    if message.sender_chat is not None:
        named = message.author_signature or message.sender_chat.effective_name or ""
        if message.sender_chat.id == message.chat.id:
            administrators.somebody_is_anonymous(message.chat.id)
        return Actor(str(message.sender_chat.id), named, message.sender_chat.id == message.chat.id)
    if message.from_user is None:
        raise ValueError("a message from nobody")
    return await actor_of(message.from_user, message.chat, administrators, for_post=for_post)


async def actor_of(
    user: User, chat: Chat, administrators: Administrators, *, for_post: bool = False
) -> Actor:
    """Who presses a button; the same actor who writes the messages.

    An anonymous administrator writes as the chat, but presses as a user.
    """
    language = user.language_code or ""
    if chat.type == ChatType.PRIVATE:
        return Actor(str(user.id), user.full_name, manages=True, language=language)
    administration = await administrators.of(chat.id)
    if user.id not in administration.ids and not for_post:
        administration = await administrators.of(chat.id, RECENT_S)
    manages = user.id in administration.ids
    if user.id in administration.anonymous or (manages and chat.type == ChatType.CHANNEL):
        return Actor(str(chat.id), chat.effective_name or "", manages=True, language=language)
    return Actor(str(user.id), user.full_name, manages, language=language)


def mentions(message: Message, bot: User) -> bool:
    """Whether the text or the caption names the bot."""
    for entities in (message.parse_entities(), message.parse_caption_entities()):
        for entity, text in entities.items():
            if entity.type == MessageEntity.MENTION and text.casefold() == f"@{bot.username}".casefold():
                return True
            if entity.type == MessageEntity.TEXT_MENTION and entity.user and entity.user.id == bot.id:
                return True
    return False


def replied_to(message: Message) -> Message | None:
    """What the message replies to; in a topic, its first message stands there where there is nothing."""
    replied = message.reply_to_message
    if replied is None or replied.forum_topic_created is not None:
        return None
    return replied
