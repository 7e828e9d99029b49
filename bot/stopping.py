"""How an operator stops a process that serves: the first SIGINT or SIGTERM asks, the next one ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bot.terminal.output import remark


@contextmanager
def told_to_stop() -> Iterator[asyncio.Event]:
    """Set by the first SIGINT or SIGTERM; the next ones end the process as they always do."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)

    def told() -> None:
        remark("Stopping: finishing what is under way. Once more stops at once.")
        stop.set()
        release()

    def release() -> None:
        with suppress(NotImplementedError):
            for number in signals:
                loop.remove_signal_handler(number)

    with suppress(NotImplementedError):  # Windows: Ctrl+C ends the process as it always does
        for number in signals:
            loop.add_signal_handler(number, told)
    try:
        yield stop
    finally:
        release()
