"""Who is visiting: a cookie that nobody guesses, the mark that forms must carry, and the login.

They live in memory: after a restart everybody logs in again. Nothing about a visitor who has not logged in is
kept, so that there is no list to fill. (aiohttp-session keeps what it knows in the cookie, where a logout
cannot take it back, or in another server.)
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from bot.cooldown import Buckets
from bot.errors import CooldownError, LoginError

_COOKIE = "dareda_session"
_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_MOST_SESSIONS = 1_000
_LONGEST_TOKEN = 1_000
# Wrong tokens that one address, and all together, may give at once; and how long another one takes to earn.
_TRIES, _S_A_TRY = 5, 30.0
_TRIES_OF_ALL, _S_A_TRY_OF_ALL = 50, 3.0


@dataclass(frozen=True, slots=True)
class Session:
    """One browser."""

    id: str
    mark: str
    """What every form of its pages carries, and no other site can know."""
    is_in: bool
    """Whether it may see more than the login."""


class Sessions:
    """The browsers of one console. Without a token everybody is in."""

    def __init__(
        self,
        token: str | None,
        *,
        hours: float,
        secure: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`secure`: browsers come over https, so that the cookie needs it; `clock` tells seconds."""
        self._secure = secure
        self.asks_for_token = token is not None
        self._token = _digest(token or "")
        self._lasts_s = hours * 3_600
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._until: dict[str, float] = {}
        self._tries = Buckets(_TRIES, 1 / _S_A_TRY)
        self._tries_of_all = Buckets(_TRIES_OF_ALL, 1 / _S_A_TRY_OF_ALL)

    def of(self, request: web.Request) -> Session:
        """The session of the request's cookie, or a new one."""
        given = request.cookies.get(_COOKIE, "")
        return self._session(given if _ID.fullmatch(given) else secrets.token_urlsafe(24))

    def keep(self, session: Session, request: web.Request, response: web.StreamResponse) -> None:
        """Gives a new browser its cookie; what a login or logout has set stays."""
        if request.cookies.get(_COOKIE) != session.id and _COOKIE not in response.cookies:
            self.give(session, response)

    def give(self, session: Session, response: web.StreamResponse) -> None:
        """The browser is that session from now on."""
        response.set_cookie(
            _COOKIE, session.id, path="/", httponly=True, samesite="Strict", secure=self._secure
        )

    def log_in(self, token: str, address: str) -> Session:
        """A new session that is in. Raises LoginError; CooldownError after too many wrong tokens."""
        now = self._clock()
        wait_s = max(self._tries.wait_s(address, 1, now), self._tries_of_all.wait_s("", 1, now))
        if wait_s > 0:
            raise CooldownError(seconds=math.ceil(wait_s))
        right = hmac.compare_digest(_digest(token[:_LONGEST_TOKEN]), self._token)
        if not (right and self.asks_for_token):
            self._tries.take(address, 1, now)
            self._tries_of_all.take("", 1, now)
            raise LoginError
        while len(self._until) >= _MOST_SESSIONS:
            del self._until[min(self._until, key=self._until.__getitem__)]
        session_id = secrets.token_urlsafe(24)
        self._until[session_id] = now + self._lasts_s
        return self._session(session_id)

    def log_out(self, session: Session) -> Session:
        """The one that the browser is after it."""
        self._until.pop(session.id, None)
        return self._session(secrets.token_urlsafe(24))

    def is_marked(self, session: Session, mark: str) -> bool:
        """Whether a form with that mark is from a page of this session."""
        return hmac.compare_digest(mark.encode(), session.mark.encode())

    def _session(self, session_id: str) -> Session:
        mark = hmac.new(self._key, session_id.encode(), hashlib.sha256).hexdigest()
        return Session(session_id, mark, not self.asks_for_token or self._is_known(session_id))

    def _is_known(self, session_id: str) -> bool:
        now = self._clock()
        until = self._until.pop(session_id, now)
        if until <= now:
            return False
        self._until[session_id] = now + self._lasts_s
        return True


def _digest(token: str) -> bytes:
    """Of one length for any token, so that comparing tells nothing of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
