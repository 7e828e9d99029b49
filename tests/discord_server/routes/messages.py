"""Messages in channels (Message resource), typing and reactions."""

from __future__ import annotations

from tests.discord_server.checks.messages import MessageDraft, check_edited_message, check_new_message
from tests.discord_server.composing import compose, fill, has_content
from tests.discord_server.errors import (
    CANNOT_MESSAGE_USER,
    CANNOT_READ_HISTORY,
    EMPTY_MESSAGE,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NOT_YOUR_MESSAGE,
    UNKNOWN_EMOJI,
    UNKNOWN_REFERENCE,
    ApiError,
)
from tests.discord_server.permissions import Permission
from tests.discord_server.routing import Body, Call, RouteTable
from tests.discord_server.state import Channel, ChannelKind, Json, Message

ROUTES = RouteTable()

_NONCE_REMEMBERED_S = 300.0  # "checked for uniqueness in the past few minutes"


@ROUTES.add("POST", "/channels/{channel_id}/messages", body=Body.MESSAGE)
async def create_message(call: Call) -> Json:
    channel = call.channel()
    _check_may_speak(call, channel)
    draft = check_new_message(call.body, call.files)
    _check_may_show(call, channel, draft)
    if draft.enforce_nonce and (sent := _sent_with(call, channel, draft.nonce)):
        return call.world.message_for_rest(sent)
    message = compose(call.world, channel, draft, reply_to=_answered(call, channel, draft.reference))
    call.world.send(message)
    return call.world.message_for_rest(message)


@ROUTES.add("GET", "/channels/{channel_id}/messages", query=("limit", "before", "after", "around"))
async def list_messages(call: Call) -> list[Json]:
    channel = call.channel()
    if Permission.READ_MESSAGE_HISTORY not in call.world.bot_permissions(channel):
        return []  # "If the current user is missing [it], no messages will be returned"
    limit = int(call.query.get("limit", 50))
    before = int(call.query.get("before", 1 << 63))
    after = int(call.query.get("after", 0))
    fitting = [
        message for message in channel.messages if after < message.id < before and not message.ephemeral
    ]
    newest = fitting[:limit] if "after" in call.query else fitting[-limit:]
    return [call.world.message_for_rest(message) for message in reversed(newest)]


@ROUTES.add("GET", "/channels/{channel_id}/messages/{message_id}")
async def get_message(call: Call) -> Json:
    channel = call.channel()
    if Permission.READ_MESSAGE_HISTORY not in call.world.bot_permissions(channel):
        raise ApiError(MISSING_ACCESS)
    return call.world.message_for_rest(call.message(channel))


@ROUTES.add("PATCH", "/channels/{channel_id}/messages/{message_id}", body=Body.MESSAGE)
async def edit_message(call: Call) -> Json:
    channel = call.channel()
    message = call.message(channel)
    if message.author is not call.world.bot:
        raise ApiError(NOT_YOUR_MESSAGE)
    draft = check_edited_message(call.body, call.files)
    _check_may_show(call, channel, draft)
    fill(call.world, message, draft)
    if not has_content(message):
        raise ApiError(EMPTY_MESSAGE)
    message.edited_at = call.world.clock.now()
    call.world.changed(message)
    return call.world.message_for_rest(message)


@ROUTES.add("DELETE", "/channels/{channel_id}/messages/{message_id}")
async def delete_message(call: Call) -> None:
    channel = call.channel()
    message = call.message(channel)
    may_delete = Permission.MANAGE_MESSAGES in call.world.bot_permissions(channel)
    if message.author is not call.world.bot and not may_delete:
        raise ApiError(MISSING_PERMISSIONS)
    call.world.delete(message)


@ROUTES.add("POST", "/channels/{channel_id}/typing")
async def typing(call: Call) -> None:
    channel = call.channel()
    _check_may_speak(call, channel)
    channel.typing += 1


@ROUTES.add("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me")
async def add_reaction(call: Call) -> None:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    message, emoji = call.message(channel), _emoji(call)
    # "If nobody else has reacted with this emoji, requires the ADD_REACTIONS permission."
    if emoji not in message.reactions:
        call.channel(Permission.ADD_REACTIONS)
    message.reactions.setdefault(emoji, set()).add(call.world.bot.id)
    call.world.reaction_changed(message, call.world.bot, emoji, added=True)


@ROUTES.add("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me")
async def remove_reaction(call: Call) -> None:
    message, emoji = call.message(call.channel()), _emoji(call)
    users = message.reactions.get(emoji, set())
    if call.world.bot.id in users:
        users.discard(call.world.bot.id)
        if not users:
            del message.reactions[emoji]
        call.world.reaction_changed(message, call.world.bot, emoji, added=False)


def _check_may_speak(call: Call, channel: Channel) -> None:
    if channel.recipient is not None:
        if not channel.recipient.accepts_messages:
            raise ApiError(CANNOT_MESSAGE_USER)
        return
    thread = channel.kind is ChannelKind.PUBLIC_THREAD
    call.channel(Permission.SEND_MESSAGES_IN_THREADS if thread else Permission.SEND_MESSAGES)


def _check_may_show(call: Call, channel: Channel, draft: MessageDraft) -> None:
    allowed = call.world.bot_permissions(channel)
    if draft.uploads and Permission.ATTACH_FILES not in allowed:
        raise ApiError(MISSING_PERMISSIONS)
    if draft.embeds and Permission.EMBED_LINKS not in allowed:
        raise ApiError(MISSING_PERMISSIONS)


def _sent_with(call: Call, channel: Channel, nonce: str | None) -> Message | None:
    since = call.world.clock.now() - _NONCE_REMEMBERED_S
    for message in reversed(channel.messages):
        if message.sent_at < since:
            break
        if nonce is not None and message.nonce == nonce and message.author is call.world.bot:
            return message
    return None


def _answered(call: Call, channel: Channel, reference: Json | None) -> Message | None:
    """The message that a reply answers; None when it is gone and the bot said that it does not matter."""
    if reference is None:
        return None
    if Permission.READ_MESSAGE_HISTORY not in call.world.bot_permissions(channel):
        raise ApiError(CANNOT_READ_HISTORY)
    message = call.world.messages.get(int(reference["message_id"]))
    if message is not None and not message.deleted and message.channel is channel:
        return message
    if reference.get("fail_if_not_exists", True):
        details = {"_errors": [{"code": "REPLIES_UNKNOWN_MESSAGE", "message": "Unknown message"}]}
        raise ApiError(UNKNOWN_REFERENCE, {"message_reference": details})
    return None


def _emoji(call: Call) -> str:
    emoji = call.parameters["emoji"]
    if emoji.isascii():  # custom ones are not known here, and letters are none
        raise ApiError(UNKNOWN_EMOJI)
    return emoji
