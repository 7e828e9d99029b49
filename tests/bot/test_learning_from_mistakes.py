"""Mistakes that were corrected once do not come back on the same picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from bot.chat import CommandName, Reply
from bot.remembered import Answer
from inference.domain import Decision
from inference.drawing import draw_cast, draw_portrait
from inference.enroll import EnrollRequest
from inference.errors import SampleExistsError
from inference.images import encode
from inference.service import LocalFaceService
from tests.bot.conversing import Room, button, labels

pytestmark = pytest.mark.asyncio(loop_scope="session")
_WANTED = 50


@dataclass(frozen=True, slots=True)
class Posted:
    name: str
    data: bytes


async def said_of(room: Room, reply: Reply) -> tuple[str, Answer] | None:
    """Whom the one face of an answer was named as ("" for nobody), and the answer."""
    if not reply.answer:
        return None
    services = room.conversation.services
    answer = await services.store.answer(room.chat, reply.answer)
    if len(answer.faces) != 1:
        return None
    (face,) = answer.faces
    if face.decision is not Decision.KNOWN:
        return "", answer
    scopes = services.asker(room.chat, room.actor).scopes
    return (await services.gallery.character(scopes, face.characters[0])).name, answer


async def correct(room: Room, reply: Reply, name: str) -> None:
    """As a teacher does: Wrong where somebody was named, then the name out of the menu or typed."""
    asked = await room.press(button(reply, "Wrong" if "Wrong" in labels(reply) else "Who is it?"))
    assert asked.menu is not None, asked
    known = {line.label: line.value for line in asked.menu.lines}
    if name in known:
        done = await room.press(asked.menu, known[name])
    else:
        form = (await room.press(asked.menu, "type")).form
        assert form is not None
        done = await room.submit(form, name=name)
    assert not done.private, done


@pytest.mark.slow
async def test_fifty_corrected_mistakes_stay_corrected(room: Room, core: LocalFaceService) -> None:
    services = room.conversation.services
    scope = services.store.scope(room.chat)
    # Many strangers may be named, and some of the cast are enrolled under a wrong name: plenty of mistakes.
    await services.store.set_settings(
        room.chat, replace(services.store.settings(room.chat), false_name_rate=0.2)
    )
    await room.command(CommandName.SETTINGS, channel=room.chat.channel)
    cast = draw_cast(60, seed=41)
    for number, character in enumerate(cast[:40]):
        called = cast[(number + 1) % 40].name if number % 2 else character.name
        data = encode(draw_portrait(character, seed=1).image, format="png")
        try:
            await core.enroll(data, scope, EnrollRequest(called))
        except SampleExistsError:
            continue
    mistakes: list[Posted] = []
    named = 0
    for seed in range(2, 6):
        for character in cast:
            if len(mistakes) == _WANTED:
                break
            posted = Posted(character.name, encode(draw_portrait(character, seed=seed).image, format="png"))
            reply = await room.answer(posted.data)
            said = await said_of(room, reply)
            if said is not None and said[0] != posted.name:
                named += said[0] != ""
                await correct(room, reply, posted.name)
                mistakes.append(posted)
    assert len(mistakes) == _WANTED
    assert named >= 15
    repeated = []
    for posted in mistakes:
        said = await said_of(room, await room.answer(posted.data))
        assert said is not None
        if said[0] != posted.name:
            repeated.append((posted.name, said[0]))
    assert repeated == []
