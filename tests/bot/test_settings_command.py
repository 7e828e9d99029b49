from __future__ import annotations

from dataclasses import replace

import pytest

from bot.chat import CommandName
from bot.commands.catalogue import CATALOGUE
from bot.space_settings import Answering, SettingName, SpaceSettings
from tests.bot.conversing import Room, button, line_value, words
from tests.conftest import CastPictures

pytestmark = pytest.mark.asyncio(loop_scope="session")


def settings_of(room: Room) -> SpaceSettings:
    return room.conversation.services.store.settings(room.chat)


async def test_the_panel_shows_and_changes_every_setting(room: Room) -> None:
    panel = await room.command(CommandName.SETTINGS)
    assert panel.private
    assert panel.menu is not None
    assert [line.value for line in panel.menu.lines] == [name.value for name in SettingName]
    for line in panel.menu.lines:
        page = await room.press(panel.menu, line.value)
        assert page.replaces
        assert words(page).startswith(line.label)
        assert words(await room.press(button(page, "Back"))) == words(panel)


@pytest.mark.parametrize(
    ("setting", "label", "field", "value"),
    [
        ("answering", "All", "answering", Answering.ALL),
        ("answering", "None", "answering", Answering.OFF),
        ("answering", "This channel", "channels", ("10",)),
        ("channels", "This channel", "channels", ("10",)),
        ("language", "日本語", "language", "ja"),
        ("say_no_face", "Yes", "say_no_face", True),
        ("say_sureness", "No", "say_sureness", False),
        ("log_channel", "This channel", "log_channel", "10"),
        ("false_name_rate", "0.1%", "false_name_rate", 0.001),
        ("false_name_rate", "10%", "false_name_rate", 0.1),
    ],
)
async def test_a_press_changes_a_setting(
    room: Room, setting: str, label: str, field: str, value: object
) -> None:
    page = await room.press("s:menu", setting)
    changed = await room.press(button(page, label))
    assert changed.replaces
    assert getattr(settings_of(room), field) == value
    assert room.conversation.wants(room.chat, mentions_bot=True) is (value is not Answering.OFF)


async def test_ids_are_typed_into_a_form(room: Room) -> None:
    page = await room.press("s:menu", "teachers")
    form = (await room.press(button(page, "Type …"))).form
    assert form is not None
    changed = await room.submit(form, value="<@&42>, 43")
    assert words(changed).startswith("Changed.")
    assert settings_of(room).teachers == ("42", "43")
    wrong = await room.submit(form, value="the teachers")
    assert "will not do for" in words(wrong)
    page = await room.press("s:menu", "teachers")
    await room.press(button(page, "None"))
    assert settings_of(room).teachers == ()


async def test_shared_galleries_are_switched(room: Room) -> None:
    page = await room.press("s:menu", "galleries")
    assert page.menu is not None
    on = await room.press(page.menu, line_value(page, "anime"))
    assert settings_of(room).galleries == ("anime",)
    assert "Shared galleries: anime" in words(on)
    await room.press(page.menu, line_value(page, "anime"))
    assert settings_of(room).galleries == ()
    assert "too old" in words(await room.press(page.menu, "7"))


async def test_arguments_of_the_command_toggle(room: Room) -> None:
    await room.command(CommandName.SETTINGS, channel="77", teachers="42", log_channel="78")
    now = settings_of(room)
    assert (now.channels, now.answering) == (("77",), Answering.LISTED)
    assert (now.teachers, now.log_channel) == (("42",), "78")
    await room.command(CommandName.SETTINGS, channel="77", teachers="42")
    assert settings_of(room).channels == ()
    assert settings_of(room).teachers == ()
    assert not room.conversation.wants(replace(room.chat, channel="77"), mentions_bot=False)


async def test_only_managers_change_settings(room: Room) -> None:
    member = room.by("5")
    for reply in (
        await member.command(CommandName.SETTINGS),
        await member.press("s:answering:all"),
        await member.press("i:answering:all"),
    ):
        assert "Only those who manage" in words(reply)
    assert settings_of(room).answering is Answering.OFF
    await room.by("900").press("s:answering:all")  # an operator
    assert settings_of(room).answering is Answering.ALL


@pytest.mark.parametrize(
    "token", ["s:nonsense:1", "s:answering", "s:menu", "s:answering:sideways", "s:galleries:x"]
)
async def test_forged_settings_are_refused(room: Room, token: str) -> None:
    before = settings_of(room)
    assert words(await room.press(token))
    assert settings_of(room) == before


async def test_changes_are_told_in_the_log_channel(taught: Room, cast_pictures: CastPictures) -> None:
    await taught.command(CommandName.SETTINGS, log_channel="99")
    name = cast_pictures.cast[0].name
    await taught.command(CommandName.RENAME, character=name, new_name="Neu")
    await taught.conversation.services.platforms.close()
    told = [notice for notice in taught.platform.said if notice.chat.space == taught.chat.space]
    assert {notice.chat.channel for notice in told} == {"99"}
    said = [words(notice.reply) for notice in told]
    assert said[0] == "Manager has set “Where I tell changes” to: another one"
    assert said[1].startswith(f"Manager: {name} is called Neu (Drawn) now. (undo with number ")
    number = said[1].removesuffix(")").rpartition(" ")[2]
    assert "Undone" in words(await taught.command(CommandName.UNDO, number=number))


async def test_a_private_chat_has_fewer_settings(room: Room) -> None:
    private = replace(room, chat=replace(room.chat, private=True))
    panel = await private.command(CommandName.SETTINGS)
    assert panel.menu is not None
    assert [line.value for line in panel.menu.lines] == [
        "language",
        "say_sureness",
        "galleries",
        "false_name_rate",
    ]


async def test_help_lists_what_the_asker_may_do(room: Room) -> None:
    everything = words(await room.command(CommandName.HELP))
    assert all(f"/{spec.name} " in everything for spec in CATALOGUE)
    member = words(await room.by("5").command(CommandName.HELP))
    assert "/identify" in member
    assert "/enroll" not in member
    assert "/export" not in member
    japanese = words(await room.by("5", language="ja").command(CommandName.HELP))
    assert "/だれ" in japanese
    telegram = replace(room.by("5", language="ja"), chat=replace(room.chat, platform="telegram"))
    assert "/identify" in words(await telegram.command(CommandName.HELP))


async def test_privacy_and_stats_tell_figures(taught: Room, cast_pictures: CastPictures) -> None:
    privacy = words(await taught.command(CommandName.PRIVACY))
    assert "30 days" in privacy
    assert "7 days" in privacy
    before = words(await taught.command(CommandName.STATS))
    assert before.startswith("I know 2 characters here, from 6 samples.")
    answer = await taught.answer(cast_pictures.new[0].read_bytes())
    await taught.press(button(answer, "Right"))
    after = words(await taught.command(CommandName.STATS))
    assert "one picture and saw one face, of which I knew 1" in after
    assert "“Right” was pressed once" in after
