"""An ordinary python-telegram-bot bot that uses what ours will use, to try the server with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputMediaPhoto,
    InputTextMessageContent,
    Message,
    ReplyParameters,
    Update,
)
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    InlineQueryHandler,
    MessageHandler,
    filters,
)

from tests.telegram_server.server import TelegramServer

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE
NAMES = ("Chitanda Eru", "Ibara Mayaka", "Oreki Hotaro")
_ALBUM_QUIET_S = 0.2


class SampleBot:
    """Answers pictures with themselves, albums with one album; has a command, buttons and inline names."""

    def __init__(self) -> None:
        self.seen: list[Update] = []
        self._albums: dict[str, list[Message]] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    def install(self, application: App) -> None:
        application.add_handler(MessageHandler(filters.ALL, self._see), group=-1)
        application.add_handler(CommandHandler("who", self._who))
        application.add_handler(MessageHandler(filters.PHOTO | filters.Document.IMAGE, self._picture))
        application.add_handler(CallbackQueryHandler(self._pressed))
        application.add_handler(InlineQueryHandler(self._typed))

    async def _see(self, update: Update, _: Context) -> None:
        self.seen.append(update)

    async def _who(self, update: Update, _: Context) -> None:
        message = update.effective_message
        assert message is not None
        replied = message.reply_to_message
        text = "<b>Chitanda &amp; co.</b>" if replied and replied.photo else "reply to a picture"
        await message.reply_html(text, do_quote=True, message_thread_id=_topic(message))

    async def _picture(self, update: Update, context: Context) -> None:
        message = update.effective_message
        assert message is not None
        if message.media_group_id is None:
            await self._answer(context, [message])
            return
        album = self._albums.setdefault(message.media_group_id, [])
        album.append(message)
        if len(album) == 1:
            task = asyncio.create_task(self._answer_when_quiet(context, album))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def _answer_when_quiet(self, context: Context, album: list[Message]) -> None:
        known = 0
        while known < len(album):
            known = len(album)
            await asyncio.sleep(_ALBUM_QUIET_S)
        await self._answer(context, album)

    async def _answer(self, context: Context, messages: list[Message]) -> None:
        first = messages[0]
        pictures = []
        for message in messages:
            source = message.photo[-1] if message.photo else message.document
            assert source is not None
            file = await source.get_file()
            pictures.append(bytes(await file.download_as_bytearray()))
        place: dict[str, Any] = {
            "chat_id": first.chat_id,
            "message_thread_id": _topic(first),
            "reply_parameters": ReplyParameters(first.message_id, allow_sending_without_reply=True),
        }
        spoiler = bool(first.has_media_spoiler)
        if len(pictures) == 1:
            buttons = [InlineKeyboardButton(name, callback_data=f"name:{name}") for name in NAMES[:2]]
            await context.bot.send_photo(
                photo=pictures[0],
                caption="one picture",
                has_spoiler=spoiler,
                reply_markup=InlineKeyboardMarkup([buttons]),
                **place,
            )
        else:
            media = [InputMediaPhoto(one, has_spoiler=spoiler) for one in pictures]
            await context.bot.send_media_group(media=media, caption=f"{len(pictures)} pictures", **place)

    async def _pressed(self, update: Update, _: Context) -> None:
        query = update.callback_query
        assert query is not None
        assert query.data is not None
        await query.answer("noted")
        await query.edit_message_caption(f"It is {query.data.removeprefix('name:')}")

    async def _typed(self, update: Update, _: Context) -> None:
        query = update.inline_query
        assert query is not None
        found = [name for name in NAMES if query.query.lower() in name.lower()]
        await query.answer(
            [InlineQueryResultArticle(name, name, InputTextMessageContent(name)) for name in found]
        )


def _topic(message: Message) -> int | None:
    return message.message_thread_id if message.is_topic_message else None


def application_for(server: TelegramServer) -> App:
    """The library's application, pointed at the server and otherwise as it comes."""
    builder = ApplicationBuilder().token(server.token)
    return builder.base_url(server.base_url).base_file_url(server.base_file_url).build()


@asynccontextmanager
async def polling(server: TelegramServer, bot: SampleBot | None = None) -> AsyncIterator[App]:
    """The bot, receiving by long polling."""
    application = application_for(server)
    (bot or SampleBot()).install(application)
    async with application:
        await application.start()
        assert application.updater is not None
        await application.updater.start_polling(timeout=5)
        try:
            yield application
        finally:
            await application.updater.stop()
            await application.stop()
