from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.chat import CommandName
from bot.space_settings import Answering, SpaceSettings
from inference.domain import Scope
from inference.service import LocalFaceService
from tests.bot.conversing import Room, button, is_marked, labels, picture, strong, words
from tests.conftest import CastPictures

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def set_to(room: Room, **values: object) -> None:
    store = room.conversation.services.store
    await store.set_settings(room.chat, replace(store.settings(room.chat), **values))  # type: ignore[arg-type]


async def test_a_posted_picture_is_answered_with_who_is_in_it(
    taught: Room, cast_pictures: CastPictures, core: LocalFaceService
) -> None:
    data = cast_pictures.new[0].read_bytes()
    reply = await taught.answer(data)
    name = cast_pictures.cast[0].name
    assert strong(reply) == [f"{name} (Drawn)"]
    assert labels(reply) == ["Right", "Wrong", "Who is it?", "Why?"]
    assert len(reply.files) == 1
    assert name in reply.files[0].description
    scope = taught.conversation.services.store.scope(taught.chat)
    (face,) = (await core.identify(data, [scope])).identification.faces
    assert is_marked(reply, data, face.detection.box)


async def test_strangers_are_said_to_be_unknown_and_only_asked_about(
    taught: Room, cast_pictures: CastPictures
) -> None:
    reply = await taught.answer(cast_pictures.stranger_portrait.read_bytes())
    assert words(reply) == "I do not know this face."
    assert labels(reply) == ["Who is it?"]


async def test_several_pictures_get_one_reply_in_their_order(
    taught: Room, cast_pictures: CastPictures
) -> None:
    pictures = [path.read_bytes() for path in (*cast_pictures.new[:2], cast_pictures.stranger_portrait)]
    reply = await taught.answer(*pictures)
    said = words(reply).splitlines()
    assert [line.split(":")[0] for line in said] == ["Picture 1", "Picture 2", "Picture 3"]
    assert cast_pictures.cast[0].name in said[0]
    assert cast_pictures.cast[1].name in said[1]
    assert [file.name for file in reply.files] == ["dareda-1.jpg", "dareda-2.jpg", "dareda-3.jpg"]


async def test_a_picture_that_cannot_be_read_has_a_sentence_beside_the_others(
    taught: Room, cast_pictures: CastPictures
) -> None:
    reply = await taught.answer(b"GIF89a?", cast_pictures.new[0].read_bytes())
    first, second = words(reply).splitlines()
    assert first.startswith("Picture 1: ")
    assert "damaged" in first
    assert cast_pictures.cast[0].name in second
    alone = await taught.answer(b"hello")
    assert "cannot read pictures of this kind" in words(alone)
    assert not alone.files


