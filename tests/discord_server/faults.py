"""Failures on purpose: the next requests, or a share of all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.discord_server.routing import Route

BROKEN_LINE = 0
"""As a status: the connection breaks instead of an answer."""


@dataclass(slots=True)
class Fault:
    """What happens to a request."""

    status: int
    """429, any 5xx, or BROKEN_LINE."""
    route: str = ""
    """Only routes whose name contains this, for example `/messages`."""
    times: int = 1
    done_first: bool = False
    """The request is carried out and only its answer is lost, as when a proxy gives up."""
    retry_after_s: float = 0.05
    scope: str = "user"
    """Of a 429: `user`, `shared` or `global`."""


class Faults:
    """Decides which requests fail."""

    def __init__(self) -> None:
        self.injected = 0
        self._next: list[Fault] = []
        self._share = 0.0
        self._shared: Sequence[Fault] = ()
        self._random = random.Random(0)

    def next(self, status: int, route: str = "", *, times: int = 1, **details: object) -> None:
        """The next `times` requests to such a route fail."""
        self._next.append(Fault(status, route, times, **details))  # type: ignore[arg-type]

    def share(self, share: float, *faults: Fault, seed: int = 0) -> None:
        """From now on this share of the fitting requests fails, each with one of `faults` drawn by `seed`."""
        self._share, self._shared, self._random = share, faults, random.Random(seed)

    def pick(self, route: Route) -> Fault | None:
        for fault in self._next:
            if fault.times > 0 and fault.route in route.name:
                fault.times -= 1
                self.injected += 1
                return fault
        fitting = [fault for fault in self._shared if fault.route in route.name]
        if not fitting or self._random.random() >= self._share:
            return None
        self.injected += 1
        return self._random.choice(fitting)
