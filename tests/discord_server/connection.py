"""One gateway WebSocket: what it receives, checked, and what it sends."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from tests.discord_server.identify import DECODE_ERROR, GatewayCloseError
from tests.discord_server.sessions import Session
from tests.discord_server.state import Json
from tests.discord_server.transport import Compressor

if TYPE_CHECKING:
    from tests.discord_server.gateway import Gateway

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME = 0, 1, 2, 3, 6
RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 7, 8, 9, 10, 11

UNKNOWN_ERROR = 4000
UNKNOWN_OPCODE = 4001
NOT_AUTHENTICATED = 4003
ALREADY_AUTHENTICATED = 4005
RATE_LIMITED = 4008

_LONGEST_PAYLOAD_BYTES = 4096  # (Gateway, "Sending Events")
_PAYLOADS_A_MINUTE = 120  # (Gateway, "Rate Limiting")
_HEARTBEAT_GRACE_S = 5.0  # for slow test machines, on top of the half interval that late heartbeats get


class Connection:
    """A client's WebSocket from HELLO to its end."""

    def __init__(self, gateway: Gateway, request: web.Request, compressor: Compressor | None) -> None:
        self.path = request.path
        self.compressed = compressor is not None
        self.session: Session | None = None
        self.identified = False
        self.resumed = False
        self.held = False
        """As good as dead, without the client knowing: it gets no acknowledgements and no events."""
        self.heartbeats = 0
        self.closed_with: int | None = None
        self.refuse_with: GatewayCloseError | None = None
        """Ends it before anything is said."""
        self._gateway = gateway
        self._request = request
        self._socket = web.WebSocketResponse(autoping=True, compress=False, max_msg_size=0)
        self._compressor = compressor
        self._sending = asyncio.Lock()
        self._cursor = 0
        self._news = asyncio.Event()
        self._received: deque[float] = deque()

    async def serve(self) -> web.WebSocketResponse:
        """Talks to the client until either side ends it."""
        await self._socket.prepare(self._request)
        if self.refuse_with is not None:
            self._gateway.note_close(self.refuse_with)
            await self.close(self.refuse_with.code)
            return self._socket
        await self.send(HELLO, {"heartbeat_interval": self._gateway.heartbeat_interval_ms})
        delivering = asyncio.create_task(self._deliver(), name="gateway-delivery")
        try:
            await self._receive()
        except GatewayCloseError as close:
            self._gateway.note_close(close)
            await self.close(close.code)
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
            by_client = self.closed_with is None
            if by_client:
                self.closed_with = self._socket.close_code
            self._gateway.ended(self, by_client=by_client)
        return self._socket

    def start(self, session: Session, after: int) -> None:
        """Sends the session's events from here on, beginning behind the `after`th."""
        self.session = session
        self._cursor = after
        self.wake()

    def wake(self) -> None:
        """The session has news."""
        self._news.set()

    async def send(self, op: int, data: Any = None) -> None:
        """Sends something that is no event."""
        await self._send_text(json.dumps({"op": op, "d": data, "s": None, "t": None}))

    async def close(self, code: int) -> None:
        self.closed_with = code
        await self._socket.close(code=code)

    def drop(self) -> None:
        """The line breaks: no close frame, no code."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _deliver(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self.session and not self.held and self._cursor < self.session.sequence:
                frame = self.session.frame_after(self._cursor)
                self._cursor += 1
                try:
                    await self._send_text(frame)
                except ConnectionError:
                    return  # the session keeps it for the resume

    async def _send_text(self, text: str) -> None:
        async with self._sending:
            if self._socket.closed:
                return
            if self._compressor is None:
                await self._socket.send_str(text)
            else:
                await self._socket.send_bytes(self._compressor.compress(text.encode()))

    async def _receive(self) -> None:
        interval_s = self._gateway.heartbeat_interval_ms / 1000
        heartbeat_by = time.monotonic() + interval_s * 1.5 + _HEARTBEAT_GRACE_S
        while True:
            try:
                message = await self._socket.receive(timeout=max(0.01, heartbeat_by - time.monotonic()))
            except TimeoutError:
                raise GatewayCloseError(UNKNOWN_ERROR, "no heartbeat in time") from None
            if message.type is not aiohttp.WSMsgType.TEXT:
                if message.type is aiohttp.WSMsgType.BINARY:
                    raise GatewayCloseError(DECODE_ERROR, "a binary payload with JSON encoding")
                return
            op, data = self._decode(message.data)
            if op == HEARTBEAT:
                heartbeat_by = time.monotonic() + interval_s * 1.5 + _HEARTBEAT_GRACE_S
            await self._handle(op, data)

    def _decode(self, text: str) -> tuple[int, Any]:
        now = time.monotonic()
        self._received.append(now)
        while self._received[0] < now - 60:
            self._received.popleft()
        if len(self._received) > _PAYLOADS_A_MINUTE:
            raise GatewayCloseError(RATE_LIMITED, "more than 120 payloads in a minute")
        if len(text.encode()) > _LONGEST_PAYLOAD_BYTES:
            raise GatewayCloseError(DECODE_ERROR, "a payload of more than 4096 bytes")
        try:
            payload: Json = json.loads(text)
            return int(payload["op"]), payload["d"]
        except (ValueError, TypeError, KeyError) as error:
            raise GatewayCloseError(DECODE_ERROR, f"not a payload: {text[:200]!r}") from error

    async def _handle(self, op: int, data: Any) -> None:
        if op == HEARTBEAT:
            await self._heartbeat(data)
        elif op in (IDENTIFY, RESUME):
            if self.identified:
                raise GatewayCloseError(ALREADY_AUTHENTICATED, "identified twice")
            if op == IDENTIFY:
                await self._gateway.identify(self, data)
            else:
                await self._gateway.resume(self, data)
        elif not self.identified or self.session is None:
            raise GatewayCloseError(NOT_AUTHENTICATED, f"opcode {op} before IDENTIFY")
        elif op == PRESENCE:
            if not isinstance(data, dict) or set(data) != {"since", "activities", "status", "afk"}:
                raise GatewayCloseError(DECODE_ERROR, f"presence {data!r}")
        elif op == REQUEST_MEMBERS:
            self._gateway.list_members(self.session, data)
        else:
            raise GatewayCloseError(UNKNOWN_OPCODE, f"opcode {op}")

    async def _heartbeat(self, sequence: Any) -> None:
        known = self.session.sequence if self.session else 0
        # "The last sequence number" or null (Gateway, "Heartbeat Interval"); who resumes has one already.
        if sequence is not None and (not isinstance(sequence, int) or (self.session and sequence > known)):
            raise GatewayCloseError(DECODE_ERROR, f"heartbeat with sequence {sequence!r}")
        self.heartbeats += 1
        if not self.held:
            await self.send(HEARTBEAT_ACK)
