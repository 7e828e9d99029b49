"""The gateway: sessions, their connections, and everything that can go wrong with them on purpose."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from tests.discord_server import payloads
from tests.discord_server.connection import INVALID_SESSION, RECONNECT, Connection
from tests.discord_server.identify import (
    AUTHENTICATION_FAILED,
    DECODE_ERROR,
    DISALLOWED_INTENTS,
    GatewayCloseError,
    check_identify,
)
from tests.discord_server.intents import Intent
from tests.discord_server.sessions import Session
from tests.discord_server.state import Json
from tests.discord_server.transport import compressor
from tests.discord_server.world import Event, World

INVALID_SEQUENCE = 4007
SHARDING_REQUIRED = 4011
INVALID_VERSION = 4012

_NOT_A_MISTAKE = {AUTHENTICATION_FAILED, DISALLOWED_INTENTS}
"""Closes that a correct bot meets when the operator set something up wrongly."""

_RESUME_PATH = "/gateway/resume"


class Gateway:
    """Serves `/gateway`; resumes go to the address that READY tells."""

    def __init__(self, world: World, errors: list[str]) -> None:
        self.heartbeat_interval_ms = 41_250
        self.shards = 1
        """How many the server recommends."""
        self.max_concurrency = 1
        """How many shards may identify within `identify_every_s`."""
        self.identify_every_s = 5.0  # (Gateway, "Rate Limiting")
        self.guilds_a_shard = 2500  # (Gateway, "Sharding")
        self.base = ""
        self.connections: list[Connection] = []
        """All that ever were, oldest first."""
        self.sessions: dict[str, Session] = {}
        self._world = world
        self._errors = errors
        self._identified_at: dict[int, float] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/gateway", self._connect), web.get(_RESUME_PATH, self._connect)]

    def bot_payload(self) -> Json:
        """What `GET /gateway/bot` answers."""
        limit = {
            "total": 1000,
            "remaining": 1000 - len(self.sessions),
            "reset_after": 14_400_000,
            "max_concurrency": self.max_concurrency,
        }
        return {"url": self.base + "/gateway", "shards": self.shards, "session_start_limit": limit}

    def emit(self, event: Event) -> None:
        """Tells every session that asked for such events; those without a connection get it on resume."""
        for session in self.sessions.values():
            if session.hears(event):
                session.append(event.name, event.payload_for(session.intents))
        for connection in self.open():
            connection.wake()

    def open(self, shard: int | None = None) -> Iterator[Connection]:
        """The connections with a session, of one shard or all."""
        for connection in self.connections:
            session = connection.session
            if session is not None and shard in (None, session.shard.number):
                yield connection

    async def ask_to_reconnect(self, shard: int | None = None) -> None:
        """RECONNECT: the client shall come back and resume."""
        for connection in list(self.open(shard)):
            await connection.send(RECONNECT)

    async def invalidate(self, shard: int | None = None, *, resumable: bool = False) -> None:
        """INVALID_SESSION; unless it is resumable, the session is gone."""
        for connection in list(self.open(shard)):
            assert connection.session is not None
            connection.session.valid = resumable
            await connection.send(INVALID_SESSION, resumable)

    async def close(self, code: int, shard: int | None = None) -> None:
        for connection in list(self.open(shard)):
            await connection.close(code)

    def drop(self, shard: int | None = None) -> None:
        """Breaks the lines without a word."""
        for connection in list(self.open(shard)):
            connection.drop()

    def hold(self, shard: int | None = None) -> None:
        """The lines stay open but nothing comes any more, not even acknowledgements of heartbeats."""
        for connection in self.open(shard):
            connection.held = True

    def repeat(self, name: str, shard: int = 0) -> None:
        """Tells the shard the last event of this name a second time, as distributed systems will."""
        for connection in self.open(shard):
            assert connection.session is not None
            connection.session.repeat(name)
            connection.wake()

    async def identify(self, connection: Connection, data: Any) -> None:
        """Opens a session, or tells why not."""
        shard, intents = check_identify(data, self._world.token, self._world.portal_intents)
        key = shard.number % self.max_concurrency
        if time.monotonic() - self._identified_at.get(key, 0.0) < self.identify_every_s:
            await connection.send(INVALID_SESSION, False)
            return
        guilds = [guild for guild in self._world.guilds.values() if shard.has(guild.id)]
        if len(guilds) > self.guilds_a_shard:
            raise GatewayCloseError(SHARDING_REQUIRED, f"{len(guilds)} guilds on a shard")
        self._identified_at[key] = time.monotonic()
        session = Session(shard, intents)
        self.sessions[session.id] = session
        session.append("READY", self._ready_payload(session))
        if Intent.GUILDS in intents:
            for guild in guilds:
                created = self._world.guild_create(guild, intents) | {"unavailable": False}
                session.append("GUILD_CREATE", created)
        connection.identified = True
        connection.start(session, after=0)

    async def resume(self, connection: Connection, data: Any) -> None:
        """Sends what the client missed and then RESUMED, or that there is nothing to resume."""
        if not isinstance(data, dict) or set(data) != {"token", "session_id", "seq"}:
            raise GatewayCloseError(DECODE_ERROR, f"RESUME with {data!r}")
        if data["token"] != self._world.token:
            raise GatewayCloseError(AUTHENTICATION_FAILED, "the token is wrong")
        session = self.sessions.get(data["session_id"])
        if session is None or not session.valid:
            await connection.send(INVALID_SESSION, False)
            return
        if not isinstance(data["seq"], int) or not 0 <= data["seq"] <= session.sequence:
            raise GatewayCloseError(INVALID_SEQUENCE, f"resume after {data['seq']!r} of {session.sequence}")
        for other in self.open():
            if other.session is session:
                other.session = None
        session.resumes += 1
        session.append("RESUMED", {"_trace": []})
        connection.identified = connection.resumed = True
        connection.start(session, after=data["seq"])

    def list_members(self, session: Session, data: Any) -> None:
        """Answers a request for guild members with one chunk (Gateway Events, "Request Guild Members")."""
        guild = self._world.guilds.get(int(data.get("guild_id", 0))) if isinstance(data, dict) else None
        if guild is None or not isinstance(data.get("limit"), int):
            raise GatewayCloseError(DECODE_ERROR, f"request for members {data!r}")
        members = list(guild.members.values())
        if user_ids := data.get("user_ids"):
            members = [member for member in members if member.user.id in map(int, user_ids)]
        elif query := data.get("query"):
            members = [member for member in members if member.user.name.startswith(query)][: data["limit"]]
        elif Intent.GUILD_MEMBERS not in session.intents:
            raise GatewayCloseError(DECODE_ERROR, "all members asked for without the members intent")
        chunk: Json = {
            "guild_id": str(guild.id),
            "members": [payloads.member_payload(member) for member in members],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [],
        }
        session.append("GUILD_MEMBERS_CHUNK", chunk | {"nonce": data["nonce"]} if "nonce" in data else chunk)
        for connection in self.open():
            connection.wake()

    def note_close(self, close: GatewayCloseError) -> None:
        """A close that only a faulty client brings about is an error of the test."""
        if close.code not in _NOT_A_MISTAKE:
            self._errors.append(f"gateway: closed with {close}")

    def ended(self, connection: Connection, *, by_client: bool) -> None:
        # Codes 1000 and 1001 from the client end the session (Gateway, "Initiating a Disconnect").
        if connection.session and by_client and connection.closed_with in (1000, 1001):
            connection.session.valid = False
        connection.session = None

    async def stop(self) -> None:
        await self.close(1001)

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        try:
            compress = compressor(request.query.get("compress"))
        except ValueError:
            self._errors.append(f"gateway: compression {request.query['compress']!r}")
            return web.Response(status=400)
        connection = Connection(self, request, compress)
        self.connections.append(connection)
        wrong = request.query.get("v") != "10" or request.query.get("encoding") != "json"
        unknown = set(request.query) - {"v", "encoding", "compress"}
        if wrong or unknown:
            connection.refuse_with = GatewayCloseError(INVALID_VERSION, f"address {request.path_qs!r}")
        return await connection.serve()

    def _ready_payload(self, session: Session) -> Json:
        guilds = [guild for guild in self._world.guilds.values() if session.shard.has(guild.id)]
        return {
            "v": 10,
            "user": payloads.user_payload(self._world.bot) | {"verified": True, "mfa_enabled": False},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.base + _RESUME_PATH,
            "shard": [session.shard.number, session.shard.count],
            "application": {"id": str(self._world.application_id), "flags": self._world.application_flags},
            "private_channels": [],
            "relationships": [],
        }
