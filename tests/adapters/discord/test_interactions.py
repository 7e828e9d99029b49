"""Commands, buttons, menus and forms over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bot.chat import (
    Button,
    Command,
    CommandName,
    Form,
    FormField,
    Menu,
    MenuLine,
    OutgoingFile,
    Press,
    Reply,
    Span,
    Submission,
)
from bot.commands.catalogue import CATALOGUE
from tests.adapters.discord.connecting import connected
from tests.adapters.discord.scripted import ScriptedConversation, said
from tests.discord_server.people import Picture
from tests.discord_server.permissions import MEMBER_PERMISSIONS, Permission
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Guild, Member, Message

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x20\x00\x00\x00\x10" + bytes(range(256)) * 40
FORM = Form(
    "f:1", "Who is it?", (FormField("name", "Name", "Eru"), FormField("series", "Series", required=False))
)


async def test_every_command_is_offered_in_each_language(
    discord_server: DiscordServer, conversation: ScriptedConversation
) -> None:
    async with connected(discord_server, conversation):
        offered = discord_server.world.commands[None]
    slash = {command["name"]: command for command in offered if command["type"] == 1}
    menus = {command["name"]: command for command in offered if command["type"] == 3}
    assert list(slash) == [spec.name.value for spec in CATALOGUE]
    assert set(menus) == {"Who is this?", "Enroll character"}
    for command in offered:
        assert {"ja", "zh-CN", "zh-TW"} <= set(command["name_localizations"])
        assert command["contexts"] == [0, 1] and command["integration_types"] == [0]
        for option in command.get("options", ()):
            assert {"ja", "zh-CN"} <= set(option["name_localizations"]) & set(
                option["description_localizations"]
            )
    assert slash["settings"]["default_member_permissions"] == str(int(Permission.MANAGE_GUILD))
    assert slash["enroll"]["default_member_permissions"] is None
    assert sum(option["type"] == 11 for option in slash["enroll"]["options"]) == 10


async def test_a_command_with_pictures_is_acknowledged_at_once_and_filled_in_later(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    read: list[bytes] = []
    go_on = asyncio.Event()

    async def answer(command: Command) -> Reply:
        read.extend([await image.read(1_000_000) for image in command.images])
        await go_on.wait()
        return Reply((Span("Added."),), files=(OutgoingFile("a.png", PNG),), answer="7")

    conversation.answers[CommandName.ENROLL] = answer
    async with connected(discord_server, conversation):
        used = discord_server.slash(
            channel,
            alice,
            "enroll",
            {
                "name": "Chitanda Eru",
                "picture": Picture("a.png", PNG),
                "picture2": Picture("b.png", PNG[::-1], spoiler=True),
                "face": 2,
            },
        )
        await discord_server.acknowledged(used)
        assert used.acknowledged_after_s < 1 and used.original is not None and used.original.loading
        go_on.set()
        message = await discord_server.answer(used)
        await discord_server.until(lambda: conversation.sent)
    (command,) = conversation.asked
    assert command.arguments == {"name": "Chitanda Eru", "face": "2"}
    assert [image.spoiler for image in command.images] == [False, True] and read == [PNG, PNG[::-1]]
    assert command.actor.language == "en-US" and command.id == str(used.id)
    assert message.content == "Added." and message.files[0].data == PNG and not message.ephemeral
    assert conversation.sent == [("7", str(message.id))]


async def test_roles_channels_and_files_arrive_as_what_they_are(
    discord_server: DiscordServer, guild: Guild, channel: Channel, conversation: ScriptedConversation
) -> None:
    async def imported(command: Command) -> Reply:
        assert command.file is not None and not command.images
        return said(f"{command.file.name}: {len(await command.file.read(5_000))} bytes")

    conversation.answers |= {CommandName.SETTINGS: said("set", private=True), CommandName.IMPORT: imported}
    teachers = discord_server.add_role(guild, "teachers")
    admins = discord_server.add_role(guild, "admins", Permission.MANAGE_GUILD)
    admin = discord_server.add_member(guild, "root", roles=[admins, teachers])
    async with connected(discord_server, conversation):
        used = discord_server.slash(channel, admin, "settings", {"channel": channel, "teachers": teachers})
        assert (await discord_server.answer(used)).ephemeral
        used = discord_server.slash(channel, admin, "import", {"archive": Picture("g.zip", b"PK" * 1000)})
        assert (await discord_server.answer(used)).content == "g.zip: 2000 bytes"
    settings = conversation.asked[0]
    assert settings.arguments == {"channel": str(channel.id), "teachers": str(teachers.id)}
    assert settings.actor.manages and settings.actor.roles == {str(admins.id), str(teachers.id)}


async def test_context_menus_see_the_pictures_of_the_message_and_may_open_a_form(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    conversation.wanted = False
    conversation.answers |= {
        CommandName.IDENTIFY: said("It is she."),
        CommandName.ENROLL: Reply(form=FORM),
        Submission: said("Thank you."),
    }
    conversation.forms.add(CommandName.ENROLL)
    async with connected(discord_server, conversation):
        message = discord_server.post_message(channel, alice, "x", attachments=[Picture("a.png", PNG)])
        used = discord_server.context_menu(channel, alice, "Who is this?", message)
        assert (await discord_server.answer(used)).content == "It is she."
        used = discord_server.context_menu(channel, alice, "Enroll character", message)
        modal = await discord_server.modal(used)
        assert (modal["title"], modal["custom_id"]) == ("Who is it?", "f:1")
        sent = discord_server.submit_modal(used, {"name": "Chitanda Eru"})
        assert (await discord_server.answer(sent)).content == "Thank you."
    identify, enroll, submission = conversation.asked
    assert [image.name for image in (*identify.images, *enroll.images)] == ["a.png", "a.png"]
    assert submission.token == "f:1" and submission.fields == {"name": "Chitanda Eru", "series": ""}


async def test_names_are_completed(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    conversation.names = ("Chitanda Eru", "Chi" + "x" * 200, *(f"chi {n}" for n in range(40)))
    async with connected(discord_server, conversation):
        typed = discord_server.autocomplete(channel, alice, "character", "character", "chi")
        choices = await discord_server.choices(typed)
    assert choices[0]["value"] == "Chitanda Eru" and len(choices) == 25
    assert len(choices[1]["name"]) == 100


@pytest.fixture
def post_reply(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> Callable[[Reply], Any]:
    async def ask(reply: Reply) -> Message:
        conversation.answers[CommandName.CHARACTERS] = reply
        return await discord_server.answer(discord_server.slash(channel, alice, "characters"))

    return ask


CONTROLS = Reply(
    (Span("Is it she?"),),
    files=(OutgoingFile("a.png", PNG),),
    buttons=((Button("Right", "right", "good"), Button("Wrong", "wrong", "bad"), Button("Next", "next")),),
    menu=Menu("who", "Who is it?", (MenuLine("Eru", "1"), MenuLine("Ibara", "2", "Hyouka"))),
)


async def test_buttons_answer_replace_close_and_open_forms(
    discord_server: DiscordServer,
    channel: Channel,
    alice: Member,
    conversation: ScriptedConversation,
    post_reply: Callable[[Reply], Any],
) -> None:
    conversation.answers |= {
        "right": said("Thank you.", private=True),
        "wrong": Reply(form=FORM),
        "next": Reply((Span("Page 2"),), replaces=True, buttons=((Button("Back", "back"),),)),
        "back": said("closed", closes=True),
        "who": said("Learnt."),
        "f:1": said("And learnt."),
    }
    conversation.forms.add("wrong")
    async with connected(discord_server, conversation):
        message = await post_reply(CONTROLS)
        thanks = await discord_server.followup(discord_server.click(message, alice, label="Right"))
        assert thanks.content == "Thank you." and thanks.ephemeral and message.content == "Is it she?"
        chosen = discord_server.select(message, alice, ["2"])
        assert (await discord_server.followup(chosen)).content == "Learnt."
        opened = discord_server.click(message, alice, label="Wrong")
        await discord_server.modal(opened)
        sent = discord_server.submit_modal(opened, {"Name": "Ibara"})
        assert (await discord_server.followup(sent)).content == "And learnt."
        discord_server.click(message, alice, label="Next")
        await discord_server.until(lambda: message.content == "Page 2", "the next page")
        assert not message.files
        closed = await discord_server.followup(discord_server.click(message, alice, label="Back"))
        assert closed.content == "closed" and not message.components
    presses = [asked for asked in conversation.asked if isinstance(asked, Press)]
    assert [(press.token, press.chosen) for press in presses] == [
        ("right", ""), ("who", "2"), ("wrong", ""), ("next", ""), ("back", ""),
    ]  # fmt: skip


async def test_buttons_menus_and_open_forms_work_after_a_restart(
    discord_server: DiscordServer,
    channel: Channel,
    alice: Member,
    conversation: ScriptedConversation,
    post_reply: Callable[[Reply], Any],
) -> None:
    conversation.answers |= {"right": said("Thank you."), "wrong": Reply(form=FORM), "f:1": said("Learnt.")}
    conversation.forms.add("wrong")
    async with connected(discord_server, conversation):
        message = await post_reply(CONTROLS)
        opened = discord_server.click(message, alice, label="Wrong")
        await discord_server.modal(opened)
    discord_server.gateway.identify_every_s = 0
    async with connected(discord_server, conversation):
        sent = discord_server.submit_modal(opened, {"Name": "Ibara"})
        assert (await discord_server.followup(sent)).content == "Learnt."
        pressed = discord_server.click(message, alice, label="Right")
        assert (await discord_server.followup(pressed)).content == "Thank you."


async def test_a_private_reply_to_an_open_question_is_seen_by_the_asker_alone(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    conversation.answers |= {
        CommandName.WHY: said("no", private=True),
        CommandName.HELP: said("all about it"),
        CommandName.STATS: Reply(),
    }
    async with connected(discord_server, conversation):
        used = discord_server.slash(channel, alice, "why")
        answer = await discord_server.followup(used)
        assert answer.ephemeral and answer.content == "no"
        await discord_server.until(lambda: used.original and used.original.deleted, "the question is gone")
        used = discord_server.slash(channel, alice, "help")
        answer = await discord_server.followup(used)
        assert not answer.ephemeral
        await discord_server.until(lambda: used.original and used.original.deleted, "the question is gone")
        used = discord_server.slash(channel, alice, "stats")
        await discord_server.until(lambda: used.original and used.original.deleted, "nothing left")
    assert [one.content for one in channel.messages] == ["no", "all about it"]


async def test_what_outlasts_the_fifteen_minutes_is_said_in_the_channel(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    async def slow(command: Command) -> Reply:
        discord_server.clock.advance(16 * 60)
        return Reply((Span("It is she."),), private=command.name is CommandName.HELP)

    conversation.answers |= {CommandName.IDENTIFY: slow, CommandName.HELP: slow}
    async with connected(discord_server, conversation):
        for command, shown in (("help", False), ("identify", True)):
            used = discord_server.slash(channel, alice, command)
            await discord_server.acknowledged(used)
            late: Any = await discord_server.until(
                lambda: channel.messages[-1].content and channel.messages[-1]
            )
            assert "longer than Discord waits" in late.content and "alice" in late.content
            assert ("It is she." in late.content) is shown and not late.pings


async def test_an_interaction_that_comes_too_late_is_answered_in_the_channel(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    conversation.answers[CommandName.STATS] = said("12 characters")
    async with connected(discord_server, conversation):
        used = discord_server.slash(channel, alice, "stats")
        discord_server.clock.advance(5)
        (late,) = await discord_server.until(lambda: discord_server.said_in(channel))
    assert "12 characters" in late.content and used.callback is None


async def test_what_is_delivered_twice_is_answered_once(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    seen: set[str] = set()

    async def once(command: Command) -> Reply:
        first = command.id not in seen
        seen.add(command.id)
        await asyncio.sleep(0.1)
        return said("12 characters") if first else Reply()

    conversation.answers[CommandName.STATS] = once
    async with connected(discord_server, conversation):
        used = discord_server.slash(channel, alice, "stats")
        discord_server.gateway.repeat("INTERACTION_CREATE")
        assert (await discord_server.answer(used)).content == "12 characters"
        await discord_server.until(lambda: len(conversation.asked) == 2)
        await asyncio.sleep(0.2)
    assert [one.content for one in discord_server.said_in(channel)] == ["12 characters"]
    assert any("40060" in error for error in discord_server.take_errors())


async def test_failures_are_said_with_a_number_and_without_a_word_about_the_inside(
    discord_server: DiscordServer,
    channel: Channel,
    alice: Member,
    conversation: ScriptedConversation,
    post_reply: Callable[[Reply], Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    conversation.answers |= {CommandName.STATS: RuntimeError("secret"), "right": RuntimeError("secret")}
    async with connected(discord_server, conversation):
        used = discord_server.slash(channel, alice, "stats")
        answer = await discord_server.followup(used)
        message = await post_reply(CONTROLS)
        pressed = await discord_server.followup(discord_server.click(message, alice, label="Right"))
    for failed in (answer, pressed):
        assert (
            failed.ephemeral and "Something went wrong" in failed.content and "secret" not in failed.content
        )
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == ["interaction_failed"] * 2


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_answers_survive_failing_requests(
    discord_server: DiscordServer,
    channel: Channel,
    alice: Member,
    conversation: ScriptedConversation,
    status: int,
) -> None:
    conversation.answers[CommandName.STATS] = said("12 characters")
    async with connected(discord_server, conversation):
        discord_server.rest.faults.next(status, "callback")
        discord_server.rest.faults.next(status, "@original", times=2)
        used = discord_server.slash(channel, alice, "stats")
        assert (await discord_server.answer(used, timeout_s=20)).content == "12 characters"


async def test_a_stop_waits_for_what_is_under_way_and_takes_up_no_more_posts(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    go_on = asyncio.Event()

    async def slow(command: Command) -> Reply:
        await go_on.wait()
        return said("12 characters")

    conversation.answers[CommandName.STATS] = slow
    async with connected(discord_server, conversation) as adapter:
        used = discord_server.slash(channel, alice, "stats")
        await discord_server.acknowledged(used)
        adapter.pause()
        ignored = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        closing = asyncio.create_task(adapter.close(10))
        await discord_server.no_reply_to(ignored, within_s=0.1)
        assert not closing.done()
        go_on.set()
        await closing
    assert used.original is not None and used.original.content == "12 characters"


async def test_a_command_of_an_older_version_is_answered_too(
    discord_server: DiscordServer, channel: Channel, alice: Member, conversation: ScriptedConversation
) -> None:
    async with connected(discord_server, conversation):
        (stats,) = [command for command in discord_server.world.commands[None] if command["name"] == "stats"]
        discord_server.world.commands[None].append(stats | {"name": "older", "id": "7"})
        answer = await discord_server.answer(discord_server.slash(channel, alice, "older"))
    assert answer.ephemeral and "Something went wrong" in answer.content


async def test_permissions_of_the_asker_are_told_as_facts(
    discord_server: DiscordServer, guild: Guild, channel: Channel, conversation: ScriptedConversation
) -> None:
    conversation.answers[CommandName.STATS] = said("12 characters")
    admins = discord_server.add_role(guild, "admins", Permission.ADMINISTRATOR | MEMBER_PERMISSIONS)
    people = [
        (channel, discord_server.add_member(guild, "root", roles=[admins]), True),
        (channel, discord_server.add_member(guild, "bob", locale="ja"), False),
        (channel, guild.members[guild.owner.id], True),
    ]
    user = discord_server.add_user("carol", locale="zh-CN")
    async with connected(discord_server, conversation):
        for place, who, _ in (*people, (discord_server.direct_channel(user), user, True)):
            await discord_server.answer(discord_server.slash(place, who, "stats"))
    assert [asked.actor.manages for asked in conversation.asked] == [True, False, True, True]
    assert [asked.actor.language for asked in conversation.asked[1:]] == ["ja", "en-US", "zh-CN"]
    assert conversation.asked[-1].chat.private and conversation.asked[-1].chat.space == str(user.id)
