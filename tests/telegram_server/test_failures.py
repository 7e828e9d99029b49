"""Flood limits and failures on purpose, as the real client meets them."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import telegram.error

from tests.telegram_server.faults import BROKEN_LINE, Fault
from tests.telegram_server.pictures import picture
from tests.telegram_server.rate_limits import Limit
from tests.telegram_server.raw_api import RawApi
from tests.telegram_server.sample_bot import SampleBot, application_for, polling
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, User


async def test_the_group_limit_counts_each_message_of_an_album(
    telegram_server: TelegramServer, group: Chat, api: RawApi
) -> None:
    telegram_server.api.rate_limits.chat = None
    album = [{"type": "photo", "media": telegram_server.files.photo(picture()).file.id}] * 10
    assert (await api.call("sendMediaGroup", chat_id=group.id, media=album)).status == 200
    for _ in range(10):
        assert (await api.call("sendMessage", chat_id=group.id, text="x")).status == 200
    over = await api.call("sendMessage", chat_id=group.id, text="x")
    assert over.status == 429
    assert 50 < over.body["parameters"]["retry_after"] <= 60
    assert telegram_server.api.rate_limits.exceeded == [f"group {group.id}"]


async def test_limits_pass_with_time(telegram_server: TelegramServer, private: Chat, api: RawApi) -> None:
    telegram_server.api.rate_limits.chat = Limit(2, 0.5)
    statuses = [(await api.call("sendMessage", chat_id=private.id, text="x")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    time.sleep(0.5)  # noqa: ASYNC251  # the server has nothing to do meanwhile
    assert (await api.call("sendMessage", chat_id=private.id, text="x")).status == 200


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(429, "sendMessage", retry_after_s=3), telegram.error.RetryAfter),
        (Fault(502, "sendMessage"), telegram.error.NetworkError),
        (Fault(BROKEN_LINE, "sendMessage"), telegram.error.NetworkError),
    ],
)
async def test_a_request_fails_once_and_then_no_more(
    telegram_server: TelegramServer, private: Chat, fault: Fault, error: type[Exception]
) -> None:
    telegram_server.api.faults.next(fault)
    async with application_for(telegram_server) as application:
        with pytest.raises(error) as failed:
            await application.bot.send_message(private.id, "x")
        if isinstance(failed.value, telegram.error.RetryAfter):
            assert failed.value.retry_after == timedelta(seconds=3)
        assert telegram_server.said_in(private) == []
        await application.bot.send_message(private.id, "x")
    assert len(telegram_server.said_in(private)) == 1


async def test_what_was_done_may_still_be_lost_on_the_way_back(
    telegram_server: TelegramServer, private: Chat
) -> None:
    telegram_server.api.faults.next(Fault(BROKEN_LINE, "sendMessage", done_first=True))
    async with application_for(telegram_server) as application:
        with pytest.raises(telegram.error.NetworkError):
            await application.bot.send_message(private.id, "x")
    assert len(telegram_server.said_in(private)) == 1


async def test_polling_survives_what_goes_wrong(
    telegram_server: TelegramServer, private: Chat, alice: User
) -> None:
    bot = SampleBot()
    async with polling(telegram_server, bot):
        await telegram_server.polled()
        telegram_server.api.faults.next(Fault(BROKEN_LINE, "getUpdates", done_first=True))
        telegram_server.api.faults.next(Fault(502, "getUpdates"))
        telegram_server.post(private, alice, "still there?")
        await telegram_server.until(lambda: bot.seen)
        telegram_server.repeat(telegram_server.updates.emitted[0])
        await telegram_server.until(lambda: len(bot.seen) == 2)
    first, again = bot.seen
    assert first.message is not None
    assert again.message is not None
    assert first.message.message_id == again.message.message_id


async def test_a_share_of_the_requests_fails_by_its_seed(
    telegram_server: TelegramServer, private: Chat, api: RawApi
) -> None:
    telegram_server.api.rate_limits.chat = None
    telegram_server.api.faults.share(0.3, Fault(500, "send"), seed=5)
    statuses = []
    for _ in range(20):
        async with api._session.post(
            f"{telegram_server.base_url}{telegram_server.token}/sendMessage",
            json={"chat_id": private.id, "text": "x"},
        ) as response:
            statuses.append(response.status)
    assert 3 <= statuses.count(500) == telegram_server.api.faults.injected
    assert len(telegram_server.said_in(private)) == statuses.count(200)
