"""Names of characters for who types behind the bot's name in any chat."""

from __future__ import annotations

import hashlib
import html
import logging

from telegram import InlineQuery, InlineQueryResultArticle, InputTextMessageContent
from telegram.error import TelegramError

from bot.adapters.telegram.translate import chat_of_user
from bot.conversation import Conversation
from bot.words import clean_name

log = logging.getLogger(__name__)

_MOST_OFFERED = 20
_KEPT_S = 10


async def offer_names(query: InlineQuery, conversation: Conversation) -> None:
    """From the user's own gallery and the shared ones: Telegram does not say in which chat they type."""
    names = await conversation.suggest(
        chat_of_user(query.from_user), query.query.strip(), limit=_MOST_OFFERED
    )
    results = [
        InlineQueryResultArticle(
            hashlib.sha256(name.encode()).hexdigest()[:32],
            clean_name(name),
            InputTextMessageContent(html.escape(clean_name(name)), parse_mode="HTML"),
        )
        for name in dict.fromkeys(names)
    ]
    try:
        await query.answer(results, cache_time=_KEPT_S, is_personal=True)
    except TelegramError as error:
        # Whoever types on does not wait for this one any more.
        log.info("names_not_offered error=%s", type(error).__name__)
