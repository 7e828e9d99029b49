"""`Servers`: the inference servers that may be asked, which of them is next, and what is asked again."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from config.logs import request_id
from inference.errors import (
    AppError,
    DeadlineError,
    OverloadedError,
    RequestInvalidError,
    ServiceMismatchError,
    ServiceUnavailableError,
    StoppedError,
)
from inference.operations import (
    ABOUT_PATH,
    CONTRACT_HEADER,
    REQUEST_ID_HEADER,
    SECONDS_LEFT_HEADER,
    UNTOUCHED_HEADER,
    WIRE_VERSION,
    About,
    Operation,
)
from inference.wire import JSON, MSGPACK, ErrorAnswer, as_error, decode, encode

log = logging.getLogger(__name__)

_MEET_WITHIN_S = 5.0
_PAUSES_S = (0.05, 0.2, 0.5, 1.0)
"""Between rounds of asking every server, before it is given up."""

_LARGE_BYTES = 256 * 1024
_AVOIDED_S = 5.0
"""How long a server that failed is asked only when no other is left."""


class _AskElsewhereError(Exception):
    """This server did not answer; `untouched` when it is sure that nothing was begun there."""

    def __init__(self, error: AppError, *, untouched: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.untouched = untouched


@dataclass(eq=False, slots=True)
class _Server:
    address: str
    about: About | None = None
    """None until it was met, and after it failed."""
    busy: int = 0
    """Requests under way."""
    avoided_until: float = 0.0


class Servers:
    """Asks one of several servers, another where it fails, and the same again where that does no harm."""

    def __init__(self, session: aiohttp.ClientSession, addresses: Sequence[str], deadline_s: float) -> None:
        self._session = session
        self._servers = [_Server(address) for address in addresses]
        self._deadline_s = deadline_s
        self._about: About | None = None
        self._turn = 0

    @property
    def about(self) -> About:
        """What all of them are, as found out at the start."""
        if self._about is None:
            raise RuntimeError("start() comes first")
        return self._about

    async def start(self, within_s: float) -> None:
        """Find out what they are; one that answers will do.

        Raises ServiceMismatchError when one cannot be worked with or they differ, ServiceUnavailableError
        when none answers in time.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + within_s
        while True:
            failures = [one for server in self._servers if (one := await self._failure_of_meeting(server))]
            if len(failures) < len(self._servers):
                for failure in failures:
                    log.warning("server_missing error=%s", failure)
                return
            if loop.time() + _PAUSES_S[-1] > ends:
                raise failures[0]
            await asyncio.sleep(_PAUSES_S[-1])

    async def ask(self, operation: Operation, arguments: Mapping[str, object]) -> Any:
        """The operation's result. Raises what it raises there, ServiceUnavailableError and DeadlineError."""
        ends = asyncio.get_running_loop().time() + self._deadline_s
        try:
            async with asyncio.timeout_at(ends):
                data = await self._ask_around(operation, encode(arguments), ends)
        except TimeoutError:
            raise DeadlineError(seconds=self._deadline_s) from None
        try:
            return decode(data, operation.result)
        except RequestInvalidError as error:
            raise _unavailable(
                self._names, f"its answer is not understood ({error.data['reason']})"
            ) from None

    @asynccontextmanager
    async def answered(
        self, path: str, *, harmless: bool, **request: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to something long, to be read piece by piece; it is asked once. Raises as `ask()`."""
        server = await self._choose(set(), changes=not harmless)
        if server is None:
            raise self._nobody()
        try:
            async with self._posted(server, path, **request) as response:
                yield response
        except _AskElsewhereError as failure:
            raise failure.error from None

    # ── which one, and again ────────────────────────────────────────────────────────────────────

    async def _ask_around(self, operation: Operation, body: bytes, ends: float) -> bytes:
        error: AppError = self._nobody()
        for pause in (0.0, *_PAUSES_S):
            await asyncio.sleep(pause)
            tried: set[_Server] = set()
            while server := await self._choose(tried, changes=not operation.harmless):
                left = ends - asyncio.get_running_loop().time()
                headers = {"Content-Type": MSGPACK, SECONDS_LEFT_HEADER: f"{max(left, 0):.3f}"}
                try:
                    async with self._posted(
                        server, operation.path, data=_payload(body), headers=headers
                    ) as response:
                        return await response.read()
                except _AskElsewhereError as failure:
                    error = failure.error
                    if not (operation.harmless or failure.untouched):
                        break
                    log.info("asked_again operation=%s error=%s", operation.id, error)
            else:
                if not isinstance(error, OverloadedError):  # which asking again would only make worse
                    continue
            break
        raise error

    async def _choose(self, tried: set[_Server], *, changes: bool) -> _Server | None:
        """The least busy of those that did not just fail and can be worked with; it is added to `tried`."""
        now = asyncio.get_running_loop().time()
        self._turn = (self._turn + 1) % len(self._servers)
        turns = self._servers[self._turn :] + self._servers[: self._turn]
        for server in sorted(turns, key=lambda one: (one.avoided_until > now, one.busy)):
            if server in tried:
                continue
            tried.add(server)
            if server.about is None:
                try:
                    failure = await self._failure_of_meeting(server)
                except ServiceMismatchError as error:
                    log.error("server_unusable error=%s", error)
                    self._avoid(server)
                    continue
                if failure is not None:
                    continue
            if not (changes and server.about is not None and server.about.read_only):
                return server
        return None

    def _avoid(self, server: _Server) -> None:
        server.about = None
        server.avoided_until = asyncio.get_running_loop().time() + _AVOIDED_S

    def _nobody(self) -> ServiceUnavailableError:
        return _unavailable(self._names, "no server answers, or none takes changes")

    @property
    def _names(self) -> str:
        return ", ".join(server.address for server in self._servers)

    # ── one server ──────────────────────────────────────────────────────────────────────────────

    async def _failure_of_meeting(self, server: _Server) -> ServiceUnavailableError | None:
        """Why it cannot be asked yet; None when it can. Raises ServiceMismatchError when it never can."""
        try:
            async with (
                asyncio.timeout(_MEET_WITHIN_S),
                self._session.get(server.address + ABOUT_PATH, headers=_context()) as response,
            ):
                body, status = await response.read(), response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._avoid(server)
            return _unavailable(server.address, str(error) or type(error).__name__)
        if status >= 500:
            self._avoid(server)
            return _unavailable(server.address, f"status {status}")
        about = self._understood(server, status, body)
        server.about = about
        self._about = self._about or about
        return None

    def _understood(self, server: _Server, status: int, body: bytes) -> About:
        """Raises ServiceMismatchError."""
        if status == 401:
            raise ServiceMismatchError(
                address=server.address, reason="it refuses our token", fix="Give both the same SERVICE_TOKEN."
            )
        try:
            told: dict[str, Any] = decode(body, dict[str, Any], JSON)
            wire = told["wire"] if status == 200 else None
        except (RequestInvalidError, LookupError):
            wire = None
        if wire is None:
            raise ServiceMismatchError(
                address=server.address,
                reason=f"this is no inference service of Dareda (status {status})",
                fix="Look at service.url.",
            )
        if wire != WIRE_VERSION:
            raise ServiceMismatchError(
                address=server.address,
                reason=f"it speaks version {wire} and this process version {WIRE_VERSION}",
                fix="Run the same version of Dareda everywhere.",
            )
        about: About = decode(body, About, JSON)
        if self._about is not None and about.contract != self._about.contract:
            theirs, ours = about.contract, self._about.contract
            raise ServiceMismatchError(
                address=server.address,
                reason=f"it runs {theirs.model} ({theirs.id}), others {ours.model} ({ours.id})",
                fix="Run the same model pack on all servers, then start again what asks them.",
            )
        return about

    @asynccontextmanager
    async def _posted(
        self, server: _Server, path: str, *, headers: Mapping[str, str] | None = None, **request: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Its answer when it is a good one. Raises the error that it is, or _AskElsewhereError."""
        sent = {**_context(), CONTRACT_HEADER: self.about.contract.id, **(headers or {})}
        server.busy += 1
        try:
            async with self._session.post(server.address + path, headers=sent, **request) as response:
                if response.status != 200:
                    raise self._refusal(server, response, await response.read())
                yield response
        except aiohttp.ClientConnectorError as error:  # nothing was sent
            self._avoid(server)
            raise _AskElsewhereError(_unavailable(server.address, str(error)), untouched=True) from error
        except (aiohttp.ClientError, OSError) as error:
            self._avoid(server)
            reason = str(error) or type(error).__name__
            raise _AskElsewhereError(_unavailable(server.address, reason), untouched=False) from error
        finally:
            server.busy -= 1

    def _refusal(self, server: _Server, response: aiohttp.ClientResponse, body: bytes) -> Exception:
        untouched = UNTOUCHED_HEADER in response.headers
        try:
            answer: ErrorAnswer = decode(body, ErrorAnswer, JSON)
        except RequestInvalidError:  # somebody in between
            self._avoid(server)
            reason = f"status {response.status}"
            return _AskElsewhereError(_unavailable(server.address, reason), untouched=False)
        error = as_error(answer)
        if response.status == 401 or isinstance(error, ServiceMismatchError):
            self._avoid(server)
            reason = "it refuses our token" if response.status == 401 else str(error)
            return _AskElsewhereError(_unavailable(server.address, reason), untouched=True)
        if isinstance(error, StoppedError):
            self._avoid(server)
        if isinstance(error, OverloadedError | StoppedError):
            return _AskElsewhereError(error, untouched=untouched)
        if error is not None:
            return error
        if response.status == 500:
            return RuntimeError(f"{server.address} failed; its log says why under {answer.request_id}")
        return _unavailable(server.address, answer.message)


def _payload(body: bytes) -> bytes | io.BytesIO:
    """Large bodies go out in pieces, so that others get their turn in between."""
    return body if len(body) < _LARGE_BYTES else io.BytesIO(body)


def _context() -> dict[str, str]:
    """Leads from the asker's log to the server's."""
    bound = request_id()
    return {REQUEST_ID_HEADER: bound} if bound else {}


def _unavailable(address: str, reason: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(name=address, reason=reason)
