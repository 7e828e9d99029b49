"""Where a bot wants to send something, and whether it may."""

from __future__ import annotations

from dataclasses import dataclass

from tests.telegram_server.errors import Refusal, mistaken, refused
from tests.telegram_server.formatting import parse_html, utf16_length, without_parsing
from tests.telegram_server.routing import Call
from tests.telegram_server.state import Chat, ChatKind, FormattedText, Message, Status, Topic
from tests.telegram_server.world import World

MOST_TEXT = 4096
MOST_CAPTION = 1024
TARGET = (
    "chat_id",
    "message_thread_id",
    "reply_parameters",
    "disable_notification",
    "protect_content",
)
"""Parameters of everything that sends."""


@dataclass(frozen=True, slots=True)
class Target:
    chat: Chat
    topic: Topic | None
    reply_to: Message | None


def target(call: Call, permission: str) -> Target:
    """Where a send method sends.

    Raises:
        Refusal: the bot may not, or there is no such place.
    """
    chat = call.world.chat(call.given("chat_id"))
    if cannot := why_not(call.world, chat, permission):
        raise cannot
    reply_to = _reply_to(call, chat)
    thread_id = call.given("message_thread_id")
    topic = chat.topics.get(thread_id) if thread_id is not None else reply_to.topic if reply_to else None
    if thread_id is not None and topic is None:
        raise mistaken("message thread not found")
    if topic is not None and topic.closed and not call.world.membership(chat, call.world.bot).administers:
        raise refused("TOPIC_CLOSED")
    return Target(chat, topic, reply_to)


def why_not(world: World, chat: Chat, permission: str) -> Refusal | None:
    """What a bot hears that may not do this in a chat."""
    if chat.user is not None:
        if chat.user.deactivated:
            return refused("user is deactivated", 403)
        if chat.user.blocks_bot:
            return refused("bot was blocked by the user", 403)
        return None if chat.started else refused("bot can't initiate conversation with a user", 403)
    membership = world.membership(chat, world.bot)
    if membership.status is Status.KICKED:
        return refused(f"bot was kicked from the {chat.kind.value} chat", 403)
    if membership.status is Status.LEFT:
        return refused(f"bot is not a member of the {chat.kind.value} chat", 403)
    if chat.kind is ChatKind.CHANNEL:
        return None if membership.administers else refused("need administrator rights in the channel chat")
    denied = chat.denied | membership.denied
    if not membership.administers and denied & {"can_send_messages", permission}:
        what = {"can_send_messages": "text messages", "can_send_other_messages": "other messages"}.get(
            permission, permission.removeprefix("can_send_")
        )
        return refused(f"not enough rights to send {what} to the chat")
    return None


def _reply_to(call: Call, chat: Chat) -> Message | None:
    given = call.given("reply_parameters")
    if given is None:
        return None
    if unknown := set(given) - {"message_id", "allow_sending_without_reply"}:
        raise mistaken(f"reply_parameters are not supported here: {unknown}")
    if "message_id" not in given:
        raise mistaken("reply_parameters.message_id is missing")
    message = chat.messages.get(given["message_id"])
    if message is None or message.deleted:
        if given.get("allow_sending_without_reply"):
            return None
        raise refused("message to be replied not found")
    return message


def formatted(source: str, parse_mode: str | None, *, caption: bool = False) -> FormattedText:
    """A text or a caption as the bot means it.

    Raises:
        Refusal: it cannot be parsed, or it is too long.
    """
    if parse_mode not in (None, "HTML"):
        raise mistaken(f"this server reads no {parse_mode}, only HTML")
    body = parse_html(source) if parse_mode else without_parsing(source)
    if utf16_length(body.text) > (MOST_CAPTION if caption else MOST_TEXT):
        raise mistaken("message caption is too long" if caption else "message is too long")
    return body
