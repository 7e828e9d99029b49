"""The web console's life: opened beside the chats, or alone, and closed with the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.context import Services
from bot.web.application import make_application
from bot.web.assets import Assets
from bot.web.catalogue import Catalogues
from bot.web.covers import Covers
from bot.web.desk import Desk
from bot.web.guard import Guard, is_loopback
from bot.web.rendering import Renderer
from bot.web.sessions import Sessions
from bot.web.thumbnails import Thumbnails
from bot.web.transfers import open_transfers
from config.options import WebOptions
from config.settings import Settings
from inference.domain import Scope
from inference.errors import SettingsError
from inference.gallery.audit import utc_now
from inference.metrics import Metrics

_LEAST_TOKEN = 16
_CLOSE_WITHIN_S = 5.0


@asynccontextmanager
async def open_console(
    services: Services, settings: Settings, home: Scope, metrics: Metrics | None = None
) -> AsyncIterator[str]:
    """The console, listening until the end of the block; its address.

    Raises SettingsError when it would be reached from elsewhere without a token, or cannot listen there.
    """
    options = settings.options.web
    token = settings.secrets.web_token
    plain = token.get_secret_value() if token else None
    _check(options.host, options.public_url, plain)
    assets = Assets()
    guard = Guard(options.public_url, asks_for_token=plain is not None)
    sessions = Sessions(plain, hours=options.session_hours, secure=guard.secure)
    async with open_transfers(
        services.gallery, settings.options.transfers_dir, most_bytes=options.max_archive_bytes
    ) as transfers:
        desk = Desk(
            services,
            settings,
            sessions,
            Renderer(assets),
            Catalogues(services.gallery),
            Covers(settings.options.console_file),
            Thumbnails(),
            transfers,
            home,
            utc_now(),
            metrics,
        )
        runner = web.AppRunner(
            make_application(desk, guard, assets), access_log=None, shutdown_timeout=_CLOSE_WITHIN_S
        )
        await runner.setup()
        try:
            yield await _listen(runner, options)
        finally:
            await runner.cleanup()


async def _listen(runner: web.AppRunner, options: WebOptions) -> str:
    """The address. Raises SettingsError."""
    try:
        await web.TCPSite(runner, options.host, options.port).start()
    except OSError as error:
        reason = f"nothing can listen at {options.host}:{options.port} ({error.strerror})"
        raise SettingsError(key="web.port", reason=reason) from error
    host, port = runner.addresses[0][:2]
    shown = f"[{host}]" if ":" in host else host
    return options.public_url or f"http://{shown}:{port}"


def _check(host: str, public_url: str, token: str | None) -> None:
    """Raises SettingsError."""
    if token is None:
        if not is_loopback(host):
            reason = f"{host} is reached from other machines, for which WEB_TOKEN must be set"
            raise SettingsError(key="web.host", reason=reason)
        if public_url:
            raise SettingsError(key="web.public_url", reason="for a public address WEB_TOKEN must be set")
    elif len(token) < _LEAST_TOKEN:
        reason = f"it must have at least {_LEAST_TOKEN} characters, such as `openssl rand -hex 16` gives"
        raise SettingsError(key="WEB_TOKEN", reason=reason)
