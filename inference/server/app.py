"""The aiohttp application of the inference service: its routes, who may come in, and what is refused."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from importlib import metadata

import msgspec
from aiohttp import web
from pydantic import SecretStr

from config.logs import bind, request_id
from config.options import Options
from inference.errors import (
    AppError,
    DeadlineError,
    ImageTooLargeError,
    OverloadedError,
    RequestInvalidError,
    ServiceMismatchError,
    StoppedError,
    TransientError,
    UserError,
)
from inference.metrics import Metrics
from inference.operations import (
    ABOUT_PATH,
    CONTRACT_HEADER,
    EXPORT_PATH,
    IMPORT_PATH,
    REQUEST_ID_HEADER,
    SECONDS_LEFT_HEADER,
    SECONDS_LEFT_PATTERN,
    TOKEN_HEADER,
    UNTOUCHED_HEADER,
    WIRE_VERSION,
    About,
    Operation,
    operations,
)
from inference.server.archives import export, import_
from inference.server.arguments import require_fitting
from inference.server.openapi import OPEN_PATHS, openapi_document
from inference.service import FaceService
from inference.wire import JSON, MSGPACK, ErrorAnswer, as_answer, decode, encode

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ARGUMENTS_BYTES = 1024 * 1024
"""What may come with a picture besides it."""
_READY_WITHIN_S = 5.0
_READY_FOR_S = 2.0
"""Whoever asks again so soon is told the same, so that nobody keeps the gallery busy with it."""
_SHORTEST_TOKEN = 16
_STATUS = {
    "character_not_found": 404,
    "sample_not_found": 404,
    "character_exists": 409,
    "sample_exists": 409,
    "image_too_large": 413,
    "request_invalid": 400,
    "deadline": 504,
}


class InferenceServer:
    """The service over HTTP, as an application; whoever runs it calls `stop()` before closing it."""

    def __init__(
        self,
        service: FaceService,
        options: Options,
        *,
        token: SecretStr | None,
        metrics: Metrics,
        read_only: bool = False,
    ) -> None:
        """Without a token everybody may ask. Raises ValueError for a token that can be guessed."""
        if token is not None and len(token.get_secret_value()) < _SHORTEST_TOKEN:
            raise ValueError(f"a token has at least {_SHORTEST_TOKEN} characters")
        self._service = service
        self._options = options
        self._token = token
        self._metrics = metrics
        self._read_only = read_only
        self._most_bytes = options.images.max_bytes * 4 // 3 + _ARGUMENTS_BYTES
        self._stopping = False
        self._working = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._ready_until = 0.0
        self.app = self._make_app()

    async def stop(self, within_s: float) -> None:
        """Refuse what is new, and wait at most so long for what is under way."""
        self._stopping = True
        try:
            await asyncio.wait_for(self._idle.wait(), within_s)
        except TimeoutError:
            log.warning("requests_cut_off count=%d", self._working)

    def _make_app(self) -> web.Application:
        app = web.Application(
            middlewares=[self._answer, self._admit],
            client_max_size=self._most_bytes,
        )
        for operation in operations().values():
            app.router.add_post(operation.path, self._handler(operation), name=operation.id)
        app.router.add_post(EXPORT_PATH, self._export, name="gallery.export_archive")
        app.router.add_post(IMPORT_PATH, self._import, name="gallery.import_archive")
        app.router.add_get(ABOUT_PATH, self._about, name="about")
        app.router.add_get("/openapi.json", self._openapi, name="openapi")
        app.router.add_get("/healthz", self._healthy, name="healthz")
        app.router.add_get("/readyz", self._ready, name="readyz")
        app.router.add_get("/metrics", self._measured, name="metrics")
        return app

    # ── around every request ────────────────────────────────────────────────────────────────────

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The request id for the log and the answer, the deadline, and errors as answers."""
        given = request.headers.get(REQUEST_ID_HEADER, "")
        started = time.perf_counter()
        with bind(request_id=given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)):
            response = await self._outcome(request, handler)
            if not response.prepared:
                response.headers[REQUEST_ID_HEADER] = request_id()
        route = request.match_info.route.name or "none"
        self._metrics.request(route, response.status, time.perf_counter() - started)
        return response

    async def _outcome(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except AppError as error:
            return _refusal(request, error)
        except web.HTTPRequestEntityTooLarge:
            actual = request.content_length or self._most_bytes + 1
            too_large = ImageTooLargeError(what="bytes", actual=actual, limit=self._options.images.max_bytes)
            return _refusal(request, too_large)
        except web.HTTPException as error:
            code = {401: "unauthorized", 404: "no_such_route", 405: "method_not_allowed"}
            answer = ErrorAnswer(code.get(error.status, "http"), "", error.reason, {}, request_id())
            kept = {name: value for name, value in error.headers.items() if name in _KEPT_HEADERS}
            return web.Response(
                status=error.status, body=encode(answer, JSON), content_type=JSON, headers=kept
            )
        except ConnectionResetError:
            raise  # whoever asked has gone
        except Exception:
            log.exception("request_failed route=%s", request.match_info.route.name)
            answer = ErrorAnswer("unexpected", "", "Something went wrong.", {}, request_id())
            return web.Response(status=500, body=encode(answer, JSON), content_type=JSON)

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Who has the token, as long as there is room."""
        if request.match_info.http_exception is not None or request.path in OPEN_PATHS:
            return await handler(request)
        if not self._is_trusted(request):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
        if request.method != "POST":
            return await handler(request)
        if self._stopping:
            return _refusal(request, StoppedError(), untouched=True)
        if self._working >= self._options.service.max_waiting:
            return _refusal(request, OverloadedError(limit=self._options.service.max_waiting), untouched=True)
        self._working += 1
        self._idle.clear()
        try:
            return await handler(request)
        finally:
            self._working -= 1
            if not self._working:
                self._idle.set()

    def _is_trusted(self, request: web.Request) -> bool:
        if self._token is None:
            return True
        kind, _, given = request.headers.get(TOKEN_HEADER, "").partition(" ")
        expected = self._token.get_secret_value().encode()
        return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), expected)

    # ── routes ──────────────────────────────────────────────────────────────────────────────────

    def _handler(self, operation: Operation) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            media_type = _media_type(request)
            seconds = self._seconds_left(request)
            try:
                async with asyncio.timeout(seconds):
                    arguments = await _decoded(await request.read(), operation, media_type)
                    self._require_same_contract(request)
                    await require_fitting(arguments, self._service.gallery.contract)
                    owner = self._service.gallery if operation.of_gallery else self._service
                    given = {name: getattr(arguments, name) for name in arguments.__struct_fields__}
                    result = await getattr(owner, operation.method)(**given)
            except TimeoutError:
                raise DeadlineError(seconds=seconds) from None
            return web.Response(body=encode(result, media_type), content_type=media_type)

        return handle

    async def _export(self, request: web.Request) -> web.StreamResponse:
        return await export(request, self._service.gallery, _media_type(request))

    async def _import(self, request: web.Request) -> web.StreamResponse:
        return await import_(request, self._service.gallery, self._options.service.max_archive_bytes)

    async def _about(self, request: web.Request) -> web.StreamResponse:
        del request
        about = About(
            version=_version(),
            wire=WIRE_VERSION,
            contract=self._service.gallery.contract,
            learns=self._service.learns,
            read_only=self._read_only,
        )
        return web.Response(body=encode(about, JSON), content_type=JSON)

    async def _openapi(self, request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(body=encode(openapi_document(), JSON), content_type=JSON)

    async def _healthy(self, request: web.Request) -> web.StreamResponse:
        """The process answers; a server that is stopping still does."""
        del request
        return web.json_response({"status": "ok"})

    async def _ready(self, request: web.Request) -> web.StreamResponse:
        """The models are warm (there is no service before) and the gallery can be asked."""
        del request
        if self._stopping:
            raise StoppedError
        now = asyncio.get_running_loop().time()
        if now >= self._ready_until:
            try:
                async with asyncio.timeout(_READY_WITHIN_S):
                    await self._service.gallery.stats()
            except TimeoutError:
                raise DeadlineError(seconds=_READY_WITHIN_S) from None
            self._ready_until = now + _READY_FOR_S
        return web.json_response({"status": "ready"})

    async def _measured(self, request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(body=await self._metrics.render(), headers={"Content-Type": Metrics.MEDIA_TYPE})

    def _seconds_left(self, request: web.Request) -> float:
        most = self._options.batching.deadline_s
        given = request.headers.get(SECONDS_LEFT_HEADER)
        if given is None:
            return most
        if not re.fullmatch(SECONDS_LEFT_PATTERN, given):
            raise RequestInvalidError(reason=f"{SECONDS_LEFT_HEADER} is not a number of seconds")
        return min(most, float(given))

    def _require_same_contract(self, request: web.Request) -> None:
        """Raises ServiceMismatchError when whoever asks was told of another contract."""
        believed = request.headers.get(CONTRACT_HEADER)
        contract = self._service.gallery.contract
        if believed is not None and believed != contract.id:
            raise ServiceMismatchError(
                address=str(request.url.origin()),
                reason=f"it runs {contract.model} ({contract.id}), and {believed} is expected",
                fix="Run the same model pack on all servers, then start again what asks them.",
            )


_KEPT_HEADERS = ("Allow", "WWW-Authenticate")


def _refusal(request: web.Request, error: AppError, *, untouched: bool = False) -> web.Response:
    """The error as an answer; `untouched` says that nothing was begun."""
    status = _STATUS.get(
        error.code,
        503 if isinstance(error, TransientError) else 422 if isinstance(error, UserError) else 409,
    )
    headers = {"Retry-After": "1"} if status == 503 else {}
    if untouched:
        headers[UNTOUCHED_HEADER] = "yes"
    log.info("request_refused route=%s code=%s", request.match_info.route.name, error.code)
    answer = as_answer(error, request_id())
    return web.Response(status=status, body=encode(answer, JSON), content_type=JSON, headers=headers)


def _media_type(request: web.Request) -> str:
    """Of the request, and so of its answer. Raises HTTPUnsupportedMediaType."""
    if request.content_type not in (JSON, MSGPACK):
        raise web.HTTPUnsupportedMediaType(reason=f"{JSON} or {MSGPACK} is needed")
    return request.content_type


_LARGE_BYTES = 1024 * 1024


async def _decoded(body: bytes, operation: Operation, media_type: str) -> msgspec.Struct:
    """The arguments. Base64 of a large picture takes long enough for others to notice, so not on the loop."""
    given = (body, operation.arguments, media_type)
    arguments: msgspec.Struct = (
        decode(*given) if len(body) < _LARGE_BYTES else await asyncio.to_thread(decode, *given)
    )
    return arguments


def _version() -> str:
    try:
        return metadata.version("dareda")
    except metadata.PackageNotFoundError:
        return "source"
