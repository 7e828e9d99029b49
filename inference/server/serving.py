"""Listening: the inference service on its port, the figures on theirs."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from pydantic import SecretStr

from config.options import MetricsOptions, Options
from inference.errors import SettingsError
from inference.metrics import Metrics
from inference.server.app import InferenceServer
from inference.service import FaceService

_KEEP_ALIVE_S = 75.0
"""Longer than those who ask keep idle connections, so that none is closed just when it is used again."""


@asynccontextmanager
async def open_inference_server(
    service: FaceService,
    options: Options,
    *,
    token: SecretStr | None,
    metrics: Metrics,
    read_only: bool = False,
) -> AsyncIterator[str]:
    """The service on its port, for the block; gives its address. At the end requests under way are finished.

    Raises SettingsError: for an address that others can reach but no token, or one that is taken.
    """
    given = options.service
    if token is None and not is_loopback(given.host):
        raise SettingsError(
            key="SERVICE_TOKEN", reason=f"others can reach {given.host}, so a token is needed (service.host)"
        )
    server = _server(service, options, token=token, metrics=metrics, read_only=read_only)
    async with _listening(server.app, given.host, given.port, "service") as address:
        try:
            yield address
        finally:
            await server.stop(given.close_s)


@asynccontextmanager
async def open_inference_socket(
    service: FaceService,
    options: Options,
    path: Path,
    *,
    token: SecretStr,
    metrics: Metrics,
    read_only: bool = False,
) -> AsyncIterator[None]:
    """The service on a Unix socket, for the block: for somebody else's HTTP server to pass requests on to.

    Ends as `open_inference_server()` does. Raises SettingsError for a token that can be guessed.
    """
    server = _server(service, options, token=token, metrics=metrics, read_only=read_only)
    async with _running(server.app) as runner:
        await web.UnixSite(runner, str(path)).start()
        try:
            yield
        finally:
            await server.stop(options.service.close_s)


@asynccontextmanager
async def open_metrics_page(metrics: Metrics, options: MetricsOptions) -> AsyncIterator[str | None]:
    """`/metrics` on a port of its own, for the block; gives its address, None without a port.

    Raises SettingsError for one that is taken.
    """
    if not options.port:
        yield None
        return

    async def render(request: web.Request) -> web.Response:
        del request
        return web.Response(body=await metrics.render(), headers={"Content-Type": Metrics.MEDIA_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", render)
    async with _listening(app, options.host, options.port, "metrics") as address:
        yield f"{address}/metrics"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _server(
    service: FaceService, options: Options, *, token: SecretStr | None, metrics: Metrics, read_only: bool
) -> InferenceServer:
    try:
        return InferenceServer(service, options, token=token, metrics=metrics, read_only=read_only)
    except ValueError as error:
        raise SettingsError(key="SERVICE_TOKEN", reason=str(error)) from None


@asynccontextmanager
async def _listening(app: web.Application, host: str, port: int, section: str) -> AsyncIterator[str]:
    async with _running(app) as runner:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = f"{host}:{port} cannot be listened on ({error.strerror or error})"
            raise SettingsError(key=f"{section}.port", reason=reason) from error
        listening = runner.addresses[0]
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listening[1]}"


@asynccontextmanager
async def _running(app: web.Application) -> AsyncIterator[web.AppRunner]:
    # Whoever asks and goes away is not worked for any longer. The access log would have addresses in it.
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, keepalive_timeout=_KEEP_ALIVE_S, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()
