from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.chat import CommandName
from tests.bot.conversing import Room, button, labels, picture, strong, words
from tests.conftest import CastPictures

pytestmark = pytest.mark.asyncio(loop_scope="session")
Sample = Callable[[int, int], bytes]


async def test_a_face_becomes_a_sample_and_can_be_undone(
    room: Room, sample: Sample, cast_pictures: CastPictures
) -> None:
    first = await room.command(
        CommandName.ENROLL, sample(0, 1), name="Eru", series="Hyouka", aliases="える, L"
    )
    assert words(first) == "Now I know Eru (Hyouka), from one picture."
    assert picture(first).size
    second = await room.command(CommandName.ENROLL, sample(0, 2), name="える")
    assert words(second) == "Added sample number 2 of Eru (Hyouka)."
    assert strong(await room.answer(cast_pictures.new[0].read_bytes())) == ["Eru (Hyouka)"]
    await room.press(button(second, "Undo"))
    assert "1 sample" in words(await room.command(CommandName.CHARACTER, character="Eru"))
    gone = await room.press(button(first, "Undo"))
    assert words(gone) == "Undone: added a sample to Eru."
    assert "I know nobody called Eru" in words(await room.command(CommandName.CHARACTER, character="Eru"))


async def test_only_teachers_enroll(room: Room, sample: Sample) -> None:
    refused = await room.by("5").command(CommandName.ENROLL, sample(0, 1), name="Eru")
    assert "Only those who may teach" in words(refused)
    assert refused.private
    await room.command(CommandName.SETTINGS, teachers="42")
    assert "Now I know" in words(
        await room.by("5", roles=["42"]).command(CommandName.ENROLL, sample(0, 1), name="Eru")
    )
    assert "Added" in words(await room.by("900").command(CommandName.ENROLL, sample(0, 2), name="Eru"))


async def test_several_faces_are_numbered_and_asked_about(room: Room, cast_pictures: CastPictures) -> None:
    asked = await room.command(CommandName.ENROLL, cast_pictures.group.read_bytes(), name="Third")
    assert words(asked) == "I found 6 faces. Which one is Third?"
    assert labels(asked) == ["1", "2", "3", "4", "5", "6", "None of them"]
    assert picture(asked).size
    stranger = await room.by("5", manages=True).press(button(asked, "3"))
    assert words(stranger) == "Only the one who asked can answer this."
    added = await room.press(button(asked, "3"))
    assert added.replaces
    assert words(added) == "Now I know Third, from one picture."
    assert "used already" in words(await room.press(button(asked, "4")))
    assert strong(await room.answer(cast_pictures.group.read_bytes())) == ["Third"]


async def test_the_number_of_the_face_may_be_given_at_once(room: Room, cast_pictures: CastPictures) -> None:
    group = cast_pictures.group.read_bytes()
    assert "Now I know" in words(await room.command(CommandName.ENROLL, group, name="First", face="1"))
    asked = await room.command(CommandName.ENROLL, group, name="Ninth", face="9")
    assert "I found 6 faces" in words(asked)
    none = await room.press(button(asked, "None of them"))
    assert words(none).startswith("I could not learn anything")
    assert "will not do for" in words(await room.command(CommandName.ENROLL, group, name="X", face="99"))


async def test_whoever_looks_like_somebody_known_is_asked_about_first(
    taught: Room, cast_pictures: CastPictures
) -> None:
    known = cast_pictures.cast[0].name
    data = cast_pictures.new[0].read_bytes()
    asked = await taught.command(CommandName.ENROLL, data, name="Another")
    assert words(asked) == (
        f"This looks like {known} (Drawn), whom I know already. Is it {known} (Drawn), or really Another?"
    )
    assert "I know nobody called Another" in words(
        await taught.command(CommandName.CHARACTER, character="Another")
    )
    cancelled = await taught.press(button(asked, "Cancel"))
    assert words(cancelled) == "Nothing was learnt."
    asked = await taught.command(CommandName.ENROLL, data, name="Another")
    same = await taught.press(button(asked, known))
    assert words(same) == f"Added sample number 4 of {known} (Drawn)."
    await taught.press(button(same, "Undo"))
    asked = await taught.command(CommandName.ENROLL, data, name="Another")
    other = await taught.press(button(asked, "Another"))
    assert words(other) == "Now I know Another, from one picture."


