"""What exists, as the Bot API tells of it."""

from __future__ import annotations

from typing import Any

from tests.telegram_server.state import (
    CallbackQuery,
    Chat,
    ChatKind,
    InlineQuery,
    Json,
    Media,
    MediaKind,
    Membership,
    Message,
    Status,
    StoredFile,
    User,
)

PERMISSIONS = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_edit_tag",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
)
_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
)


def user_payload(user: User) -> Json:
    return _present(
        id=user.id,
        is_bot=user.is_bot,
        first_name=user.first_name,
        username=user.username,
        language_code=user.language_code,
    )


def chat_payload(chat: Chat) -> Json:
    if chat.user is not None:
        return _present(
            id=chat.id, type="private", first_name=chat.user.first_name, username=chat.user.username
        )
    return _present(
        id=chat.id,
        type=chat.kind.value,
        title=chat.title,
        username=chat.username,
        is_forum=chat.is_forum or None,
    )


def full_chat_payload(chat: Chat) -> Json:
    """(ChatFullInfo)"""
    payload = chat_payload(chat) | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }
    if chat.is_group:
        payload["permissions"] = {name: name not in chat.denied for name in PERMISSIONS}
    if chat.linked is not None:
        payload["linked_chat_id"] = chat.linked.id
    return payload


def member_payload(membership: Membership) -> Json:
    """(ChatMember)"""
    user, status = user_payload(membership.user), membership.status
    payload: Json = {"status": status.value, "user": user}
    match status:
        case Status.CREATOR:
            payload["is_anonymous"] = membership.anonymous
        case Status.ADMINISTRATOR:
            payload |= {"can_be_edited": False, "is_anonymous": membership.anonymous}
            payload |= dict.fromkeys(_RIGHTS, True)
        case Status.RESTRICTED:
            payload |= {name: name not in membership.denied for name in PERMISSIONS}
            payload |= {"is_member": True, "until_date": 0}
        case Status.KICKED:
            payload["until_date"] = 0
    return payload


def message_payload(message: Message, *, inner: bool = False) -> Json:
    """A message; `inner` ones, which others reply to, do not tell what they themselves reply to."""
    payload = _present(
        message_id=message.id,
        date=message.date,
        chat=chat_payload(message.chat),
        sender_chat=chat_payload(message.sender_chat) if message.sender_chat else None,
        edit_date=message.edit_date,
        media_group_id=message.group_id,
        forward_origin=_origin(message.forwarded) if message.forwarded else None,
        is_automatic_forward=message.automatic_forward or None,
        has_protected_content=message.protected or None,
        reply_markup=message.markup if message.buttons else None,
    )
    if message.sender is not None:
        payload["from"] = user_payload(message.sender)
    payload |= _threads(message) | message.service | _content(message)
    if not inner:
        # A message in a topic that replies to nothing "replies" to the topic's first.
        replied = message.reply_to or (
            message.chat.messages.get(message.topic.thread_id) if message.topic else None
        )
        if replied is not None and not replied.deleted and replied is not message:
            payload["reply_to_message"] = message_payload(replied, inner=True)
    return payload


def callback_payload(query: CallbackQuery, chat_instance: str) -> Json:
    message = query.message
    # Two days old messages are "inaccessible": date 0 (MaybeInaccessibleMessage).
    shown = (
        {"chat": chat_payload(message.chat), "message_id": message.id, "date": 0}
        if message.deleted
        else message_payload(message)
    )
    return {
        "id": query.id,
        "from": user_payload(query.user),
        "message": shown,
        "chat_instance": chat_instance,
        "data": query.data,
    }


def inline_query_payload(query: InlineQuery) -> Json:
    return {
        "id": query.id,
        "from": user_payload(query.user),
        "query": query.text,
        "offset": query.offset,
        "chat_type": "supergroup",
    }


def file_payload(file: StoredFile) -> Json:
    return {"file_id": file.id, "file_unique_id": file.unique_id, "file_size": file.size}


def _threads(message: Message) -> Json:
    if message.topic is not None:
        return {"message_thread_id": message.topic.thread_id, "is_topic_message": True}
    root = message
    while root.reply_to is not None:
        root = root.reply_to
    if message.chat.kind is ChatKind.SUPERGROUP and root is not message and not message.chat.is_forum:
        # Replies are threads in supergroups, but no topics.
        return {"message_thread_id": root.id}
    return {}


def _content(message: Message) -> Json:
    media = message.media
    if media is None:
        return _present(text=message.body.text or None, entities=list(message.body.entities) or None)
    payload = _present(
        caption=message.body.text or None,
        caption_entities=list(message.body.entities) or None,
        has_media_spoiler=message.spoiler or None,
    )
    payload[media.kind.value] = _media(media)
    if media.kind is MediaKind.ANIMATION:
        payload["document"] = _named(media)  # "for backward compatibility" (Message, `animation`)
    return payload


def _media(media: Media) -> Any:
    match media.kind:
        case MediaKind.PHOTO:
            return [_photo_size(size) for size in media.sizes]
        case MediaKind.DOCUMENT:
            return _named(media)
        case MediaKind.STICKER:
            return _sized(media) | {
                "type": "regular",
                "is_animated": media.is_animated,
                "is_video": media.is_video,
                "emoji": "🙂",
                "set_name": "faces_by_somebody",
            }
        case MediaKind.VIDEO_NOTE:
            sized = _sized(media)
            return {key: sized[key] for key in sized if key not in ("width", "height")} | {
                "length": sized["width"],
                "duration": media.file.duration_s,
            }
        case _:
            return _named(media) | _sized(media) | {"duration": media.file.duration_s}


def _photo_size(size: StoredFile) -> Json:
    assert size.size_wh is not None
    return file_payload(size) | {"width": size.size_wh[0], "height": size.size_wh[1]}


def _sized(media: Media) -> Json:
    return _photo_size(media.file) | _thumbnail(media)


def _named(media: Media) -> Json:
    file = media.file
    return file_payload(file) | _present(file_name=file.name, mime_type=file.mime) | _thumbnail(media)


def _thumbnail(media: Media) -> Json:
    return {"thumbnail": _photo_size(media.sizes[-1])} if media.sizes else {}


def _origin(original: Message) -> Json:
    """(MessageOrigin)"""
    if original.sender is not None and not original.sender_chat:
        origin: Json = {"type": "user", "sender_user": user_payload(original.sender)}
    elif original.chat.kind is ChatKind.CHANNEL:
        origin = {"type": "channel", "chat": chat_payload(original.chat), "message_id": original.id}
    else:
        assert original.sender_chat is not None
        origin = {"type": "chat", "sender_chat": chat_payload(original.sender_chat)}
    return origin | {"date": original.date}


def _present(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
