"""Holds requests to what Telegram allows, and tries again what failed for the moment.

python-telegram-bot's own limiter lets twice the allowance through after a pause (a leaky bucket), counts an
album as one message, and stops all chats when one is refused; so this takes its place.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from telegram.error import BadRequest, NetworkError, RetryAfter
from telegram.ext import BaseRateLimiter

from config.options import TelegramOptions

log = logging.getLogger(__name__)

_JSON = dict[str, Any]
_Result = bool | _JSON | list[_JSON]

_SLACK = 1.05
"""Windows are so much longer than Telegram's, for requests that overtake each other on the way."""
_WAITS_S = (0.3, 1.0, 2.0, 4.0, 8.0)
"""Before trying again after a failure of the line or of Telegram."""
_LONGEST_REFUSAL_S = 180.0
_MOST_REFUSALS = 8
_MOST_CHATS = 2_000
_AT_ONCE_OR_NEVER = frozenset({"sendChatAction", "answerInlineQuery"})
"""Worth nothing when they come late."""


@dataclass(slots=True)
class Entry:
    """What was let through."""

    weight: int
    at: float
    """When; of what is under way, when it began."""


class SlidingWindow:
    """At most so much in any window of that length."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most = most
        self._window_s = window_s
        self._entered: list[Entry] = []

    def wait_s(self, weight: int, now: float) -> float:
        """How long until so much more fits; what is more than ever fits, fits into an empty window."""
        self._forget(now)
        over = sum(entry.weight for entry in self._entered) + min(weight, self._most) - self._most
        for entry in sorted(self._entered, key=lambda entry: entry.at):
            if over <= 0:
                break
            over -= entry.weight
            if over <= 0:
                return entry.at + self._window_s - now
        return 0.0

    def enter(self, weight: int, now: float) -> Entry:
        """The entry, whose time is to be set anew when it is through."""
        entry = Entry(min(weight, self._most), now)
        self._entered.append(entry)
        return entry

    def is_empty(self, now: float) -> bool:
        self._forget(now)
        return not self._entered

    def _forget(self, now: float) -> None:
        self._entered = [entry for entry in self._entered if entry.at > now - self._window_s]


class _Chat:
    """What was sent to one chat, and who waits to send more."""

    def __init__(self, chat_id: str, per_minute: int) -> None:
        self.turn = asyncio.Lock()
        self.refused_until = 0.0
        self.each_second = SlidingWindow(1, _SLACK)
        # Ids of private chats are those of users, which are positive.
        is_group = chat_id.startswith(("-", "@"))
        self.each_minute = SlidingWindow(per_minute, 60 * _SLACK) if is_group else None

    def is_idle(self, now: float) -> bool:
        empty = self.each_minute is None or self.each_minute.is_empty(now)
        return (
            empty and self.each_second.is_empty(now) and not self.turn.locked() and now > self.refused_until
        )


class FloodControl(BaseRateLimiter[None]):
    """The client's rate limiter: in a chat a message a second, in a group 20 a minute, 30 a second in all."""

    def __init__(self, options: TelegramOptions) -> None:
        self._options = options
        self._overall = SlidingWindow(options.messages_per_second, _SLACK)
        self._chats: dict[str, _Chat] = {}

    async def initialize(self) -> None:
        """Nothing to do."""

    async def shutdown(self) -> None:
        """Nothing to do."""

    async def process_request(  # noqa: PLR0917  # the library's signature
        self,
        callback: Callable[..., Coroutine[Any, Any, _Result]],
        args: Any,
        kwargs: _JSON,
        endpoint: str,
        data: _JSON,
        rate_limit_args: None,
    ) -> _Result:
        """The result of the request, once it has succeeded. Raises what Telegram says that will not pass."""
        del rate_limit_args
        refusals = failures = 0
        chat = self._chat(data)
        while True:
            entries = await self._turn(chat, endpoint, data)
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                refusals += 1
                wait_s = _seconds(error) + 0.1
                if endpoint in _AT_ONCE_OR_NEVER or refusals > _MOST_REFUSALS or wait_s > _LONGEST_REFUSAL_S:
                    raise
                log.info("flood_limit method=%s wait_s=%.1f", endpoint, wait_s)
            except BadRequest:
                raise  # it is a kind of NetworkError
            except NetworkError as error:
                if endpoint in _AT_ONCE_OR_NEVER or failures >= len(_WAITS_S):
                    raise
                wait_s = _WAITS_S[failures]
                failures += 1
                log.info("telegram_failed method=%s error=%s", endpoint, type(error).__name__)
            finally:
                # Telegram may have counted it as late as now.
                for entry in entries:
                    entry.at = time.monotonic()
            if chat is not None:
                chat.refused_until = max(chat.refused_until, time.monotonic() + wait_s)
            await asyncio.sleep(wait_s)

    async def _turn(self, chat: _Chat | None, endpoint: str, data: _JSON) -> list[Entry]:
        """Returns when the request may go; with what it counts as."""
        if chat is None or endpoint in _AT_ONCE_OR_NEVER:
            return []
        weight = len(data["media"]) if endpoint == "sendMediaGroup" else 1
        async with chat.turn:
            while (wait_s := self._wait_s(chat, endpoint, weight)) > 0:  # noqa: ASYNC110  # time, no event
                await asyncio.sleep(wait_s)
            now = time.monotonic()
            windows = self._windows(chat, weight) if _sends(endpoint) else []
            return [window.enter(counted, now) for window, counted in windows]

    def _wait_s(self, chat: _Chat, endpoint: str, weight: int) -> float:
        now = time.monotonic()
        waits = [chat.refused_until - now]
        if _sends(endpoint):
            waits += (window.wait_s(counted, now) for window, counted in self._windows(chat, weight))
        return max(waits)

    def _windows(self, chat: _Chat, weight: int) -> list[tuple[SlidingWindow, int]]:
        """What counts a message, and how much: in its chat an album is one, elsewhere as many as it has."""
        windows = [(chat.each_second, 1), (self._overall, weight)]
        return windows if chat.each_minute is None else [*windows, (chat.each_minute, weight)]

    def _chat(self, data: _JSON) -> _Chat | None:
        chat_id = data.get("chat_id")
        if chat_id is None:
            return None
        if len(self._chats) > _MOST_CHATS:
            now = time.monotonic()
            self._chats = {key: chat for key, chat in self._chats.items() if not chat.is_idle(now)}
        key = str(chat_id)
        if key not in self._chats:
            self._chats[key] = _Chat(key, self._options.group_messages_per_minute)
        return self._chats[key]


def _sends(endpoint: str) -> bool:
    return endpoint.startswith(("send", "forward", "copy"))


def _seconds(error: RetryAfter) -> float:
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
