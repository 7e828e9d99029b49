"""Hostile names through every path that shows or keeps them."""

from __future__ import annotations

import re

import pytest

from bot.chat import Actor, CommandName, Reply
from inference.enroll import EnrollRequest
from inference.errors import AppError
from inference.service import LocalFaceService
from tests.bot.conversing import Room, button, words
from tests.bot.hostile_words import HOSTILE
from tests.conftest import CastPictures

pytestmark = pytest.mark.asyncio(loop_scope="session")
# What a platform would turn into a ping, a link or a command, whatever it escapes.
_PING = re.compile(
    r"@(everyone|here)|<[@#:/]|<a:|<t:|(https?|ftp|tg)://|discord\.gg|t\.me/|www\.|(?<!\w)@[A-Za-z]",
    re.IGNORECASE,
)


def check(reply: Reply) -> None:
    shown = [words(reply), *(one.label for row in reply.buttons for one in row)]
    shown += [file.description for file in reply.files]
    if reply.menu is not None:
        shown += [line.label for line in reply.menu.lines]
    for text in shown:
        assert not _PING.search(text), text


async def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 100


@pytest.mark.slow
async def test_hostile_names_are_shown_without_pinging_anybody(
    room: Room, core: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.stranger_portrait.read_bytes()
    scope = room.conversation.services.store.scope(room.chat)
    taught = 0
    for name in HOSTILE:
        enrolled = await room.command(CommandName.ENROLL, data, name=name, series=name[:100])
        check(enrolled)
        check(await room.command(CommandName.CHARACTERS, search=name[:100]))
        check(await room.command(CommandName.RENAME, character="Nobody", new_name=name[:100]))
        await room.conversation.suggest(room.chat, name)
        if any(one.label == "Undo" for row in enrolled.buttons for one in row):
            taught += 1
            answer = await room.answer(data)
            check(answer)
            check(await room.press(button(answer, "Who is it?")))
            check(await room.command(CommandName.HISTORY))
            if taught % 8 == 0:  # drawing sheets is slow
                check(await room.command(CommandName.CHARACTER, character=name))
                check(await room.press(button(answer, "Why?")))
            forget = await room.command(CommandName.FORGET, character=name[:100])
            check(forget)
            if any(one.label == "Forget" for row in forget.buttons for one in row):
                check(await room.press(button(forget, "Forget")))
            else:
                await room.press(button(enrolled, "Undo"))
        assert not await room.conversation.services.gallery.characters([scope]), name
    assert taught >= 60


@pytest.mark.slow
async def test_names_already_in_the_gallery_are_cleaned_when_shown(
    room: Room, core: LocalFaceService, cast_pictures: CastPictures
) -> None:
    """The command line and imports put names there that no chat has looked at."""
    scope = room.conversation.services.store.scope(room.chat)
    data = cast_pictures.stranger_portrait.read_bytes()
    shown = 0
    character = (await core.enroll(data, scope, EnrollRequest("Eru"))).enrolled.character
    for name in HOSTILE:
        try:
            await core.gallery.rename(scope, character.id, name, series=name[:50])
        except AppError:
            continue
        shown += 1
        check(await room.answer(data))
    assert shown >= 60


@pytest.mark.slow
async def test_hostile_askers_are_named_harmlessly(room: Room, cast_pictures: CastPictures) -> None:
    data = cast_pictures.stranger_portrait.read_bytes()
    await room.command(CommandName.SETTINGS, log_channel="99")
    for number, name in enumerate(HOSTILE):
        member = room.by(str(2_000 + number))
        member.actor = Actor(member.actor.id, name, language="en")
        menu = await member.press(button(await member.answer(data), "Who is it?"))
        assert menu.menu is not None
        form = (await member.press(menu.menu, "type")).form
        assert form is not None
        check(await member.submit(form, name="Eru"))
        review = await room.command(CommandName.REVIEW)
        check(review)
        await room.press(button(review, "Refuse"))
    await room.conversation.services.platforms.close()
    for notice in room.platform.said:
        check(notice.reply)
