"""Posted pictures over real sockets: what the conversation is told, and what people see of its replies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.chat import (
    Button,
    Command,
    CommandName,
    Form,
    FormField,
    ImagePost,
    Menu,
    MenuLine,
    OutgoingFile,
    Reply,
    Span,
)
from bot.commands.catalogue import MESSAGE
from bot.errors import PictureGoneError
from inference.errors import ImageTooLargeError
from tests.adapters.discord.connecting import connected, options_for
from tests.adapters.discord.scripted import ScriptedConversation, said
from tests.discord_server.people import Picture
from tests.discord_server.permissions import MEMBER_PERMISSIONS, Permission
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Delivery, Guild, Member

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x20\x00\x00\x00\x10" + bytes(range(256)) * 40


async def test_servers_have_names_and_what_is_no_server_has_none(
    discord_server: DiscordServer, guild: Guild, alice: Member, conversation: ScriptedConversation
) -> None:
    async with connected(discord_server, conversation) as adapter:
        assert adapter.name_of(str(guild.id)) == "club"
        assert [adapter.name_of(other) for other in (str(alice.user.id), "1", "", "x", "-5")] == [""] * 5


async def test_a_post_with_two_pictures_is_one_post_and_gets_one_reply(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    read: list[bytes] = []

    async def answer(post: ImagePost) -> Reply:
        read.extend([await image.read(1_000_000) for image in post.images])
        return Reply(
            (Span("This is "), Span("Chitanda Eru", strong=True), Span(".")),
            files=(
                OutgoingFile("a.png", PNG, description="a face"),
                OutgoingFile("b.png", PNG[::-1], spoiler=True),
            ),
            buttons=((Button("Right", "a:1:right", "good"), Button("Wrong", "a:1:wrong", "bad")),),
            menu=Menu("a:1:who", "Who?", (MenuLine("Ibara", "1", "Hyouka"),)),
            answer="1",
        )

    conversation.answers[ImagePost] = answer
    async with connected(discord_server, conversation):
        message = discord_server.post_message(
            channel,
            alice,
            "who?",
            attachments=[Picture("a.png", PNG), Picture("b c.png", PNG[::-1], spoiler=True)],
        )
        reply = await discord_server.reply_to(message)
        await discord_server.until(lambda: conversation.sent, "answered")
    (post,) = conversation.asked
    assert read == [PNG, PNG[::-1]]
    assert [image.spoiler for image in post.images] == [False, True]
    assert (post.chat.space, post.chat.channel) == (str(channel.guild.id), str(channel.id))  # type: ignore[union-attr]
    assert post.author.name == "alice" and not post.author.manages and not post.mentions_bot
    assert reply.content == "This is **Chitanda Eru**."
    assert [(file.data, file.spoiler) for file in reply.files] == [(PNG, False), (PNG[::-1], True)]
    assert not reply.pings and reply.allowed_mentions == {"parse": []}
    assert conversation.sent == [("1", str(reply.id))]
    assert [row["components"][0]["type"] for row in reply.components] == [3, 2]
    assert channel.typing >= 1


async def test_nothing_is_fetched_or_said_where_posts_are_not_wanted(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    conversation.wanted = False
    conversation.answers[ImagePost] = said("you asked")
    async with connected(discord_server, conversation):
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        await discord_server.no_reply_to(message, within_s=0.2)
        assert not conversation.asked and not discord_server.cdn.reads and not channel.typing
        me = f"<@{discord_server.world.bot.id}>"
        mention = discord_server.post_message(
            channel, alice, f"{me} who?", attachments=[Picture("a.png", PNG)]
        )
        assert (await discord_server.reply_to(mention)).content == "you asked"
    assert conversation.asked[0].mentions_bot


async def test_pictures_in_forwards_stickers_and_previews_are_posts_and_can_be_opened_later(
    discord_server: DiscordServer,
    guild: Guild,
    channel: Channel,
    alice: Member,
    conversation: ScriptedConversation,
) -> None:
    conversation.answers[ImagePost] = said("seen")
    elsewhere = discord_server.add_channel(guild, "elsewhere")
    sticker = discord_server.add_sticker("wave", PNG[:200])
    async with connected(discord_server, conversation):
        original = discord_server.post_message(elsewhere, alice, "look", attachments=[Picture("a.png", PNG)])
        await discord_server.reply_to(original)
        await discord_server.reply_to(discord_server.post_message(channel, alice, forward=original))
        await discord_server.reply_to(discord_server.post_message(channel, alice, stickers=[sticker]))
        link = discord_server.post_message(channel, alice, "||https://pictures.example/b.png||")
        discord_server.unfurl(link, discord_server.picture_embed("b.png", PNG[:300]))
        await discord_server.reply_to(link)
        assert conversation.access is not None
        for post, data in zip(conversation.asked, (PNG, PNG, PNG[:200], PNG[:300]), strict=True):
            (image,) = post.images
            again = await conversation.access.open(post.chat, image.reference)
            assert again.reference == image.reference and again.spoiler == image.spoiler
            assert await image.read(20_000) == await again.read(20_000) == data
        assert [post.images[0].spoiler for post in conversation.asked] == [False, False, False, True]
        discord_server.delete_message(link)
        with pytest.raises(PictureGoneError):
            await conversation.access.open(post.chat, image.reference)


async def test_threads_age_restriction_and_private_chats_are_told(
    discord_server: DiscordServer, guild: Guild, alice: Member, conversation: ScriptedConversation
) -> None:
    conversation.answers[ImagePost] = said("seen")
    channel = discord_server.add_channel(guild, "late", nsfw=True)
    thread = discord_server.add_thread(channel)
    direct = discord_server.direct_channel(alice.user)
    async with connected(discord_server, conversation):
        for place, who in ((thread, alice), (direct, alice.user)):
            message = discord_server.post_message(place, who, attachments=[Picture("a.png", PNG)])
            assert (await discord_server.reply_to(message)).channel is place
    in_thread, private = (post.chat for post in conversation.asked)
    assert (in_thread.channel, in_thread.topic) == (str(channel.id), str(thread.id))
    assert in_thread.age_restricted and not in_thread.private
    assert private.private and private.space == str(alice.user.id) and conversation.asked[1].author.manages


async def test_other_bots_and_messages_without_pictures_are_left_alone(
    discord_server: DiscordServer,
    guild: Guild,
    channel: Channel,
    alice: Member,
    conversation: ScriptedConversation,
) -> None:
    robot = discord_server.add_member(guild, discord_server.add_user("robot", bot=True))
    async with connected(discord_server, conversation):
        discord_server.post_message(channel, robot, attachments=[Picture("a.png", PNG)])
        discord_server.post_message(
            channel, alice, attachments=[Picture("a.zip", b"PK", content_type="application/zip")]
        )
        last = discord_server.post_message(channel, alice, "hello")
        await discord_server.no_reply_to(last, within_s=0.2)
    assert not conversation.asked


async def test_answers_keep_the_order_of_posts_in_a_channel(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    async def answer(post: ImagePost) -> Reply:
        await asyncio.sleep(0.3 / (1 + len(conversation.asked)))
        return said(post.images[0].name)

    conversation.answers[ImagePost] = answer
    async with connected(discord_server, conversation):
        posted = [
            discord_server.post_message(channel, alice, attachments=[Picture(f"{number}.png", PNG)])
            for number in range(6)
        ]
        for message in posted:
            await discord_server.reply_to(message)
    assert [one.content for one in discord_server.said_in(channel)] == [f"{n}.png" for n in range(6)]


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (Permission.ATTACH_FILES, "I may not attach files there"),
        (Permission.READ_MESSAGE_HISTORY, "I may not read this channel's history"),
    ],
)
async def test_what_a_lost_permission_hinders_is_said(
    discord_server: DiscordServer,
    channel: Channel,
    alice: Member,
    conversation: ScriptedConversation,
    lost: Permission,
    expected: str,
) -> None:
    conversation.answers[ImagePost] = Reply((Span("It is she."),), files=(OutgoingFile("a.png", PNG),))
    async with connected(discord_server, conversation):
        discord_server.deny_bot(channel, lost)
        discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        (said_,) = await discord_server.until(lambda: discord_server.said_in(channel))
    assert said_.content.startswith("It is she.") and expected in said_.content
    assert bool(said_.files) == (lost is not Permission.ATTACH_FILES)


async def test_a_bot_that_may_not_write_stays_silent_and_goes_on(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    conversation.answers[ImagePost] = said("It is she.")
    async with connected(discord_server, conversation):
        discord_server.deny_bot(channel, Permission.SEND_MESSAGES)
        discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        await discord_server.until(lambda: discord_server.requests("POST /channels/{channel_id}/messages"))
        discord_server.deny_bot(channel, Permission.NONE)
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        assert (await discord_server.reply_to(message)).content == "It is she."


async def test_a_deleted_picture_is_not_posted_again(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    async def answer(post: ImagePost) -> Reply:
        discord_server.delete_message(message)
        return Reply((Span("It is she."),), files=(OutgoingFile("a.png", PNG),))

    conversation.answers[ImagePost] = answer
    async with connected(discord_server, conversation):
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        (said_,) = await discord_server.until(lambda: discord_server.said_in(channel))
    assert "deleted" in said_.content and "It is she" not in said_.content and not said_.files


async def test_an_answer_that_is_too_large_is_said_without_its_picture(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    large = OutgoingFile("a.png", bytes(11 * 1024 * 1024))
    conversation.answers[ImagePost] = Reply((Span("It is she."),), files=(large,))
    async with connected(discord_server, conversation):
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        reply = await discord_server.reply_to(message)
    assert reply.content.startswith("It is she.") and "too large" in reply.content and not reply.files


async def test_downloads_stop_at_the_limit_and_go_nowhere_else(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    failures: list[BaseException] = []

    async def answer(post: ImagePost) -> Reply:
        for image in post.images:
            try:
                await image.read(50_000)
            except Exception as error:
                failures.append(error)
        return said("done")

    conversation.answers[ImagePost] = answer
    endless = Picture("a.png", PNG, declared_size=100, delivery=Delivery(endless=True))
    async with connected(discord_server, conversation):
        message = discord_server.post_message(channel, alice, "x", attachments=[endless])
        await discord_server.reply_to(message)
        link = discord_server.post_message(channel, alice, "https://evil.example/b.png")
        picture = {"url": "https://evil.example/b.png"}
        discord_server.unfurl(
            link, {"type": "image", "url": "https://evil.example/b.png", "thumbnail": picture}
        )
        await discord_server.reply_to(link)
    assert isinstance(failures[0], ImageTooLargeError)
    assert type(failures[1]).__name__ == "PictureSourceError" and failures[1].data["host"] == "evil.example"  # type: ignore[attr-defined]


async def test_a_failure_is_said_in_one_sentence_with_a_number(
    discord_server: DiscordServer,
    channel: Channel,
    alice: Member,
    conversation: ScriptedConversation,
    caplog: pytest.LogCaptureFixture,
) -> None:
    conversation.answers[ImagePost] = ZeroDivisionError("secret")
    async with connected(discord_server, conversation):
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        reply = await discord_server.reply_to(message)
    assert "Something went wrong" in reply.content and "secret" not in reply.content
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["message_failed"]


@pytest.mark.parametrize("status", [500, 502, 503, 429, 0])
async def test_a_reply_is_sent_once_in_spite_of_failures(
    discord_server: DiscordServer,
    channel: Channel,
    alice: Member,
    conversation: ScriptedConversation,
    status: int,
) -> None:
    conversation.answers[ImagePost] = said("here")
    async with connected(discord_server, conversation):
        discord_server.rest.faults.next(
            status, "POST /channels/{channel_id}/messages", times=2, done_first=status in (502, 0)
        )
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        await discord_server.reply_to(message, timeout_s=20)
    assert [one.content for one in discord_server.said_in(channel)] == ["here"]


async def test_commands_can_be_typed_behind_the_bots_name(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    me = f"<@{discord_server.world.bot.id}>"
    form = Form("f:1", "Who is it?", (FormField("name", "Name"),))
    conversation.answers |= {
        CommandName.ENROLL: said("taught"),
        CommandName.IDENTIFY: said("she"),
        CommandName.HELP: said("help"),
        CommandName.RENAME: Reply(form=form),
    }
    conversation.wanted = False
    async with connected(discord_server, conversation):
        picture = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        for text, answer in (
            (f"{me} enroll Chitanda Eru | Hyouka", "taught"),
            (f"{me}　登録 千反田える", "taught"),
            (f"{me} who is she?", "she"),
            (me, "she"),
        ):
            typed = discord_server.post_message(channel, alice, text, reply_to=picture)
            assert (await discord_server.reply_to(typed)).content == answer
        typed = discord_server.post_message(channel, alice, f"{me} hello")
        assert (await discord_server.reply_to(typed)).content == "help"
        typed = discord_server.post_message(channel, alice, f"{me} rename")
        reply = await discord_server.reply_to(typed)
        opened = discord_server.click(reply, alice, label="Who is it?")
        assert (await discord_server.modal(opened))["custom_id"] == "f:1"
    first, second, *_ = conversation.asked
    assert isinstance(first, Command) and first.images[0].name == "a.png"
    replied = {MESSAGE: str(picture.id)}
    assert first.arguments == {"name": "Chitanda Eru", "series": "Hyouka"} | replied
    assert second.arguments == {"name": "千反田える"} | replied


async def test_without_the_content_intent_mentions_still_work(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    conversation.answers[ImagePost] = said("seen")
    me = f"<@{discord_server.world.bot.id}>"
    async with connected(discord_server, conversation, options_for(discord_server, message_content=False)):
        plain = discord_server.post_message(channel, alice, "one", attachments=[Picture("a.png", PNG)])
        mention = discord_server.post_message(channel, alice, me, attachments=[Picture("a.png", PNG)])
        await discord_server.reply_to(mention)
    assert not discord_server.replies(plain)


async def test_it_introduces_itself_once_where_it_may_speak(
    discord_server: DiscordServer, conversation: ScriptedConversation
) -> None:
    conversation.welcome = said("Hello!")
    async with connected(discord_server, conversation):
        new = discord_server.add_guild("new", bot_permissions=MEMBER_PERMISSIONS)
        channel = discord_server.add_channel(new, "hall")
        await asyncio.sleep(0.1)
    # A new server is told of before it has a channel here; the next start finds one.
    async with connected(discord_server, conversation):
        (words,) = await discord_server.until(lambda: discord_server.said_in(channel))
    assert words.content == "Hello!"


async def test_long_replies_are_paged_and_hold_their_controls_under_the_last_page(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    text = "\n".join(f"{number}. *{'千' * 50}*" for number in range(90))
    files = tuple(OutgoingFile(f"{number}.png", PNG[: number + 30]) for number in range(12))
    conversation.answers[ImagePost] = Reply((Span(text),), files=files, buttons=((Button("More", "t"),),))
    async with connected(discord_server, conversation):
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        pages: list[Any] = await discord_server.until(
            lambda: found if (found := discord_server.said_in(channel)) and found[-1].components else None
        )
        assert discord_server.replies(message) == pages[:1]
    assert len(pages) > 3 and all(len(page.content) <= 2000 for page in pages)
    assert sum(len(page.files) for page in pages) == 12
    assert all("\\*" in line for page in pages for line in page.content.splitlines())
