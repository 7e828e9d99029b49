"""Methods that change or delete what the bot sent."""

from __future__ import annotations

from tests.telegram_server.errors import mistaken, refused
from tests.telegram_server.methods.keyboards import checked_markup
from tests.telegram_server.methods.media import sent_media
from tests.telegram_server.methods.targets import formatted
from tests.telegram_server.payloads import message_payload
from tests.telegram_server.routing import Call, Methods
from tests.telegram_server.state import Chat, FormattedText, Json, Media, MediaKind, Message

METHODS = Methods()
_DELETABLE_S = 48 * 3600


@METHODS.method(
    "editMessageText", "chat_id", "message_id", "text", "parse_mode", "link_preview_options", "reply_markup"
)
async def edit_message_text(call: Call) -> Json:
    message = _own(call)
    if message.media is not None:
        raise mistaken("there is no text in the message to edit")
    body = formatted(call.given("text"), call.given("parse_mode"))
    if not body.text:
        raise mistaken("message text is empty")
    return _changed(call, message, body, message.media)


@METHODS.method("editMessageCaption", "chat_id", "message_id", "caption", "parse_mode", "reply_markup")
async def edit_message_caption(call: Call) -> Json:
    message = _own(call)
    if message.media is None:
        raise mistaken("there is no caption in the message to edit")
    body = formatted(call.given("caption", ""), call.given("parse_mode"), caption=True)
    return _changed(call, message, body, message.media)


@METHODS.method("editMessageMedia", "chat_id", "message_id", "media", "reply_markup")
async def edit_message_media(call: Call) -> Json:
    message, item = _own(call), call.given("media")
    if item["type"] not in ("photo", "document"):
        raise mistaken(f"this server does not put {item['type']} into messages")
    if unknown := set(item) - {"type", "media", "caption", "parse_mode", "has_spoiler"}:
        raise mistaken(f"media are not supported here with {unknown}")
    body = formatted(item.get("caption", ""), item.get("parse_mode"), caption=True)
    media = sent_media(call, MediaKind(item["type"]), item["media"])
    if unused := set(call.uploads) - call.used:
        raise mistaken(f"files that nothing uses: {sorted(unused)}")
    message.spoiler = bool(item.get("has_spoiler"))
    return _changed(call, message, body, media)


@METHODS.method("editMessageReplyMarkup", "chat_id", "message_id", "reply_markup")
async def edit_message_reply_markup(call: Call) -> Json:
    message = _own(call)
    return _changed(call, message, message.body, message.media)


@METHODS.method("deleteMessage", "chat_id", "message_id")
async def delete_message(call: Call) -> bool:
    chat = call.world.chat(call.given("chat_id"))
    _delete(call, chat, _existing(chat, call.given("message_id"), "delete"))
    return True


@METHODS.method("deleteMessages", "chat_id", "message_ids")
async def delete_messages(call: Call) -> bool:
    """Those that are not there are skipped."""
    chat = call.world.chat(call.given("chat_id"))
    if not 1 <= len(call.given("message_ids")) <= 100:
        raise mistaken("from 1 to 100 messages can be deleted at once")
    for message_id in call.given("message_ids"):
        if message_id in chat.messages:
            _delete(call, chat, chat.messages[message_id])
    return True


def _own(call: Call) -> Message:
    message = _existing(call.world.chat(call.given("chat_id")), call.given("message_id"), "edit")
    ours = message.sender is call.world.bot or (message.sender is None and message in call.world.sent)
    if not ours or message.service:
        raise mistaken("message can't be edited")
    return message


def _existing(chat: Chat, message_id: int, verb: str) -> Message:
    message = chat.messages.get(message_id)
    if message is None or message.deleted:
        raise refused(f"message to {verb} not found")
    return message


def _changed(call: Call, message: Message, body: FormattedText, media: Media | None) -> Json:
    markup = checked_markup(call.given("reply_markup"), message.chat, inline_only=True)
    if (body, media, markup) == (message.body, message.media, message.markup):
        raise refused(
            "message is not modified: specified new message content and reply markup are exactly the same "
            "as a current content and reply markup of the message"
        )
    message.body, message.media, message.markup = body, media, markup
    message.edit_date = call.world.clock.now()
    return message_payload(message)


def _delete(call: Call, chat: Chat, message: Message) -> None:
    own = message.sender is call.world.bot
    administers = call.world.membership(chat, call.world.bot).administers
    old = call.world.clock.now() - message.date > _DELETABLE_S
    if (old and not administers) or not (own or administers or chat.user is not None):
        raise refused("message can't be deleted")
    message.deleted = True
