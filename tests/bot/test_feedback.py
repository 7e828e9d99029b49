from __future__ import annotations

from dataclasses import replace

import pytest

from bot.chat import CommandName, Reply
from bot.conversation import open_conversation
from inference.domain import Decision
from inference.enroll import EnrollRequest
from inference.service import LocalFaceService
from tests.bot.conversing import Room, button, labels, line_value, picture, strong, words
from tests.conftest import CastPictures
from tests.flow.test_face_service import animation

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def mistaken(room: Room, core: LocalFaceService, cast_pictures: CastPictures) -> bytes:
    """A picture of the fourth of the cast that is taken for somebody who was taught wrongly."""
    data = cast_pictures.new[3].read_bytes()
    folder = cast_pictures.folder / cast_pictures.cast[3].name
    scope = room.conversation.services.store.scope(room.chat)
    for path in sorted(folder.iterdir()):
        await core.enroll(path.read_bytes(), scope, EnrollRequest("Impostor"))
    return data


async def test_a_teacher_who_says_who_it_is_is_believed(taught: Room, cast_pictures: CastPictures) -> None:
    data = cast_pictures.stranger_portrait.read_bytes()
    answer = await taught.answer(data)
    menu = await taught.press(button(answer, "Who is it?"))
    assert menu.private
    form = await taught.press(menu.menu.token if menu.menu else "", line_value(menu, "Somebody else …"))
    assert form.form is not None
    learnt = await taught.submit(form.form, name="Stranger", series="Elsewhere")
    assert words(learnt) == "Learnt: this is Stranger (Elsewhere), whom I know from one picture now."
    again = await taught.answer(data)
    assert words(again) == "This is Stranger (Elsewhere), I am sure."


