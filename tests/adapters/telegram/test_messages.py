"""What the conversation is told of messages, whatever they are and however they come."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
import telegram

from bot.adapters.telegram.titles import Titles
from bot.chat import Command, CommandName, ImagePost, Submission
from config.options import ImageLimits
from inference.images import decode
from tests.adapters.discord.scripted import said
from tests.adapters.films import film, tgs
from tests.adapters.telegram.connecting import connected
from tests.adapters.telegram.scripted import ScriptedConversation
from tests.telegram_server.pictures import picture
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, ChatKind, Media, MediaKind, Status, User

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILM = film([np.full((90, 120, 3), shade, np.uint8) for shade in range(20, 220, 10)])


@pytest.fixture(autouse=True)
def everything_is_answered(scripted: ScriptedConversation, telegram_server: TelegramServer) -> None:
    telegram_server.world.privacy_mode = False
    scripted.answers |= {ImagePost: said("seen"), Command: said("done"), Submission: said("filled in")}


def posts(scripted: ScriptedConversation) -> list[ImagePost]:
    return [event for event in scripted.asked if isinstance(event, ImagePost)]


def commands(scripted: ScriptedConversation) -> list[Command]:
    return [event for event in scripted.asked if isinstance(event, Command)]


# ── pictures ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "frames"),
    [
        ("photo", 1),
        ("document", 1),
        ("static sticker", 1),
        ("animated sticker", 8),
        ("video sticker", 8),
        ("gif", 8),
        ("gif as document", 8),
        ("video", 8),
        ("video note", 8),
    ],
)
async def test_pictures_of_every_kind_are_read(
    telegram_server: TelegramServer,
    scripted: ScriptedConversation,
    group: Chat,
    alice: User,
    kind: str,
    frames: int,
) -> None:
    files = telegram_server.files
    webm = film([np.full((512, 512, 3), shade, np.uint8) for shade in range(20, 220, 20)], kind="webm")
    media: dict[str, Media] = {
        "photo": files.photo(picture()),
        "document": files.document("a picture.png", picture()),
        "static sticker": files.sticker(picture(512, 512)),
        "animated sticker": files.sticker(tgs()),
        "video sticker": files.sticker(webm),
        "gif": files.film(MediaKind.ANIMATION, FILM, (120, 90), 2, thumbnail=picture()),
        "gif as document": files.document("film.mp4", FILM),
        "video": files.film(MediaKind.VIDEO, FILM, (120, 90), 2),
        "video note": files.film(MediaKind.VIDEO_NOTE, FILM, (120, 120), 2),
    }
    async with connected(telegram_server, scripted):
        asked = telegram_server.post(group, alice, media=media[kind])
        await telegram_server.reply_to(asked)
        (post,) = posts(scripted)
        (image,) = post.images
        found = decode(await image.read(1_000_000), ImageLimits())
        assert scripted.access is not None
        again = await scripted.access.open(post.chat, image.reference)
        assert decode(await again.read(1_000_000), ImageLimits()).frames[0].shape == found.frames[0].shape
    assert len(found.frames) == frames
    assert (post.id, post.chat.space, post.author.id) == (str(asked.id), str(group.id), str(alice.id))


async def test_groups_have_the_names_that_were_heard_and_people_none(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, private: Chat, alice: User
) -> None:
    async with connected(telegram_server, scripted) as adapter:
        assert adapter.name_of(str(group.id)) == ""
        for chat in (private, group):
            asked = telegram_server.post(chat, alice, media=telegram_server.files.photo(picture()))
            await telegram_server.reply_to(asked)
        assert adapter.name_of(str(group.id)) == "club"
        assert [adapter.name_of(other) for other in (str(private.id), "1", "", "x")] == [""] * 4


async def test_of_many_titles_those_heard_of_longest_ago_are_forgotten() -> None:
    titles = Titles()
    for number in range(5_000):
        titles.see(telegram.Chat(number, "group", title=f"club {number}"))
        titles.see(telegram.Chat(4, "group", title="again"))
    assert (titles.of(4_999), titles.of(4), titles.of(5)) == ("club 4999", "again", "")


async def test_other_things_are_no_pictures(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    files = telegram_server.files
    async with connected(telegram_server, scripted):
        telegram_server.post(group, alice, "good morning")
        telegram_server.post(group, alice, media=files.document("a.pdf", b"%PDF"))
        telegram_server.post(group, alice, media=files.film(MediaKind.VIDEO, FILM, (120, 90), 61))
        telegram_server.post(group, alice, "/start@other_bot")
        telegram_server.post(group, alice, "/unknown")
        await telegram_server.no_reply_in(group, within_s=0.5)
    assert scripted.asked == []


async def test_a_large_file_is_refused_before_it_is_asked_for(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    from inference.errors import ImageTooLargeError

    large = telegram_server.files.document("a.png", picture(), declared_size=21 * 1024 * 1024)
    async with connected(telegram_server, scripted):
        await telegram_server.reply_to(telegram_server.post(private, alice, media=large))
        (image,) = posts(scripted)[0].images
        with pytest.raises(ImageTooLargeError) as refused:
            await image.read(30 * 1024 * 1024)
    assert refused.value.data["limit"] == 20 * 1024 * 1024
    assert telegram_server.requests("getFile") == []


@pytest.mark.parametrize("gap_s", [0.0, 0.25])
async def test_an_album_is_one_post_however_it_comes(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User, gap_s: float
) -> None:
    media = [telegram_server.files.photo(picture(seed=seed)) for seed in range(5)]
    async with connected(telegram_server, scripted):
        album = await telegram_server.post_album(
            group, alice, media, "look @dareda_test_bot", gap_s=gap_s, spoiler=True, caption_at=3
        )
        await telegram_server.reply_to(album)
        await telegram_server.no_reply_in(group, within_s=0.6)
    (post,) = posts(scripted)
    assert post.id == str(album[0].id)
    assert post.mentions_bot
    assert [image.reference for image in post.images] == [f"ps/{one.file.id}" for one in media]
    assert all(image.spoiler for image in post.images)


async def test_two_albums_at_once_stay_two(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    bob = telegram_server.add_user("Bob")
    telegram_server.add_member(group, bob)
    async with connected(telegram_server, scripted):
        one, other = await asyncio.gather(
            *(
                telegram_server.post_album(
                    group,
                    who,
                    [telegram_server.files.photo(picture(seed=n)) for n in range(count)],
                    gap_s=0.03,
                )
                for who, count in ((alice, 10), (bob, 3))
            )
        )
        await telegram_server.reply_to(one)
        await telegram_server.reply_to(other)
    assert sorted(len(post.images) for post in posts(scripted)) == [3, 10]


async def test_what_comes_after_its_album_is_answered_too(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    media = [telegram_server.files.photo(picture(seed=seed)) for seed in range(2)]
    async with connected(telegram_server, scripted, album_wait_s=0.1):
        album = await telegram_server.post_album(group, alice, media, gap_s=0.8)
        for message in album:
            await telegram_server.reply_to(message)
    assert [len(post.images) for post in posts(scripted)] == [1, 1]


async def test_answers_come_in_the_order_of_the_posts(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    waits = iter((0.5, 0.0, 0.2))

    async def slowly(post: ImagePost) -> object:
        await asyncio.sleep(next(waits))
        return said(post.id)

    scripted.answers[ImagePost] = slowly  # type: ignore[assignment]
    async with connected(telegram_server, scripted):
        asked = [
            telegram_server.post(private, alice, media=telegram_server.files.photo(picture(seed=n)))
            for n in range(3)
        ]
        for message in asked:
            await telegram_server.reply_to(message)
    assert [one.text for one in telegram_server.said_in(private)] == [str(one.id) for one in asked]


# ── who and where ───────────────────────────────────────────────────────────────────────────────


async def test_who_writes_is_told_apart(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    server = telegram_server
    hidden = server.add_user("Hidden")
    channel = server.add_channel("news", discussion=group, owner=alice)
    server.set_status(group, hidden, Status.ADMINISTRATOR, anonymous=True)
    async with connected(server, scripted):

        async def author_of(chat: Chat, author: User | Chat) -> tuple[str, bool, str]:
            await server.reply_to(server.post(chat, author, media=server.files.photo(picture())))
            actor = posts(scripted)[-1].author
            return actor.id, actor.manages, actor.name

        assert await author_of(group, alice) == (str(alice.id), False, "Alice")
        assert await author_of(group, server.owner(group)) == (
            str(server.owner(group).id),
            True,
            "club owner",
        )
        assert await author_of(group, hidden) == (str(group.id), True, "club")
        assert await author_of(group, channel) == (str(channel.id), False, "news")
        private = server.add_private_chat(alice)
        assert await author_of(private, alice) == (str(alice.id), True, "Alice")
        assert posts(scripted)[-1].chat.private
        assert len(server.requests("getChatAdministrators")) == 1
        server.set_status(group, server.world.bot, Status.ADMINISTRATOR)
        server.set_status(group, alice, Status.ADMINISTRATOR)
        assert await author_of(group, alice) == (str(alice.id), True, "Alice")


async def test_a_channel_post_is_answered_in_the_channel_and_in_its_group(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    channel = telegram_server.add_channel("news", discussion=group, owner=alice)
    async with connected(telegram_server, scripted):
        telegram_server.post(channel, alice, media=telegram_server.files.photo(picture()))
        await telegram_server.until(lambda: len(telegram_server.world.sent) == 2)
    in_channel, in_group = sorted(posts(scripted), key=lambda post: post.chat.space != str(channel.id))
    assert (in_channel.author.id, in_channel.author.manages) == (str(channel.id), True)
    assert (in_group.chat.space, in_group.author.id) == (str(group.id), str(channel.id))
    assert not in_group.author.manages


async def test_topics_keep_their_answers_and_replies_are_no_topics(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    server = telegram_server
    forum = server.add_group("forum", alice, forum=True)
    topic = server.add_topic(forum, "pictures", alice)
    async with connected(server, scripted):
        asked = server.post(forum, alice, media=server.files.photo(picture()), topic=topic)
        assert (await server.reply_to(asked)).topic is topic
        general = server.post(forum, alice, media=server.files.photo(picture()))
        assert (await server.reply_to(general)).topic is None
        # What replies to nothing in a topic seems to reply to its first message.
        await server.reply_to(server.post(forum, alice, "/who", topic=topic))
        talk = server.post(group, alice, "look")
        threaded = server.post(group, alice, media=server.files.photo(picture()), reply_to=talk)
        assert (await server.reply_to(threaded)).topic is None
    assert [event.chat.topic for event in scripted.asked] == [
        str(topic.thread_id),
        "",
        str(topic.thread_id),
        "",
    ]
    assert commands(scripted)[0].arguments == {}


async def test_a_group_that_becomes_a_supergroup_is_moved(
    telegram_server: TelegramServer, scripted: ScriptedConversation, alice: User
) -> None:
    server = telegram_server
    small = server.add_group("small", alice, kind=ChatKind.GROUP)
    async with connected(server, scripted):
        large = server.migrate(small)
        await server.until(lambda: len(scripted.moves) == 2)
        assert set(scripted.moves) == {(str(small.id), str(large.id))}
        await server.reply_to(server.post(large, alice, media=server.files.photo(picture())))


async def test_an_answer_finds_the_group_that_moved_meanwhile(
    telegram_server: TelegramServer, scripted: ScriptedConversation, alice: User
) -> None:
    server = telegram_server
    small = server.add_group("small", alice, kind=ChatKind.GROUP)

    async def migrate_first(post: ImagePost) -> object:
        server.migrate(small)
        return said("seen")

    scripted.answers[ImagePost] = migrate_first  # type: ignore[assignment]
    async with connected(server, scripted):
        server.post(small, alice, media=server.files.photo(picture()))
        await server.until(lambda: server.world.sent)
    assert server.world.sent[0].chat is small.migrated_to
    assert (str(small.id), str(server.world.sent[0].chat.id)) in scripted.moves


async def test_first_words_are_said_in_a_new_group_only(
    telegram_server: TelegramServer, scripted: ScriptedConversation, alice: User
) -> None:
    server, bot = telegram_server, telegram_server.world.bot
    group, channel = server.add_group("club", alice, bot_status=Status.LEFT), server.add_channel("news")
    server.set_status(channel, bot, Status.LEFT)
    async with connected(server, scripted):
        scripted.welcome = said("hello all")
        server.add_member(channel, bot, by=server.owner(channel))
        server.add_member(group, bot, by=alice)
        await server.until(lambda: server.said_in(group))
    assert [one.text for one in server.world.sent] == ["hello all"]


# ── commands ────────────────────────────────────────────────────────────────────────────────────


async def test_commands_come_as_text_as_caption_and_with_what_they_reply_to(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    server, files = telegram_server, telegram_server.files
    photo = files.photo(picture())
    async with connected(server, scripted):
        shown = server.post(group, alice, media=photo)
        answer = await server.reply_to(shown)
        for text, media, reply_to in (
            ("/who", None, shown),
            ("/enroll Chitanda Eru | Hyouka | Eru, The Curious", photo, None),
            ("/ENROLL@Dareda_Test_Bot  Eru ", None, shown),
            ("/why", None, answer),
            ("/characters", None, None),
            ("@dareda_test_bot", None, shown),
        ):
            await server.reply_to(server.post(group, alice, text, media=media, reply_to=reply_to))
    assert [(one.name, dict(one.arguments), len(one.images)) for one in commands(scripted)] == [
        (CommandName.IDENTIFY, {"message": str(shown.id)}, 1),
        (
            CommandName.ENROLL,
            {"name": "Chitanda Eru", "series": "Hyouka", "aliases": "Eru, The Curious"},
            1,
        ),
        (CommandName.ENROLL, {"name": "Eru", "message": str(shown.id)}, 1),
        (CommandName.WHY, {"message": str(answer.id)}, 0),
        (CommandName.CHARACTERS, {}, 0),
        (CommandName.IDENTIFY, {"message": str(shown.id)}, 1),
    ]
    assert len({one.id for one in commands(scripted)}) == 6


async def test_a_command_in_the_caption_of_an_album_gets_all_of_it(
    telegram_server: TelegramServer, scripted: ScriptedConversation, group: Chat, alice: User
) -> None:
    server = telegram_server
    media = [server.files.photo(picture(seed=seed)) for seed in range(3)]
    async with connected(server, scripted):
        album = await server.post_album(group, alice, media, "/enroll Eru", caption_at=1)
        await server.replies_to(album)
        again = server.post(group, alice, "/who", reply_to=album[2])
        await server.reply_to(again)
    enroll, who = commands(scripted)
    assert (enroll.name, len(enroll.images), dict(enroll.arguments)) == (
        CommandName.ENROLL,
        3,
        {"name": "Eru"},
    )
    assert [image.reference for image in who.images] == [image.reference for image in enroll.images]


@pytest.mark.parametrize(("caption_at", "pictures"), [(0, [1, 1]), (1, [2])])
async def test_what_is_said_with_an_album_holds_for_pieces_that_come_late(
    telegram_server: TelegramServer,
    scripted: ScriptedConversation,
    group: Chat,
    alice: User,
    caption_at: int,
    pictures: list[int],
) -> None:
    server = telegram_server
    media = [server.files.photo(picture(seed=seed)) for seed in range(2)]
    async with connected(server, scripted, album_wait_s=0.05):
        album = await server.post_album(group, alice, media, "/enroll Eru", caption_at=caption_at, gap_s=0.5)
        await server.replies_to(album, 2)
        await server.reply_to(server.post(group, alice, "/who", reply_to=album[0]))
    *enrolled, who = commands(scripted)
    assert [dict(one.arguments) for one in enrolled] == [{"name": "Eru"}] * len(pictures)
    assert [len(one.images) for one in enrolled] == pictures
    assert len(who.images) == 2


async def test_an_archive_comes_with_the_command_or_is_replied_to(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    server = telegram_server
    archive = server.files.document("gallery.zip", b"PK archive")
    async with connected(server, scripted):
        sent = server.post(private, alice, "/import", media=archive)
        await server.reply_to(sent)
        await server.reply_to(server.post(private, alice, "/import", reply_to=sent))
        for command in commands(scripted):
            assert command.file is not None
            assert (command.file.name, await command.file.read(100)) == ("gallery.zip", b"PK archive")


async def test_private_words_are_answered_with_help(
    telegram_server: TelegramServer, scripted: ScriptedConversation, private: Chat, alice: User
) -> None:
    async with connected(telegram_server, scripted):
        for text in ("/start", "hello?", "/nonsense"):
            await telegram_server.reply_to(telegram_server.post(private, alice, text))
    assert {command.name for command in commands(scripted)} == {CommandName.HELP}


async def test_menus_list_commands_by_who_may_use_them_in_every_language(
    telegram_server: TelegramServer, scripted: ScriptedConversation
) -> None:
    import json

    async with connected(telegram_server, scripted):
        await telegram_server.until(lambda: len(telegram_server.world.commands) == 12)
    listed = {
        (json.loads(scope)["type"], language): [one["command"] for one in menu]
        for (scope, language), menu in telegram_server.world.commands.items()
    }
    assert {language for _, language in listed} == {"", "ja", "zh"}
    assert "who" in listed["default", ""]
    assert "forget" not in listed["all_group_chats", "ja"]
    assert {"who", "enroll", "forget", "settings", "import"} <= set(listed["all_chat_administrators", "zh"])
    assert listed["all_private_chats", ""] == listed["all_chat_administrators", ""]


async def test_names_are_offered_behind_the_bots_name(
    telegram_server: TelegramServer, scripted: ScriptedConversation, alice: User
) -> None:
    scripted.names = ("Chitanda Eru", "Chitanda <Oreki> @everyone")
    async with connected(telegram_server, scripted):
        offered = await telegram_server.offered(telegram_server.ask_inline(alice, "chi"))
        assert [one["title"] for one in offered["results"]] == ["Chitanda Eru", "Chitanda <Oreki> ＠everyone"]
        assert offered["is_personal"]
        nothing = await telegram_server.offered(telegram_server.ask_inline(alice, "zzz"))
        assert nothing["results"] == []
