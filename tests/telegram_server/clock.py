"""The server's time, which tests may let run ahead."""

from __future__ import annotations

import time


class ServerClock:
    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> int:
        """Seconds since the epoch, whole as Telegram's are."""
        return int(time.time() + self._ahead_s)

    def advance(self, seconds: float) -> None:
        self._ahead_s += seconds
