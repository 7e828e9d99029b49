"""What only sockets can show, in one conversation with the real core: the gateway's troubles, and limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.chat import OutgoingFile, Reply
from bot.conversation import Conversation
from config.options import ImageLimits
from inference.domain import Scope
from inference.images import decode
from tests.adapters.discord.connecting import connected, options_for
from tests.adapters.discord.core import enroll_cast, real_conversation
from tests.bot.conversing import is_marked
from tests.conftest import CastPictures
from tests.discord_server.people import Picture
from tests.discord_server.permissions import MEMBER_PERMISSIONS, Permission
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Delivery, Message

PATIENCE_S = 60.0


@pytest.fixture
async def conversation(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with real_conversation(tmp_path) as opened:
        yield opened


@dataclass
class Town:
    """A server of the strict Discord, with the first of the cast enrolled there."""

    server: DiscordServer
    conversation: Conversation
    cast: CastPictures
    steps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        server = self.server
        self.guild = server.add_guild("town")
        self.square = server.add_channel(self.guild, "square")
        mayors = server.add_role(self.guild, "mayors", Permission.MANAGE_GUILD | MEMBER_PERMISSIONS)
        self.mayor = server.add_member(self.guild, "mayor", roles=[mayors])
        self.alice = server.add_member(self.guild, "alice")
        self.data = self.cast.new[0].read_bytes()
        self.name = self.cast.cast[0].name
        self.scope = Scope(f"discord:{self.guild.id}")

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        self.steps.append(what)
        try:
            yield
        except BaseException as error:
            error.add_note(f"in step {len(self.steps)}: {what}")
            raise

    def post(self, channel: Channel | None = None, **how: object) -> Message:
        how = how or {"attachments": [Picture("a.png", self.data)]}
        return self.server.post_message(channel or self.square, self.alice, **how)  # type: ignore[arg-type]

    async def answered(self, message: Message) -> Message:
        """The reply names her and frames her."""
        reply = await self.server.reply_to(message, timeout_s=PATIENCE_S)
        assert f"**{self.name}**" in reply.content, reply.content
        await self.framed(reply)
        return reply

    async def framed(self, reply: Message) -> None:
        assert not reply.pings
        for file in reply.files:
            decode(file.data, ImageLimits())
        seen = await self.conversation.services.faces.identify(self.data, [self.scope])
        (face,) = seen.identification.faces
        shown = Reply(files=(OutgoingFile("a.jpg", reply.files[0].data),))
        assert is_marked(shown, self.data, face.detection.box)


async def test_a_conversation_of_more_than_twenty_five_steps(
    discord_server: DiscordServer, conversation: Conversation, cast_pictures: CastPictures
) -> None:
    discord_server.gateway.identify_every_s = 0
    town = Town(discord_server, conversation, cast_pictures)
    await enroll_cast(conversation, town.scope, cast_pictures, 1)
    async with connected(discord_server, conversation):
        await _setting_up(town)
        await _pictures(town)
        await _permissions(town)
        await _interactions(town)
        await _troubles(town)
    with town.step("after a restart the buttons under old answers work"):
        async with connected(discord_server, conversation):
            reply = town.server.said_in(town.square)[-1]
            pressed = town.server.click(reply, town.alice, label="Right")
            thanks = await town.server.followup(pressed, timeout_s=PATIENCE_S)
            assert thanks.content == "Thank you, good to know."
    await _shards(town)
    assert len(town.steps) >= 25, len(town.steps)


async def _setting_up(town: Town) -> None:
    server = town.server
    with town.step("the first words, once"):
        (words,) = await server.until(lambda: server.said_in(town.square), "the first words")
        assert "I am Dareda" in words.content
    with town.step("who may not set up is told so, alone"):
        pressed = server.click(words, town.alice, label="Answer everywhere")
        refused = await server.followup(pressed)
        assert refused.ephemeral and "Only those who manage" in refused.content
    with town.step("who may does"):
        panel = await server.followup(server.click(words, town.mayor, label="Answer everywhere"))
        assert "**All**" in panel.content and panel.ephemeral
    with (
        town.step("settings are offered to managers only"),
        pytest.raises(AssertionError, match="not offered"),
    ):
        server.slash(town.square, town.alice, "settings")


async def _pictures(town: Town) -> None:
    server = town.server
    with town.step("an attachment"):
        message = town.post()
        await town.answered(message)
        assert town.square.typing
    with town.step("a forward"):
        await town.answered(town.post(forward=message))
    with town.step("a sticker"):
        await town.answered(town.post(stickers=[server.add_sticker("wave", town.data)]))
    with town.step("a preview that comes later, once, though it changes twice"):
        link = town.post(content="https://pictures.example/a.png")
        server.unfurl(link, server.picture_embed("a.png", town.data))
        await town.answered(link)
        server.unfurl(link)
        await asyncio.sleep(0.3)
        assert len(server.replies(link)) == 1
    with town.step("a thread"):
        thread = server.add_thread(town.square)
        assert (await town.answered(town.post(thread))).channel is thread
    with town.step("an age-restricted channel keeps it inside"):
        late = server.add_channel(town.guild, "late", nsfw=True)
        assert (await town.answered(town.post(late))).channel is late
    with town.step("a spoiler stays one"):
        hidden = [Picture("a.png", town.data, spoiler=True)]
        assert (await town.answered(town.post(attachments=hidden))).files[0].spoiler
    with town.step("a picture that says it is small and never ends is given up"):
        endless = Picture("a.png", town.data, declared_size=1_000, delivery=Delivery(endless=True))
        reply = await server.reply_to(town.post(attachments=[endless]), timeout_s=PATIENCE_S)
        assert "too large" in reply.content
    with town.step("one whose transfer breaks off is read again"):
        broken = Picture("a.png", town.data, delivery=Delivery(cut_after=1_000))
        reply = await server.reply_to(town.post(attachments=[broken]), timeout_s=PATIENCE_S)
        assert "cannot reach" in reply.content
        assert sum("a.png" in path for path in server.cdn.reads[-3:]) == 3


async def _permissions(town: Town) -> None:
    server, square = town.server, town.square
    with town.step("without permission to attach files the names are still said"):
        server.deny_bot(square, Permission.ATTACH_FILES)
        reply = await server.reply_to(town.post(), timeout_s=PATIENCE_S)
        assert town.name in reply.content and "may not attach files" in reply.content and not reply.files
    with town.step("without the history it answers beside"):
        server.deny_bot(square, Permission.READ_MESSAGE_HISTORY)
        count = len(server.said_in(square))
        message = town.post()
        await server.until(lambda: len(server.said_in(square)) > count, timeout_s=PATIENCE_S)
        beside = server.said_in(square)[-1]
        assert beside.reply_to is None and "history" in beside.content and beside.files
    with town.step("and corrections say that the picture cannot be read"):
        wrong = server.click(beside, town.mayor, label="Wrong")
        gone = await server.followup(wrong, timeout_s=PATIENCE_S)
        assert gone.ephemeral and "may not see it any more" in gone.content
    with town.step("where it may not write it stays silent and lives on"):
        server.deny_bot(square, Permission.SEND_MESSAGES)
        refused = len(server.requests("POST /channels/{channel_id}/messages"))
        message = town.post()
        await server.until(
            lambda: len(server.requests("POST /channels/{channel_id}/messages")) > refused,
            timeout_s=PATIENCE_S,
        )
        server.deny_bot(square, Permission.NONE)
        assert not server.replies(message)
        await town.answered(town.post())


async def _interactions(town: Town) -> None:
    server, square = town.server, town.square
    with town.step("a command is acknowledged within a second and filled in"):
        used = server.slash(square, town.alice, "identify", {"picture": Picture("a.png", town.data)})
        reply = await server.answer(used, timeout_s=PATIENCE_S)
        assert used.acknowledged_after_s < 1 and town.name in reply.content
        await town.framed(reply)
    with town.step("completion"):
        typed = server.autocomplete(square, town.alice, "character", "character", town.name[:3].lower())
        assert (await server.choices(typed))[0]["value"] == town.name
    with town.step("the menu of a message"):
        used = server.context_menu(square, town.alice, "Who is this?", town.post())
        assert town.name in (await server.answer(used, timeout_s=PATIENCE_S)).content
    with town.step("a form"):
        message = server.post_message(
            square, town.alice, attachments=[Picture("s.png", town.cast.stranger_portrait.read_bytes())]
        )
        opened = server.context_menu(square, town.mayor, "Enroll character", message)
        await server.modal(opened)
        sent = server.submit_modal(opened, {"Name": "Newcomer"})
        assert "**Newcomer**" in (await server.answer(sent, timeout_s=PATIENCE_S)).content
    with town.step("what outlasts a quarter of an hour is said in the channel"):
        faces = town.conversation.services.faces
        identify = faces.identify

        async def slowly(*given: object, **how: object) -> object:
            server.clock.advance(16 * 60)
            return await identify(*given, **how)  # type: ignore[arg-type]

        faces.identify = slowly  # type: ignore[method-assign,assignment]
        count = len(server.said_in(square))
        server.slash(square, town.alice, "identify", {"picture": Picture("a.png", town.data)})
        late = await server.until(
            lambda: [one for one in server.said_in(square)[count:] if one.content], timeout_s=PATIENCE_S
        )
        faces.identify = identify  # type: ignore[method-assign]
        assert "longer than Discord waits" in late[0].content and town.name in late[0].content


async def _troubles(town: Town) -> None:
    server, gateway, faults = town.server, town.server.gateway, town.server.rest.faults
    send = "POST /channels/{channel_id}/messages"
    for status in (500, 502, 503, 429, 0):
        with town.step(f"sending fails with {status or 'a broken line'}"):
            unconfirmed = status in (502, 0)
            faults.next(status, send, times=1 if unconfirmed else 2, done_first=unconfirmed)
            message = town.post()
            await town.answered(message)
            assert len(server.replies(message)) == 1
    with town.step("an event that comes twice is answered once"):
        message = town.post()
        gateway.repeat("MESSAGE_CREATE")
        await town.answered(message)
        await asyncio.sleep(0.5)
        assert len(server.replies(message)) == 1
    with town.step("RECONNECT: what was posted meanwhile is answered after the resume"):
        await gateway.ask_to_reconnect()
        await town.answered(town.post())
    with town.step("the line breaks"):
        gateway.drop()
        await town.answered(town.post())
    with town.step("INVALID_SESSION: a new session answers"):
        sessions = len(gateway.sessions)
        await gateway.invalidate()
        await server.until(lambda: len(gateway.sessions) > sessions, "a new session", timeout_s=PATIENCE_S)
        await server.connected(timeout_s=PATIENCE_S)
        await town.answered(town.post())
    with town.step("a post whose author deletes it is not shown again"):
        faults.next(500, send)
        message = town.post()
        await server.until(
            lambda: faults.injected and server.requests(send)[-1].status == 500, timeout_s=PATIENCE_S
        )
        server.delete_message(message)
        said = await server.until(
            lambda: [one for one in server.said_in(town.square) if one.id > message.id], timeout_s=PATIENCE_S
        )
        assert "deleted" in said[0].content and not said[0].files
    with town.step("and the last one is answered as the first"):
        await town.answered(town.post())


async def _shards(town: Town) -> None:
    server = town.server
    with town.step("two shards in one process"):
        server.gateway.shards, server.gateway.max_concurrency = 2, 2
        far_shard = 1 - (town.guild.id >> 22) % 2  # (Gateway, "Sharding")
        far = server.add_guild("far", shard=far_shard)
        channel, bob = server.add_channel(far), server.add_member(far, "bob")
        me = f"<@{server.world.bot.id}>"
        async with connected(server, town.conversation, options_for(server, shards=2)) as adapter:
            assert set(adapter.client.shards) == {0, 1}
            message = server.post_message(channel, bob, me, attachments=[Picture("a.png", town.data)])
            reply = await server.reply_to(message, timeout_s=PATIENCE_S)
            # Another server has another gallery.
            assert reply.content == "I do not know this face."
            await town.answered(town.post())
    with town.step("one shard of two in this process"):
        far_alone = options_for(server, shards=2, shard_ids=str(far_shard))
        async with connected(server, town.conversation, far_alone):
            message = server.post_message(channel, bob, me, attachments=[Picture("a.png", town.data)])
            await server.reply_to(message, timeout_s=PATIENCE_S)
            await server.no_reply_to(town.post(), within_s=0.3)
