"""The real client against the server: what a bot like ours does all day."""

from __future__ import annotations

import pytest
import telegram.error

from config.options import ImageLimits
from inference.images import decode
from tests.telegram_server.pictures import picture
from tests.telegram_server.sample_bot import NAMES, SampleBot, polling
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, ChatKind, MediaKind, Status, User


async def test_a_photo_is_answered_with_a_photo_and_its_buttons_work(
    telegram_server: TelegramServer, private: Chat, alice: User
) -> None:
    async with polling(telegram_server):
        message = telegram_server.post(private, alice, media=telegram_server.files.photo(picture()))
        reply = await telegram_server.reply_to(message)
        assert (reply.text, reply.sender) == ("one picture", telegram_server.world.bot)
        assert reply.media is not None
        assert reply.media.file.size_wh == (640, 480)
        pressed = telegram_server.press(reply, alice, label=NAMES[1])
        assert (await telegram_server.answered(pressed))["text"] == "noted"
        await telegram_server.until(lambda: reply.text == "It is Ibara Mayaka")
        assert reply.buttons == []


async def test_photos_come_in_real_sizes_that_can_be_decoded(
    telegram_server: TelegramServer, private: Chat, alice: User
) -> None:
    bot = SampleBot()
    async with polling(telegram_server, bot) as application:
        message = telegram_server.post(
            private, alice, "look", media=telegram_server.files.photo(picture(2000, 1000))
        )
        await telegram_server.reply_to(message)
        seen = bot.seen[0].effective_message
        assert seen is not None
        assert [(size.width, size.height) for size in seen.photo] == [
            (90, 45),
            (320, 160),
            (800, 400),
            (1280, 640),
        ]
        for size in seen.photo:
            file = await application.bot.get_file(size.file_id)
            data = bytes(await file.download_as_bytearray())
            image = decode(data, ImageLimits())
            assert (image.format, image.width, image.height) == ("JPEG", size.width, size.height)
            assert len(data) == size.file_size
        assert seen.caption == "look"


async def test_an_album_that_comes_in_pieces_gets_one_album(
    telegram_server: TelegramServer, group: Chat, alice: User
) -> None:
    telegram_server.world.privacy_mode = False
    async with polling(telegram_server):
        media = [telegram_server.files.photo(picture(seed=seed)) for seed in range(4)]
        album = await telegram_server.post_album(group, alice, media, "all four", gap_s=0.05, spoiler=True)
        reply = await telegram_server.reply_to(album)
        answers = telegram_server.album(reply)
    assert [one.text for one in answers] == ["4 pictures", "", "", ""]
    assert all(one.spoiler and one.media is not None for one in answers)
    assert len({one.group_id for one in album}) == 1


async def test_a_command_in_a_topic_is_answered_in_that_topic(
    telegram_server: TelegramServer, alice: User
) -> None:
    forum = telegram_server.add_group("forum", alice, forum=True)
    topic = telegram_server.add_topic(forum, "pictures", alice)
    async with polling(telegram_server):
        shown = telegram_server.post(forum, alice, media=telegram_server.files.photo(picture()), topic=topic)
        asked = telegram_server.post(forum, alice, "/who", reply_to=shown)
        reply = await telegram_server.reply_to(asked)
        assert reply.topic is topic
        assert (reply.text, reply.body.marked("bold")) == ("Chitanda & co.", ["Chitanda & co."])
        # In the general topic there is no picture to reply to: the topic's first message is none.
        alone = telegram_server.post(forum, alice, "/who@dareda_test_bot", topic=topic)
        assert (await telegram_server.reply_to(alone)).text == "reply to a picture"


async def test_privacy_mode_hides_what_is_not_meant_for_the_bot(
    telegram_server: TelegramServer, group: Chat, alice: User
) -> None:
    bot = SampleBot()
    async with polling(telegram_server, bot):
        telegram_server.post(group, alice, "hello all")
        telegram_server.post(group, alice, "/start@other_bot")
        telegram_server.post(group, alice, media=telegram_server.files.photo(picture()))
        heard = telegram_server.post(group, alice, "hello @dareda_test_bot")
        said = telegram_server.post(group, alice, "/who")
        await telegram_server.reply_to(said)
        telegram_server.set_status(group, telegram_server.world.bot, Status.ADMINISTRATOR)
        now = telegram_server.post(group, alice, "hello again")
        await telegram_server.until(lambda: len(bot.seen) >= 3)
    ids = [seen.effective_message.message_id for seen in bot.seen if seen.effective_message]
    assert ids == [heard.id, said.id, now.id]


