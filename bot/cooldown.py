"""How much one user and one space may ask for: token buckets that fill again with time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from bot.chat import Actor, ChatRef
from bot.errors import CooldownError
from config.options import ChatOptions


class Cooldowns:
    """The buckets of a process; one user has one in each space, and the space has one for all of them.

    They live in memory only: after a restart everybody starts full.
    """

    def __init__(self, options: ChatOptions, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds."""
        self._users = Buckets(options.user_burst, options.user_per_minute / 60)
        self._spaces = Buckets(options.space_burst, options.space_per_minute / 60)
        self._clock = clock

    def spend(self, chat: ChatRef, actor: Actor, cost: float = 1.0) -> None:
        """Take that much from the user's and the space's bucket, or nothing from either.

        What costs more than a bucket holds takes a full one. Raises CooldownError with the seconds until it
        would work; only the first in a wait is not `repeated`.
        """
        space = (chat.platform, chat.space)
        user = (*space, actor.id)
        now = self._clock()
        wait_s = max(self._users.wait_s(user, cost, now), self._spaces.wait_s(space, cost, now))
        if wait_s > 0:
            repeated = self._users.told(user, now, until=now + wait_s)
            raise CooldownError(seconds=math.ceil(wait_s), repeated=repeated)
        self._users.take(user, cost, now)
        self._spaces.take(space, cost, now)


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float
    told_until: float = -math.inf


class Buckets:
    """Buckets of one size by key; full ones are forgotten."""

    def __init__(self, size: float, per_second: float) -> None:
        self._size = size
        self._per_second = per_second
        self._buckets: dict[Hashable, _Bucket] = {}
        self._sweep_at = 1_024

    def wait_s(self, key: Hashable, cost: float, now: float) -> float:
        """Seconds until it holds that much."""
        bucket = self._filled(key, now)
        return max(0.0, (min(cost, self._size) - bucket.level) / self._per_second)

    def take(self, key: Hashable, cost: float, now: float) -> None:
        self._filled(key, now).level -= min(cost, self._size)

    def told(self, key: Hashable, now: float, *, until: float) -> bool:
        """Whether its owner was told to wait and still is waiting; from now on told."""
        bucket = self._filled(key, now)
        told = now < bucket.told_until
        if not told:
            bucket.told_until = until
        return told

    def _filled(self, key: Hashable, now: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            self._sweep(now)
            bucket = self._buckets[key] = _Bucket(self._size, now)
        bucket.level = min(self._size, bucket.level + (now - bucket.at) * self._per_second)
        bucket.at = now
        return bucket

    def _sweep(self, now: float) -> None:
        """Forget the full ones whenever there are twice as many as were left the last time."""
        if len(self._buckets) < self._sweep_at:
            return
        self._buckets = {
            key: bucket
            for key, bucket in self._buckets.items()
            if bucket.level + (now - bucket.at) * self._per_second < self._size or now < bucket.told_until
        }
        self._sweep_at = max(1_024, 2 * len(self._buckets))
