"""The inference service as an application of Ray Serve: the same routes, from as many replicas as are needed.

    serve run inference.ray_app:build data_dir=/srv/dareda

Every replica is a whole service. Serve's proxies give it the requests, and it passes them on, over a socket
of its own, to the application that `serve` listens with; so both have one way to read and answer them.
Imported by Ray, this is an entry point: it reads the settings, in each replica anew, so that no secret goes
through Ray.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import ray
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from ray import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from yarl import URL

from config.logs import setup_logging
from config.options import Options
from config.settings import Settings, load_settings
from inference.annotate import AnnotateWords
from inference.domain import Scope as GalleryScope
from inference.errors import SettingsError
from inference.metrics import Metrics
from inference.observed import ObservedFaceService, watch
from inference.server.serving import open_inference_socket
from inference.service import Answer, FaceService, open_face_service

_CHUNK_BYTES = 256 * 1024
_BATCHES_AT_ONCE = 4
"""One is decoded, one detected, one embedded, and one waits, so that no model has to."""
_OF_THE_CONNECTION = frozenset(
    {"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_OF_THE_PROXY = frozenset({"date", "server", "x-request-id"})
"""Headers that Serve's proxies set themselves."""


class Place(BaseModel):
    """What the application is built with: where its replicas find their settings, and what counts more."""

    model_config = ConfigDict(extra="forbid")

    config: Path | None = None
    """Settings file (TOML) on every node; without, `dareda.toml` in the replica's working folder."""
    data_dir: Path | None = None
    set: list[str] = Field(default_factory=list)
    """Single settings, as `section.key=value`."""
    read_only: bool = False
    """Only answer questions: another process keeps the gallery."""


def build(place: Place) -> serve.Application:
    """The application; on what, and in how many replicas, is said in Serve's configuration."""
    application: serve.Application = deployment(place).bind()
    return application


def deployment(place: Place) -> serve.Deployment:
    """What the application consists of."""

    def make_app() -> Starlette:
        return _application(place)

    class Dareda:
        def __init__(self) -> None:
            _settings(place)  # what is wrong with them shows in Serve's status, later errors only in its log

    return serve.deployment(
        autoscaling_config={"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": 16},
        max_ongoing_requests=64,
        max_queued_requests=256,
        ray_actor_options={"num_cpus": 2},
        graceful_shutdown_timeout_s=30.0,
    )(serve.ingress(make_app)(Dareda))


def _application(place: Place) -> Starlette:
    """Of one replica, which has loaded its models when this has started."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with _open_replica(place) as app.state.session:
            yield

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await _passed_on(Request(scope, receive), scope["app"].state.session)
        await response(scope, receive, send)

    application = Starlette(lifespan=lifespan)
    application.router.default = answer  # no routes here, not even one for all: that leaves out line breaks
    return application


@asynccontextmanager
async def _open_replica(place: Place) -> AsyncIterator[aiohttp.ClientSession]:
    """A whole service, for the block, and what reaches it. Raises SetupError."""
    settings, token = _settings(place)
    setup_logging(settings.options.logging, settings.secrets, serving=True)
    options = _within_share(settings.options)
    metrics = Metrics(replica=serve.get_replica_context().replica_id.unique_id)
    # The folder is nobody else's, and so is the socket.
    with tempfile.TemporaryDirectory(prefix="dareda-") as folder:
        socket = Path(folder) / "service"
        async with (
            open_face_service(
                options, credentials=settings.secrets, read_only=place.read_only, wait=True
            ) as core,
            open_inference_socket(
                BatchedFaceService(core, metrics, most=options.batching.detector_items),
                options,
                socket,
                token=token,
                metrics=metrics,
                read_only=place.read_only,
            ),
            aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(socket), limit=0),
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
            ) as session,
        ):
            yield session


def _settings(place: Place) -> tuple[Settings, SecretStr]:
    """With the token. Raises SettingsError."""
    settings = load_settings(
        environ=os.environ, config_file=place.config, data_dir=place.data_dir, overrides=place.set
    )
    token = settings.secrets.service_token
    if token is None:
        raise SettingsError(key="SERVICE_TOKEN", reason="others can reach Serve's proxies, so it is needed")
    return settings, token


def _within_share(options: Options) -> Options:
    """With as many threads for each model as Ray has set aside cores, unless it was told how many."""
    if options.models.threads:
        return options
    cores = ray.get_runtime_context().get_assigned_resources().get("CPU", 1)
    return replace(options, models=replace(options.models, threads=max(int(cores), 1)))


async def _passed_on(request: Request, session: aiohttp.ClientSession) -> StreamingResponse:
    """The answer of the service behind the session, piece by piece, as the request goes to it."""
    # The path comes decoded, and may hold line breaks, which must not get into the request: `build` quotes.
    query = request.scope["query_string"].decode("latin-1")
    answer = await session.request(
        request.method,
        URL.build(scheme="http", host="replica", path=request.scope["path"], query_string=query),
        headers=[(name, value) for name, value in request.headers.items() if name not in _OF_THE_CONNECTION],
        data=request.stream() if request.method == "POST" else None,
        allow_redirects=False,
    )

    async def pieces() -> AsyncIterator[bytes]:
        async with answer:
            async for piece in answer.content.iter_chunked(_CHUNK_BYTES):
                yield piece

    kept = {
        name: value
        for name, value in answer.headers.items()
        if name.lower() not in _OF_THE_CONNECTION | _OF_THE_PROXY
    }
    return StreamingResponse(pieces(), answer.status, kept)


# ── Serve's batching ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Turn:
    """Of one picture."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class BatchedFaceService(ObservedFaceService):
    """A service for which Serve collects pictures, so that those of a batch meet in the models' batches.

    Serve decides whose turn it is; whoever asked then asks himself, so that his request id, his deadline and
    his giving up count for his picture alone, and he has his answer before the rest of the batch has theirs.
    """

    def __init__(self, service: FaceService, metrics: Metrics, *, most: int) -> None:
        """At most so many pictures in a batch."""
        super().__init__(service, metrics)
        watch(service, metrics)
        self._in_batches = serve.batch(
            max_batch_size=most, batch_wait_timeout_s=0.0, max_concurrent_batches=_BATCHES_AT_ONCE
        )(_take_turns)
        self._waiting: set[asyncio.Task[Any]] = set()

    async def identify(
        self,
        data: bytes,
        scopes: Sequence[GalleryScope],
        *,
        top: int | None = None,
        draw: bool = True,
        false_name_rate: float | None = None,
        words: AnnotateWords | None = None,
    ) -> Answer:
        turn = _Turn()
        waiting = asyncio.create_task(self._in_batches(turn), name="batch of Serve")
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)
        try:
            await turn.begun.wait()
            return await super().identify(
                data, scopes, top=top, draw=draw, false_name_rate=false_name_rate, words=words
            )
        finally:
            turn.ended.set()


async def _take_turns(turns: list[_Turn]) -> list[None]:
    """One batch: all at once, until the last is done."""
    for turn in turns:
        turn.begun.set()
    for turn in turns:
        await turn.ended.wait()
    return [None] * len(turns)
