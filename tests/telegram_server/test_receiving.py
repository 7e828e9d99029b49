"""Long polling that waits, webhooks with their secret, files with their limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests.telegram_server.pictures import picture
from tests.telegram_server.raw_api import RawApi
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, Delivery, Json, User


async def test_polling_waits_until_something_happens(
    telegram_server: TelegramServer, private: Chat, alice: User, api: RawApi
) -> None:
    began = time.monotonic()
    assert (await api.call("getUpdates", timeout=1)).result == []
    assert 0.9 < time.monotonic() - began < 3
    waiting = asyncio.create_task(api.call("getUpdates", timeout=20))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    telegram_server.post(private, alice, "hi")
    (update,) = (await waiting).result
    assert update["message"]["text"] == "hi"


async def test_updates_come_again_until_they_are_confirmed(
    telegram_server: TelegramServer, private: Chat, alice: User, api: RawApi
) -> None:
    for text in "abc":
        telegram_server.post(private, alice, text)

    async def texts(**parameters: int) -> list[str]:
        found = (await api.call("getUpdates", **parameters)).result
        return [one["message"]["text"] for one in found]

    first = (await api.call("getUpdates")).result[0]["update_id"]
    assert await texts() == ["a", "b", "c"]
    assert await texts(limit=2) == ["a", "b"]
    assert await texts(offset=first + 1) == ["b", "c"]
    assert await texts(offset=-1) == ["c"]
    assert await texts(offset=first + 3) == []


async def test_a_second_poller_ends_the_first(telegram_server: TelegramServer, api: RawApi) -> None:
    first = asyncio.create_task(api.call("getUpdates", timeout=20))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(api.call("getUpdates", timeout=1))
    answer = await first
    assert answer.status == 409
    assert answer.description.startswith("Conflict: terminated by other getUpdates request")
    assert (await second).result == []
    assert len(telegram_server.take_errors()) == 1


async def test_a_poller_that_hung_up_is_no_conflict(telegram_server: TelegramServer, api: RawApi) -> None:
    first = asyncio.create_task(api.call("getUpdates", timeout=20))
    await asyncio.sleep(0.1)
    first.cancel()
    assert (await api.call("getUpdates", timeout=1)).result == []


async def test_only_the_kinds_that_were_asked_for_come(
    telegram_server: TelegramServer, group: Chat, alice: User, api: RawApi
) -> None:
    from tests.telegram_server.state import Status

    telegram_server.set_status(group, telegram_server.world.bot, Status.ADMINISTRATOR)
    bob = telegram_server.add_user("Bob")
    telegram_server.add_member(group, bob)  # chat_member: not by default, the service message is
    (own, joined) = (await api.call("getUpdates")).result
    assert "my_chat_member" in own
    assert joined["message"]["new_chat_members"][0]["first_name"] == "Bob"
    offset = joined["update_id"] + 1
    await api.call("getUpdates", offset=offset, allowed_updates=["chat_member"])
    telegram_server.post(group, bob, "hi")
    telegram_server.set_status(group, bob, Status.ADMINISTRATOR)
    (promoted,) = (await api.call("getUpdates", offset=offset)).result
    assert promoted["chat_member"]["new_chat_member"]["status"] == "administrator"


class Receiver:
    """A webhook that keeps what it gets."""

    def __init__(self) -> None:
        self.updates: list[tuple[str | None, Json]] = []
        self.statuses: list[int] = []
        """To answer with, one after the other; then 200."""

    async def take(self, request: web.Request) -> web.Response:
        update = await request.json()
        self.updates.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), update))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@asynccontextmanager
async def receiving(server: TelegramServer) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/hook/{secret}", receiver.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.updates.proxies["https://bot.example.org"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def test_a_webhook_gets_updates_with_the_secret_until_it_takes_them(
    telegram_server: TelegramServer, private: Chat, alice: User, api: RawApi
) -> None:
    telegram_server.post(private, alice, "before")
    async with receiving(telegram_server) as receiver:
        receiver.statuses = [500, 502]
        url = "https://bot.example.org/hook/abc"
        assert (await api.call("setWebhook", url=url, secret_token="s3cret")).result is True
        telegram_server.post(private, alice, "after")
        await telegram_server.until(lambda: telegram_server.updates.pending_count == 0)
        texts = [update["message"]["text"] for _, update in receiver.updates]
        assert sorted(texts, key=["before", "after"].index) == sorted(texts, key=["before", "after"].index)
        assert len(texts) == 4
        assert set(texts) == {"before", "after"}
        assert {secret for secret, _ in receiver.updates} == {"s3cret"}
        info = (await api.call("getWebhookInfo")).result
        assert info["last_error_message"] == "Wrong response from the webhook: 502"
        polled = await api.call("getUpdates")
        assert polled.status == 409
        assert telegram_server.take_errors()
        await api.call("deleteWebhook")
        assert (await api.call("getUpdates")).result == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://bot.example.org/x"},
        {"url": "https://bot.example.org:8080/x"},
        {"url": "https://bot.example.org/x", "secret_token": "not allowed!"},
        {"url": "https://bot.example.org/x", "max_connections": 101},
    ],
)
async def test_webhooks_that_telegram_does_not_take(
    telegram_server: TelegramServer, api: RawApi, wrong: dict[str, object]
) -> None:
    assert (await api.call("setWebhook", **wrong)).status == 400
    assert telegram_server.take_errors()
    assert telegram_server.updates.webhook_url == ""


async def test_large_files_are_refused_but_by_a_local_server(
    telegram_server: TelegramServer, api: RawApi, tmp_path: Path
) -> None:
    large = telegram_server.files.document("film.bin", b"x" * 1000, declared_size=20 * 1024 * 1024 + 1)
    refused = await api.call("getFile", file_id=large.file.id)
    assert refused.description == "Bad Request: file is too big"
    telegram_server.world.local, telegram_server.files.folder = True, tmp_path
    large = telegram_server.files.document("film.bin", b"x" * (20 * 1024 * 1024 + 1))
    found = (await api.call("getFile", file_id=large.file.id)).result
    assert found["file_path"] == str(large.file.local)
    assert large.file.local is not None
    assert large.file.local.stat().st_size == found["file_size"]


async def test_files_can_be_gone_and_downloads_can_break(
    telegram_server: TelegramServer, api: RawApi
) -> None:
    import aiohttp

    photo = telegram_server.files.photo(picture())
    telegram_server.files.forget(photo)
    answer = await api.call("getFile", file_id=photo.file.id)
    assert answer.description == "Bad Request: wrong file_id or the file is temporarily unavailable"
    cut = telegram_server.files.document("a.bin", b"x" * 10_000, delivery=Delivery(cut_after=4_000))
    with pytest.raises(aiohttp.ClientError):
        await api.download(cut.file.path)
