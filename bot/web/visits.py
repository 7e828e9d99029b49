"""A visit: one request with all that a page needs to answer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from bot.context import words_drawn
from bot.texts import Texts
from bot.web.addresses import gallery_path, own_address, with_query
from bot.web.desk import Desk
from bot.web.forms import EMPTY, Form
from bot.web.sessions import Session
from inference.annotate import AnnotateWords
from inference.domain import Scope
from inference.errors import AppError
from inference.gallery.base import AuditEntry

Theme = Literal["auto", "light", "dark"]
LANGUAGE_COOKIE, THEME_COOKIE = "dareda_language", "dareda_theme"
_MOST_SHOWN = 100
"""Changes that one undo takes back."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. Pages read from it and answer with `render()` or `leave()`."""

    request: web.Request
    desk: Desk
    session: Session
    texts: Texts
    theme: Theme
    scope: Scope
    """The gallery that the address names; the console's own where it names none."""
    form: Form = EMPTY
    """Of a change; empty otherwise."""
    done_before: tuple[AuditEntry, ...] = ()
    """The changes after which this page is shown."""
    refused: AppError | None = None
    """Why the change was refused that this page is shown after."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The galleries seen there, the own one first."""
        return self.desk.scopes_seen(self.scope)

    @property
    def signature(self) -> str:
        """Who it is in the audit log."""
        return "web console"

    @property
    def drawn_words(self) -> AnnotateWords:
        """What is written into pictures besides names."""
        return words_drawn(self.texts)

    @property
    def is_part(self) -> bool:
        """Whether a piece of a page is wanted instead of a whole one."""
        return self.request.headers.get("HX-Request") == "true"

    @property
    def back(self) -> str:
        """Where a choice in the page's head leads back to: this page, or the one that a change belongs to."""
        if self.request.method != "GET":
            return own_address(urlsplit(self.request.headers.get(hdrs.REFERER, "")).path, "/")
        return self.request.path_qs

    def given(self, name: str) -> str:
        """Of the address: a part of its path, or of what stands behind the question mark; else empty."""
        return self.request.match_info.get(name) or self.request.query.get(name, "")

    def number(self, name: str, *, most: int = 1_000_000) -> int:
        """A number from 1 of the address; 1 for anything else."""
        text = self.given(name)
        return min(max(1, int(text)), most) if text.isascii() and text.isdecimal() and len(text) < 8 else 1

    def page_address(self, number: int) -> str:
        """Another page of what is shown."""
        return with_query(self.request.path_qs, page=str(number), done="")

    def path(self, rest: str = "") -> str:
        """The address of a page about this gallery."""
        return gallery_path(self.scope, rest)

    def render(self, template: str, *, status: int = 200, **values: object) -> web.Response:
        """The page (or piece of one) that the template makes of these values."""
        html = self.desk.renderer.html(self, template, **values)
        response = web.Response(text=html, content_type="text/html", status=status)
        response.headers["Cache-Control"] = "no-store"
        return response

    def leave(self, address: str) -> web.Response:
        """On to another page, after a change."""
        if self.is_part:
            return web.Response(headers={"HX-Redirect": address, "Cache-Control": "no-store"})
        return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})

    async def done(self, address: str, entry_ids: Sequence[int | None]) -> web.Response:
        """On to a page that says what these changes did, and how to take them back."""
        numbers = [entry for entry in entry_ids if entry is not None]
        if not numbers:
            return self.leave(address)
        await self.desk.changed(self.scope, numbers)
        return self.leave(with_query(address, done=".".join(map(str, numbers[-_MOST_SHOWN:]))))

    async def gallery_choice(self, rest: str) -> dict[str, Any]:
        """What `base.html` needs to offer the same page of the other galleries."""
        scopes = await self.desk.galleries()
        return {
            "scopes": self.desk.names_of(dict.fromkeys((*scopes, self.scope))),
            "address_of": lambda scope: gallery_path(scope, rest),
        }


Handler = Callable[[Visit], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """An address and what answers there; made by `page()` and `change()`."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    shows: Handler | None = None
    """The page that says why a change was refused; without one there is a page that says only that."""
    open: bool = False
    """Reached without logging in."""
    streams: bool = False
    """The handler reads the body itself; the request carries its mark in the header X-Mark."""


def page(path: str, handler: Handler, *, open: bool = False) -> Route:  # noqa: A002
    """Something to look at. It must not change anything: links from other sites lead there."""
    return Route("GET", path, handler, open=open)


def change(
    path: str,
    handler: Handler,
    *,
    shows: Handler | None = None,
    open: bool = False,  # noqa: A002
    streams: bool = False,
) -> Route:
    """Something to do; only forms of the console's own pages get there."""
    return Route("POST", path, handler, shows, open, streams)
