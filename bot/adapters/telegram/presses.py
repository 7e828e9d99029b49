"""Buttons pressed and lines of menus chosen."""

from __future__ import annotations

import asyncio
import html
import logging
from uuid import uuid4

from telegram import (
    Bot,
    CallbackQuery,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessage,
    Message,
)
from telegram.constants import ChatType

from bot.adapters.in_flight import InFlight
from bot.adapters.telegram.administrators import Administrators
from bot.adapters.telegram.messages import Messages
from bot.adapters.telegram.render import LONGEST_CAPTION, Part, keyboard_of, parts_of, pressed
from bot.adapters.telegram.sending import HTML, NO_PREVIEW, Destination, Sender, input_media
from bot.adapters.telegram.translate import actor_of, chat_of, topic_of
from bot.chat import ChatRef, Press, Reply
from bot.conversation import Conversation
from bot.errors import CannotSendError
from bot.texts import Texts, plain_text, texts_of
from bot.words import clean_name, utf16_length
from config.logs import bind

log = logging.getLogger(__name__)

_SPINS_S = 2.0
"""How long a button spins before it is let go; the reply may come later, but not as a note on the screen."""
_LONGEST_NOTE = 200


class Presses:
    """Answers each; nothing that goes wrong leaves a button spinning."""

    def __init__(
        self,
        bot: Bot,
        *,
        conversation: Conversation,
        sender: Sender,
        messages: Messages,
        administrators: Administrators,
        in_flight: InFlight,
    ) -> None:
        self._bot = bot
        self._conversation = conversation
        self._sender = sender
        self._messages = messages
        self._administrators = administrators
        self._in_flight = in_flight

    async def answer(self, query: CallbackQuery) -> None:
        """Does what the button says, and shows it."""
        request_id = uuid4().hex[:8]
        with bind(request_id=request_id, platform="telegram"), self._in_flight.one():
            try:
                if query.message is None:
                    await self._let_go(query)  # under a message that inline mode made; it has no buttons
                else:
                    await self._answer(query, query.message)
            except CannotSendError as error:
                log.info("cannot_answer reason=%s", error.data["reason"])
            except Exception:
                log.exception("press_failed")
                await self._let_go(query)

    async def _answer(self, query: CallbackQuery, message: MaybeInaccessibleMessage) -> None:
        seen = message if isinstance(message, Message) else None
        chat = chat_of(message.chat, topic_of(seen) if seen else None)
        actor = await actor_of(query.from_user, message.chat, self._administrators)
        texts = texts_of(self._conversation.language(chat, actor.language))
        token, value = pressed(query.data or "")
        asking = asyncio.ensure_future(
            self._conversation.press(Press(token, chat, actor, query.id, chosen=value))
        )
        await asyncio.wait({asking}, timeout=_SPINS_S)
        note = _note(asking.result()) if asking.done() else ""
        await self._let_go(query, note)
        reply = await asking
        if not note:
            await self._show(reply, query, message, chat, texts)

    async def _let_go(self, query: CallbackQuery, note: str = "") -> None:
        await self._sender.attempt(lambda: query.answer(note or None, show_alert=bool(note) or None))

    async def _show(
        self,
        reply: Reply,
        query: CallbackQuery,
        message: MaybeInaccessibleMessage,
        chat: ChatRef,
        texts: Texts,
    ) -> None:
        seen = message if isinstance(message, Message) else None
        to = Destination(message.chat.id, topic_of(seen) if seen else None, message.message_id, True)
        if reply.replaces and seen is not None and await self._replace(seen, reply):
            if reply.answer:
                await self._conversation.answered(chat, reply.answer, str(message.message_id))
            return
        if reply.closes or reply.replaces:
            await self._sender.attempt(lambda: self._edit_keyboard(message, None))
        asked = ""
        if reply.form is not None and message.chat.type in (ChatType.GROUP, ChatType.SUPERGROUP):
            name = html.escape(clean_name(query.from_user.first_name, 40))
            asked = f'<a href="tg://user?id={query.from_user.id}">{name}</a>'
        await self._messages.show(reply, to, chat, texts, asked)

    async def _replace(self, message: Message, reply: Reply) -> bool:
        """Whether the reply could be put in the place of the message."""
        parts, keyboard = parts_of(reply), keyboard_of(reply)
        if reply.form is not None or len(parts) > 1 or any(len(part.files) > 1 for part in parts):
            return False
        has_media = bool(message.photo or message.document)
        if not parts:
            if keyboard is None:
                return False
            return await self._sender.attempt(lambda: self._edit_keyboard(message, keyboard)) is not None
        (part,) = parts
        if part.files and not has_media:
            # A message of words cannot become one with a picture.
            await self._sender.attempt(message.delete)
            return False
        if not part.files and has_media and utf16_length(plain_text(reply.text)) > LONGEST_CAPTION:
            return False
        edited = await self._sender.attempt(lambda: self._edit(message, part, keyboard, has_media=has_media))
        return edited is not None

    async def _edit(
        self, message: Message, part: Part, keyboard: InlineKeyboardMarkup | None, *, has_media: bool
    ) -> object:
        if part.files:
            media = input_media(part.files[0], part.html or None, as_photo=part.as_photos)
            return await message.edit_media(media, reply_markup=keyboard)
        if has_media:
            return await message.edit_caption(part.html, parse_mode=HTML, reply_markup=keyboard)
        return await message.edit_text(
            part.html, parse_mode=HTML, link_preview_options=NO_PREVIEW, reply_markup=keyboard
        )

    async def _edit_keyboard(
        self, message: MaybeInaccessibleMessage, keyboard: InlineKeyboardMarkup | None
    ) -> object:
        return await self._bot.edit_message_reply_markup(
            message.chat.id, message.message_id, reply_markup=keyboard
        )


def _note(reply: Reply) -> str:
    """The reply as a note that only the asker sees, where it is no more than that."""
    text = plain_text(reply.text)
    more = reply.files or reply.buttons or reply.menu or reply.form or reply.replaces or reply.closes
    return text if reply.private and not more and utf16_length(text) <= _LONGEST_NOTE else ""
