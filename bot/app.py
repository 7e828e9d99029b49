"""`run`: every chat that is configured and the web console, until told to stop; or what Dareda does."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack

from bot.adapters.base import Adapter
from bot.conversation import Conversation, open_conversation
from bot.core import open_face_service
from bot.demo import show_demonstration
from bot.heartbeat import beating
from bot.metrics import ChatFigures
from bot.stopping import told_to_stop
from bot.terminal.output import remark
from config.settings import Settings
from inference.domain import Scope
from inference.errors import SettingsError
from inference.metrics import Metrics
from inference.observed import observe
from inference.server.serving import open_metrics_page

_SEND_WITHIN_S = 10.0
"""How long replies that are ready may take to be sent when everything stops."""


async def run(arguments: Namespace, settings: Settings) -> int:
    """Answer in every chat that has a token, and at the web console, until SIGINT or SIGTERM.

    Without a token, the demonstration comes first; where no terminal is attached either, that is all. Returns
    the exit code. Raises SetupError and TransientError when a chat cannot be started or is lost for good.
    """
    options, metrics = settings.options, Metrics()
    chats = bool(settings.secrets.discord_token or settings.secrets.telegram_token)
    start = options.web.start
    with_console = start == "on" or (start == "auto" and (chats or sys.stdin.isatty()))
    if not chats and start != "on":
        code = await show_demonstration(options)
        if code or not with_console:
            return code
    async with AsyncExitStack() as stack:
        faces = await stack.enter_async_context(
            open_face_service(options, credentials=settings.secrets, wait=True)
        )
        await stack.enter_async_context(open_metrics_page(metrics, options.metrics))
        conversation = await stack.enter_async_context(open_conversation(options, observe(faces, metrics)))
        await stack.enter_async_context(beating(options.heartbeat_file))
        if with_console:
            home = Scope(arguments.gallery)
            await _open_console(stack, conversation, settings, home, metrics, needed=not chats)
        adapters = tuple(_adapters(conversation, settings))
        metrics.registry.register(ChatFigures(conversation, adapters))
        with told_to_stop() as stop:
            await serve(adapters, conversation, stop, close_s=options.chats.close_s)
    return 0


async def _open_console(
    stack: AsyncExitStack,
    conversation: Conversation,
    settings: Settings,
    home: Scope,
    metrics: Metrics,
    *,
    needed: bool,
) -> None:
    """Says where it is. One that cannot listen stops the start only where it was asked for."""
    from bot.web.console import open_console  # noqa: PLC0415 - a quarter of a second that `--help` has no use for

    try:
        console = open_console(conversation.services, settings, home, metrics)
        address = await stack.enter_async_context(console)
    except SettingsError as error:
        if needed or settings.options.web.start == "on" or error.data["key"] != "web.port":
            raise
        remark(f"Without the web console: {error}")
    else:
        remark(f"Web console: {address}")


async def serve(
    adapters: Sequence[Adapter], conversation: Conversation, stop: asyncio.Event, *, close_s: float
) -> None:
    """Runs the adapters until `stop` is set or one of them ends, and closes everything in order.

    First nothing new is taken up, then what is under way is finished within `close_s`, then its replies are
    sent. Raises what an adapter ended with.
    """
    running = [asyncio.create_task(adapter.run(), name=adapter.platform) for adapter in adapters]
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for adapter in adapters:
            adapter.pause()
        await conversation.close(close_s)
        await asyncio.gather(*(adapter.close(_SEND_WITHIN_S) for adapter in adapters))
        await asyncio.gather(*running)
    finally:
        for task in (*running, stopping):
            task.cancel()
        await asyncio.gather(*running, stopping, return_exceptions=True)


def _adapters(conversation: Conversation, settings: Settings) -> Iterator[Adapter]:
    """Each platform's SDK takes its time to import, and only those that have a token are needed."""
    if settings.secrets.discord_token is not None:
        from bot.adapters.discord.adapter import DiscordAdapter  # noqa: PLC0415

        yield DiscordAdapter(
            conversation, settings.options.discord, settings.secrets.discord_token, say=remark
        )
    if settings.secrets.telegram_token is not None:
        from bot.adapters.telegram.adapter import TelegramAdapter  # noqa: PLC0415

        yield TelegramAdapter(conversation, settings.options.telegram, settings.secrets.telegram_token)
