"""From `Reply` to what Discord shows: markdown, pages within its limits, buttons, menus, forms."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.chat import Button, Form, FormField, Menu, OutgoingFile, Reply, Text
from bot.words import shorten
from inference.graphemes import clusters

LONGEST_PAGE = 2_000
"""Characters of a message; counted here in UTF-16 units, which are never fewer."""
MOST_FILES = 10
_LONGEST_PIECE = 900
"""Of one line before escaping, which at most doubles it."""
_MOST_ROWS = 5

_STYLES = {
    "plain": discord.ButtonStyle.secondary,
    "good": discord.ButtonStyle.success,
    "bad": discord.ButtonStyle.danger,
}
_MARKUP = re.compile(r"([\\*_~`|<\[\]@])")
_LINKS = re.compile(r"(?i)\b(https?|steam|tel|mailto|(?:www|discord|discordapp|dsc))([:.])")
_LINE_MARKUP = re.compile(r"^(\s*)(#{1,3}|-#?|\+|>{1,3}|\d+(?=[.)]))(?=[.)]?(?:\s|$))")


@dataclass(frozen=True, slots=True)
class Page:
    """One message: the controls of a reply stand under its last one."""

    content: str
    files: tuple[OutgoingFile, ...]
    last: bool


def pages_of(reply: Reply) -> tuple[Page, ...]:
    """The reply in as many messages as Discord's limits need; none for a reply without anything to show."""
    texts = _pack(reply.text)
    batches = [reply.files[start : start + MOST_FILES] for start in range(0, len(reply.files), MOST_FILES)]
    if not texts and not batches:
        return ()
    # The text comes first, the pictures with its last page.
    contents = [*texts, *[""] * (len(batches) - 1)] if texts else [""] * len(batches)
    bare = len(contents) - len(batches)
    return tuple(
        Page(content, batches[number - bare] if number >= bare else (), number == len(contents) - 1)
        for number, content in enumerate(contents)
    )


def markdown_of(text: Text) -> str:
    """The text with nothing in it meaning anything to Discord but the emphasis."""
    return "\n".join("".join(line) for line in _lines(text))


def files_of(files: Sequence[OutgoingFile]) -> list[discord.File]:
    """New ones for each attempt to send: discord.py closes them."""
    return [
        discord.File(
            io.BytesIO(file.data),
            file.name,
            spoiler=file.spoiler,
            description=shorten(file.description, 1_024) or None,
        )
        for file in files
    ]


def view_of(reply: Reply) -> discord.ui.View | None:
    """Buttons and menu; their ids are the tokens, so that whoever runs when they are used knows them.

    discord.py shall not listen for them itself, and keep each view for ever: it is given stopped ones.
    """
    rows: list[Sequence[discord.ui.Item[Any]]] = [
        [_button(button) for button in row] for row in reply.buttons[: _MOST_ROWS - (reply.menu is not None)]
    ]
    if reply.menu is not None and reply.menu.lines:
        rows.insert(0, [_menu(reply.menu)])
    if not rows:
        return None
    view = discord.ui.View(timeout=None)
    for number, items in enumerate(rows):
        for item in items:
            item.row = number
            view.add_item(item)
    view.stop()
    return view


def modal_of(form: Form) -> discord.ui.Modal:
    """The form; its id is the token, see `view_of()`."""
    modal = discord.ui.Modal(title=shorten(form.title, 45), custom_id=form.token, timeout=None)
    for field in form.fields[:5]:
        modal.add_item(_form_field(field))
    modal.stop()
    return modal


def _button(button: Button) -> discord.ui.Button[Any]:
    return discord.ui.Button(
        label=shorten(button.label, 80), custom_id=button.token, style=_STYLES[button.style]
    )


def _menu(menu: Menu) -> discord.ui.Select[Any]:
    options = [
        discord.SelectOption(
            label=shorten(line.label, 100), value=line.value, description=shorten(line.detail, 100) or None
        )
        for line in menu.lines[:25]
    ]
    return discord.ui.Select(
        custom_id=menu.token, placeholder=shorten(menu.placeholder, 150) or None, options=options
    )


def _form_field(field: FormField) -> discord.ui.Label[Any]:
    given: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id=field.key,
        default=field.value[: field.longest] or None,
        required=field.required,
        max_length=field.longest,
        style=discord.TextStyle.short if field.longest <= 200 else discord.TextStyle.paragraph,
    )
    return discord.ui.Label(text=shorten(field.label, 45), component=given)


def _pack(text: Text) -> list[str]:
    """Pages of whole lines where lines are short enough."""
    pages: list[str] = []
    page = ""
    for line in _lines(text):
        for number, piece in enumerate(line):
            separator = "\n" if number == 0 and page else ""
            if _length(page) + len(separator) + _length(piece) > LONGEST_PAGE:
                pages.append(page)
                page, separator = "", ""
            page += separator + piece
        if not line and page and _length(page) < LONGEST_PAGE:
            page += "\n"
    return [page for page in (*pages, page) if page.strip()]


def _lines(text: Text) -> Iterator[list[str]]:
    """Each line in pieces of markdown that are complete in themselves."""
    line: list[str] = []
    for span in text:
        for number, part in enumerate(span.text.replace("\r\n", "\n").split("\n")):
            if number:
                yield line
                line = []
            line += (_escaped(piece, strong=span.strong, starts=not line) for piece in _pieces(part))
    if line:
        yield line


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces of bounded length, cut only between what looks like one character."""
    piece = ""
    for cluster in clusters(text) if len(text) > _LONGEST_PIECE // 2 else [text] * bool(text):
        if piece and _length(piece) + _length(cluster) > _LONGEST_PIECE:
            yield piece
            piece = ""
        piece += cluster
    if piece:
        yield piece


def _escaped(text: str, *, strong: bool, starts: bool) -> str:
    safe = _LINKS.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", text))
    if not strong:
        return _LINE_MARKUP.sub(_escape_line_start, safe) if starts else safe
    inner = safe.strip()
    if not inner:
        return safe
    before, after = safe[: len(safe) - len(safe.lstrip())], safe[len(safe.rstrip()) :]
    return f"{before}**{inner}**{after}"


def _escape_line_start(match: re.Match[str]) -> str:
    space, mark = match.groups()
    # In "1." it is the full stop that can be escaped.
    return f"{space}{mark}\\" if mark[0].isdigit() else f"{space}\\{mark}"


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2
