"""Forms as messages that people reply to: the answers, separated by `|`, in the order of the fields.

The token travels in the message, in a link behind its first sign, so that a reply is understood after a
restart too. Only messages of the bot itself are looked at, so nobody forges one.
"""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, quote, urlsplit

from telegram import Message, MessageEntity, User

from bot.chat import Form
from bot.texts import Texts
from bot.words import clean_name

_SEPARATORS = re.compile(r"[|｜\n]")
_MARK = "✎"
_TOKEN, _FIELDS = "form", "fields"


def form_html(form: Form, texts: Texts, bot: User, asked: str) -> str:
    """The message that asks; `asked` is HTML that names whom, or empty."""
    address = (
        f"https://t.me/{bot.username}?{_TOKEN}={quote(form.token)}"
        f"&{_FIELDS}={quote(','.join(field.key for field in form.fields))}"
    )
    fields = " | ".join(
        clean_name(field.label) if field.required else f"({clean_name(field.label)})" for field in form.fields
    )
    instruction = texts.line("telegram-form", fields=fields, count=len(form.fields))
    title = f'<a href="{html.escape(address)}">{_MARK}</a> <b>{html.escape(clean_name(form.title))}</b>'
    return "\n".join(part for part in (asked, title, html.escape(instruction)) if part)


def filled_in(message: Message, bot: User) -> tuple[str, dict[str, str]] | None:
    """The token of the form and its fields, if the message answers one."""
    asked = message.reply_to_message
    if asked is None or not message.text or asked.from_user is None or asked.from_user.id != bot.id:
        return None
    for entity in asked.entities:
        if entity.type == MessageEntity.TEXT_LINK and entity.url:
            query = parse_qs(urlsplit(entity.url).query)
            if _TOKEN in query and _FIELDS in query:
                return query[_TOKEN][0], _values(query[_FIELDS][0].split(","), message.text)
    return None


def _values(keys: list[str], text: str) -> dict[str, str]:
    """What is given for each field; the last one takes what is left, fields that are left out are empty."""
    given = [part.strip() for part in _SEPARATORS.split(text, maxsplit=len(keys) - 1)]
    given += [""] * (len(keys) - len(given))
    return dict(zip(keys, given, strict=True))
