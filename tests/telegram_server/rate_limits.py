"""How much a bot may send (Bots FAQ, "My bot is hitting limits, how do I avoid this?")."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from dataclasses import dataclass

from tests.telegram_server.errors import flooded
from tests.telegram_server.state import Chat


@dataclass(frozen=True, slots=True)
class Limit:
    messages: int
    window_s: float


class RateLimits:
    """Counts messages sent in real time, each of an album, over sliding windows."""

    def __init__(self) -> None:
        self.overall: Limit | None = Limit(30, 1.0)
        """"Not able to broadcast more than about 30 messages per second"."""
        self.group: Limit | None = Limit(20, 60.0)
        """"In a group, bots are not able to send more than 20 messages per minute"."""
        self.chat: Limit | None = Limit(4, 4.0)
        """"Avoid sending more than one message per second", short bursts allowed. An album counts as one."""
        self.exceeded: list[str] = []
        """Each time that a limit was reached."""
        self._sent: dict[str, deque[tuple[float, int]]] = defaultdict(deque)

    def count(self, chat: Chat, messages: int = 1) -> None:
        """Counts messages that are about to be sent.

        Raises:
            Refusal: 429 when they are too many.
        """
        now = time.monotonic()
        limits = [("overall", self.overall, messages), (f"chat {chat.id}", self.chat, 1)]
        if chat.is_group:
            limits.append((f"group {chat.id}", self.group, messages))
        for name, limit, weight in limits:
            if limit is not None and (wait_s := self._wait(name, limit, weight, now)) > 0:
                self.exceeded.append(name)
                raise flooded(math.ceil(wait_s))
        for name, limit, weight in limits:
            if limit is not None:
                self._sent[name].append((now, weight))

    def _wait(self, name: str, limit: Limit, weight: int, now: float) -> float:
        """Seconds until so many more fit into the window."""
        sent = self._sent[name]
        while sent and sent[0][0] <= now - limit.window_s:
            sent.popleft()
        over = sum(weight for _, weight in sent) + weight - limit.messages
        for at, gone in sent:
            if over <= 0:
                break
            over -= gone
            if over <= 0:
                return at + limit.window_s - now
        return 0.0
