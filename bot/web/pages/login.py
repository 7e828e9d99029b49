"""Logging in with the operator's token, and out again."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from bot.web.addresses import own_address
from bot.web.visits import Visit, change, page

_LONGEST_TOKEN = 1_000


def address(back: str) -> str:
    """Where the token is asked for; after that it goes on to `back`."""
    return f"/login?{urlencode({'back': back})}"


async def show(visit: Visit) -> web.Response:
    """The form; whoever is in already goes on."""
    back = _back(visit)
    if visit.session.is_in:
        return visit.leave(back)
    return visit.render("login.html", back=back)


async def log_in(visit: Visit) -> web.Response:
    """Raises LoginError, CooldownError."""
    token = visit.form.text("token", longest=_LONGEST_TOKEN)
    session = visit.desk.sessions.log_in(token, visit.request.remote or "")
    response = visit.leave(_back(visit))
    visit.desk.sessions.give(session, response)
    return response


async def log_out(visit: Visit) -> web.Response:
    """The browser forgets it, and so does the console."""
    response = visit.leave("/login")
    visit.desk.sessions.give(visit.desk.sessions.log_out(visit.session), response)
    return response


def _back(visit: Visit) -> str:
    return own_address(visit.form.text("back", longest=2_000) or visit.given("back"), "/")


ROUTES = (
    page("/login", show, open=True),
    change("/login", log_in, shows=show, open=True),
    change("/logout", log_out),
)
