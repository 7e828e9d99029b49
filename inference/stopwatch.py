"""Where the time of one picture goes."""

from __future__ import annotations

import time


class Stopwatch:
    """Milliseconds between laps, by name; laps of one name add up."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps_ms: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps_ms[name] = self.laps_ms.get(name, 0.0) + (now - self._last) * 1000
        self._last = now
