"""How replies of every shape are shown, and what is shown when Telegram refuses them."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from bot.chat import (
    Button,
    Command,
    Form,
    FormField,
    ImagePost,
    Menu,
    MenuLine,
    Notice,
    OutgoingFile,
    Press,
    Reply,
    Span,
    Submission,
)
from bot.errors import CannotSendError
from inference.images import encode
from tests.adapters.discord.scripted import said
from tests.adapters.telegram.connecting import connected
from tests.adapters.telegram.scripted import ScriptedConversation
from tests.telegram_server.faults import BROKEN_LINE, Fault
from tests.telegram_server.pictures import picture
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import ANONYMOUS_ADMIN_ID, Chat, MediaKind, Message, Status, User

pytestmark = pytest.mark.asyncio(loop_scope="session")


def image(width: int = 60, *, spoiler: bool = False, shade: int = 99) -> OutgoingFile:
    data = encode(np.full((40, width, 3), shade, np.uint8), format="png")
    return OutgoingFile("dareda-1.png", data, spoiler=spoiler)


NAMED = Reply((Span("This is "), Span("Eru & <co>", strong=True)), answer="A1")
BUTTONS = ((Button("Right", "a:A1:right", "good"), Button("Wrong", "a:A1:wrong", "bad")),)
FORM = Form("q:F1", "Who is it?", (FormField("name", "Name"), FormField("series", "Series", required=False)))


@pytest.fixture(autouse=True)
def groups_are_heard(telegram_server: TelegramServer) -> None:
    telegram_server.world.privacy_mode = False


def post_picture(server: TelegramServer, chat: Chat, user: User) -> Message:
    return server.post(chat, user, media=server.files.photo(picture()))


# ── shapes ──────────────────────────────────────────────────────────────────────────────────────


async def test_one_picture_has_text_and_buttons_under_it(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    scripted.answers[ImagePost] = Reply(NAMED.text, (image(spoiler=True),), BUTTONS, answer="A1")
    async with connected(telegram_server, scripted):
        answer = await telegram_server.reply_to(post_picture(telegram_server, group, alice))
        await telegram_server.until(lambda: scripted.sent)
    assert (answer.text, answer.body.marked("bold")) == ("This is Eru & <co>", ["Eru & <co>"])
    assert answer.media is not None
    assert (answer.media.kind, answer.spoiler) == (MediaKind.PHOTO, True)
    assert [(one["text"], one["callback_data"]) for one in answer.buttons] == [
        ("Right", "a:A1:right"),
        ("Wrong", "a:A1:wrong"),
    ]
    assert scripted.sent == [("A1", str(answer.id))]


async def test_several_pictures_are_an_album_with_the_buttons_below(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    files = tuple(image(shade=shade, spoiler=True) for shade in (50, 90, 130))
    scripted.answers |= {
        ImagePost: Reply(NAMED.text, files, BUTTONS, answer="A1"),
        Command: said("because"),
    }
    server = telegram_server
    async with connected(server, scripted):
        answer = await server.reply_to(post_picture(server, group, alice))
        album = server.album(answer)
        below = await server.reply_to(answer)
        assert [one.text for one in album] == ["This is Eru & <co>", "", ""]
        assert all(one.spoiler and not one.buttons for one in album)
        assert [one["text"] for one in below.buttons] == ["Right", "Wrong"]
        await server.until(lambda: scripted.sent == [("A1", str(answer.id))])
        # Whoever replies to any of it means the answer.
        for message in (album[2], below):
            await server.reply_to(server.post(group, alice, "/why", reply_to=message))
            assert scripted.asked[-1].arguments == {"message": str(answer.id)}


async def test_what_is_no_photo_is_sent_as_a_document(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    archive = OutgoingFile("gallery.zip", b"PK archive", is_picture=False)
    scripted.answers[Command] = Reply((Span("here"),), (archive,))
    scripted.answers[ImagePost] = Reply((Span("tall"),), (image(2_000),))
    async with connected(telegram_server, scripted):
        sent = await telegram_server.reply_to(telegram_server.post(private, alice, "/export"))
        tall = await telegram_server.reply_to(post_picture(telegram_server, private, alice))
    assert sent.media is not None
    assert (sent.media.kind, sent.media.file.name, sent.media.file.data, sent.text) == (
        MediaKind.DOCUMENT,
        "gallery.zip",
        b"PK archive",
        "here",
    )
    assert tall.media is not None
    assert (tall.media.kind, tall.media.file.data) == (MediaKind.DOCUMENT, image(2_000).data)


async def test_long_texts_take_several_messages(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    text = "\n".join(f"{number} {'x' * 80}" for number in range(120))
    scripted.answers[Command] = Reply((Span(text),), buttons=BUTTONS)
    async with connected(telegram_server, scripted):
        telegram_server.post(private, alice, "/characters")
        await telegram_server.until(lambda: len(telegram_server.said_in(private)) == 3)
    first, second, last = telegram_server.said_in(private)
    assert "\n".join((first.text, second.text, last.text)) == text
    assert (first.buttons, second.buttons, len(last.buttons)) == ([], [], 2)


async def test_nothing_is_said_where_there_is_nothing_to_say(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    scripted.answers |= {ImagePost: None, Command: Reply()}
    async with connected(telegram_server, scripted):
        post_picture(telegram_server, private, alice)
        telegram_server.post(private, alice, "/help")
        await telegram_server.no_reply_in(private, within_s=0.5)
    assert len(scripted.asked) == 2


async def test_it_shows_that_it_is_at_work(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    async def slowly(post: ImagePost) -> Reply:
        await asyncio.sleep(0.8)
        return NAMED

    scripted.answers[ImagePost] = slowly
    async with connected(telegram_server, scripted):
        await telegram_server.reply_to(post_picture(telegram_server, private, alice))
    assert private.actions == ["upload_photo"]


# ── buttons ─────────────────────────────────────────────────────────────────────────────────────


async def answer_with_buttons(server: TelegramServer, scripted: ScriptedConversation, chat: Chat, user: User) -> Message:  # fmt: skip  # noqa: E501
    menu = Menu("a:A1:is:0", "who", (MenuLine("Mayaka", "c2"), MenuLine("Nobody", "nobody")))
    scripted.answers[ImagePost] = Reply(NAMED.text, (image(),), BUTTONS, menu, answer="A1")
    return await server.reply_to(post_picture(server, chat, user))


async def test_a_private_word_is_a_note_on_the_screen(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    scripted.answers["a:A1:right"] = said("Thank you & <good>", private=True)
    async with connected(telegram_server, scripted):
        answer = await answer_with_buttons(telegram_server, scripted, group, alice)
        note = await telegram_server.answered(telegram_server.press(answer, alice, label="Right"))
        assert (note["text"], note["show_alert"]) == ("Thank you & <good>", True)
        await telegram_server.no_reply_in(group, within_s=0.3)
    press = scripted.asked[-1]
    assert (press.token, press.chosen, press.actor.id, press.chat.space) == (
        "a:A1:right",
        "",
        str(alice.id),
        str(group.id),
    )


async def test_other_replies_come_under_the_message(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    scripted.answers["a:A1:wrong"] = Reply(
        (Span("Who is it?"),), menu=Menu("m", "who", (MenuLine("Eru", "c1"),)), private=True
    )
    scripted.answers["m"] = said("learnt", replaces=True)
    async with connected(telegram_server, scripted):
        answer = await answer_with_buttons(telegram_server, scripted, group, alice)
        await telegram_server.answered(telegram_server.press(answer, alice, label="Wrong"))
        question = await telegram_server.reply_to(answer)
        await telegram_server.answered(telegram_server.press(question, alice, label="Eru"))
        await telegram_server.until(lambda: question.text == "learnt")
    assert (scripted.asked[-1].token, scripted.asked[-1].chosen) == ("m", "c1")
    assert question.buttons == []
    assert answer.text == "This is Eru & <co>"


async def test_a_reply_takes_the_place_of_the_message(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    server = telegram_server
    new = Reply(
        (Span("page 2"),), (image(shade=200),), ((Button("back", "p:1"),),), replaces=True, answer="A2"
    )
    scripted.answers |= {
        "a:A1:right": new,
        "p:1": said("only words", replaces=True, buttons=((Button("more", "p:2"),),)),
        "p:2": Reply(buttons=((Button("end", "p:3"),),), replaces=True),
        "p:3": said("x" * 2_000, replaces=True),
    }
    async with connected(server, scripted):
        answer = await answer_with_buttons(server, scripted, private, alice)
        before = answer.media
        server.press(answer, alice, label="Right")
        await server.until(lambda: answer.text == "page 2")
        assert answer.media is not before
        await server.until(lambda: ("A2", str(answer.id)) in scripted.sent)
        server.press(answer, alice, label="back")
        await server.until(lambda: answer.text == "only words")
        server.press(answer, alice, label="more")
        await server.until(lambda: [one["text"] for one in answer.buttons] == ["end"])
        # Too long for a caption: a message of its own, and no buttons left above it.
        server.press(answer, alice, label="end")
        assert len((await server.reply_to(answer)).text) == 2_000
        assert answer.buttons == []


async def test_words_cannot_become_a_picture_so_they_make_room_for_one(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    server = telegram_server
    scripted.answers |= {
        Command: said("list", buttons=((Button("sheet", "s:1"),),)),
        "s:1": Reply((Span("sheet"),), (image(),), replaces=True),
    }
    async with connected(server, scripted):
        listed = await server.reply_to(server.post(private, alice, "/characters"))
        await server.answered(server.press(listed, alice, label="sheet"))
        await server.until(lambda: [one.text for one in server.said_in(private)] == ["sheet"])
    assert listed.deleted


async def test_used_buttons_are_taken_away(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    scripted.answers["a:A1:right"] = said("undone", closes=True)
    async with connected(telegram_server, scripted):
        answer = await answer_with_buttons(telegram_server, scripted, private, alice)
        telegram_server.press(answer, alice, label="Right")
        assert (await telegram_server.reply_to(answer)).text == "undone"
        assert answer.buttons == []


async def test_a_slow_button_stops_spinning_and_answers_later(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    async def slowly(press: Press) -> Reply:
        await asyncio.sleep(2.6)
        return said("at last", private=True)

    scripted.answers["a:A1:right"] = slowly
    async with connected(telegram_server, scripted):
        answer = await answer_with_buttons(telegram_server, scripted, private, alice)
        began = time.monotonic()
        note = await telegram_server.answered(telegram_server.press(answer, alice, label="Right"))
        assert time.monotonic() - began < 2.5
        assert "text" not in note
        assert (await telegram_server.reply_to(answer)).text == "at last"


async def test_what_goes_wrong_leaves_no_button_spinning(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    scripted.answers["a:A1:right"] = RuntimeError("a bug")
    scripted.answers["a:A1:wrong"] = said("fine", private=True)
    async with connected(telegram_server, scripted):
        answer = await answer_with_buttons(telegram_server, scripted, private, alice)
        await telegram_server.answered(telegram_server.press(answer, alice, label="Right"))
        expired = telegram_server.press(answer, alice, label="Wrong")
        expired.expired = True
        await telegram_server.until(lambda: len(scripted.asked) == 3)
    assert expired.answer is None


async def test_buttons_under_old_messages_still_work(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    scripted.answers["a:A1:right"] = said("remembered", replaces=True)
    async with connected(telegram_server, scripted):
        answer = await answer_with_buttons(telegram_server, scripted, private, alice)
        answer.deleted = True  # Telegram shows it to bots as inaccessible
        pressed = telegram_server.press(answer, alice, label="Right")
        await telegram_server.answered(pressed)
        await telegram_server.until(lambda: telegram_server.said_in(private))
    assert telegram_server.said_in(private)[0].text == "remembered"


async def test_anonymous_administrators_press_as_they_write(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    telegram_server.set_status(group, alice, Status.ADMINISTRATOR, anonymous=True)
    scripted.answers["a:A1:right"] = said("thanks", private=True)
    async with connected(telegram_server, scripted):
        answer = await answer_with_buttons(telegram_server, scripted, group, alice)
        assert answer.reply_to is not None
        assert answer.reply_to.sender is telegram_server.world.users[ANONYMOUS_ADMIN_ID]
        await telegram_server.answered(telegram_server.press(answer, alice, label="Right"))
    post, press = scripted.asked
    assert (
        (post.author.id, post.author.manages)
        == (press.actor.id, press.actor.manages)
        == (str(group.id), True)
    )


# ── forms ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("Chitanda Eru", {"name": "Chitanda Eru", "series": ""}),
        ("Chitanda Eru | Hyouka", {"name": "Chitanda Eru", "series": "Hyouka"}),
        ("Chitanda Eru\nHyouka | 氷菓", {"name": "Chitanda Eru", "series": "Hyouka | 氷菓"}),
        ("千反田える｜氷菓", {"name": "千反田える", "series": "氷菓"}),
    ],
)
async def test_a_form_is_a_message_to_reply_to(
    telegram_server: TelegramServer,
    scripted: ScriptedConversation,
    group: Chat,
    alice: User,
    text: str,
    fields: dict[str, str],
) -> None:
    server = telegram_server
    server.world.privacy_mode = True
    scripted.answers |= {Command: Reply(form=FORM), Submission: said("learnt")}
    async with connected(server, scripted):
        question = await server.reply_to(server.post(group, alice, "/enroll"))
        assert question.markup == {"force_reply": True, "selective": True}
        assert "Name | (Series)" in question.text
        assert (await server.reply_to(server.post(group, alice, text, reply_to=question))).text == "learnt"
    submission = scripted.asked[-1]
    assert isinstance(submission, Submission)
    assert (submission.token, dict(submission.fields)) == ("q:F1", fields)


async def test_a_form_that_a_button_opens_asks_who_pressed_it(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    alice.first_name = "<b>@everyone"
    scripted.answers |= {"a:A1:wrong": Reply(form=FORM), Submission: said("learnt")}
    async with connected(telegram_server, scripted):
        answer = await answer_with_buttons(telegram_server, scripted, group, alice)
        telegram_server.press(answer, alice, label="Wrong")
        question = await telegram_server.reply_to(answer)
        assert question.text.startswith("<b>＠everyone\n")
        assert question.body.entities[0]["url"] == f"tg://user?id={alice.id}"
    # The token is in the message: whoever runs next understands the reply.
    async with connected(telegram_server, scripted):
        reply = telegram_server.post(group, alice, "Eru", reply_to=question)
        assert (await telegram_server.reply_to(reply)).text == "learnt"


async def test_nobody_forges_a_form(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    from tests.telegram_server.formatting import parse_html

    link = '<a href="https://t.me/dareda_test_bot?form=q:F1&amp;fields=name">x</a>'
    async with connected(telegram_server, scripted):
        forged = telegram_server.post(group, alice, body=parse_html(link))
        telegram_server.post(group, alice, "Eru", reply_to=forged)
        await telegram_server.no_reply_in(group, within_s=0.4)
    assert scripted.asked == []


# ── refusals ────────────────────────────────────────────────────────────────────────────────────


async def test_where_photos_are_forbidden_the_words_are_said(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    group.denied = frozenset({"can_send_photos", "can_send_documents"})
    scripted.answers[ImagePost] = Reply(NAMED.text, (image(),), BUTTONS)
    async with connected(telegram_server, scripted):
        alone = telegram_server.owner(group)
        answer = await telegram_server.reply_to(post_picture(telegram_server, group, alone))
    assert answer.text.startswith("This is Eru & <co>\n")
    assert len(answer.text) > len("This is Eru & <co>\n")
    assert len(answer.buttons) == 2


@pytest.mark.parametrize("what", ["blocked", "kicked", "restricted", "closed topic"])
async def test_being_unwanted_is_taken_quietly(
    telegram_server: TelegramServer,
    scripted: ScriptedConversation,
    alice: User,
    what: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server, bot = telegram_server, telegram_server.world.bot
    chat = (
        server.add_private_chat(alice) if what == "blocked" else server.add_group("club", alice, forum=True)
    )
    topic = server.add_topic(chat, "here", alice) if what == "closed topic" else None

    async def unwanted(post: ImagePost) -> Reply:
        match what:
            case "blocked":
                server.block_bot(alice)
            case "kicked":
                server.set_status(chat, bot, Status.KICKED)
            case "restricted":
                denied = frozenset({"can_send_messages"})
                server.set_status(chat, bot, Status.RESTRICTED, denied=denied)
            case _:
                assert topic is not None
                topic.closed = True
        return Reply(NAMED.text, (image(),))

    scripted.answers[ImagePost] = unwanted
    async with connected(server, scripted):
        server.post(chat, alice, media=server.files.photo(picture()), topic=topic)
        await server.until(lambda: any(one.status >= 400 for one in server.requests("sendPhoto")))
        await asyncio.sleep(0.1)
    assert server.world.sent == []
    # Photos may be forbidden alone, so words are tried then; no more than that.
    sent = len(server.requests("send")) - len(server.requests("sendChatAction"))
    assert sent == (2 if what == "restricted" else 1)
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_a_deleted_picture_is_not_shown_again(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    async def delete_it(post: ImagePost) -> Reply:
        telegram_server.delete(private.messages[int(post.id)])
        return Reply(NAMED.text, (image(),))

    scripted.answers[ImagePost] = delete_it
    async with connected(telegram_server, scripted):
        post_picture(telegram_server, private, alice)
        await telegram_server.until(lambda: telegram_server.said_in(private))
    (answer,) = telegram_server.said_in(private)
    assert answer.media is None
    assert "Eru" not in answer.text


@pytest.mark.parametrize("status", [429, 500, 502, BROKEN_LINE])
async def test_failures_on_the_way_are_made_up_for(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User, status: int
) -> None:
    scripted.answers |= {
        ImagePost: Reply(NAMED.text, (image(),), BUTTONS),
        "a:A1:right": said("new", replaces=True),
    }
    faults = telegram_server.api.faults
    async with connected(telegram_server, scripted):
        faults.next(Fault(status, "sendPhoto"))
        answer = await telegram_server.reply_to(post_picture(telegram_server, private, alice))
        faults.next(Fault(status, "editMessage"))
        faults.next(Fault(status, "answerCallback"))
        await telegram_server.answered(telegram_server.press(answer, alice, label="Right"))
        await telegram_server.until(lambda: answer.text == "new")
    assert len(telegram_server.said_in(private)) == 1


async def test_notices_are_said_and_what_cannot_be_said_is_told(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    from bot.chat import ChatRef

    async with connected(telegram_server, scripted) as adapter:
        await adapter.say(Notice(ChatRef("telegram", str(group.id), str(group.id)), said("changed")))
        assert [one.text for one in telegram_server.said_in(group)] == ["changed"]
        with pytest.raises(CannotSendError) as failed:
            await adapter.say(Notice(ChatRef("telegram", "5", "5"), said("changed")))
    assert failed.value.data["reason"] == "gone"