async def test_too_large_a_picture_is_refused_before_and_while_it_is_read(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = room.conversation.services.options.images.max_bytes
    for known_size in (True, False):
        image = room.platform.keep(room.chat, bytes(limit + 1), size=known_size)
        monkeypatch.setattr(room.platform, "keep", lambda *_, image=image, **__: image)
        assert "too large" in words(await room.answer(b""))
        monkeypatch.undo()


async def test_without_a_face_nothing_is_said_unless_somebody_asked(
    room: Room, cast_pictures: CastPictures
) -> None:
    empty = cast_pictures.empty.read_bytes()
    await set_to(room, answering=Answering.ALL)
    assert await room.post(empty, mention=False) is None
    assert words(await room.post(empty, mention=True)) == "I found no drawn face in the picture."
    await set_to(room, say_no_face=True)
    assert await room.post(empty, mention=False) is not None
    private = replace(room, chat=replace(room.chat, private=True))
    assert await private.post(empty, mention=False) is not None


async def test_spoilers_stay_spoilers(taught: Room, cast_pictures: CastPictures) -> None:
    reply = await taught.answer(cast_pictures.new[0].read_bytes(), spoiler=True)
    assert [file.spoiler for file in reply.files] == [True]
    why = await taught.press(button(reply, "Why?"))
    assert [file.spoiler for file in why.files] == [True]


@pytest.mark.parametrize(
    ("settings", "posted", "mentioned"),
    [
        (None, False, True),
        (SpaceSettings(answering=Answering.OFF), False, False),
        (SpaceSettings(answering=Answering.ALL), True, True),
        (SpaceSettings(answering=Answering.MENTIONED), False, True),
        (SpaceSettings(answering=Answering.LISTED, channels=("10",)), True, True),
        (SpaceSettings(answering=Answering.LISTED, channels=("11",)), False, True),
    ],
)
async def test_only_what_was_switched_on_is_answered(
    room: Room, settings: SpaceSettings | None, posted: bool, mentioned: bool
) -> None:
    if settings is not None:
        await room.conversation.services.store.set_settings(room.chat, settings)
    assert room.conversation.wants(room.chat, mentions_bot=False) is posted
    assert room.conversation.wants(room.chat, mentions_bot=True) is mentioned


async def test_what_arrives_twice_is_answered_once(taught: Room, cast_pictures: CastPictures) -> None:
    data = cast_pictures.new[0].read_bytes()
    replies = await asyncio.gather(*(taught.post(data, event="same") for _ in range(5)))
    assert sum(reply is not None for reply in replies) == 1
    assert await taught.post(data, event="same") is None
    first = await taught.command(CommandName.STATS, event="same")
    assert first.text
    assert not (await taught.command(CommandName.STATS, event="same")).text


async def test_no_space_sees_what_another_was_taught(taught: Room, cast_pictures: CastPictures) -> None:
    other = replace(taught, chat=replace(taught.chat, space=f"{taught.chat.space}-other"))
    reply = await other.answer(cast_pictures.new[0].read_bytes())
    assert words(reply) == "I do not know this face."


async def test_shared_galleries_are_seen_where_they_were_chosen(
    room: Room, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.new[2].read_bytes()
    assert not strong(await room.answer(data))
    await set_to(room, answering=Answering.MENTIONED, galleries=("anime", "not offered"))
    assert strong(await room.answer(data)) == [f"{cast_pictures.cast[2].name} (Shared Series)"]


async def test_the_answer_is_in_the_language_of_the_space_or_the_user(
    taught: Room, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.stranger_portrait.read_bytes()
    assert words(await taught.by("5", language="ja-JP").answer(data)) == "この顔は知りません。"
    await set_to(taught, answering=Answering.MENTIONED, language="zh")
    assert words(await taught.by("5", language="ja-JP").answer(data)) == "我不认识这张脸。"


async def test_how_sure_it_is_can_be_left_out(taught: Room, cast_pictures: CastPictures) -> None:
    data = cast_pictures.new[0].read_bytes()
    assert "sure" in words(await taught.answer(data))
    await set_to(taught, answering=Answering.MENTIONED, say_sureness=False)
    assert words(await taught.answer(data)) == f"This is {cast_pictures.cast[0].name} (Drawn)."


async def test_a_group_is_named_person_by_person(taught: Room, cast_pictures: CastPictures) -> None:
    reply = await taught.answer(cast_pictures.group.read_bytes())
    assert {f"{one.name} (Drawn)" for one in cast_pictures.cast[:2]} <= set(strong(reply))
    assert "I do not know" in words(reply)
    assert picture(reply).ndim == 3


async def test_a_new_space_is_greeted_once_with_setup_in_one_press(room: Room) -> None:
    greeting = await room.conversation.joined(room.chat, "en")
    assert greeting is not None
    assert "/settings" in words(greeting)
    assert await room.conversation.joined(room.chat, "en") is None
    nobody = await room.by("5").press(button(greeting, "Answer everywhere"))
    assert "Only those who manage" in words(nobody)
    done = await room.press(button(greeting, "Answer everywhere"))
    assert not done.replaces
    assert room.conversation.wants(room.chat, mentions_bot=False)


async def test_the_gallery_of_a_group_goes_along_when_it_moves(
    taught: Room, cast_pictures: CastPictures
) -> None:
    old = replace(taught.chat, platform="telegram", space="-77")
    group = replace(taught, chat=old)
    await group.command(
        CommandName.ENROLL, cast_pictures.new[0].read_bytes(), name=cast_pictures.cast[0].name
    )
    new = replace(old, space="-100077", channel="-100077")
    await taught.conversation.moved(old, new)
    moved = replace(taught, chat=new)
    assert strong(await moved.answer(cast_pictures.new[0].read_bytes())) == [cast_pictures.cast[0].name]
    assert taught.conversation.services.store.scope(new) == Scope("telegram:-77")
