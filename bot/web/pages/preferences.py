"""What a browser may choose for itself: language and colours. And where the console begins."""

from __future__ import annotations

from typing import get_args

from aiohttp import web

from bot.errors import FormInvalidError
from bot.texts import LANGUAGES
from bot.web.addresses import gallery_path, own_address
from bot.web.visits import LANGUAGE_COOKIE, THEME_COOKIE, Theme, Visit, change, page

_YEAR_S = 365 * 24 * 3_600


async def begin(visit: Visit) -> web.Response:
    """The first page."""
    return visit.leave(gallery_path(visit.desk.home, "/identify"))


async def prefer(visit: Visit) -> web.Response:
    """Keep the choice in the browser and go back. Raises FormInvalidError."""
    response = visit.leave(own_address(visit.form.text("back", longest=2_000), "/"))
    for name, cookie, choices in (
        ("language", LANGUAGE_COOKIE, LANGUAGES),
        ("theme", THEME_COOKIE, get_args(Theme)),
    ):
        chosen = visit.form.text(name)
        if not chosen:
            continue
        if chosen not in choices:
            raise FormInvalidError
        response.set_cookie(cookie, chosen, max_age=_YEAR_S, path="/", httponly=True, samesite="Lax")
    return response


ROUTES = (page("/", begin), change("/preferences", prefer, open=True))