async def test_a_channel_post_shows_up_in_the_discussion_group(
    telegram_server: TelegramServer, group: Chat, alice: User
) -> None:
    channel = telegram_server.add_channel("news", discussion=group, owner=alice)
    bot = SampleBot()
    async with polling(telegram_server, bot):
        telegram_server.post(channel, alice, media=telegram_server.files.photo(picture()))
        await telegram_server.until(lambda: len(telegram_server.world.sent) >= 2)
    post, copy = (seen.effective_message for seen in bot.seen)
    assert post is not None
    assert copy is not None
    assert (post.from_user, post.sender_chat and post.sender_chat.id) == (None, channel.id)
    assert copy.is_automatic_forward
    assert copy.from_user is not None
    assert copy.from_user.id == 777000
    assert copy.forward_origin is not None
    assert copy.forward_origin.type == "channel"
    assert {sent.chat for sent in telegram_server.world.sent} == {channel, group}


async def test_names_are_offered_behind_the_bots_name(telegram_server: TelegramServer, alice: User) -> None:
    async with polling(telegram_server):
        offered = await telegram_server.offered(telegram_server.ask_inline(alice, "ib"))
    assert [one["title"] for one in offered["results"]] == ["Ibara Mayaka"]


async def test_every_kind_of_media_reaches_the_client_whole(
    telegram_server: TelegramServer, private: Chat, alice: User
) -> None:
    bot, files = SampleBot(), telegram_server.files
    media = [
        files.document("a name.png", picture()),
        files.sticker(picture(512, 512)),
        files.sticker(b"\x1f\x8b lottie", thumbnail=picture(128, 128)),
        files.film(MediaKind.ANIMATION, b"\x00\x00\x00 ftypmp42", (320, 240), 2, thumbnail=picture()),
        files.film(MediaKind.VIDEO, b"\x00\x00\x00 ftypmp42", (320, 240), 9),
    ]
    async with polling(telegram_server, bot) as application:
        for one in media:
            telegram_server.post(private, alice, media=one)
        await telegram_server.until(lambda: len(bot.seen) == len(media))
        for update, one in zip(bot.seen, media, strict=True):
            assert update.message is not None
            found = getattr(update.message, one.kind.value)
            file = await application.bot.get_file(found.file_id)
            assert bytes(await file.download_as_bytearray()) == one.file.data
    document, static, animated, film, video = (update.message for update in bot.seen)
    assert document is not None
    assert document.document is not None
    assert (document.document.file_name, document.document.mime_type) == ("a name.png", "image/png")
    assert static is not None
    assert static.sticker is not None
    assert (static.sticker.is_animated, static.sticker.is_video) == (False, False)
    assert animated is not None
    assert animated.sticker is not None
    assert animated.sticker.is_animated
    assert animated.sticker.thumbnail is not None
    assert film is not None
    assert film.animation is not None
    assert film.document is not None
    assert (film.animation.width, film.animation.height) == (320, 240)
    assert video is not None
    assert video.video is not None


async def test_a_group_that_migrates_tells_so_twice_and_refuses_the_old_id(
    telegram_server: TelegramServer, alice: User
) -> None:
    old = telegram_server.add_group("small", alice, kind=ChatKind.GROUP)
    bot = SampleBot()
    async with polling(telegram_server, bot) as application:
        new = telegram_server.migrate(old)
        await telegram_server.until(lambda: len(bot.seen) == 2)
        with pytest.raises(telegram.error.ChatMigrated) as moved:
            await application.bot.send_message(old.id, "anybody?")
        assert moved.value.new_chat_id == new.id
        sent = await application.bot.send_message(new.id, "here we are")
    there, here = (seen.effective_message for seen in bot.seen)
    assert there is not None
    assert here is not None
    assert (there.migrate_to_chat_id, here.migrate_from_chat_id) == (new.id, old.id)
    assert sent.message_id > here.message_id
