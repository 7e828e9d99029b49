"""The server's time, which tests may stop and move on, and the ids made from it."""

from __future__ import annotations

import time

DISCORD_EPOCH_MS = 1_420_070_400_000
"""The first moment of 2015, which snowflakes count from (Reference, "Snowflakes")."""

_GUILD_EPOCH_MS = 50_000_000_000
"""Guilds are made one millisecond apart from here on, so that they take turns on the shards."""


class ServerClock:
    """Now, in seconds since 1970. Real time until a test moves it on or stops it."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._stopped_at: float | None = None

    def now(self) -> float:
        return time.time() + self._ahead_s if self._stopped_at is None else self._stopped_at

    def advance(self, seconds: float) -> None:
        if self._stopped_at is None:
            self._ahead_s += seconds
        else:
            self._stopped_at += seconds

    def stop(self) -> None:
        """Only `advance` moves it from here on: slow machines miss no deadline."""
        self._stopped_at = self.now()


class Snowflakes:
    """Ids that are never given twice and carry the time of their making."""

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._last = 0
        self._guilds = 0

    def next(self) -> int:
        made_ms = int(self._clock.now() * 1000) - DISCORD_EPOCH_MS
        self._last = max(self._last + 1, made_ms << 22)
        return self._last

    def next_guild(self, shard: int | None = None, shards: int = 1) -> int:
        """The id of a new guild, on `shard` of `shards` where that matters."""
        while True:
            self._guilds += 1
            guild_id = (_GUILD_EPOCH_MS + self._guilds) << 22
            if shard is None or (guild_id >> 22) % shards == shard:
                return guild_id
