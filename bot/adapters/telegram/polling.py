"""Long polling: asks Telegram for updates again and again, and confirms those that were taken up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.adapters.telegram.dispatch import KINDS

log = logging.getLogger(__name__)

_WAITS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Between attempts when Telegram cannot be reached; the last one goes on."""
_PATIENCE_S = 30
_MOST_AT_ONCE = 100


class Polling:
    """One poller. What it has not confirmed comes again, to whoever asks next."""

    def __init__(self, bot: Bot, take: Callable[[Update], None]) -> None:
        self._bot = bot
        self._take = take
        self._offset = 0
        self._paused = asyncio.Event()
        self.is_behind = False
        """Since the last attempt that failed, nobody knows what has come."""
        self.is_failing = False
        """The last attempt failed."""

    async def start(self) -> None:
        """Takes away a webhook, with which nobody can poll. Raises TelegramError."""
        await self._bot.delete_webhook()

    async def run(self) -> None:
        """Takes updates until it is paused. Raises InvalidToken when the token is not valid any more."""
        failures = 0
        while not self._paused.is_set():
            try:
                updates = await self._next()
            except InvalidToken:
                raise
            except TelegramError as error:
                wait_s = _WAITS_S[min(failures, len(_WAITS_S) - 1)]
                if isinstance(error, Conflict):
                    log.warning("another_poller: two programs use this bot's token")
                elif isinstance(error, RetryAfter) or failures == len(_WAITS_S):
                    log.warning("polling_failed error=%s", type(error).__name__)
                failures += 1
                self.is_behind = self.is_failing = True
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._paused.wait(), wait_s)
                continue
            failures, self.is_failing, self.is_behind = 0, False, len(updates) == _MOST_AT_ONCE
            for update in updates:
                self._take(update)
                self._offset = update.update_id + 1

    def pause(self) -> None:
        """Ends `run()`, at once."""
        self._paused.set()

    async def close(self) -> None:
        """Confirms what was taken up, which the next poll would have done."""
        if self._offset:
            with contextlib.suppress(TelegramError):
                await self._bot.get_updates(offset=self._offset, limit=1, timeout=0, allowed_updates=KINDS)

    async def _next(self) -> tuple[Update, ...]:
        asking = asyncio.ensure_future(
            self._bot.get_updates(
                offset=self._offset,
                limit=_MOST_AT_ONCE,
                # Whoever is behind wants to know at once what there is.
                timeout=0 if self.is_behind else _PATIENCE_S,
                allowed_updates=KINDS,
            )
        )
        pausing = asyncio.ensure_future(self._paused.wait())
        try:
            await asyncio.wait({asking, pausing}, return_when=asyncio.FIRST_COMPLETED)
            return await asking if asking.done() else ()
        finally:
            asking.cancel()
            pausing.cancel()
            await asyncio.wait({asking, pausing})
