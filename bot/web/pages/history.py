"""What was changed in a gallery, and taking it back."""

from __future__ import annotations

import re

from aiohttp import web

from bot.errors import FormInvalidError
from bot.web.addresses import own_address
from bot.web.visits import Visit, change, page

_LINES = 50
_NUMBERS = re.compile(r"\d{1,15}(\.\d{1,15}){0,200}", re.ASCII)


async def show(visit: Visit) -> web.Response:
    """The latest changes, newest first."""
    number = visit.number("page", most=200)
    entries = await visit.desk.gallery.audit(visit.scope, limit=number * _LINES + 1)
    return visit.render(
        "history.html",
        entries=entries[(number - 1) * _LINES : number * _LINES],
        number=number,
        more=len(entries) > number * _LINES,
        **await visit.gallery_choice("/history"),
    )


async def undo(visit: Visit) -> web.Response:
    """Takes these changes back, last to first. Raises CannotUndoError."""
    numbers = numbers_in(visit.form.text("entries", longest=4_000))
    if not numbers:
        raise FormInvalidError
    undone = []
    for number in sorted(numbers, reverse=True):
        entry = await visit.desk.gallery.undo(visit.scope, number, actor=visit.signature)
        undone.append(entry.id)
    if visit.is_part:
        await visit.desk.changed(visit.scope, undone)
        return visit.render("undone.html", changes=await visit.desk.entries(visit.scope, numbers))
    return await visit.done(
        own_address(visit.form.text("back", longest=2_000), visit.path("/history")), undone
    )


def numbers_in(text: str) -> tuple[int, ...]:
    """Numbers of changes with dots between them; none for anything else."""
    return tuple(map(int, text.split("."))) if _NUMBERS.fullmatch(text) else ()


ROUTES = (page("/g/{scope}/history", show), change("/g/{scope}/undo", undo, shows=show))