async def test_wrong_is_learnt_at_once_and_can_be_undone(
    taught: Room, core: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = await mistaken(taught, core, cast_pictures)
    answer = await taught.answer(data)
    assert strong(answer) == ["Impostor"]
    denied = await taught.press(button(answer, "Wrong"))
    assert "I will not take this face for Impostor again." in words(denied)
    assert denied.menu is not None
    assert "Impostor" not in [line.label for line in denied.menu.lines]
    assert "Impostor" not in strong(await taught.answer(data))
    undone = await taught.press(button(denied, "Undo"))
    assert words(undone) == "Undone: learnt a face that is not Impostor."
    assert undone.closes
    assert strong(await taught.answer(data)) == ["Impostor"]


async def test_a_corrected_mistake_on_the_same_picture_does_not_come_back(
    taught: Room, core: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = await mistaken(taught, core, cast_pictures)
    answer = await taught.answer(data)
    denied = await taught.press(button(answer, "Wrong"))
    assert denied.menu is not None
    name = cast_pictures.cast[0].name
    right = await taught.press(denied.menu, line_value(denied, f"{name} (Drawn)"))
    assert right.replaces
    assert f"this is {name} (Drawn)" in words(right)
    assert strong(await taught.answer(data)) == [f"{name} (Drawn)"]


async def test_who_is_it_says_also_who_it_is_not(
    taught: Room, core: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = await mistaken(taught, core, cast_pictures)
    answer = await taught.answer(data)
    menu = await taught.press(button(answer, "Who is it?"))
    assert menu.menu is not None
    form = await taught.press(menu.menu, "type")
    assert form.form is not None
    learnt = await taught.submit(form.form, name="Right One")
    assert "this is Right One" in words(learnt)
    assert "I will not take this face for Impostor again." in words(learnt)
    await taught.press(button(learnt, "Undo"))
    assert strong(await taught.answer(data)) == ["Impostor"]


async def test_a_picture_that_was_enrolled_as_somebody_else_moves_to_the_right_one(
    taught: Room, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.new[3].read_bytes()
    await taught.command(CommandName.ENROLL, data, name="Wrong One")
    answer = await taught.answer(data)
    menu = await taught.press(button(answer, "Who is it?"))
    assert menu.menu is not None
    form = await taught.press(menu.menu, "type")
    assert form.form is not None
    await taught.submit(form.form, name="Right One")
    assert strong(await taught.answer(data)) == ["Right One"]
    sheet = await taught.command(CommandName.CHARACTER, character="Wrong One")
    assert words(sheet) == "Wrong One · 0 samples"


async def test_right_teaches_only_what_was_doubtful(taught: Room, cast_pictures: CastPictures) -> None:
    answer = await taught.answer(cast_pictures.new[0].read_bytes())
    thanks = await taught.press(button(answer, "Right"))
    assert words(thanks) == "Thank you, good to know."
    assert not thanks.buttons


async def test_with_several_faces_it_is_asked_which(taught: Room, cast_pictures: CastPictures) -> None:
    answer = await taught.answer(cast_pictures.group.read_bytes())
    which = await taught.press(button(answer, "Who is it?"))
    assert words(which) == "Which face do you mean?"
    assert which.menu is not None
    store = taught.conversation.services.store
    remembered = await store.answer(taught.chat, answer.answer)
    assert len(which.menu.lines) == len(remembered.faces) > 4
    assert picture(which).shape[2] == 3
    stranger = next(
        number for number, face in enumerate(remembered.faces) if face.decision is Decision.UNKNOWN
    )
    who = await taught.press(which.menu, str(stranger))
    assert who.menu is not None
    form = await taught.press(who.menu, "type")
    assert form.form is not None
    await taught.submit(form.form, name="Somebody in the group")
    assert "Somebody in the group" in strong(await taught.answer(cast_pictures.group.read_bytes()))


async def test_others_words_wait_for_a_teacher(
    taught: Room, core: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = await mistaken(taught, core, cast_pictures)
    member = taught.by("5")
    answer = await member.answer(data)
    menu = await member.press(button(answer, "Wrong"))
    assert words(menu) == "Who is it?"
    name = f"{cast_pictures.cast[0].name} (Drawn)"
    said = await member.press(menu.menu.token if menu.menu else "", line_value(menu, name))
    assert "those who may teach" in words(said)
    assert strong(await taught.answer(data)) == ["Impostor"]
    refused = await member.command(CommandName.REVIEW)
    assert "Only those who may teach" in words(refused)

    review = await taught.command(CommandName.REVIEW)
    assert f"User 5 says: this is {cast_pictures.cast[0].name}, not Impostor." in words(review)
    assert len(review.files) == 1
    again = await member.press(button(review, "Accept"))
    assert "Only those who may teach" in words(again)
    accepted = await taught.press(button(review, "Accept"))
    assert "Learnt" in words(accepted)
    assert "That was the last one." in words(accepted)
    assert strong(await taught.answer(data)) == [name]
    settled = await taught.press(button(review, "Refuse"))
    assert "Somebody has decided this already" in words(settled)
    assert words(await taught.command(CommandName.REVIEW)) == "There is nothing to review."


async def test_a_refused_review_changes_nothing(
    taught: Room, core: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = await mistaken(taught, core, cast_pictures)
    for user in ("5", "6"):
        member = taught.by(user)
        menu = await member.press(button(await member.answer(data), "Wrong"))
        assert menu.menu is not None
        await member.press(menu.menu, "none")
    review = await taught.command(CommandName.REVIEW)
    assert "2 are waiting" in words(review)
    refused = await taught.press(button(review, "Refuse"))
    following = await taught.press(button(refused, "Next (of 1)"))
    assert "User 6 says: this is not Impostor." in words(following)
    assert following.replaces
    await taught.press(button(following, "Refuse"))
    assert strong(await taught.answer(data)) == ["Impostor"]


async def test_buttons_of_another_chat_do_nothing(taught: Room, cast_pictures: CastPictures) -> None:
    answer = await taught.answer(cast_pictures.new[0].read_bytes())
    other = replace(taught, chat=replace(taught.chat, space=f"{taught.chat.space}-other"))
    for token in [one.token for row in answer.buttons for one in row]:
        assert "too old or was used already" in words(await other.press(token))
    for forged in (
        "a:x:right",
        "a:",
        "q:",
        "q:nothing:1",
        "u:",
        "u:x",
        "u:1.2",
        "r:x:yes",
        "zz",
        "",
        "a:x:is:99",
    ):
        assert words(await other.press(forged))


async def test_a_face_of_a_deleted_picture_is_not_learnt(taught: Room, cast_pictures: CastPictures) -> None:
    answer = await taught.answer(cast_pictures.stranger_portrait.read_bytes())
    remembered = await taught.conversation.services.store.answer(taught.chat, answer.answer)
    taught.platform.delete(taught.chat, remembered.images[0])
    menu = await taught.press(button(answer, "Who is it?"))
    assert menu.menu is not None
    form = await taught.press(menu.menu, "type")
    assert form.form is not None
    assert "was deleted" in words(await taught.submit(form.form, name="Nobody"))


async def test_a_poor_face_is_no_sample(taught: Room, cast_pictures: CastPictures) -> None:
    from inference.images import decode, encode
    from inference.scaling import resized

    frame = decode(cast_pictures.stranger_portrait.read_bytes(), taught.conversation.services.options.images)
    small = resized(frame.frames[0], 56, 56)
    answer = await taught.answer(encode(small, format="png"))
    if not labels(answer):
        pytest.skip("so small a face is not even found")
    menu = await taught.press(button(answer, "Who is it?"))
    assert menu.menu is not None
    form = await taught.press(menu.menu, "type")
    assert form.form is not None
    assert "I cannot learn from this face" in words(await taught.submit(form.form, name="Tiny"))


async def test_why_shows_the_faces_that_a_name_rests_on(taught: Room, cast_pictures: CastPictures) -> None:
    answer = await taught.answer(cast_pictures.new[0].read_bytes())
    why = await taught.press(button(answer, "Why?"))
    name = f"{cast_pictures.cast[0].name} (Drawn)"
    assert words(why).startswith(f"I say {name} because this face is very much like")
    assert picture(why).shape[1] > 3 * 176
    assert words(await taught.command(CommandName.WHY)) == words(why)
    assert words(await taught.command(CommandName.WHY, reply_to=taught.message_of(answer))) == words(why)
    stranger = await taught.command(CommandName.WHY, cast_pictures.stranger_portrait.read_bytes())
    assert "not near enough" in words(stranger)
    nobody = replace(taught, chat=replace(taught.chat, space=f"{taught.chat.space}-new"))
    assert "no picture to look at" in words(await nobody.command(CommandName.WHY))
    said = await nobody.command(CommandName.WHY, cast_pictures.new[0].read_bytes())
    assert "Nobody is enrolled yet" in words(said)


async def test_buttons_and_questions_outlive_a_restart(
    taught: Room,
    core: LocalFaceService,
    cast_pictures: CastPictures,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    options = replace(taught.conversation.services.options, data_dir=tmp_path_factory.mktemp("restarted"))
    replies: list[Reply] = []
    async with open_conversation(options, core) as before:
        before.attach("discord", taught.platform)
        room = replace(taught, conversation=before)
        replies.append(await room.answer(cast_pictures.stranger_portrait.read_bytes()))
        replies.append(await room.command(CommandName.ENROLL, cast_pictures.new[3].read_bytes()))
    assert "restarted" in words(await room.command(CommandName.STATS))
    async with open_conversation(options, core) as after:
        after.attach("discord", taught.platform)
        room = replace(taught, conversation=after)
        assert replies[1].form is not None
        named = await room.submit(replies[1].form, name="After the restart")
        assert words(named) == "Now I know After the restart, from one picture."
        menu = await room.press(button(replies[0], "Who is it?"))
        assert menu.menu is not None
        again = await room.submit(replies[1].form, name="Twice")
        assert "used already" in words(again)


async def test_a_mistake_in_an_animation_does_not_come_back(
    taught: Room, core: LocalFaceService, cast_pictures: CastPictures
) -> None:
    await mistaken(taught, core, cast_pictures)
    data = animation(cast_pictures.new[3], 12)
    answer = await taught.answer(data)
    assert strong(answer) == ["Impostor"]
    menu = await taught.press(button(answer, "Who is it?"))
    assert menu.menu is not None
    form = await taught.press(menu.menu, "type")
    assert form.form is not None
    await taught.submit(form.form, name="Right One")
    assert strong(await taught.answer(data)) == ["Right One"]
