"""The console as an aiohttp application: every request passes the same checks before a page sees it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast, get_args

from aiohttp import hdrs, web

from bot.errors import (
    CooldownError,
    FileTooLargeError,
    ForeignRequestError,
    LoginError,
    PageNotFoundError,
    PageTooOldError,
    ReviewSettledError,
    TokenUnknownError,
)
from bot.texts import choose_language, texts_of
from bot.web.assets import Assets
from bot.web.desk import Desk
from bot.web.forms import Form, read_form
from bot.web.guard import HEADERS, Guard
from bot.web.pages import (
    attention,
    character,
    enroll,
    files,
    gallery,
    gallery_map,
    health,
    history,
    identify,
    images,
    login,
    preferences,
    reviews,
    settings,
    statistics,
)
from bot.web.pages.history import numbers_in
from bot.web.sessions import Session
from bot.web.visits import LANGUAGE_COOKIE, THEME_COOKIE, Route, Theme, Visit
from config.logs import bind
from inference.domain import Scope
from inference.errors import (
    AppError,
    CharacterNotFoundError,
    ImageTooLargeError,
    SampleNotFoundError,
    TransientError,
)

log = logging.getLogger(__name__)
R = TypeVar("R", bound=web.StreamResponse)

ROUTES: tuple[Route, ...] = (
    *login.ROUTES,
    *preferences.ROUTES,
    *identify.ROUTES,
    *enroll.ROUTES,
    *gallery.ROUTES,
    *character.ROUTES,
    *images.ROUTES,
    *reviews.ROUTES,
    *history.ROUTES,
    *settings.ROUTES,
    *attention.ROUTES,
    *gallery_map.ROUTES,
    *statistics.ROUTES,
    *files.ROUTES,
    *health.ROUTES,
)
"""Every page and change."""

_STATUS: tuple[tuple[type[AppError], int], ...] = (
    (ForeignRequestError, 403),
    (PageTooOldError, 403),
    (LoginError, 403),
    (CooldownError, 429),
    (PageNotFoundError, 404),
    (CharacterNotFoundError, 404),
    (SampleNotFoundError, 404),
    (TokenUnknownError, 404),
    (ReviewSettledError, 409),
    (ImageTooLargeError, 413),
    (FileTooLargeError, 413),
    (TransientError, 503),
)


def make_application(
    desk: Desk, guard: Guard, assets: Assets, routes: Sequence[Route] = ROUTES
) -> web.Application:
    """The console with these routes."""
    door = _Door(desk, guard)
    application = web.Application(middlewares=[door.pass_through])
    application.on_response_prepare.append(_add_headers)
    application.router.add_get("/static/{version}/{name}", assets.serve)
    application.router.add_get("/healthz", _alive)
    for route in routes:
        add = application.router.add_get if route.method == "GET" else application.router.add_post
        add(route.path, door.handler(route))
    return application


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    del request
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.pop(hdrs.SERVER, None)
    if hdrs.CACHE_CONTROL not in response.headers:
        response.headers[hdrs.CACHE_CONTROL] = "no-store"


async def _alive(request: web.Request) -> web.Response:
    """For whoever watches the process: it answers."""
    del request
    return web.Response(text="ok\n")


@dataclass(frozen=True, slots=True)
class _Door:
    """Lets in who may come in, and says to the others why not."""

    desk: Desk
    guard: Guard

    @web.middleware
    async def pass_through(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """What the handler answers, or a page that says what went wrong."""
        request_id = secrets.token_hex(4)
        with bind(request_id=request_id, platform="web"):
            try:
                self.guard.check(request)
                return await handler(request)
            except web.HTTPNotFound:
                error: AppError = PageNotFoundError()
            except web.HTTPException as other:
                return web.Response(status=other.status, text=other.reason)
            except AppError as refused:
                error = refused
            except Exception:
                log.exception("request_failed path=%s", request.match_info.route.resource)
                visit = self._visit(request, self.desk.sessions.of(request))
                return visit.render("error.html", status=500, request_id=request_id)
            log.info("request_refused code=%s", error.code)
            return self._refused(request, error)

    def handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """What answers at that route."""

        async def answer(request: web.Request) -> web.StreamResponse:
            session = self.desk.sessions.of(request)
            if not (session.is_in or route.open):
                return self._to_login(request, session)
            visit = self._visit(request, session)
            if "scope" in request.match_info and visit.scope not in await self.desk.galleries():
                raise PageNotFoundError
            numbers = numbers_in(request.query.get("done", ""))
            if numbers and session.is_in:
                visit = replace(visit, done_before=await self.desk.entries(visit.scope, numbers))
            if route.method == "POST":
                visit = replace(visit, form=await self._form(request, session, route))
            try:
                response = await route.handler(visit)
            except AppError as error:
                if route.shows is None or visit.is_part:
                    raise
                log.info("change_refused code=%s", error.code)
                response = _refusing(await route.shows(replace(visit, refused=error)), error)
            self.desk.sessions.keep(session, request, response)
            return response

        return answer

    async def _form(self, request: web.Request, session: Session, route: Route) -> Form:
        """What was sent, once it is certain that a page of this session sent it. Raises PageTooOldError."""
        sessions, options = self.desk.sessions, self.desk.settings.options
        header = request.headers.get("X-Mark")
        if header is not None and not sessions.is_marked(session, header):
            raise PageTooOldError
        if route.streams:
            if header is None:
                raise PageTooOldError
            return Form()
        form = await read_form(request, options.images, most_uploads=options.chats.most_images)
        if header is None and not sessions.is_marked(session, form.fields.get("mark", ("",))[0]):
            raise PageTooOldError
        return form

    def _visit(self, request: web.Request, session: Session) -> Visit:
        header = request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
        accepted = [part.partition(";")[0].strip() for part in header.split(",")[:10]]
        usual = self.desk.services.chats.language
        theme = request.cookies.get(THEME_COOKIE, "auto")
        return Visit(
            request,
            self.desk,
            session,
            texts_of(choose_language(request.cookies.get(LANGUAGE_COOKIE, ""), *accepted, usual)),
            cast(Theme, theme if theme in get_args(Theme) else "auto"),
            Scope(request.match_info.get("scope", self.desk.home)),
        )

    def _refused(self, request: web.Request, error: AppError) -> web.StreamResponse:
        session = self.desk.sessions.of(request)
        visit = replace(self._visit(request, session), refused=error)
        response = visit.render("error.html", request_id="")
        self.desk.sessions.keep(session, request, response)
        return _refusing(response, error)

    def _to_login(self, request: web.Request, session: Session) -> web.Response:
        """To where the token is asked for, and back from there."""
        if request.method != "GET" or request.headers.get("HX-Request"):
            return web.Response(status=401, headers={"HX-Redirect": "/login"})
        response = web.Response(status=303, headers={"Location": login.address(request.path_qs)})
        self.desk.sessions.keep(session, request, response)
        return response


def _refusing(response: R, error: AppError) -> R:
    """The response with the status of the error."""
    response.set_status(next((status for kind, status in _STATUS if isinstance(error, kind)), 400))
    if isinstance(error, CooldownError):
        response.headers[hdrs.RETRY_AFTER] = str(error.data["seconds"])
    return response
