"""Gateway sessions: what each was told, so that a resume loses nothing and repeats nothing."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from tests.discord_server.intents import Intent
from tests.discord_server.state import Json
from tests.discord_server.world import Event


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of the guilds a session hears of (Gateway, "Sharding")."""

    number: int = 0
    count: int = 1

    def has(self, guild_id: int | None) -> bool:
        """Whether the shard gets events of this guild; those of no guild go to the first shard."""
        return self.number == (0 if guild_id is None else (guild_id >> 22) % self.count)


class Session:
    """One identified client. It outlives its connection until it is resumed or invalidated."""

    def __init__(self, shard: Shard, intents: Intent) -> None:
        self.id = secrets.token_hex(16)
        self.shard = shard
        self.intents = intents
        self.valid = True
        self.resumes = 0
        self._sent: list[tuple[str, str]] = []

    @property
    def sequence(self) -> int:
        """The number of the last event; the first has 1."""
        return len(self._sent)

    def append(self, name: str, payload: Json) -> None:
        frame = {"op": 0, "s": self.sequence + 1, "t": name, "d": payload}
        self._sent.append((name, json.dumps(frame)))

    def repeat(self, name: str) -> None:
        """Sends the last event of this name once more, under a new number."""
        last = next(frame for sent, frame in reversed(self._sent) if sent == name)
        self.append(name, json.loads(last)["d"])

    def frame_after(self, sequence: int) -> str:
        """The event that follows, as it goes over the wire."""
        return self._sent[sequence][1]

    def names(self) -> list[str]:
        """The events so far, in order."""
        return [name for name, _ in self._sent]

    def hears(self, event: Event) -> bool:
        asked_for = event.intent == Intent.NONE or event.intent in self.intents
        return self.valid and asked_for and self.shard.has(event.guild_id)
