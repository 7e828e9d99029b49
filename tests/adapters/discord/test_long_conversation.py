"""A long evening in one server: every way to use the bot, one after the other, with the real core.

First the script that all platforms share, then what only Discord has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.conversation import Conversation
from tests.adapters.discord.club import Club, Shown
from tests.adapters.discord.core import real_conversation
from tests.adapters.discord.simulated import simulated
from tests.adapters.script.chapters import play
from tests.adapters.script.evening import Evening
from tests.adapters.script.simulated_side import SimulatedSide
from tests.conftest import CastPictures


@pytest.fixture
async def conversation(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with real_conversation(tmp_path) as opened:
        yield opened


async def test_an_evening_of_more_than_eighty_steps(
    conversation: Conversation, cast_pictures: CastPictures
) -> None:
    async with simulated(conversation) as simulation:
        club = Club(simulation)
        evening = Evening(SimulatedSide(club, conversation), cast_pictures)
        await play(evening)
        await _privately(evening, club)
        await _asking(evening, club)
        await _settings(evening, club)
        await _failing(evening, club)
        await _restarting(evening, club)
    assert len(evening.steps) >= 80, len(evening.steps)
    bodies = [entry.json for entry in club.env.http_requests if isinstance(entry.json, dict)]
    spoken = [body for body in bodies if body.get("content")]
    assert len(spoken) > len(evening.steps)
    assert all(not body["allowed_mentions"]["parse"] for body in spoken)


async def _privately(evening: Evening, club: Club) -> None:
    async with evening.step("what is for one alone is seen by one alone"):
        for command in ("help", "privacy", "history", "settings", "export"):
            assert (await club.slash(club.manager, command)).private, command
        shown = await club.slash(club.member, "characters")
        assert not shown.private
    async with evening.step("and so is what went wrong"):
        picture = ("a.png", evening.sample(0, 1))
        assert (await club.slash(club.member, "enroll", name="A", picture=picture)).private
        assert (await club.slash(club.manager, "enroll", name="A")).private
        assert (await club.slash(club.manager, "rename", character="Nobody", new_name="X")).private
        assert (await club.slash(club.manager, "import", archive=("a.zip", b"nothing"))).private


async def _asking(evening: Evening, club: Club) -> None:
    data, name = evening.new(0), evening.name(0)
    async with evening.step("who is this, by the menu of a message"):
        posted = await club.member.send(club.log, attachments=[("a.png", data)])
        shown = club.answer(await club.member.context_menu(club.log, "Who is this?", posted))
        assert f"**{name} (Drawn)**" in shown.content
    async with evening.step("the menu of a message opens a form for the name"):
        picture = ("a.png", evening.sample(3, 1))
        in_menu = await club.member.send(club.pictures, attachments=[picture])
        form = club.answer(await club.manager.context_menu(club.pictures, "Enroll character", in_menu))
        assert form.content == "Who is it?"
        shown = await club.submit(club.manager, form, name="Fourth", series="Drawn", aliases="Four")
        assert shown.content == "Now I know **Fourth (Drawn)**, from one picture."
    async with evening.step("who, by replying with the bot's name and any words"):
        me = club.env.bot.user.mention
        reply = await club.post(club.member, text=f"{me} who is she?", channel=club.log, reply_to=posted)
        assert reply is not None and name in reply.content
    async with evening.step("why, by the command, about the last answer"):
        assert (await club.slash(club.member, "why")).files
    async with evening.step("a spoiler stays one"):
        shown = await _answered(club, data, name="SPOILER_a.png")
        assert shown.files[0][0].startswith("SPOILER_")
    async with evening.step("a forward is looked at"):
        forwarded = await club.member.forward(posted, club.elsewhere)
        answer = club.shown(club.elsewhere.last_message)
        assert answer.message.reference.message_id == forwarded.id and name in answer.content
    async with evening.step("names are completed while they are typed"):
        choices = await club.member.autocomplete(club.pictures, "character", "character", "fou")
        assert choices[0]["value"] == "Fourth"
    async with evening.step("an answer whose picture is gone is said to be gone"):
        posted = await club.member.send(club.pictures, attachments=[("a.png", data)])
        shown = club.shown(club.pictures.last_message)
        await club.member.delete(posted)
        gone = await club.click(club.manager, shown, "Wrong")
        assert gone.private and "deleted" in gone.content


async def _settings(evening: Evening, club: Club) -> None:
    async with evening.step("members are not offered the settings"):
        assert "settings" not in club.member.available_commands(club.pictures)
    async with evening.step("teachers by a role"):
        await club.slash(club.manager, "settings", teachers=club.teachers)
        shown = await club.slash(club.teacher, "alias", character="Somebody", add="Sb")
        assert "Sb" in shown.content
    async with evening.step("a log channel"):
        await club.slash(club.manager, "settings", log_channel=club.log)
        await club.slash(club.teacher, "alias", character="Somebody", remove="Sb")
        assert "Teacher" in club.log.last_message.content and "undo" in club.log.last_message.content
    async with evening.step("only some channels"):
        await club.slash(club.manager, "settings", channel=club.elsewhere)
        assert await club.post(club.member, evening.new(0)) is None
        assert await club.post(club.member, evening.new(0), channel=club.elsewhere) is not None
    async with evening.step("everywhere again"):
        panel = await club.slash(club.manager, "settings")
        page = await club.choose(club.manager, panel, "Which pictures I answer")
        changed = await club.click(club.manager, page, "All")
        assert changed.message.id == panel.message.id
        await _answered(club, evening.new(0))


async def _failing(evening: Evening, club: Club) -> None:
    env = club.env
    async with evening.step("Discord fails for a moment"):
        env.inject_error("POST", "/channels/*/messages", times=2)
        await _answered(club, evening.new(0))
    async with evening.step("Discord does not let it attach files"):
        env.inject_error(
            "POST", "/channels/*/messages", status=403, code=50013, message="Missing Permissions"
        )
        shown = await _answered(club, evening.new(0))
        assert "may not attach files" in shown.content and not shown.files
        assert evening.name(0) in shown.content
    async with evening.step("the gallery fails"):
        gallery = evening.side.conversation.services.gallery

        async def broken(*_: object, **__: object) -> Any:
            raise RuntimeError("secret")

        whole, gallery.characters = gallery.characters, broken  # type: ignore[method-assign]
        shown = await club.slash(club.member, "characters")
        gallery.characters = whole  # type: ignore[method-assign]
        assert "Something went wrong on my side" in shown.content and "secret" not in shown.content


async def _restarting(evening: Evening, club: Club) -> None:
    async with evening.step("a form that a menu opened is understood after a restart"):
        posted = await club.member.send(club.pictures, attachments=[("a.png", evening.sample(3, 2))])
        form = club.answer(await club.manager.context_menu(club.pictures, "Enroll character", posted))
        await club.simulation.restart()
        shown = await club.submit(club.manager, form, name="Fourth")
        assert "Added sample number 2 of **Fourth (Drawn)**" in shown.content
    async with evening.step("when it stops it says so"):
        evening.side.conversation._closed = True
        shown = await club.slash(club.member, "stats")
        assert "being restarted" in shown.content
        evening.side.conversation._closed = False


async def _answered(club: Club, data: bytes, name: str = "a.png") -> Shown:
    shown = await club.post(club.member, data, name=name)
    assert shown is not None
    return shown
