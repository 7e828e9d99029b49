"""Sends replies to chats: once, in spite of failures, and as much of them as the rights allow."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from telegram import (
    Bot,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, TelegramError

from bot.adapters.telegram.albums import Albums
from bot.adapters.telegram.render import Part, keyboard_of, parts_of
from bot.chat import OutgoingFile, Reply
from bot.errors import CannotSendError, MessageGoneError, PictureGoneError
from bot.texts import Texts, join_texts

log = logging.getLogger(__name__)

Done = TypeVar("Done")
_Reason = Literal["gone", "may_not_write", "may_not_attach", "too_large", "platform"]

HTML = "HTML"
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

# Telegram tells refusals apart by their wording alone.
_REASONS: tuple[tuple[str, _Reason], ...] = (
    ("not enough rights to send text", "may_not_write"),
    ("not enough rights to send", "may_not_attach"),
    ("have no rights to send a message", "may_not_write"),
    ("need administrator rights", "may_not_write"),
    ("chat_write_forbidden", "may_not_write"),
    ("topic_closed", "may_not_write"),
    ("message thread not found", "gone"),
    ("chat not found", "gone"),
    ("too large", "too_large"),
    ("too big", "too_large"),
)
_ASKED_GONE = "message to be replied not found"
_UNCHANGED = "message is not modified"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a reply goes."""

    chat_id: int
    topic: int | None = None
    answers: int | None = None
    """The message that it answers."""
    even_if_gone: bool = False
    """Whether it is sent, too, when that message was deleted: not for pictures of others."""


class Sender:
    """Sends with everything that can go wrong. The bot's rate limiter waits and tries again."""

    def __init__(self, bot: Bot, albums: Albums, moved: Callable[[int, int], Awaitable[None]]) -> None:
        """`moved` is told when a group turns out to have another id now."""
        self._bot = bot
        self._albums = albums
        self._moved = moved

    async def send(self, to: Destination, reply: Reply, texts: Texts) -> str:
        """The id of the message that people reply to: the last, of an album its first; empty for nothing.

        What is in the way of all of it is said in place of the part that cannot be shown. Raises
        CannotSendError when nothing can be said.
        """
        try:
            return await self._send_parts(to, reply, texts)
        except MessageGoneError:
            gone = Reply(texts.error(PictureGoneError()))
            return await self._send_parts(replace(to, answers=None), gone, texts)
        except CannotSendError as error:
            if not reply.files or error.data["reason"] not in ("may_not_attach", "too_large"):
                raise
            return await self._send_parts(to, without_files(reply, error, texts), texts)

    async def send_html(self, to: Destination, text: str, markup: Any = None) -> Message:
        """One message of HTML. Raises CannotSendError."""
        return await self._call(
            to,
            lambda to: self._bot.send_message(
                text=text,
                parse_mode=HTML,
                link_preview_options=NO_PREVIEW,
                reply_markup=markup,
                **_place(to),
            ),
        )

    async def attempt(self, call: Callable[[], Awaitable[Done]]) -> Done | None:
        """What a change of a message gives; None when the message is as it shall be already, or gone."""
        try:
            return await call()
        except BadRequest as error:
            if _UNCHANGED not in error.message.lower():
                log.info("change_refused reason=%s", error.message)
        except TelegramError as error:
            log.warning("change_failed error=%s", type(error).__name__)
        return None

    async def _send_parts(self, to: Destination, reply: Reply, texts: Texts) -> str:
        parts, keyboard = parts_of(reply), keyboard_of(reply)
        sent = ""
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            message = await self._send_part(to, part, keyboard if last else None)
            sent = str(message.message_id)
            to = replace(to, answers=None)
            if last and keyboard is not None and len(part.files) > 1:
                # Albums have no buttons; these hang on them by a message of their own.
                below = replace(to, answers=message.message_id, even_if_gone=True)
                note = await self.send_html(below, texts.line("telegram-below-album"), keyboard)
                self._albums.stands_for(note, message)
        return sent

    async def _send_part(self, to: Destination, part: Part, keyboard: InlineKeyboardMarkup | None) -> Message:
        if not part.files:
            return await self.send_html(to, part.html, keyboard)
        if len(part.files) > 1:
            messages = await self._call(
                to, lambda to: self._bot.send_media_group(media=_album(part), **_place(to))
            )
            self._albums.remember(messages)
            return messages[0]
        (file,) = part.files
        given: dict[str, Any] = {
            "caption": part.html or None,
            "parse_mode": HTML,
            "reply_markup": keyboard,
        }
        if part.as_photos:
            given |= {"photo": InputFile(file.data, file.name), "has_spoiler": file.spoiler or None}
            return await self._call(to, lambda to: self._bot.send_photo(**given, **_place(to)))
        given["document"] = InputFile(file.data, file.name)
        return await self._call(to, lambda to: self._bot.send_document(**given, **_place(to)))

    async def _call(self, to: Destination, call: Callable[[Destination], Awaitable[Done]]) -> Done:
        """Sends, to where the chat is now. Raises CannotSendError."""
        try:
            try:
                return await call(to)
            except ChatMigrated as error:
                await self._moved(to.chat_id, error.new_chat_id)
                # Messages are numbered anew there.
                return await call(replace(to, chat_id=error.new_chat_id, answers=None))
        except TelegramError as error:
            raise _refusal(error) from error


def without_files(reply: Reply, error: CannotSendError, texts: Texts) -> Reply:
    """The reply with the reason in place of its files."""
    return replace(reply, files=(), text=join_texts((reply.text, texts.error(error))))


def input_media(
    file: OutgoingFile, caption: str | None, *, as_photo: bool
) -> InputMediaPhoto | InputMediaDocument:
    """A file as a part of something; `caption` is HTML."""
    attached = InputFile(file.data, filename=file.name, attach=True)
    if as_photo:
        return InputMediaPhoto(attached, caption, parse_mode=HTML, has_spoiler=file.spoiler or None)
    return InputMediaDocument(attached, caption, parse_mode=HTML)


def _album(part: Part) -> list[InputMediaPhoto | InputMediaDocument]:
    """With the text under the first of them, which Telegram shows under all."""
    captions = [part.html or None, *[None] * (len(part.files) - 1)]
    return [
        input_media(file, caption, as_photo=part.as_photos)
        for file, caption in zip(part.files, captions, strict=True)
    ]


def _place(to: Destination) -> dict[str, Any]:
    reply = None
    if to.answers is not None:
        reply = ReplyParameters(to.answers, allow_sending_without_reply=to.even_if_gone or None)
    return {"chat_id": to.chat_id, "message_thread_id": to.topic, "reply_parameters": reply}


def _refusal(error: TelegramError) -> CannotSendError:
    message = error.message.lower()
    if _ASKED_GONE in message:
        return MessageGoneError()
    if isinstance(error, Forbidden):
        # Blocked, kicked, or never let in: nothing that the bot can change.
        return CannotSendError(reason="may_not_write")
    for words, reason in _REASONS:
        if words in message:
            return CannotSendError(reason=reason)
    if not isinstance(error, NetworkError) or isinstance(error, BadRequest):
        log.warning("telegram_refused error=%s message=%s", type(error).__name__, error.message)
    return CannotSendError(reason="platform")