async def test_several_pictures_are_one_change(
    room: Room, sample: Sample, cast_pictures: CastPictures
) -> None:
    added = await room.command(
        CommandName.ENROLL,
        sample(0, 1),
        sample(0, 2),
        sample(0, 1),
        cast_pictures.empty.read_bytes(),
        name="Eru",
    )
    first, second = words(added).splitlines()
    assert first == "Now I know Eru, from 2 pictures."
    assert second == "Picture 4: I found no drawn face in the picture."
    await room.press(button(added, "Undo"))
    assert words(await room.command(CommandName.CHARACTERS)).startswith("I know nobody yet")


async def test_of_several_pictures_each_with_several_faces_is_asked_about(
    room: Room, sample: Sample, cast_pictures: CastPictures
) -> None:
    group = cast_pictures.group.read_bytes()
    asked = await room.command(CommandName.ENROLL, sample(0, 1), group, name="Eru")
    added = await room.press(button(asked, "2"))
    if "looks like" in words(added):
        added = await room.press(button(added, "Eru"))
    assert "from 2 pictures" in words(added)


async def test_the_same_picture_is_not_enrolled_twice(room: Room, sample: Sample) -> None:
    await room.command(CommandName.ENROLL, sample(0, 1), name="Eru")
    again = await room.command(CommandName.ENROLL, sample(0, 1), name="Eru")
    assert words(again) == "This picture is enrolled already, as Eru."
    assert again.private


async def test_without_a_name_a_form_asks_for_it(room: Room, sample: Sample) -> None:
    form = (await room.command(CommandName.ENROLL, sample(0, 1))).form
    assert form is not None
    assert [one.key for one in form.fields] == ["name", "series", "aliases"]
    named = await room.submit(form, name="Eru", series="Hyouka", aliases="える")
    assert words(named) == "Now I know Eru (Hyouka), from one picture."
    sheet = await room.command(CommandName.CHARACTER, character="える")
    assert "Also called える." in words(sheet)


async def test_an_answer_that_is_replied_to_stands_for_its_own_pictures(
    room: Room, cast_pictures: CastPictures
) -> None:
    answer = await room.answer(cast_pictures.stranger_portrait.read_bytes())
    message = room.message_of(answer)
    assert "Now I know" in words(await room.command(CommandName.ENROLL, reply_to=message, name="Stranger"))
    assert strong(await room.command(CommandName.IDENTIFY, reply_to=message)) == ["Stranger"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "\u202e"}, "cannot be a name"),
        ({"name": "a\u0000b"}, "cannot be a name"),
        ({"name": "x" * 101}, "will not do for"),
        ({"name": "Eru", "series": "x" * 101}, "will not do for"),
    ],
)
async def test_what_cannot_be_a_name_is_refused(
    room: Room, sample: Sample, arguments: dict[str, str], said: str
) -> None:
    assert said in words(await room.command(CommandName.ENROLL, sample(0, 1), **arguments))
    assert words(await room.command(CommandName.CHARACTERS)).startswith("I know nobody yet")


async def test_pictures_are_needed(room: Room) -> None:
    assert "no picture to look at" in words(await room.command(CommandName.ENROLL, name="Eru"))
    assert "no picture to look at" in words(await room.command(CommandName.IDENTIFY))


async def test_a_picture_that_is_gone_when_the_question_is_answered_is_told(
    room: Room, cast_pictures: CastPictures
) -> None:
    asked = await room.command(CommandName.ENROLL, cast_pictures.group.read_bytes(), name="Third")
    for space, reference in list(room.platform.pictures):
        if space == room.chat.space:
            room.platform.delete(room.chat, reference)
    assert "was deleted" in words(await room.press(button(asked, "3")))
