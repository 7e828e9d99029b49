"""Methods that send something."""

from __future__ import annotations

from tests.telegram_server.errors import mistaken
from tests.telegram_server.methods.keyboards import checked_markup
from tests.telegram_server.methods.media import sent_media
from tests.telegram_server.methods.targets import TARGET, Target, formatted, target, why_not
from tests.telegram_server.payloads import message_payload
from tests.telegram_server.routing import Call, Methods
from tests.telegram_server.state import FormattedText, Json, Media, MediaKind, Message

METHODS = Methods()
_ACTIONS = ("typing", "upload_photo", "upload_document", "choose_sticker", "find_location", "record_video")
_GROUPED = {"photo": MediaKind.PHOTO, "document": MediaKind.DOCUMENT}


@METHODS.method("sendMessage", *TARGET, "text", "parse_mode", "link_preview_options", "reply_markup")
async def send_message(call: Call) -> Json:
    where = target(call, "can_send_messages")
    body = formatted(call.given("text"), call.given("parse_mode"))
    if not body.text:
        raise mistaken("message text is empty")
    message = _message(call, where, body)
    message.markup = checked_markup(call.given("reply_markup"), where.chat)
    message.previews_links = not (call.given("link_preview_options") or {}).get("is_disabled", False)
    return _send(call, [message])[0]


@METHODS.method("sendPhoto", *TARGET, "photo", "caption", "parse_mode", "has_spoiler", "reply_markup")
async def send_photo(call: Call) -> Json:
    return await _send_one(call, MediaKind.PHOTO)


@METHODS.method(
    "sendDocument", *TARGET, "document", "caption", "parse_mode", "reply_markup",
    "disable_content_type_detection",
)  # fmt: skip
async def send_document(call: Call) -> Json:
    return await _send_one(call, MediaKind.DOCUMENT)


async def _send_one(call: Call, kind: MediaKind) -> Json:
    where = target(call, f"can_send_{kind.value}s")
    body = formatted(call.given("caption", ""), call.given("parse_mode"), caption=True)
    message = _message(call, where, body, sent_media(call, kind, call.given(kind.value)))
    message.spoiler = bool(call.given("has_spoiler"))
    message.markup = checked_markup(call.given("reply_markup"), where.chat)
    return _send(call, [message])[0]


@METHODS.method("sendMediaGroup", *TARGET, "media")
async def send_media_group(call: Call) -> list[Json]:
    items = call.given("media")
    if not 2 <= len(items) <= 10:
        raise mistaken("there must be from 2 to 10 media in an album")
    kinds = {item["type"] for item in items}
    if kinds not in ({"photo"}, {"document"}):
        raise mistaken(f"this server sends albums of photos or of documents, not of {sorted(kinds)}")
    kind = _GROUPED[kinds.pop()]
    where = target(call, f"can_send_{kind.value}s")
    group_id = str(call.world.next_id("query") + 13_000_000_000_000_000)
    messages = []
    for item in items:
        if unknown := set(item) - {"type", "media", "caption", "parse_mode", "has_spoiler"}:
            raise mistaken(f"media of an album are not supported here with {unknown}")
        body = formatted(item.get("caption", ""), item.get("parse_mode"), caption=True)
        message = _message(call, where, body, sent_media(call, kind, item["media"]))
        message.group_id, message.spoiler = group_id, bool(item.get("has_spoiler"))
        messages.append(message)
    return _send(call, messages)


@METHODS.method("sendChatAction", "chat_id", "message_thread_id", "action")
async def send_chat_action(call: Call) -> bool:
    chat = call.world.chat(call.given("chat_id"))
    if cannot := why_not(call.world, chat, "can_send_messages"):
        raise cannot
    if call.given("action") not in _ACTIONS:
        raise mistaken("wrong parameter action in request")
    if (thread_id := call.given("message_thread_id")) is not None and thread_id not in chat.topics:
        raise mistaken("message thread not found")
    chat.actions.append(call.given("action"))
    return True


def _message(call: Call, where: Target, body: FormattedText, media: Media | None = None) -> Message:
    channel = where.chat.kind.value == "channel"
    return Message(
        0,
        where.chat,
        call.world.clock.now(),
        sender=None if channel else call.world.bot,
        sender_chat=where.chat if channel else None,
        body=body,
        media=media,
        reply_to=where.reply_to,
        topic=where.topic,
        protected=bool(call.given("protect_content")),
    )


def _send(call: Call, messages: list[Message]) -> list[Json]:
    """Counts them as sent, and sends them."""
    if unused := set(call.uploads) - call.used:
        raise mistaken(f"files that nothing uses: {sorted(unused)}")
    chat = messages[0].chat
    call.rate_limits.count(chat, len(messages))
    for message in messages:
        message.id = call.world.next_message_id(chat)
        chat.messages[message.id] = message
        call.world.sent.append(message)
    return [message_payload(message) for message in messages]
