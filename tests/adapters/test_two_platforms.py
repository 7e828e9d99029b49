"""Discord and Telegram in one process: their faces share batches, and what they are told is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.telegram import flood_control
from config import logs
from inference.batching import MicroBatcher
from inference.domain import FaceBox
from tests.adapters.discord.core import real_conversation
from tests.adapters.script.alike import comparable
from tests.adapters.script.chapters import play
from tests.adapters.script.discord_side import DiscordSide
from tests.adapters.script.evening import Evening
from tests.adapters.script.telegram_side import TelegramSide
from tests.conftest import CastPictures
from tests.discord_server.server import DiscordServer
from tests.telegram_server.server import TelegramServer


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, frozenset[str]]]:
    """The log of all batches: whose they were, and which platforms' pictures they held.

    Both evenings take each step together, so each model first waits until both platforms have asked it for
    something: then what it takes must be of both. How often they meet by chance goes by the machine, and who
    comes first does not wait at all.
    """
    log: list[tuple[str, frozenset[str]]] = []
    platforms: dict[int, str] = {}
    calls: list[Any] = []  # kept, so that no two have one id
    met: set[str] = set()
    enqueue, take, run = MicroBatcher._enqueue, MicroBatcher._take, MicroBatcher._run

    def watched_enqueue(self: Any, call: Any) -> None:
        calls.append(call)
        platforms[id(call)] = logs._context.get().get("platform", "")
        enqueue(self, call)

    def meeting_take(self: Any) -> Any:
        def have_met() -> bool:
            return self._stopping or {platforms[id(call)] for call in self._queue} >= {"discord", "telegram"}

        if self.name not in met:
            with self._changed:
                self._wait_for_calls(1, timeout_s=None)
                if self._changed.wait_for(have_met, timeout=60):
                    met.add(self.name)
                return take(self)
        return take(self)

    def watched_run(self: Any, function: Any, parts: Sequence[Any]) -> bool:
        log.append((self.name, frozenset(platforms[id(part.call)] for part in parts)))
        return run(self, function, parts)

    monkeypatch.setattr(MicroBatcher, "_enqueue", watched_enqueue)
    monkeypatch.setattr(MicroBatcher, "run_now", lambda batcher, items: None)
    monkeypatch.setattr(MicroBatcher, "_take", meeting_take)
    monkeypatch.setattr(MicroBatcher, "_run", watched_run)
    return log


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_whole_evening_on_both_platforms_at_once_is_answered_alike(
    tmp_path: Path,
    cast_pictures: CastPictures,
    batches: list[tuple[str, frozenset[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flood_control, "_SLACK", 0.02)
    together = asyncio.Barrier(2)
    async with (
        DiscordServer() as discord,
        TelegramServer() as telegram,
        real_conversation(tmp_path) as conversation,
    ):
        limits = telegram.api.rate_limits
        limits.overall = limits.group = limits.chat = None
        async with (
            DiscordSide(discord, conversation) as in_discord,
            TelegramSide(telegram, conversation) as in_telegram,
            asyncio.TaskGroup() as playing,
        ):
            sides, boxes = (in_discord, in_telegram), dict[bytes, list[FaceBox]]()
            evenings = [Evening(side, cast_pictures, together, boxes) for side in sides]
            for evening in evenings:
                playing.create_task(play(evening))
    for one, other in zip(*(evening.steps for evening in evenings), strict=True):
        assert one.what == other.what
        assert [comparable(seen) for seen in one.seen] == [comparable(seen) for seen in other.seen], one.what
    shared = {name for name, platforms in batches if platforms >= {"discord", "telegram"}}
    assert shared == {"detector", "embedder"}, batches
    assert not discord.errors, discord.errors
    assert not telegram.errors, telegram.errors
