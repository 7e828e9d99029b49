"""Starting, receiving, stopping, and what goes wrong with it."""

from __future__ import annotations

import asyncio
import io
import logging

import aiohttp
import pytest
from pydantic import SecretStr

from bot.adapters.telegram.adapter import TelegramAdapter
from bot.adapters.telegram.checkup import check_telegram
from bot.adapters.telegram.webhook import Webhook
from bot.chat import Command, ImagePost, Reply, Span
from config.logs import setup_logging
from config.options import LoggingOptions
from config.settings import Secrets
from inference.errors import ServiceUnavailableError, SettingsError
from tests.adapters.discord.scripted import said
from tests.adapters.telegram.connecting import PUBLIC_ADDRESS, connected, options_for
from tests.adapters.telegram.scripted import ScriptedConversation
from tests.telegram_server.faults import BROKEN_LINE, Fault
from tests.telegram_server.pictures import picture
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, Delivery, User

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_wrong_token_is_told_without_the_token(
    telegram_server: TelegramServer, scripted: ScriptedConversation
) -> None:
    token = f"{telegram_server.world.bot.id}:{'y' * 35}"
    adapter = TelegramAdapter(scripted, options_for(telegram_server), SecretStr(token))  # type: ignore[arg-type]
    with pytest.raises(SettingsError) as refused:
        await adapter.run()
    assert "TELEGRAM_TOKEN" in str(refused.value)
    assert token not in f"{refused.value!r}{refused.value.__cause__!r}"
    with pytest.raises(SettingsError):
        await check_telegram(options_for(telegram_server), SecretStr(token))
    assert telegram_server.take_errors()


