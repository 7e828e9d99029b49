from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.chat import CommandName
from bot.space_settings import SpaceSettings
from tests.bot.conversing import Room, button, labels, words

pytestmark = pytest.mark.asyncio(loop_scope="session")
Sample = Callable[[int, int], bytes]
OFFER = "What is kept of me?"


def privately(room: Room, user: str) -> Room:
    """The same user in their private chat with the bot."""
    return replace(
        room.by(user, manages=True), chat=replace(room.chat, space=user, channel=user, private=True)
    )


async def sources(room: Room) -> list[str]:
    """Who has taught what the room's gallery knows."""
    services = room.conversation.services
    scope = services.store.scope(room.chat)
    characters = await services.gallery.characters([scope])
    samples = [await services.gallery.samples([scope], character.id) for character in characters]
    return sorted(sample.added_by for of_character in samples for sample in of_character)


async def test_who_has_given_nothing_is_told_so(room: Room) -> None:
    member = room.by("555")
    told = await member.command(CommandName.PRIVACY)
    assert told.private
    assert labels(told) == [OFFER]
    nothing = await member.press(button(told, OFFER))
    assert words(nothing).startswith("I keep nothing of you here.")
    assert "private chat" in words(nothing)
    assert nothing.private
    assert labels(nothing) == []


async def test_ones_own_contributions_are_removed_and_nobody_elses(room: Room, sample: Sample) -> None:
    ore, eru = room.by("501", manages=True), room.by("502", manages=True)
    await ore.command(CommandName.ENROLL, sample(0, 1), name="Mine")
    await ore.command(CommandName.ENROLL, sample(1, 1), name="Ours")
    await eru.command(CommandName.ENROLL, sample(1, 2), name="Ours")
    await ore.answer(sample(1, 3))
    # Without the right to teach any more, what was given stays one's own.
    ore = room.by("501")
    shown = await ore.press(button(await ore.command(CommandName.PRIVACY), OFFER))
    assert words(shown).startswith(
        "Of you I keep here: 2 faces that you taught me, your name in 2 lines of the history, one answer "
        "to your pictures, and 0 remarks that you made about answers. Shall I remove all of it?"
    )
    kept = await ore.press(button(shown, "Cancel"))
    assert words(kept) == "Nothing was forgotten."
    assert len(await sources(room)) == 3

    shown = await ore.press(button(await ore.command(CommandName.PRIVACY), OFFER))
    foreign = await eru.press(button(shown, "Forget for good"))
    assert len(await sources(room)) == 3, words(foreign)
    done = await ore.press(button(shown, "Forget for good"))
    assert words(done) == "Removed all that I kept of you, and the 2 faces that you taught me."
    assert done.replaces
    assert labels(done) == []  # there is no way back
    assert await sources(room) == ["User 502 (discord:502)"]
    assert "Mine" not in words(await eru.command(CommandName.CHARACTERS))
    history = words(await eru.command(CommandName.HISTORY))
    assert "User 501" not in history
    assert "User 502" in history
    assert "removed what somebody had contributed, with 2 samples" in history
    again = await ore.press(button(await ore.command(CommandName.PRIVACY), OFFER))
    assert words(again).startswith("I keep nothing of you here.")


async def test_in_a_private_chat_it_is_about_all_places(room: Room, sample: Sample) -> None:
    here, there = room.by("601", manages=True), room.by("601", manages=True)
    there = replace(there, chat=replace(room.chat, space=f"{room.chat.space}0"))
    private = privately(room, "601")
    await here.command(CommandName.ENROLL, sample(0, 1), name="Mine")
    await there.command(CommandName.ENROLL, sample(0, 2), name="Mine")
    await private.command(CommandName.ENROLL, sample(0, 3), name="Mine")

    shown = await there.press(button(await there.command(CommandName.PRIVACY), OFFER))
    assert "one face" in words(shown)
    await there.press(button(shown, "Forget for good"))
    assert [len(await sources(one)) for one in (here, there, private)] == [1, 0, 1]

    shown = await private.press(button(await private.command(CommandName.PRIVACY), OFFER))
    assert words(shown).startswith("Of you I keep, in all places together: 2 faces")
    await private.press(button(shown, "Forget for good"))
    assert [await sources(one) for one in (here, there, private)] == [[], [], []]
    assert "in no place" in words(
        await private.press(button(await private.command(CommandName.PRIVACY), OFFER))
    )


async def test_a_name_that_looks_like_somebody_elses_gives_no_right_to_what_is_theirs(
    room: Room, sample: Sample
) -> None:
    await room.by("701", manages=True).command(CommandName.ENROLL, sample(0, 1), name="Mine")
    liar = room.by("702")
    liar = replace(liar, actor=replace(liar.actor, name="User 701 (discord:701)"))
    told = await liar.press(button(await liar.command(CommandName.PRIVACY), OFFER))
    assert words(told).startswith("I keep nothing of you here.")


async def test_the_log_channel_is_told_that_faces_went_but_not_whose(room: Room, sample: Sample) -> None:
    store = room.conversation.services.store
    await store.set_settings(room.chat, SpaceSettings(log_channel="77"))
    ore = room.by("801", manages=True)
    await ore.command(CommandName.ENROLL, sample(0, 1), name="Mine")
    shown = await ore.press(button(await ore.command(CommandName.PRIVACY), OFFER))
    room.platform.said.clear()
    await ore.press(button(shown, "Forget for good"))
    await room.conversation.services.platforms.close()
    [notice] = room.platform.said
    assert words(notice.reply) == (
        "Somebody has removed the one face that they had taught me. That cannot be undone."
    )
