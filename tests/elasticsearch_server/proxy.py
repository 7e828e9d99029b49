"""A TCP proxy between the tests and a server: what passes it can be cut, held back or spoilt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from urllib.parse import urlsplit


class Fault(Enum):
    NONE = auto()
    REFUSE = auto()
    """New connections are closed at once, those that there are too."""
    CUT_ANSWERS = auto()
    """The connection is closed in the middle of the first answer."""
    DROP_ANSWERS = auto()
    """Requests arrive, and are done; the connection is closed before their answer."""
    SILENT = auto()
    """Half-open: what is sent is taken and nothing ever comes back."""
    GARBAGE = auto()
    """Answers are bytes that mean nothing."""
    TRICKLE = auto()
    """Answers come, a byte every half second."""


class FaultProxy:
    """Between `url` and a server. `fault` may be changed at any time; `delay_s` holds each answer back."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 9200)
        self._scheme = parts.scheme
        self._connections: set[asyncio.Task[None]] = set()
        self.fault = Fault.NONE
        self.delay_s = 0.0
        self.connections = 0
        self.url = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"{self._scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._server.close()
        await self.cut()
        await self._server.wait_closed()

    async def cut(self) -> None:
        """Closes every connection that there is."""
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def set(self, fault: Fault) -> None:
        """From now on, also for connections that are kept alive."""
        self.fault = fault
        if fault is Fault.REFUSE:
            await self.cut()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="proxy-connection")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        upstream: asyncio.StreamWriter | None = None
        try:
            if self.fault is Fault.REFUSE:
                return
            try:
                answers, upstream = await asyncio.open_connection(*self._target)
            except OSError:
                return
            async with asyncio.TaskGroup() as pumping:
                pumping.create_task(self._forward(reader, upstream))
                pumping.create_task(self._answer(answers, writer))
        except* (OSError, asyncio.IncompleteReadError, _CutError):
            pass
        finally:
            for one in (writer, upstream):
                if one is not None:
                    one.close()
                    with suppress(OSError):
                        await one.wait_closed()

    async def _forward(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self.fault is Fault.SILENT:
                continue
            upstream.write(data)
            await upstream.drain()
        raise _CutError

    async def _answer(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await answers.read(65_536):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            match self.fault:
                case Fault.DROP_ANSWERS | Fault.REFUSE:
                    raise _CutError
                case Fault.CUT_ANSWERS:
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    raise _CutError
                case Fault.SILENT:
                    continue
                case Fault.GARBAGE:
                    writer.write(bytes(255 - byte for byte in data))
                case Fault.TRICKLE:
                    for byte in data:
                        writer.write(bytes([byte]))
                        await writer.drain()
                        await asyncio.sleep(0.5)
                case _:
                    writer.write(data)
            await writer.drain()
        raise _CutError


class _CutError(Exception):
    """The connection is over."""


@asynccontextmanager
async def proxied(target: str) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(target)
    await proxy.start()
    yield proxy
    await proxy.close()
