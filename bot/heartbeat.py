"""Signs of life of a running bot: a file that `health` looks at, and word to systemd."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bot.terminal.output import remark, say
from config.settings import Settings

BEAT_S = 10.0
STALE_AFTER_S = 45.0
"""Some beats may come late: decoding and models run beside the event loop, but on the same cores."""


@asynccontextmanager
async def beating(path: Path) -> AsyncIterator[None]:
    """For the block, the event loop touches the file every `BEAT_S`, and tells systemd that all is well.

    So a loop that hangs or a process that is gone shows. A file that cannot be written (a full disk) stops
    nobody from answering, but shows too.
    """
    _beat(path)
    _tell_systemd("READY=1")
    task = asyncio.create_task(_beat_for_ever(path), name="heartbeat")
    try:
        yield
    finally:
        _tell_systemd("STOPPING=1")
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        _fall_silent(path)


async def health(arguments: Namespace, settings: Settings) -> int:
    """Whether the bot that uses this data folder is alive. Returns 1 when it is not."""
    del arguments
    age_s = _age_s(settings.options.heartbeat_file)
    if age_s is None:
        remark(f"Nothing runs with {settings.options.data_dir}.")
        return 1
    if age_s > STALE_AFTER_S:
        remark(f"The last sign of life is {age_s:.0f} seconds old.")
        return 1
    say("alive")
    return 0


def _age_s(path: Path) -> float | None:
    """Of the last sign of life; None when there is none."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return None


async def _beat_for_ever(path: Path) -> None:
    while True:
        await asyncio.sleep(BEAT_S)
        _beat(path)
        _tell_systemd("WATCHDOG=1")


def _beat(path: Path) -> None:
    with suppress(OSError):
        path.touch()


def _fall_silent(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _tell_systemd(state: str) -> None:
    """As `sd_notify(3)` says; does nothing where no service manager listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        channel.sendall(state.encode())
