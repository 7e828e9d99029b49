"""Keeps callers from waiting for a server that does not answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable


class CircuitBreaker:
    """Closed while all is well; open after some failures in a row, and then nobody even tries for a while.

    When that time is over one caller may try. Whether that goes well decides for all; each time it does not,
    the next wait is twice as long. Waits are jittered, so that several processes do not try together.
    """

    def __init__(
        self,
        *,
        failures: int = 4,
        shortest_s: float = 0.5,
        longest_s: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = failures
        self._shortest_s = shortest_s
        self._longest_s = longest_s
        self._clock = clock
        self._failures = 0
        self._openings = 0
        self._try_at: float | None = None
        self._trying = False

    @property
    def is_open(self) -> bool:
        return self._try_at is not None

    def allows(self) -> bool:
        """Whether this call may be made; if so, `succeeded()` or `failed()` or `gave_up()` follows."""
        if self._try_at is None:
            return True
        if self._trying or self._clock() < self._try_at:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        self._failures = self._openings = 0
        self._try_at, self._trying = None, False

    def failed(self) -> None:
        self._failures += 1
        if self._trying or (self._try_at is None and self._failures >= self._allowed):
            wait = min(self._shortest_s * 2**self._openings, self._longest_s)
            self._openings = min(self._openings + 1, 16)
            self._try_at = self._clock() + wait * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._trying = False

    def gave_up(self) -> None:
        """The caller went away before there was an answer."""
        self._trying = False
