"""From `Reply` to what Telegram shows: HTML, parts within its limits, keyboards."""

from __future__ import annotations

import html
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.chat import Menu, OutgoingFile, Reply, Text
from bot.texts import plain_text
from bot.words import shorten, utf16_length
from inference.errors import AppError
from inference.graphemes import clusters
from inference.image_probe import probe_image

log = logging.getLogger(__name__)

LONGEST_TEXT = 4_096
LONGEST_CAPTION = 1_024
"""UTF-16 units after HTML is read, as Telegram counts."""
MOST_IN_ALBUM = 10

_MOST_PHOTO_BYTES = 10 * 1024 * 1024
_MOST_PHOTO_SIDES = 10_000  # width + height
_MOST_PHOTO_RATIO = 20
_MOST_DATA_BYTES = 64
_LONGEST_LABEL = 64
_STYLES = {"plain": None, "good": "success", "bad": "danger"}
_VALUE_OF = "="
"""Between the token of a menu and the value of its line; no token has one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One message, or one album."""

    html: str = ""
    """The text, or with files the caption."""
    files: tuple[OutgoingFile, ...] = ()
    """Several are an album."""
    as_photos: bool = False
    """Whether Telegram shows the files as photos; otherwise they are documents."""


def parts_of(reply: Reply) -> tuple[Part, ...]:
    """The reply in as many messages as Telegram's limits need; none where there is nothing to show."""
    batches = list(_batches(reply.files))
    if not batches:
        return tuple(Part(page) for page in pages_of(reply.text, LONGEST_TEXT))
    if utf16_length(plain_text(reply.text)) > LONGEST_CAPTION:
        pages = pages_of(reply.text, LONGEST_TEXT)
        return (*(Part(page) for page in pages), *(Part("", *batch) for batch in batches))
    first, *others = batches
    return (Part(html_of(reply.text), *first), *(Part("", *batch) for batch in others))


def html_of(text: Text) -> str:
    """The text with nothing in it meaning anything to Telegram's HTML but the emphasis."""
    return "".join(_escaped(span.text, strong=span.strong) for span in text).strip()


def pages_of(text: Text, longest: int) -> Iterator[str]:
    """The text in pages, cut at line ends where lines are short enough."""
    page, length = "", 0
    for piece, strong in _pieces(text, longest):
        if length + utf16_length(piece) > longest:
            if page.strip():
                yield page.strip()
            page, length = "", 0
        page += _escaped(piece, strong=strong)
        length += utf16_length(piece)
    if page.strip():
        yield page.strip()


def keyboard_of(reply: Reply) -> InlineKeyboardMarkup | None:
    """The lines of the menu, one below the other, and the buttons."""
    rows = [[button] for button in _line_buttons(reply.menu)] if reply.menu is not None else []
    rows += [
        [_button(one.label, one.token, _STYLES[one.style]) for one in row] for row in reply.buttons if row
    ]
    return InlineKeyboardMarkup(rows) if rows else None


def pressed(data: str) -> tuple[str, str]:
    """The token, and the value of a menu's line, in the data of a button; empty for others."""
    token, _, value = data.partition(_VALUE_OF)
    return token, value


def is_photo(file: OutgoingFile) -> bool:
    """Whether Telegram takes the file as a photo (sendPhoto)."""
    if not file.is_picture or len(file.data) > _MOST_PHOTO_BYTES:
        return False
    try:
        probe = probe_image(file.data)
    except AppError:
        return False
    short, long = sorted((probe.width, probe.height))
    return not probe.animated and short + long <= _MOST_PHOTO_SIDES and long <= _MOST_PHOTO_RATIO * short


def _batches(files: Sequence[OutgoingFile]) -> Iterator[tuple[tuple[OutgoingFile, ...], bool]]:
    """Files that go together, and whether they are photos: albums are of one kind."""
    for as_photos, group in groupby(files, is_photo):
        together = tuple(group)
        for start in range(0, len(together), MOST_IN_ALBUM):
            yield together[start : start + MOST_IN_ALBUM], as_photos


def _pieces(text: Text, longest: int) -> Iterator[tuple[str, bool]]:
    """Lines with their ends, and whether they are strong; cut between what looks like one character."""
    for span in text:
        for line in span.text.splitlines(keepends=True):
            piece = ""
            for cluster in clusters(line) if utf16_length(line) > longest else [line]:
                if utf16_length(piece) + utf16_length(cluster) > longest:
                    yield piece, span.strong
                    piece = ""
                piece += cluster
            if piece:
                yield piece, span.strong


def _escaped(text: str, *, strong: bool) -> str:
    safe = html.escape(text)
    return f"<b>{safe}</b>" if strong and safe.strip() else safe


def _line_buttons(menu: Menu) -> Iterator[InlineKeyboardButton]:
    for line in menu.lines:
        data = f"{menu.token}{_VALUE_OF}{line.value}"
        if len(data.encode()) > _MOST_DATA_BYTES:
            log.error("menu_line_left_out bytes=%d", len(data.encode()))
            continue
        yield _button(f"{line.label} · {line.detail}" if line.detail else line.label, data, None)


def _button(label: str, data: str, style: str | None) -> InlineKeyboardButton:
    return InlineKeyboardButton(shorten(label, _LONGEST_LABEL), callback_data=data, style=style)
