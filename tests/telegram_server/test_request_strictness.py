"""Which requests are read at all, and which are refused and kept as mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.telegram_server.raw_api import RawApi
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, User


@pytest.mark.parametrize(
    ("method", "parameters", "why"),
    [
        ("sendMesage", {"chat_id": 1, "text": "x"}, "method not found"),
        ("sendDice", {"chat_id": 1}, "this server does not have sendDice"),
        ("sendMessage", {"chat_id": 1}, "needs the parameters ['text']"),
        ("sendMessage", {"chat_id": 1, "text": "x", "txt": "y"}, "has no parameters ['txt']"),
        ("sendMessage", {"chat_id": 1, "text": 5}, "text: Input should be a valid string"),
        ("sendMessage", {"chat_id": 1.5, "text": "x"}, "chat_id"),
        ("sendMessage", {"chat_id": 1, "text": "x", "disable_notification": 1}, "valid boolean"),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_parameters": {}}, "reply_parameters.message_id"),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "reply_parameters": {"message_id": 1, "quote_html": ""}},
            "unknown fields: ['reply_parameters.quote_html']",
        ),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "message_effect_id": "5"},
            "this server does not take ['message_effect_id']",
        ),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "reply_markup": {"inline_keyboard": [[{"txt": "x"}]]}},
            "reply_markup",
        ),
        ("getUpdates", {"timeout": 51}, "timeout from 0 to 50"),
    ],
)
async def test_wrong_requests_are_refused_and_kept(
    telegram_server: TelegramServer,
    private: Chat,
    api: RawApi,
    method: str,
    parameters: dict[str, Any],
    why: str,
) -> None:
    if "chat_id" in parameters:
        parameters = {**parameters, "chat_id": parameters["chat_id"] - 1 + private.id}
    answer = await api.call(method, **parameters)
    assert 400 <= answer.status <= 501
    assert why in answer.description
    (error,) = telegram_server.take_errors()
    assert why in error


async def test_parameters_come_in_four_ways(
    telegram_server: TelegramServer, private: Chat, api: RawApi
) -> None:
    telegram_server.api.rate_limits.chat = None
    as_text = {"chat_id": str(private.id), "text": "5", "disable_notification": "true"}
    for request in (
        {"params": as_text},
        {"data": as_text},
        {"json": {"chat_id": private.id, "text": "5", "disable_notification": True}},
    ):
        assert (await api.send("POST", "sendMessage", **request)).result["text"] == "5"
    assert (await api.send("GET", "SENDMESSAGE", params=as_text)).result["text"] == "5"
    assert (await api.upload("sendMessage", {}, **as_text)).result["text"] == "5"
    assert len(telegram_server.said_in(private)) == 5


@pytest.mark.parametrize(
    ("token", "status"), [("nonsense", 404), (f"7100200300:{'y' * 35}", 401), ("7100200300:short", 404)]
)
async def test_another_token_is_refused(
    telegram_server: TelegramServer, api: RawApi, token: str, status: int
) -> None:
    assert (await api.send("GET", "getMe", token=token)).status == status
    assert telegram_server.take_errors()


async def test_an_upload_that_nothing_names_is_refused(
    telegram_server: TelegramServer, private: Chat, api: RawApi
) -> None:
    from tests.telegram_server.pictures import picture

    files = {"photo": ("a.png", picture()), "other": ("b.png", picture())}
    answer = await api.upload("sendPhoto", files, chat_id=str(private.id))
    assert answer.description == "Bad Request: files that nothing uses: ['other']"
    missing = await api.upload("sendPhoto", {}, chat_id=str(private.id), photo="attach://there")
    assert 'file "there" is not in the request' in missing.description
    assert len(telegram_server.take_errors()) == 2
    assert telegram_server.said_in(private) == []


async def test_an_address_that_is_none_is_kept(
    telegram_server: TelegramServer, api: RawApi, alice: User
) -> None:
    media = telegram_server.files.document("a.txt", b"text")
    assert await api.download(media.file.path) == (200, b"text")
    assert (await api.download("photos/none.jpg"))[0] == 404
    assert (await api.download(media.file.path, token="1:" + "x" * 35))[0] == 404
    assert len(telegram_server.take_errors()) == 2
