"""Failures on purpose: the next requests, or a share of all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

BROKEN_LINE = 0
"""As a status: the connection breaks instead of an answer."""


@dataclass(slots=True)
class Fault:
    """What happens to a request."""

    status: int
    """429, any 5xx, or BROKEN_LINE."""
    method: str = ""
    """Only methods whose name contains this, for example `send`; downloads are `download`."""
    times: int = 1
    done_first: bool = False
    """The request is carried out and only its answer is lost."""
    retry_after_s: int = 1


class Faults:
    """Decides which requests fail."""

    def __init__(self) -> None:
        self.injected = 0
        self._next: list[Fault] = []
        self._share = 0.0
        self._shared: Sequence[Fault] = ()
        self._random = random.Random(0)

    def next(self, fault: Fault) -> None:
        """The next `fault.times` requests of such methods fail."""
        self._next.append(fault)

    def share(self, share: float, *faults: Fault, seed: int = 0) -> None:
        """From now on this share of the fitting requests fails, each with one of `faults` drawn by `seed`."""
        self._share, self._shared, self._random = share, faults, random.Random(seed)

    def pick(self, method: str) -> Fault | None:
        for fault in self._next:
            if fault.times > 0 and fault.method.lower() in method.lower():
                fault.times -= 1
                self.injected += 1
                return fault
        fitting = [fault for fault in self._shared if fault.method.lower() in method.lower()]
        if not fitting or self._random.random() >= self._share:
            return None
        self.injected += 1
        return self._random.choice(fitting)
