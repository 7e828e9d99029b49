"""An unpatched discord.py bot and people who post: pictures, forwards, stickers, threads."""

from __future__ import annotations

import io
from collections.abc import Awaitable

import discord
import pytest

from tests.discord_server.people import Picture
from tests.discord_server.permissions import MEMBER_PERMISSIONS, Permission
from tests.discord_server.sample_bot import PNG, SampleBot, running
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Guild, Member


async def test_a_posted_picture_is_read_and_answered_with_the_same_bytes(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    async with running(discord_server):
        message = discord_server.post_message(
            channel,
            alice,
            "who?",
            attachments=[Picture("a.png", PNG), Picture("b c.png", PNG[::-1], spoiler=True)],
        )
        reply = await discord_server.reply_to(message)
    assert [file.data for file in reply.files] == [PNG, PNG[::-1]]
    assert [file.spoiler for file in reply.files] == [False, True]
    assert reply.content == "I see" and not reply.pings
    assert reply.allowed_mentions == {"parse": []}
    assert channel.typing >= 1


async def test_what_the_bot_learns_of_an_attachment(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    async with running(discord_server) as bot:
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        await discord_server.reply_to(message)
    (attachment,) = bot.seen[0].attachments
    assert (attachment.width, attachment.height) == (32, 16)
    assert (attachment.content_type, attachment.size) == ("image/png", len(PNG))


async def test_a_context_menu_sees_the_pictures_without_the_content_intent(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    bot = SampleBot(intents=discord.Intents(guilds=True, messages=True))
    async with running(discord_server, bot):
        message = discord_server.post_message(channel, alice, "x", attachments=[Picture("a.png", PNG)])
        used = discord_server.context_menu(channel, alice, "Who is this?", message)
        answer = await discord_server.answer(used)
    assert answer.content == "1 pictures"
    assert [(seen.content, seen.attachments) for seen in bot.seen] == [("", [])]


async def test_without_the_content_intent_only_mentions_and_direct_messages_are_read(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    bot = SampleBot(intents=discord.Intents(guilds=True, messages=True))
    direct = discord_server.direct_channel(alice.user)
    me = f"<@{discord_server.world.bot.id}>"
    async with running(discord_server, bot):
        plain = discord_server.post_message(channel, alice, "one", attachments=[Picture("a.png", PNG)])
        mention = discord_server.post_message(channel, alice, me, attachments=[Picture("a.png", PNG)])
        answer = await discord_server.reply_to(mention)
        discord_server.post_message(channel, alice, "three", reply_to=answer)
        discord_server.post_message(channel, alice, "four", reply_to=answer, ping_replied=False)
        private = discord_server.post_message(direct, alice.user, "five", attachments=[Picture("a.png", PNG)])
        await discord_server.reply_to(private)
    assert [seen.content for seen in bot.seen] == ["", me, "three", "", "five"]
    assert discord_server.replies(plain) == []


async def test_forwarded_pictures_and_previews_arrive_as_discord_sends_them(
    discord_server: DiscordServer, guild: Guild, channel: Channel, alice: Member
) -> None:
    elsewhere = discord_server.add_channel(guild, "elsewhere")
    async with running(discord_server) as bot:
        original = discord_server.post_message(elsewhere, alice, "look", attachments=[Picture("a.png", PNG)])
        await discord_server.reply_to(original)
        forward = discord_server.post_message(channel, alice, forward=original)
        reply = await discord_server.reply_to(forward)
        assert [file.data for file in reply.files] == [PNG]
        assert bot.seen[-1].attachments == [] and bot.seen[-1].flags.forwarded
        link = discord_server.post_message(channel, alice, "https://pictures.example/b.png")
        discord_server.unfurl(link, discord_server.picture_embed("b.png", PNG))
        await discord_server.until(lambda: bot.edits, "the preview")
        (embed,) = bot.edits[-1].message.embeds
        assert (embed.type, embed.thumbnail.width) == ("image", 32)
        assert embed.thumbnail.proxy_url is not None
        assert await bot.http.get_from_cdn(embed.thumbnail.proxy_url) == PNG


async def test_stickers_are_read_from_the_cdn(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    sticker = discord_server.add_sticker("wave", PNG)
    async with running(discord_server) as bot:
        discord_server.post_message(channel, alice, stickers=[sticker])
        await discord_server.until(lambda: bot.seen, "the message")
        assert await bot.seen[0].stickers[0].read() == PNG


async def test_threads_and_direct_messages_are_answered(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    thread = discord_server.add_thread(channel)
    async with running(discord_server) as bot:
        message = discord_server.post_message(thread, alice, attachments=[Picture("a.png", PNG)])
        assert (await discord_server.reply_to(message)).channel is thread
        assert isinstance(bot.seen[0].channel, discord.Thread)


async def test_joining_and_leaving_a_server_is_told(discord_server: DiscordServer) -> None:
    joined: list[str] = []
    bot = SampleBot()

    async def on_guild_join(guild: discord.Guild) -> None:
        joined.append(guild.name)

    bot.add_listener(on_guild_join)
    old = discord_server.add_guild("old")
    async with running(discord_server, bot):
        new = discord_server.add_guild("new", bot_permissions=MEMBER_PERMISSIONS | Permission.MANAGE_MESSAGES)
        await discord_server.until(lambda: len(bot.guilds) == 2, "the new guild")
        assert bot.get_guild(new.id).me.guild_permissions.manage_messages  # type: ignore[union-attr]
        place = bot.get_partial_messageable(discord_server.add_channel(new).id)
        discord_server.remove_guild(new)
        await discord_server.until(lambda: len(bot.guilds) == 1, "leaving")
        await refused(place.send("x"), 50001)
        place = bot.get_partial_messageable(discord_server.add_channel(old).id)
        discord_server.remove_channel(discord_server.world.channels[place.id])
        await refused(place.send("x"), 10003)
    assert joined == ["new"]


async def test_editing_keeps_replaces_and_adds_files(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    bot = SampleBot()

    @bot.tree.command(name="sheet", description="Sends a sheet")
    async def sheet(interaction: discord.Interaction[SampleBot]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(attachments=[upload("first.png", b"1")])

    class More(discord.ui.View):
        @discord.ui.button(label="More")
        async def more(self, interaction: discord.Interaction[SampleBot], button: object) -> None:
            await interaction.response.edit_message(attachments=[upload("second.png", b"2")])

    async with running(discord_server, bot):
        answer = await discord_server.answer(discord_server.slash(channel, alice, "sheet"))
        assert [(file.filename, file.data) for file in answer.files] == [("first.png", b"1")]
        sent = await bot.get_partial_messageable(channel.id).send(file=upload("a.png", b"a"), view=More())
        message = discord_server.world.messages[sent.id]
        await sent.add_files(upload("b.png", b"b"))
        assert [file.filename for file in message.files] == ["a.png", "b.png"]
        await discord_server.acknowledged(discord_server.click(message, alice, label="More"))
        assert [file.filename for file in message.files] == ["second.png"]
        embed = discord.Embed(title="x").set_image(url="attachment://c.png")
        await sent.edit(embed=embed, attachments=[upload("c.png", b"c")], view=None)
    assert message.embeds[0]["image"]["url"].startswith(discord_server.cdn.base)


async def test_an_event_that_comes_twice(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    async with running(discord_server) as bot:
        discord_server.post_message(channel, alice, "once")
        discord_server.gateway.repeat("MESSAGE_CREATE")
        await discord_server.until(lambda: len(bot.seen) == 2, "the second time")
    first, second = bot.seen
    assert first.id == second.id and first is not second


def upload(name: str, data: bytes) -> discord.File:
    return discord.File(io.BytesIO(data), name)


async def test_deleted_messages_and_lost_permissions_are_refused_as_discord_does(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    async with running(discord_server) as bot:
        message = discord_server.post_message(channel, alice, "hello")
        await discord_server.until(lambda: bot.seen, "the message")
        seen = bot.seen[0]
        discord_server.deny_bot(channel, Permission.READ_MESSAGE_HISTORY)
        await refused(seen.reply("x"), 160002)
        discord_server.deny_bot(channel, Permission.ATTACH_FILES)
        await refused(seen.channel.send(file=discord.File(__file__)), 50013)
        discord_server.deny_bot(channel, Permission.EMBED_LINKS)
        await refused(seen.channel.send(embed=discord.Embed(title="x")), 50013)
        discord_server.deny_bot(channel, Permission.SEND_MESSAGES)
        await refused(seen.channel.send("x"), 50013)
        discord_server.deny_bot(channel, Permission.VIEW_CHANNEL)
        await refused(seen.channel.send("x"), 50001)
        discord_server.deny_bot(channel, Permission.NONE)
        discord_server.delete_message(message)
        await refused(seen.reply("x"), 50035)
        gone = discord.MessageReference.from_message(seen, fail_if_not_exists=False)
        await seen.channel.send("to nobody", reference=gone)
        alice.user.accepts_messages = False
        await refused(seen.author.send("x"), 50007)
    assert [said.content for said in discord_server.said_in(channel)] == ["to nobody"]


async def refused(sending: Awaitable[object], code: int) -> None:
    with pytest.raises(discord.HTTPException) as refusal:
        await sending
    assert refusal.value.code == code
