"""A long evening in one group: every way to use the bot, one after the other, with the real core.

The script that all platforms share is played here by webhook, and in `test_two_platforms` by long polling;
what only Telegram has, by both. What Telegram allows to be sent is tested elsewhere.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from bot.adapters.telegram import flood_control
from bot.conversation import Conversation, open_conversation
from config.options import Options
from inference.images import decode
from inference.service import LocalFaceService
from tests.adapters.films import film
from tests.adapters.script import evening as script
from tests.adapters.script.chapters import play
from tests.adapters.script.telegram_side import TelegramSide
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


async def test_an_evening_of_more_than_sixty_steps_by_webhook(
    telegram_server: TelegramServer, conversation: Conversation, cast_pictures: CastPictures
) -> None:
    async with TelegramSide(telegram_server, conversation, receive="webhook") as side:
        await play(script.Evening(side, cast_pictures))


@pytest.mark.parametrize("receive", ["polling", "webhook"])
async def test_what_only_telegram_has(
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
            await _settings(evening)
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


async def _arriving(evening: Evening) -> None:
    server, group, bot = evening.server, evening.group, evening.server.world.bot
    with evening.step("the bot introduces itself"):
        server.set_status(group, bot, Status.LEFT)
        server.add_member(group, bot, by=evening.manager)
        await server.until(lambda: server.said_in(group))
        (words,) = server.said_in(group)
    with evening.step("once"):
        server.set_status(group, bot, Status.LEFT)
        server.add_member(group, bot, by=evening.manager)
        await server.no_reply_in(group, within_s=0.5)
    with evening.step("in privacy mode a mention is heard"):
        server.world.privacy_mode = True
        media = evening.photo(evening.new(0))
        shown = await evening.say(evening.member, f"{BOT} who?", media=media)
        assert shown.text == "I do not know this face." and await evening.marks(shown, media)
    with evening.step("but posts are not, though it is set up to answer them"):
        await evening.under(evening.manager, words, "Answer everywhere")
        await evening.ignored(evening.member, media=evening.photo(evening.new(1)))
    with evening.step("which a bot without it is told of"):
        server.world.privacy_mode = False
        shown = await evening.say(evening.member, media=evening.photo(evening.new(1)))
        assert shown.text == "I do not know this face."
    with evening.step("a command may name the bot"):
        assert "/enroll" in (await evening.say(evening.manager, f"/help{BOT}")).text
    with evening.step("chatter and other bots' commands are nobody's business"):
        await evening.ignored(evening.member, "good evening /who knows")
        await evening.ignored(evening.member, "/help@other_bot")


async def _teaching(evening: Evening) -> None:
    name, manager, member = evening.name, evening.manager, evening.member
    with evening.step("a name in the caption of a photo"):
        media = evening.photo(evening.sample(0, 1))
        shown = await evening.say(manager, f"/enroll {name(0)} | Drawn | ルメカ, Lu", media=media)
        assert shown.text == f"Now I know {name(0)} (Drawn), from one picture."
        assert shown.media is not None and labels(shown) == ["Undo"]
    with evening.step("an album of photos"):
        pair = [evening.photo(evening.sample(0, number)) for number in (2, 3)]
        (shown,) = await evening.album(manager, pair, f"/enroll {name(0)}")
        assert shown.text == f"Added 2 samples of {name(0)} (Drawn), who has 3 now."
    with evening.step("a form is a message that the one who was asked replies to"):
        media = evening.photo(evening.sample(2, 1))
        form = await evening.say(manager, "/enroll", media=media)
        assert "Who is it?" in form.text and form.markup is not None and form.markup["force_reply"]
        assert "Only the one who asked" in (await evening.say(member, "Third", reply_to=form)).text
        shown = await evening.say(manager, f"{name(2)} | Drawn | San", reply_to=form)
        assert shown.text == f"Now I know {name(2)} (Drawn), from one picture."
    with evening.step("a form that a button opens names whom it asks"):
        shown = await evening.say(member, media=evening.photo(evening.new(3)))
        menu = await evening.under(member, shown, "Who is it?")
        form = await evening.under(member, menu, "Somebody else …")
        assert form.body.entities[0]["url"] == f"tg://user?id={member.id}"
    with evening.step("an anonymous administrator teaches and answers questions"):
        evening.server.set_status(evening.group, evening.hidden, Status.ADMINISTRATOR, anonymous=True)
        shown = await evening.say(evening.hidden, "/enroll Another", media=evening.photo(evening.new(0)))
        shown = await evening.instead(evening.hidden, shown, name(0))
        assert shown.text == f"Added sample number 4 of {name(0)} (Drawn)."
        await evening.under(evening.hidden, shown, "Undo")
    with evening.step("a note on the screen is seen by who pressed"):
        shown = await evening.say(member, media=evening.photo(evening.new(0)))
        assert await evening.note(member, shown, "Right") == "Thank you, good to know."


async def _asking(evening: Evening) -> None:
    name, member = evening.name, evening.member
    media = evening.photo(evening.new(0))
    with evening.step("who, in a caption"):
        assert name(0) in (await evening.say(member, "/who", media=media)).text
    with evening.step("who, by replying with the bot's name"):
        posted = evening.server.post(evening.group, member, media=media)
        await evening.server.reply_to(posted)
        assert name(0) in (await evening.say(member, f"/who{BOT}", reply_to=posted)).text
        assert name(0) in (await evening.say(member, f"{BOT} ?", reply_to=posted)).text
    with evening.step("an album is answered with one album, however late its pieces are"):
        pieces = [media, evening.photo(evening.new(3)), evening.photo(evening.cast.empty.read_bytes())]
        answers = await evening.album(member, pieces, gap_s=0.25)
        assert len(answers) == 2 and answers[0].text.startswith(f"Picture 1: This is {name(0)} (Drawn)")
        for answer, posted_media in zip(answers, pieces, strict=False):
            assert await evening.marks(answer, posted_media)
        below = await evening.server.reply_to(answers[0])
        assert labels(below) == ["Right", "Wrong", "Who is it?", "Why?"]
    with evening.step("names are offered behind the bot's name from one's own gallery alone"):
        offered = await evening.server.offered(evening.server.ask_inline(member, name(0)[:3]))
        assert offered["results"] == []
    with evening.step("nobody forges another chat's button"):
        shown = await evening.say(member, media=media)
        elsewhere = await evening.say(member, "/help", chat=evening.private)
        data = shown.button(label="Wrong")["callback_data"]
        forged = evening.server.press(elsewhere, member, data=data)
        assert "too old" in str((await evening.server.answered(forged)).get("text"))


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


async def _settings(evening: Evening) -> None:
    manager, member = evening.manager, evening.member
    with evening.step("settings are for administrators"):
        assert "Only those who manage" in (await evening.say(member, "/settings")).text
    with evening.step("teachers by their user ids, typed"):
        panel = await evening.say(manager, "/settings")
        await evening.instead(manager, panel, "Who may teach me")
        form = await evening.under(manager, panel, "Type …")
        await evening.say(manager, str(member.id), reply_to=form)
        shown = await evening.say(member, f"/alias {evening.name(0)} | Sb")
        assert "Sb" in shown.text
    with evening.step("a member who is promoted is one at once"):
        evening.server.set_status(evening.group, evening.server.world.bot, Status.ADMINISTRATOR)
        evening.server.set_status(evening.group, member, Status.ADMINISTRATOR)
        assert "How I behave" in (await evening.say(member, "/settings")).text
        evening.server.set_status(evening.group, member, Status.MEMBER)
        assert "Only those who manage" in (await evening.say(member, "/settings")).text


async def _places(evening: Evening) -> None:
    server, member, data = evening.server, evening.member, evening.new(0)
    with evening.step("names of one's private chat are offered behind the bot's name"):
        media = evening.photo(evening.sample(3, 1))
        await evening.say(member, "/enroll Mine", chat=evening.private, media=media)
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
