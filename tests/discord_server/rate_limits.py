"""Rate limits by route and overall (Rate Limits topic)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.discord_server.routing import Route

_MAJOR = ("channel_id", "guild_id", "webhook_token", "interaction_token")
"""Buckets are counted apart for each of these ("Top-level resources")."""


@dataclass(slots=True)
class _Bucket:
    used: int = 0
    ends: float = 0.0


class TooManyRequestsError(Exception):
    """A 429: when to come back, and whether it counts for everything."""

    def __init__(
        self, retry_after_s: float, scope: str = "user", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(retry_after_s, scope)
        self.retry_after_s = retry_after_s
        self.scope = scope
        self.headers = headers or {}


class RateLimits:
    """Counts requests in real time. Discord keeps its limits to itself; these are set by tests."""

    def __init__(self) -> None:
        self.default = (50, 1.0)
        """How many requests in how many seconds, for routes without an own limit."""
        self.by_route: dict[str, tuple[int, float]] = {}
        """By the route's name, for example `POST /channels/{channel_id}/messages`."""
        self.global_limit: int | None = 50
        """A second, except for interactions ("Global Rate Limit")."""
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._everything = _Bucket()

    def count(self, route: Route, parameters: Mapping[str, str]) -> dict[str, str]:
        """The headers for the answer.

        Raises:
            TooManyRequestsError: when the limit is reached.
        """
        now = time.monotonic()
        if not route.by_token:
            self._count_globally(now)
        limit, window_s = self.by_route.get(route.name, self.default)
        major = ":".join(parameters.get(name, "") for name in _MAJOR)
        bucket = self._buckets.setdefault((route.name, major), _Bucket())
        if now >= bucket.ends:
            bucket.used, bucket.ends = 0, now + window_s
        over = bucket.used >= limit
        bucket.used += not over
        reset_after = bucket.ends - now
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(limit - bucket.used),
            "X-RateLimit-Reset": f"{time.time() + reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{reset_after:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(route.name.encode()).hexdigest()[:32],
        }
        if over:
            raise TooManyRequestsError(reset_after, "user", headers)
        return headers

    def _count_globally(self, now: float) -> None:
        if self.global_limit is None:
            return
        if now >= self._everything.ends:
            self._everything = _Bucket(ends=now + 1)
        if self._everything.used >= self.global_limit:
            raise TooManyRequestsError(self._everything.ends - now, "global")
        self._everything.used += 1
