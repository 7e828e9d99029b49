"""What `bot.app` asks of every chat platform."""

from __future__ import annotations

from typing import Protocol

from bot.chat import Platform


class Adapter(Protocol):
    """One platform's connection, on the `Conversation` that all of them share."""

    @property
    def platform(self) -> Platform: ...

    @property
    def is_connected(self) -> bool:
        """Whether the platform reaches the bot now, as far as is known."""

    async def run(self) -> None:
        """Connects and answers until `close()`. Raises SetupError, e.g. for a wrong token."""

    def pause(self) -> None:
        """Takes up nothing new; what is under way goes on, and its replies are still sent."""

    async def close(self, deadline_s: float) -> None:
        """Waits at most so long for replies still to be sent, and disconnects; then `run()` returns."""
