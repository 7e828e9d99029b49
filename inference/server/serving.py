"""Listening: the inference service on its port, the figures on theirs."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
    try:
        server = InferenceServer(service, options, token=token, metrics=metrics, read_only=read_only)
    except ValueError as error:
        raise SettingsError(key="SERVICE_TOKEN", reason=str(error)) from None
    async with _listening(server.app, given.host, given.port, "service") as address:
        try:
            yield address
        finally:
            await server.stop(given.close_s)


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


@asynccontextmanager
async def _listening(app: web.Application, host: str, port: int, section: str) -> AsyncIterator[str]:
    # Whoever asks and goes away is not worked for any longer. The access log would have addresses in it.
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, keepalive_timeout=_KEEP_ALIVE_S, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = f"{host}:{port} cannot be listened on ({error.strerror or error})"
            raise SettingsError(key=f"{section}.port", reason=reason) from error
        listening = runner.addresses[0]
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listening[1]}"
    finally:
        await runner.cleanup()
