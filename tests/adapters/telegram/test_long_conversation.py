"""A long evening in one group: every way to use the bot, one after the other, with the real core.

Once by long polling, once by webhook. What Telegram allows to be sent is tested elsewhere.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from bot.adapters.telegram import flood_control
from bot.conversation import open_conversation
from config.options import Options
from inference.images import decode
from inference.service import LocalFaceService
from tests.adapters.films import film
from tests.adapters.telegram.connecting import connected
from tests.adapters.telegram.evening import Evening, labels
from tests.conftest import CastPictures
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import ChatKind, MediaKind, Status

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900), pytest.mark.slow]

BOT = "@dareda_test_bot"


@pytest.fixture(autouse=True)
def without_limits(telegram_server: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flood_control, "_SLACK", 0.02)
    limits = telegram_server.api.rate_limits
    limits.overall = limits.group = limits.chat = None


@pytest.mark.parametrize("receive", ["polling", "webhook"])
async def test_an_evening_of_more_than_sixty_steps(
    telegram_server: TelegramServer,
    chat_options: Options,
    core: LocalFaceService,
    cast_pictures: CastPictures,
    receive: str,
) -> None:
    options = replace(chat_options, chats=replace(chat_options.chats, operators=("telegram:777",)))
    async with open_conversation(options, core) as conversation:
        evening = Evening(telegram_server, conversation, cast_pictures)
        async with connected(telegram_server, conversation, receive=receive):
            await _arriving(evening)
            await _teaching(evening)
            await _asking(evening)
            await _pictures_of_all_kinds(evening)
            await _curating(evening)
            await _correcting(evening)
            await _settings(evening)
            await _files_and_figures(evening)
            await _places(evening)
            await _failing(evening)
            answer = await evening.say(evening.manager, media=evening.photo(evening.new(0)))
    # A new process: the same memory, another connection.
    async with open_conversation(options, core) as conversation:
        evening.conversation = conversation
        async with connected(telegram_server, conversation, receive=receive):
            with evening.step("buttons from before the restart still work"):
                assert "good to know" in await evening.note(evening.manager, answer, "Right")
            with evening.step("and what was answered before is not answered again"):
                known = telegram_server.updates.emitted[-2:]
                for update in known:
                    telegram_server.repeat(update)
                await telegram_server.no_reply_in(evening.group, within_s=1.0)
    assert len(evening.steps) >= 60, len(evening.steps)


async def _arriving(evening: Evening) -> None:
    server, group, bot = evening.server, evening.group, evening.server.world.bot
    with evening.step("the bot introduces itself"):
        server.set_status(group, bot, Status.LEFT)
        server.add_member(group, bot, by=evening.manager)
        await server.until(lambda: server.said_in(group))
        (words,) = server.said_in(group)
        assert "I am Dareda" in words.text and "Answer everywhere" in labels(words)
    with evening.step("once"):
        server.set_status(group, bot, Status.LEFT)
        server.add_member(group, bot, by=evening.manager)
        await server.no_reply_in(group, within_s=0.5)
    with evening.step("until somebody sets it up, posts are not answered"):
        server.world.privacy_mode = False
        await evening.ignored(evening.member, media=evening.photo(evening.new(0)))
    with evening.step("a mention is, in privacy mode too"):
        server.world.privacy_mode = True
        media = evening.photo(evening.new(0))
        shown = await evening.say(evening.member, f"{BOT} who?", media=media)
        assert shown.text == "I do not know this face." and labels(shown) == ["Who is it?"]
        assert await evening.marks(shown, media)
    with evening.step("a member may not set it up"):
        assert "Only those who manage" in await evening.note(evening.member, words, "Answer everywhere")
    with evening.step("an administrator may"):
        panel = await evening.under(evening.manager, words, "Answer everywhere")
        assert "All" in panel.body.marked("bold")
    with evening.step("privacy mode hides posts even so"):
        await evening.ignored(evening.member, media=evening.photo(evening.new(1)))
    with evening.step("but not from a bot without it"):
        server.world.privacy_mode = False
        shown = await evening.say(evening.member, media=evening.photo(evening.new(1)))
        assert shown.text == "I do not know this face."
    with evening.step("help for members has no teaching in it"):
        shown = await evening.say(evening.member, "/help")
        assert "/characters" in shown.text and "/enroll" not in shown.text
    with evening.step("help for administrators has"):
        assert "/enroll" in (await evening.say(evening.manager, f"/help{BOT}")).text
    with evening.step("privacy is explained"):
        assert "no posted pictures" in (await evening.say(evening.member, "/privacy")).text
    with evening.step("chatter and other bots' commands are nobody's business"):
        await evening.ignored(evening.member, "good evening /who knows")
        await evening.ignored(evening.member, "/help@other_bot")


async def _teaching(evening: Evening) -> None:
    name, manager, member = evening.name, evening.manager, evening.member
    with evening.step("enrolling needs a picture"):
        assert "no picture" in (await evening.say(manager, f"/enroll {name(0)}")).text
    with evening.step("and a teacher"):
        shown = await evening.say(member, f"/enroll {name(0)}", media=evening.photo(evening.sample(0, 1)))
        assert "Only those who may teach" in shown.text
    with evening.step("a name in the caption"):
        shown = await evening.say(
            manager, f"/enroll {name(0)} | Drawn | ルメカ, Lu", media=evening.photo(evening.sample(0, 1))
        )
        assert shown.text == f"Now I know {name(0)} (Drawn), from one picture."
        assert shown.body.marked("bold") == [f"{name(0)} (Drawn)"]
        assert shown.media is not None and labels(shown) == ["Undo"]
    with evening.step("an album"):
        pair = [evening.photo(evening.sample(0, number)) for number in (2, 3)]
        (shown,) = await evening.album(manager, pair, f"/enroll {name(0)}")
        assert shown.text == f"Added 2 samples of {name(0)} (Drawn), who has 3 now."
    with evening.step("the same picture again is refused"):
        shown = await evening.say(manager, f"/enroll {name(0)}", media=evening.photo(evening.sample(0, 3)))
        assert "enrolled already" in shown.text
    with evening.step("by replying to somebody's picture"):
        posted = evening.server.post(evening.group, member, media=evening.photo(evening.sample(1, 1)))
        await evening.server.reply_to(posted)
        shown = await evening.say(manager, f"/enroll {name(1)}", reply_to=posted)
        assert shown.text == f"Now I know {name(1)}, from one picture."
    with evening.step("by replying to the bot's answer"):
        answer = await evening.say(member, media=evening.photo(evening.sample(1, 2)))
        shown = await evening.say(manager, f"/enroll {name(1)}", reply_to=answer)
        assert shown.text == f"Added sample number 2 of {name(1)}."
    with evening.step("undo takes the last one back"):
        assert "Undone" in (await evening.under(manager, shown, "Undo")).text
        assert labels(shown) == []
    with evening.step("without a name it asks for one"):
        media = evening.photo(evening.sample(2, 1))
        form = await evening.say(manager, "/enroll", media=media)
        assert "Who is it?" in form.text and form.markup is not None and form.markup["force_reply"]
    with evening.step("which is not for others to answer"):
        assert "Only the one who asked" in (await evening.say(member, "Third", reply_to=form)).text
    with evening.step("but for the one who was asked"):
        shown = await evening.say(manager, f"{name(2)} | Drawn | San", reply_to=form)
        assert shown.text == f"Now I know {name(2)} (Drawn), from one picture."
    group_media = evening.photo(evening.cast.group.read_bytes())
    with evening.step("several faces are numbered"):
        shown = await evening.say(manager, "/enroll Sixth", media=group_media)
        assert shown.text == "I found 6 faces. Which one is Sixth?"
        assert labels(shown) == ["1", "2", "3", "4", "5", "6", "None of them"]
    faces = (await evening.seen(group_media)).faces
    unlike = min(range(6), key=lambda number: faces[number].matches[0].similarity)
    with evening.step("somebody else's buttons are not one's own"):
        assert "Only the one who asked" in await evening.note(member, shown, str(unlike + 1))
    with evening.step("the number chosen replaces the question"):
        shown = await evening.instead(manager, shown, str(unlike + 1))
        assert shown.text == "Now I know Sixth, from one picture."
    with evening.step("and is gone again"):
        await evening.under(manager, shown, "Undo")
    with evening.step("who looks like somebody known is asked about first"):
        shown = await evening.say(manager, "/enroll Another", media=evening.photo(evening.new(0)))
        assert f"This looks like {name(0)} (Drawn)" in shown.text
        await evening.instead(manager, shown, "Cancel")
        assert shown.text == "Nothing was learnt."
    with evening.step("an anonymous administrator teaches and answers questions"):
        evening.server.set_status(evening.group, evening.hidden, Status.ADMINISTRATOR, anonymous=True)
        shown = await evening.say(evening.hidden, "/enroll Another", media=evening.photo(evening.new(0)))
        shown = await evening.instead(evening.hidden, shown, name(0))
        assert shown.text == f"Added sample number 4 of {name(0)} (Drawn)."
        await evening.under(evening.hidden, shown, "Undo")


async def _asking(evening: Evening) -> None:
    name, member = evening.name, evening.member
    media = evening.photo(evening.new(0))
    with evening.step("a known one is named"):
        shown = await evening.say(member, media=media)
        assert f"This is {name(0)} (Drawn)" in shown.text
        assert labels(shown) == ["Right", "Wrong", "Who is it?", "Why?"]
        assert await evening.marks(shown, media)
    with evening.step("right"):
        assert await evening.note(member, shown, "Right") == "Thank you, good to know."
    with evening.step("why, by the button"):
        why = await evening.under(member, shown, "Why?")
        assert why.media is not None and "pictures that I learnt from" in why.text
    with evening.step("why, by replying to the answer"):
        assert (await evening.say(member, "/why", reply_to=shown)).media is not None
    with evening.step("who, in a caption"):
        shown = await evening.say(member, "/who", media=evening.photo(evening.new(1)))
        assert name(1) in shown.text or "not sure" in shown.text
    with evening.step("who, by replying to a picture"):
        posted = evening.server.post(evening.group, member, media=media)
        await evening.server.reply_to(posted)
        assert name(0) in (await evening.say(member, f"/who{BOT}", reply_to=posted)).text
    with evening.step("who, by replying with the bot's name"):
        assert name(0) in (await evening.say(member, f"{BOT} ?", reply_to=posted)).text
    with evening.step("an album is answered with one album, however late its pieces are"):
        pieces = [media, evening.photo(evening.new(3)), evening.photo(evening.cast.empty.read_bytes())]
        answers = await evening.album(member, pieces, gap_s=0.25)
        assert len(answers) == 2 and answers[0].text.startswith(f"Picture 1: This is {name(0)} (Drawn)")
        for answer, posted_media in zip(answers, pieces, strict=False):
            assert await evening.marks(answer, posted_media)
        below = await evening.server.reply_to(answers[0])
        assert labels(below) == ["Right", "Wrong", "Who is it?", "Why?"]
    with evening.step("whose buttons ask which face is meant"):
        menu = await evening.under(evening.manager, below, "Who is it?")
        assert len(evening.server.album(menu)) == 2 or menu.media is not None
    with evening.step("a group picture has all its faces framed"):
        group = evening.photo(evening.cast.group.read_bytes())
        shown = await evening.say(member, media=group)
        assert await evening.marks(shown, group)
    with evening.step("no face, no word"):
        await evening.ignored(member, media=evening.photo(evening.cast.empty.read_bytes()))
    with evening.step("names are offered behind the bot's name, from one's own gallery"):
        offered = await evening.server.offered(evening.server.ask_inline(member, name(0)[:3]))
        assert offered["results"] == []


async def _pictures_of_all_kinds(evening: Evening) -> None:
    server, member, name = evening.server, evening.member, evening.name(0)
    files, data = server.files, evening.new(0)
    still = decode(data, evening.conversation.services.options.images).frames[0]
    still = np.ascontiguousarray(still[: still.shape[0] // 2 * 2, : still.shape[1] // 2 * 2])
    moving = [np.roll(still, number, axis=1) for number in range(12)]
    size_wh = still.shape[1], still.shape[0]
    for what, media in (
        ("a picture sent as a file", files.document("picture.png", data)),
        ("a sticker", files.sticker(data)),
        ("a video sticker", files.sticker(film(moving, kind="webm"))),
        ("a GIF", files.film(MediaKind.ANIMATION, film(moving), size_wh, 1)),
        ("a video", files.film(MediaKind.VIDEO, film(moving), size_wh, 1)),
    ):
        with evening.step(what):
            assert name in (await evening.say(member, media=media)).text
    with evening.step("a spoiler is answered with one"):
        shown = await evening.say(member, media=evening.photo(data), spoiler=True)
        assert shown.spoiler and name in shown.text
    with evening.step("a forwarded post"):
        posted = server.post(evening.private, member, media=evening.photo(data))
        await server.reply_to(posted)
        assert name in (await evening.say(member, forward=posted)).text
    with evening.step("in a topic, the answer stays there"):
        shown = await evening.say(member, media=evening.photo(data), topic=evening.topic)
        assert shown.topic is evening.topic
        why = await evening.under(member, shown, "Why?")
        assert why.topic is evening.topic
    with evening.step("a file that Telegram does not hand out is explained"):
        large = files.document("large.png", data, declared_size=21 * 1024 * 1024)
        shown = await evening.say(member, media=large)
        assert "too large" in shown.text and "20 MB" in shown.text
    with evening.step("a broken picture is said to be one"):
        broken = files.document("broken.png", b"\x89PNG\r\n\x1a\n" + bytes(50))
        assert "damaged" in (await evening.say(member, media=broken)).text


async def _curating(evening: Evening) -> None:
    name, manager, member = evening.name, evening.manager, evening.member
    with evening.step("everybody known"):
        listed = await evening.say(member, "/characters")
        assert name(0) in listed.text and "3 characters" in listed.text
    with evening.step("a search"):
        listed = await evening.say(member, f"/characters {name(0)[:5]}")
        assert name(0) in listed.text and name(1) not in listed.text
    with evening.step("one of them, with her samples"):
        sheet = await evening.say(member, f"/character {name(0)}")
        assert sheet.media is not None and "ルメカ" in sheet.text
    with evening.step("rename"):
        shown = await evening.say(manager, f"/rename {name(1)} | Second | Series B")
        assert "Second (Series B)" in shown.body.marked("bold")
    with evening.step("but not by everybody"):
        assert "Only those who may teach" in (await evening.say(member, "/rename Second | Mine")).text
    with evening.step("an alias more"):
        assert "Nii" in (await evening.say(manager, "/alias Second | Nii, に")).text
    with evening.step("an alias less"):
        assert "Nii" not in (await evening.say(manager, "/alias に || Nii")).text
    with evening.step("undo by the command"):
        assert "Undone" in (await evening.say(manager, "/undo")).text
    with evening.step("history"):
        assert "Manager" in (await evening.say(manager, "/history")).text
    with evening.step("split"):
        assert "is Half" in (await evening.say(manager, f"/split {name(0)} | 1 | Half")).text
    with evening.step("merge"):
        shown = await evening.say(manager, f"/merge Half | {name(0)}")
        assert f"is {name(0)} (Drawn) now" in shown.text
    with evening.step("forget asks first, and can be told not to"):
        asked = await evening.say(manager, "/forget Second")
        assert "Shall I forget" in asked.text and "Forget" in labels(asked)
        assert (await evening.instead(manager, asked, "Cancel")).text == "Nothing was forgotten."
    with evening.step("or to"):
        asked = await evening.say(manager, "/forget Second")
        gone = await evening.instead(manager, asked, "Forget")
        assert "Forgot Second" in gone.text
    with evening.step("which can be undone"):
        await evening.under(manager, gone, "Undo")
        assert "Second" in (await evening.say(member, "/characters")).text
    with evening.step("a name that nobody has"):
        assert "I know nobody called Nobody" in (await evening.say(manager, "/rename Nobody | X")).text


async def _correcting(evening: Evening) -> None:
    manager, member = evening.manager, evening.member
    stranger = evening.cast.stranger_portrait.read_bytes()
    with evening.step("a member says who somebody is"):
        shown = await evening.say(member, media=evening.photo(stranger))
        menu = await evening.under(member, shown, "Who is it?")
        form = await evening.under(member, menu, "Somebody else …")
        assert form.body.entities[0]["url"] == f"tg://user?id={member.id}"
        assert "noted it" in (await evening.say(member, "Stranger", reply_to=form)).text
    with evening.step("nothing is learnt from that yet"):
        assert "Stranger" not in (await evening.say(member, media=evening.photo(stranger))).text
    with evening.step("a teacher looks at it and accepts"):
        review = await evening.say(manager, "/review")
        assert "Member says: this is Stranger" in review.text
        await evening.server.answered(evening.server.press(review, manager, label="Accept"))
        await asyncio.sleep(0.5)
        shown = await evening.say(member, media=evening.photo(stranger))
        assert "Stranger" in shown.text
    with evening.step("a teacher says that it is wrong"):
        denied = await evening.under(manager, shown, "Wrong")
        assert "I will not take this face for Stranger again" in denied.text
    with evening.step("and the same mistake does not come back"):
        assert "Stranger" not in (await evening.say(member, media=evening.photo(stranger))).text
    with evening.step("who it is instead, typed"):
        form = await evening.under(manager, denied, "Somebody else …")
        learnt = await evening.say(manager, "Somebody | S", reply_to=form)
        assert "this is Somebody (S)" in learnt.text
    with evening.step("is known from now on"):
        assert "Somebody (S)" in (await evening.say(member, media=evening.photo(stranger))).text
    with evening.step("nobody forges another chat's button"):
        elsewhere = await evening.say(member, "/help", chat=evening.private)
        data = shown.button(label="Wrong")["callback_data"]
        forged = evening.server.press(elsewhere, member, data=data)
        assert "too old" in str((await evening.server.answered(forged)).get("text"))


async def _settings(evening: Evening) -> None:
    manager, member, empty = evening.manager, evening.member, evening.cast.empty.read_bytes()
    with evening.step("settings are for administrators"):
        assert "Only those who manage" in (await evening.say(member, "/settings")).text
    with evening.step("a word when there is no face"):
        panel = await evening.say(manager, "/settings")
        await evening.instead(manager, panel, "Say when there is no face")
        await evening.instead(manager, panel, "Yes")
        assert "Changed" in panel.text
        shown = await evening.say(member, media=evening.photo(empty))
        assert shown.text == "I found no drawn face in the picture."
    with evening.step("another language"):
        await evening.instead(manager, panel, "Language")
        await evening.instead(manager, panel, "日本語")
        assert "顔" in (await evening.say(member, media=evening.photo(empty))).text
        await evening.instead(manager, panel, "言語")
        await evening.instead(manager, panel, "English")
    with evening.step("teachers by their user ids, typed"):
        await evening.instead(manager, panel, "Who may teach me")
        form = await evening.under(manager, panel, "Type …")
        await evening.say(manager, str(member.id), reply_to=form)
        shown = await evening.say(member, "/alias Somebody | Sb")
        assert "Sb" in shown.text
    with evening.step("only when mentioned"):
        panel = await evening.say(manager, "/settings")
        await evening.instead(manager, panel, "Which pictures I answer")
        await evening.instead(manager, panel, "Those that mention me")
        await evening.ignored(member, media=evening.photo(evening.new(0)))
        assert (await evening.say(member, BOT, media=evening.photo(evening.new(0)))).media is not None
    with evening.step("everywhere again"):
        await evening.instead(manager, panel, "Which pictures I answer")
        await evening.instead(manager, panel, "All")
        await evening.say(member, media=evening.photo(evening.new(0)))
    with evening.step("a member who is promoted is one at once"):
        evening.server.set_status(evening.group, evening.server.world.bot, Status.ADMINISTRATOR)
        evening.server.set_status(evening.group, member, Status.ADMINISTRATOR)
        assert "How I behave" in (await evening.say(member, "/settings")).text
        evening.server.set_status(evening.group, member, Status.MEMBER)
        assert "Only those who manage" in (await evening.say(member, "/settings")).text


async def _files_and_figures(evening: Evening) -> None:
    manager = evening.manager
    with evening.step("figures"):
        assert "characters here" in (await evening.say(evening.member, "/stats")).text
    with evening.step("everything as a file"):
        exported = await evening.say(manager, "/export")
        assert exported.media is not None and exported.media.kind is MediaKind.DOCUMENT
        assert exported.media.file.data.startswith(b"PK")
    with evening.step("and back"):
        asked = await evening.say(manager, "/forget Somebody")
        await evening.instead(manager, asked, "Forget")
        archive = evening.server.files.document("gallery.zip", exported.media.file.data)
        assert "Imported" in (await evening.say(manager, "/import", media=archive)).text
    with evening.step("what is no archive"):
        nothing = evening.server.files.document("a.zip", b"nothing")
        assert "not a gallery" in (await evening.say(manager, "/import", media=nothing)).text


async def _places(evening: Evening) -> None:
    server, member, data = evening.server, evening.member, evening.new(0)
    with evening.step("a private chat has a gallery of its own"):
        shown = await evening.say(member, chat=evening.private, media=evening.photo(data))
        assert shown.text == "I do not know this face."
    with evening.step("which its owner teaches"):
        media = evening.photo(evening.sample(3, 1))
        shown = await evening.say(member, "/enroll Mine", chat=evening.private, media=media)
        assert shown.text == "Now I know Mine, from one picture."
        assert "Mine" not in (await evening.say(member, "/characters")).text
    with evening.step("and whose names are offered behind the bot's name"):
        offered = await server.offered(server.ask_inline(member, "mi"))
        assert [one["title"] for one in offered["results"]] == ["Mine"]
    channel = server.add_channel("news", owner=evening.manager)
    with evening.step("a channel is set up by its administrators"):
        panel = await evening.say(evening.manager, "/settings", chat=channel)
        await evening.instead(evening.manager, panel, "Which pictures I answer")
        await evening.instead(evening.manager, panel, "All")
        shown = await evening.say(evening.manager, chat=channel, media=evening.photo(data))
        assert shown.text == "I do not know this face."
    with evening.step("and its posts are answered in its discussion group too"):
        channel.linked, evening.group.linked = evening.group, channel
        server.post(channel, evening.manager, media=evening.photo(data))
        said = len(server.said_in(evening.group))
        await server.until(lambda: len(server.said_in(evening.group)) > said, timeout_s=20)
        assert evening.name(0) in server.said_in(evening.group)[-1].text
        channel.linked = evening.group.linked = None
    with evening.step("a group that becomes a supergroup keeps its gallery"):
        small = server.add_group("small", member, kind=ChatKind.GROUP, owner=evening.manager)
        media = evening.photo(evening.sample(1, 1))
        await evening.say(evening.manager, "/enroll Kept", chat=small, media=media)
        large = server.migrate(small)
        await asyncio.sleep(0.3)
        assert "Kept" in (await evening.say(member, "/characters", chat=large)).text


async def _failing(evening: Evening) -> None:
    server, member, bot = evening.server, evening.member, evening.server.world.bot
    with evening.step("where photos are forbidden, the words are said"):
        server.set_status(evening.group, bot, Status.MEMBER)
        evening.group.denied = frozenset({"can_send_photos"})
        shown = await evening.say(member, media=evening.photo(evening.new(0)))
        assert evening.name(0) in shown.text and shown.media is None
        evening.group.denied = frozenset()
    with evening.step("a deleted picture cannot be corrected once Telegram has forgotten it"):
        media = evening.photo(evening.new(0))
        shown = await evening.say(member, media=media)
        server.files.forget(media)
        assert "deleted" in await evening.note(evening.manager, shown, "Wrong")
    with evening.step("being blocked is taken quietly"):
        asked = server.post(evening.private, member, "/help")
        await server.reply_to(asked)
        said = len(server.said_in(evening.private))
        server.post(evening.private, member, "/stats")
        server.block_bot(member)
        await asyncio.sleep(0.5)
        server.block_bot(member, blocked=False)
        assert len(server.said_in(evening.private)) - said <= 1
    with evening.step("what arrives twice is answered once"):
        await evening.say(member, media=evening.photo(evening.new(0)))
        server.repeat(server.updates.emitted[-1])
        await server.no_reply_in(evening.group, within_s=1.0)