async def test_a_telegram_that_is_not_there_is_told(
    scripted: ScriptedConversation, telegram_server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.adapters.telegram import flood_control

    monkeypatch.setattr(flood_control, "_WAITS_S", (0.01,))
    options = options_for(telegram_server, base_url="http://127.0.0.1:9/bot")
    adapter = TelegramAdapter(scripted, options, SecretStr(telegram_server.token))  # type: ignore[arg-type]
    with pytest.raises(ServiceUnavailableError):
        await adapter.run()


async def test_a_webhook_needs_an_address(
    telegram_server: TelegramServer, scripted: ScriptedConversation
) -> None:
    options = options_for(telegram_server, receive="webhook", webhook_url="")
    with pytest.raises(SettingsError, match=r"telegram\.webhook_url"):
        TelegramAdapter(scripted, options, SecretStr(telegram_server.token))  # type: ignore[arg-type]


async def test_a_port_in_use_is_told(telegram_server: TelegramServer, scripted: ScriptedConversation) -> None:
    async with connected(telegram_server, scripted, receive="webhook") as first:
        assert isinstance(first.receiver, Webhook)
        with pytest.raises(SettingsError, match=str(first.receiver.port)):
            async with connected(
                telegram_server, scripted, receive="webhook", webhook_port=first.receiver.port
            ):
                pass


async def test_only_telegram_reaches_the_webhook(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    server = telegram_server
    scripted.answers[Command] = said("done")
    async with connected(server, scripted, receive="webhook") as adapter, aiohttp.ClientSession() as session:
        assert isinstance(adapter.receiver, Webhook)
        secret_path = server.updates.webhook_url.removeprefix(PUBLIC_ADDRESS)
        assert len(secret_path) > 40
        local = f"http://127.0.0.1:{adapter.receiver.port}"
        word = {
            "X-Telegram-Bot-Api-Secret-Token": server.requests("setWebhook")[-1].parameters["secret_token"]
        }

        async def status(path: str, body: object, headers: dict[str, str]) -> int:
            async with session.post(local + path, json=body, headers=headers) as response:
                return response.status

        update = {"update_id": 1}
        assert await status("/", update, word) == 404
        assert await status("/guess", update, word) == 404
        assert await status(secret_path, update, {}) == 403
        assert await status(secret_path, update, {next(iter(word)): "guess"}) == 403
        assert await status(secret_path, ["no update"], word) == 400
        assert await status(secret_path, update, word) == 200
        assert await status(f"/dareda{secret_path}", update, word) == 200  # the proxy may leave the beginning
        async with session.get(local + secret_path) as response:
            assert response.status == 405
        await server.reply_to(server.post(private, alice, "/help"))
    assert {delivery.status for delivery in server.updates.deliveries} <= {0, 200}


@pytest.mark.parametrize("receive", ["polling", "webhook"])
async def test_nothing_is_lost_between_two_runs(
    telegram_server: TelegramServer,
    scripted: ScriptedConversation,
    private: Chat,
    alice: User,
    receive: str,
) -> None:
    server = telegram_server

    async def slowly(command: Command) -> Reply:
        await asyncio.sleep(0.5)
        return Reply((Span(f"{command.id}"),))

    scripted.answers[Command] = slowly
    async with connected(server, scripted, receive=receive) as adapter:
        first = server.post(private, alice, "/help")
        await server.until(lambda: scripted.asked)
        adapter.pause()
        second = server.post(private, alice, "/help")
        await server.reply_to(first)
        await server.no_reply_in(private, within_s=0.3)
    async with connected(server, scripted, receive="polling"):
        await server.reply_to(second)
        await server.no_reply_in(private, within_s=0.7)
    assert [command.id for command in scripted.asked] == [str(first.id), str(second.id)]


async def test_polling_goes_on_after_failures(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    scripted.answers[Command] = said("done")
    faults = telegram_server.api.faults
    async with connected(telegram_server, scripted):
        for fault in (Fault(502, "getUpdates"), Fault(BROKEN_LINE, "getUpdates", done_first=True)):
            faults.next(fault)
            await telegram_server.reply_to(telegram_server.post(private, alice, "/help"))
    assert len(scripted.asked) == 2


async def test_a_second_program_with_the_token_is_noticed(
    telegram_server: TelegramServer,
    scripted: ScriptedConversation,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(telegram_server, scripted):
        await telegram_server.polled()
        url = f"{telegram_server.base_url}{telegram_server.token}/getUpdates"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.status == 200
        await telegram_server.until(lambda: "another_poller" in caplog.text)
    assert telegram_server.take_errors()


@pytest.mark.parametrize("receive", ["polling", "webhook"])
async def test_the_token_is_never_logged(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User, receive: str
) -> None:
    server, stream = telegram_server, io.StringIO()
    scripted.answers |= {ImagePost: RuntimeError("a bug"), Command: said("done")}
    root = logging.getLogger()
    level = root.level
    # No secrets are given to hide: they must not get that far.
    setup_logging(LoggingOptions(level="INFO"), Secrets(), stream=stream)
    try:
        async with connected(server, scripted, receive=receive) as adapter:
            server.api.faults.next(Fault(502, "sendMessage"))
            await server.reply_to(server.post(private, alice, "/help"))
            cut = server.files.document("a.png", picture(), delivery=Delivery(cut_after=10))
            server.post(private, alice, media=cut)
            await server.until(lambda: len(scripted.asked) == 2)
            image = scripted.asked[-1].images[0]
            with pytest.raises(ServiceUnavailableError) as failed:
                await image.read(1_000_000)
            logging.getLogger("test").error("failed", exc_info=failed.value)
            await adapter.close(1)
    finally:
        for handler in [one for one in root.handlers if type(one).__name__ == "_Handler"]:
            root.removeHandler(handler)
        root.setLevel(level)
    assert "message_failed" in stream.getvalue()
    assert server.token not in stream.getvalue()


async def test_downloads_are_cut_short_and_tried_again(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    from bot.errors import PictureGoneError
    from inference.errors import ImageTooLargeError

    server, files = telegram_server, telegram_server.files
    scripted.answers[ImagePost] = None
    endless = files.document("a.png", b"x" * 1_000, delivery=Delivery(endless=True))
    large = files.document("b.png", b"x" * 300_000, declared_size=10)
    broken, gone = files.document("c.png", picture()), files.document("d.png", picture())
    async with connected(server, scripted):
        for media in (endless, large, broken, gone):
            server.post(private, alice, media=media)
        await server.until(lambda: len(scripted.asked) == 4)
        by_id = {post.images[0].reference.partition("/")[2]: post.images[0] for post in scripted.asked}
        for media in (endless, large):
            with pytest.raises(ImageTooLargeError):
                await by_id[media.file.id].read(200_000)
        server.api.faults.next(Fault(502, "download"))
        server.api.faults.next(Fault(BROKEN_LINE, "download"))
        server.api.faults.next(Fault(502, "getFile"))
        assert await by_id[broken.file.id].read(1_000_000) == broken.file.data
        files.forget(gone)
        with pytest.raises(PictureGoneError):
            await by_id[gone.file.id].read(1_000_000)
        assert scripted.access is not None
        for nonsense in ("", "p", "p/", "x/abc", "../../etc/passwd"):
            with pytest.raises(PictureGoneError):
                await scripted.access.open(scripted.asked[0].chat, nonsense)


async def test_a_server_of_ones_own_has_files_of_any_size_on_disk(
    telegram_server: TelegramServer,
    scripted: ScriptedConversation,
    private: Chat,
    alice: User,
    tmp_path: object,
) -> None:
    from pathlib import Path

    from inference.errors import ImageTooLargeError

    server = telegram_server
    server.world.local, server.files.folder = True, Path(str(tmp_path))
    scripted.answers[ImagePost] = None
    large = server.files.document("a.png", b"x" * (21 * 1024 * 1024))
    async with connected(server, scripted, local_mode=True):
        server.post(private, alice, media=large)
        await server.until(lambda: scripted.asked)
        (image,) = scripted.asked[0].images
        assert len(await image.read(30 * 1024 * 1024)) == 21 * 1024 * 1024
        with pytest.raises(ImageTooLargeError):
            await image.read(20 * 1024 * 1024)
    assert server.requests("download") == []


@pytest.mark.parametrize("privacy_mode", [True, False])
async def test_the_checkup_says_what_privacy_mode_means(
    telegram_server: TelegramServer, privacy_mode: bool
) -> None:
    telegram_server.world.privacy_mode = privacy_mode
    telegram_server.world.inline_enabled = False
    state = await check_telegram(options_for(telegram_server), SecretStr(telegram_server.token))
    assert (state.username, state.reads_all, state.webhook_url) == ("dareda_test_bot", not privacy_mode, "")
    first, inline = state.consequences()
    assert first.startswith("Privacy mode is on" if privacy_mode else "Privacy mode is off")
    assert "/setinline" in inline


async def test_the_checkup_does_not_show_the_secret_path(
    telegram_server: TelegramServer, scripted: ScriptedConversation
) -> None:
    async with connected(telegram_server, scripted, receive="webhook"):
        state = await check_telegram(options_for(telegram_server), SecretStr(telegram_server.token))
    assert state.webhook_url == PUBLIC_ADDRESS
