"""Requests are held to what Telegram allows, and tried again after what passes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from bot.adapters.telegram import flood_control
from bot.adapters.telegram.flood_control import FloodControl, SlidingWindow
from config.options import TelegramOptions


def most_in_any_window(times: list[tuple[float, int]], window_s: float) -> int:
    return max(sum(weight for at, weight in times if start <= at < start + window_s) for start, _ in times)


@pytest.mark.parametrize("weights", [[1] * 60, [2, 3, 10, 1, 1, 5] * 5, [20, 20, 20]])
def test_a_window_never_holds_more_than_it_may(weights: list[int]) -> None:
    window, now, entered = SlidingWindow(20, 60.0), 0.0, []
    for weight in weights:
        now += window.wait_s(weight, now)
        window.enter(weight, now)
        entered.append((now, weight))
    assert most_in_any_window(entered, 60.0) <= 20


def test_what_is_more_than_ever_fits_waits_for_an_empty_window() -> None:
    window = SlidingWindow(5, 10.0)
    window.enter(1, 0.0)
    assert window.wait_s(9, 1.0) == 9.0
    assert window.wait_s(4, 1.0) == 0.0


class Telegram:
    """Answers with what it is told to, and keeps when it was asked."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked: list[tuple[float, str]] = []

    async def answer(self, endpoint: str, data: dict[str, Any]) -> bool:
        self.asked.append((time.monotonic(), str(data.get("chat_id"))))
        if self.errors:
            raise self.errors.pop(0)
        return True

    async def ask(self, control: FloodControl, endpoint: str, **data: Any) -> Any:
        return await control.process_request(self.answer, (endpoint, data), {}, endpoint, data, None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flood_control, "_WAITS_S", (0.01, 0.02, 0.03))


async def test_a_chat_gets_a_message_a_second_and_others_do_not_wait_for_it() -> None:
    telegram, control = Telegram(), FloodControl(TelegramOptions())
    began = time.monotonic()
    await asyncio.gather(
        *(telegram.ask(control, "sendMessage", chat_id=chat) for chat in (1, 1, 2, 3)),
        telegram.ask(control, "editMessageText", chat_id=1),
        telegram.ask(control, "answerCallbackQuery"),
    )
    times = {
        chat: [at - began for at, to in telegram.asked if to == chat] for chat in ("1", "2", "3", "None")
    }
    assert max(times["2"] + times["3"] + times["None"]) < 0.3
    assert times["1"][-1] > 1.0


async def test_thirty_a_second_are_the_most_of_all_chats() -> None:
    telegram, control = Telegram(), FloodControl(TelegramOptions(messages_per_second=10))
    await asyncio.gather(*(telegram.ask(control, "sendMessage", chat_id=chat) for chat in range(25)))
    assert most_in_any_window([(at, 1) for at, _ in telegram.asked], 1.0) <= 10


async def test_an_album_counts_as_many_as_it_has() -> None:
    telegram, control = Telegram(), FloodControl(TelegramOptions(messages_per_second=10))
    await asyncio.gather(
        *(telegram.ask(control, "sendMediaGroup", chat_id=chat, media=[1] * 5) for chat in range(4))
    )
    times = [at for at, _ in telegram.asked]
    assert times[1] - times[0] < 0.5 < times[2] - times[0]


@pytest.mark.usefixtures("quick")
async def test_what_passes_is_tried_again() -> None:
    telegram, control = (
        Telegram(RetryAfter(1), NetworkError("Bad Gateway"), NetworkError("gone")),
        FloodControl(TelegramOptions()),
    )
    began = time.monotonic()
    assert await telegram.ask(control, "editMessageText", chat_id=1)
    assert time.monotonic() - began > 1.0
    assert len(telegram.asked) == 4


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("endpoint", "errors", "tries"),
    [
        ("sendMessage", [BadRequest("chat not found")], 1),
        ("sendMessage", [Forbidden("bot was blocked by the user")], 1),
        ("getFile", [NetworkError("down")] * 9, 4),
        ("sendMessage", [RetryAfter(3600)], 1),
        ("sendChatAction", [RetryAfter(1)], 1),
        ("sendChatAction", [NetworkError("down")], 1),
    ],
)
async def test_what_does_not_pass_is_told(endpoint: str, errors: list[Exception], tries: int) -> None:
    telegram, control = Telegram(*errors), FloodControl(TelegramOptions())
    with pytest.raises(type(errors[0])):
        await telegram.ask(control, endpoint, chat_id=1)
    assert len(telegram.asked) == tries


async def test_a_refused_chat_holds_back_no_other() -> None:
    telegram, control = Telegram(RetryAfter(2)), FloodControl(TelegramOptions())
    refused = asyncio.create_task(telegram.ask(control, "sendMessage", chat_id=1))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await telegram.ask(control, "sendMessage", chat_id=2)
    assert time.monotonic() - began < 0.5
    await telegram.ask(control, "sendMessage", chat_id=1)
    assert time.monotonic() - began > 1.5
    assert await refused
