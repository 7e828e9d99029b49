"""What bots may send, change and delete, and what they hear when they may not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.telegram_server.pictures import picture
from tests.telegram_server.raw_api import RawApi
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, ChatKind, Status, User


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"text": " \n"}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "🙂" * 2049}, "message is too long"),
        ({"text": "<b>x", "parse_mode": "HTML"}, "can't parse entities: Can't find end tag"),
        ({"text": "a<b", "parse_mode": "HTML"}, "can't parse entities: Unsupported start tag"),
        ({"text": "<h1>x</h1>", "parse_mode": "HTML"}, 'Unsupported start tag "h1"'),
        ({"text": "<b><i>x</b></i>", "parse_mode": "HTML"}, "Unmatched end tag"),
        ({"text": "*x*", "parse_mode": "MarkdownV2"}, "this server reads no MarkdownV2"),
        ({"reply_markup": {"inline_keyboard": [[{"text": "x"}]]}}, "exactly one thing"),
        ({"reply_markup": {"inline_keyboard": [[{"text": " ", "callback_data": "x"}]]}}, "must be non-empty"),
        (
            {"reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "é" * 33}]]}},
            "BUTTON_DATA_INVALID",
        ),
        (
            {"reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "x"}] * 9]}},
            "REPLY_MARKUP_TOO_LONG",
        ),
        ({"message_thread_id": 77}, "message thread not found"),
    ],
)
async def test_messages_that_telegram_does_not_take(
    telegram_server: TelegramServer, private: Chat, api: RawApi, changes: dict[str, Any], why: str
) -> None:
    answer = await api.call("sendMessage", **{"chat_id": private.id, "text": "x", **changes})
    assert answer.status == 400
    assert why in answer.description
    assert len(telegram_server.take_errors()) == 1
    assert telegram_server.said_in(private) == []


async def test_html_is_read_as_telegram_reads_it(
    telegram_server: TelegramServer, private: Chat, api: RawApi
) -> None:
    text = "🙂 <b>A &amp; <i>B</i></b> &lt;x&gt; <a href='https://e.org'>@there</a> @alice_user /who\n"
    await api.call("sendMessage", chat_id=private.id, text=text, parse_mode="HTML")
    (sent,) = telegram_server.said_in(private)
    assert sent.text == "🙂 A & B <x> @there @alice_user /who"
    marks = ("bold", "italic", "text_link", "mention", "bot_command")
    assert [sent.body.marked(kind) for kind in marks] == [
        ["A & B"],
        ["B"],
        ["@there"],
        ["@alice_user"],
        ["/who"],
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no picture", "IMAGE_PROCESS_FAILED"),
        (picture(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
        (picture(6000, 4001), "PHOTO_INVALID_DIMENSIONS"),
        (b"", "file must be non-empty"),
        (b"x" * (10 * 1024 * 1024 + 1), "Request Entity Too Large"),
    ],
    ids=["nonsense", "thin", "large", "empty", "heavy"],
)
async def test_photos_that_telegram_does_not_take(
    telegram_server: TelegramServer, private: Chat, api: RawApi, data: bytes, why: str
) -> None:
    answer = await api.upload("sendPhoto", {"photo": ("a.png", data)}, chat_id=str(private.id))
    assert why in answer.description
    assert telegram_server.take_errors()


async def test_captions_are_shorter_than_texts(
    telegram_server: TelegramServer, private: Chat, api: RawApi
) -> None:
    for length in (1024, 1025):
        answer = await api.upload(
            "sendPhoto", {"photo": ("a.png", picture())}, chat_id=str(private.id), caption="x" * length
        )
        assert (answer.status == 200) is (length == 1024)
    assert "caption is too long" in telegram_server.take_errors()[0]


@pytest.mark.parametrize("count", [1, 2, 10, 11])
async def test_albums_have_from_two_to_ten_media(
    telegram_server: TelegramServer, private: Chat, api: RawApi, count: int
) -> None:
    names = [f"file{number}" for number in range(count)]
    media = json.dumps([{"type": "photo", "media": f"attach://{name}"} for name in names])
    files = {name: (f"{name}.png", picture(seed=number)) for number, name in enumerate(names)}
    answer = await api.upload("sendMediaGroup", files, chat_id=str(private.id), media=media)
    assert (answer.status == 200) is (2 <= count <= 10)
    if answer.status == 200:
        assert len({message["media_group_id"] for message in answer.result}) == 1
    else:
        assert telegram_server.take_errors()


async def test_who_blocks_kicks_restricts_or_is_unknown_is_told_apart(
    telegram_server: TelegramServer, group: Chat, private: Chat, alice: User, api: RawApi
) -> None:
    async def hear(chat_id: int | str, method: str = "sendMessage") -> str:
        answer = await api.call(method, chat_id=chat_id, **({"text": "x"} if method == "sendMessage" else {}))
        return f"{answer.status} {answer.description}"

    bot = telegram_server.world.bot
    stranger = telegram_server.add_user("Stranger")
    telegram_server.world.private_chat(stranger)
    assert await hear(stranger.id) == "403 Forbidden: bot can't initiate conversation with a user"
    assert await hear(4) == "400 Bad Request: chat not found"
    assert await hear("@nobody") == "400 Bad Request: chat not found"
    telegram_server.block_bot(alice)
    assert await hear(private.id) == "403 Forbidden: bot was blocked by the user"
    telegram_server.set_status(group, bot, Status.RESTRICTED, denied=frozenset({"can_send_messages"}))
    assert await hear(group.id) == "400 Bad Request: not enough rights to send text messages to the chat"
    telegram_server.set_status(group, bot, Status.KICKED)
    assert await hear(group.id) == "403 Forbidden: bot was kicked from the supergroup chat"
    assert await hear(group.id, "getChat") == "403 Forbidden: bot was kicked from the supergroup chat"
    channel = telegram_server.add_channel("news")
    telegram_server.set_status(channel, bot, Status.MEMBER)
    assert await hear(channel.id) == "400 Bad Request: need administrator rights in the channel chat"


async def test_photos_can_be_forbidden_alone(
    telegram_server: TelegramServer, group: Chat, api: RawApi
) -> None:
    group.denied = frozenset({"can_send_photos"})
    refused = await api.upload("sendPhoto", {"photo": ("a.png", picture())}, chat_id=str(group.id))
    assert refused.description == "Bad Request: not enough rights to send photos to the chat"
    assert (await api.call("sendMessage", chat_id=group.id, text="but words")).status == 200


async def test_replies_to_what_is_gone_need_leave(
    telegram_server: TelegramServer, private: Chat, alice: User, api: RawApi
) -> None:
    message = telegram_server.post(private, alice, "hi")
    telegram_server.delete(message)
    reply = {"message_id": message.id}
    refused = await api.call("sendMessage", chat_id=private.id, text="x", reply_parameters=reply)
    assert refused.description == "Bad Request: message to be replied not found"
    reply["allow_sending_without_reply"] = True
    sent = await api.call("sendMessage", chat_id=private.id, text="x", reply_parameters=reply)
    assert "reply_to_message" not in sent.result


async def test_a_closed_topic_is_closed_to_all_but_administrators(
    telegram_server: TelegramServer, alice: User, api: RawApi
) -> None:
    forum = telegram_server.add_group("forum", alice, forum=True)
    topic = telegram_server.add_topic(forum, "old", alice)
    topic.closed = True
    there = {"chat_id": forum.id, "message_thread_id": topic.thread_id, "text": "x"}
    assert (await api.call("sendMessage", **there)).description == "Bad Request: TOPIC_CLOSED"
    telegram_server.set_status(forum, telegram_server.world.bot, Status.ADMINISTRATOR)
    assert (await api.call("sendMessage", **there)).result["is_topic_message"] is True


async def test_only_what_the_bot_said_can_be_changed(
    telegram_server: TelegramServer, private: Chat, alice: User, api: RawApi
) -> None:
    theirs = telegram_server.post(private, alice, "mine")
    own = (await api.call("sendMessage", chat_id=private.id, text="x")).result["message_id"]

    async def edit(message_id: int, text: str) -> str:
        answer = await api.call("editMessageText", chat_id=private.id, message_id=message_id, text=text)
        return "done" if answer.status == 200 else answer.description.removeprefix("Bad Request: ")[:30]

    assert await edit(own, "y") == "done"
    assert await edit(own, "y") == "message is not modified: speci"
    assert await edit(theirs.id, "y") == "message can't be edited"
    assert await edit(999, "y") == "message to edit not found"
    assert telegram_server.take_errors()
    assert (await api.call("deleteMessage", chat_id=private.id, message_id=own)).result is True
    assert await edit(own, "z") == "message to edit not found"


async def test_old_messages_cannot_be_deleted(
    telegram_server: TelegramServer, private: Chat, api: RawApi
) -> None:
    sent = (await api.call("sendMessage", chat_id=private.id, text="x")).result
    telegram_server.clock.advance(49 * 3600)
    answer = await api.call("deleteMessage", chat_id=private.id, message_id=sent["message_id"])
    assert answer.description == "Bad Request: message can't be deleted"


async def test_queries_are_answered_once_and_in_time(
    telegram_server: TelegramServer, private: Chat, alice: User, api: RawApi
) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Right", "callback_data": "r"}]]}
    await api.call("sendMessage", chat_id=private.id, text="x", reply_markup=keyboard)
    (sent,) = telegram_server.said_in(private)
    late, pressed = (telegram_server.press(sent, alice, label="Right") for _ in range(2))
    late.expired = True
    statuses = [
        (await api.call("answerCallbackQuery", callback_query_id=one, text=text)).status
        for one, text in (
            (late.id, ""),
            (pressed.id, "x" * 201),
            (pressed.id, "ok"),
            (pressed.id, "ok"),
            ("1", ""),
        )
    ]
    assert statuses == [400, 400, 200, 400, 400]
    assert pressed.answer is not None
    assert pressed.answer["text"] == "ok"
    assert len(telegram_server.take_errors()) == 3


@pytest.mark.parametrize(
    ("commands", "language", "why"),
    [
        ([{"command": "Who", "description": "x"}], "", "BOT_COMMAND_INVALID"),
        ([{"command": "who", "description": ""}], "", "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": "who", "description": "x"}] * 2, "", "a command is listed twice"),
        ([{"command": "who", "description": "x"}], "eng", "LANGUAGE_CODE_INVALID"),
        ([{"command": f"c{n}", "description": "x"} for n in range(101)], "", "BOT_COMMANDS_TOO_MUCH"),
    ],
)
async def test_menus_are_checked(
    telegram_server: TelegramServer, api: RawApi, commands: list[dict[str, str]], language: str, why: str
) -> None:
    assert why in (await api.call("setMyCommands", commands=commands, language_code=language)).description
    assert telegram_server.take_errors()
    assert telegram_server.world.commands == {}


async def test_administrators_are_told_apart_from_members(
    telegram_server: TelegramServer, group: Chat, alice: User, api: RawApi
) -> None:
    async def status(user: User) -> str:
        answer = await api.call("getChatMember", chat_id=group.id, user_id=user.id)
        return str(answer.result["status"])

    assert await status(alice) == "member"
    telegram_server.set_status(group, alice, Status.ADMINISTRATOR, anonymous=True)
    listed = (await api.call("getChatAdministrators", chat_id=group.id)).result
    assert {one["user"]["first_name"]: one["is_anonymous"] for one in listed} == {
        "club owner": False,
        "Alice": True,
    }
    telegram_server.set_status(group, alice, Status.LEFT)
    assert await status(alice) == "left"
    assert (await api.call("leaveChat", chat_id=group.id)).result is True
    assert (await api.call("sendMessage", chat_id=group.id, text="x")).status == 403


async def test_small_groups_and_supergroups_count_messages_apart(
    telegram_server: TelegramServer, private: Chat, alice: User, api: RawApi
) -> None:
    small = telegram_server.add_group("small", alice, kind=ChatKind.GROUP)
    large = telegram_server.add_group("large", alice)
    ids = [
        (await api.call("sendMessage", chat_id=chat.id, text="x")).result["message_id"]
        for chat in (private, small, large, small, large)
    ]
    assert ids == [1, 2, 1, 3, 2]
