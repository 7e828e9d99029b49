"""Mistakes that were corrected once, by buttons and typed names, do not come back on the same picture."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.adapters.telegram import flood_control
from bot.chat import ChatRef
from bot.conversation import Conversation
from inference.domain import Decision
from inference.drawing import draw_cast, draw_portrait
from inference.enroll import EnrollRequest
from inference.errors import SampleExistsError
from inference.images import encode
from inference.service import LocalFaceService
from tests.adapters.telegram.connecting import connected
from tests.adapters.telegram.evening import Evening, labels
from tests.conftest import CastPictures
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Media, Message

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900), pytest.mark.slow]
_WANTED = 50


async def test_fifty_corrected_mistakes_stay_corrected(
    telegram_server: TelegramServer,
    conversation: Conversation,
    core: LocalFaceService,
    cast_pictures: CastPictures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flood_control, "_SLACK", 0.02)
    limits = telegram_server.api.rate_limits
    limits.overall = limits.group = limits.chat = None
    evening = Evening(telegram_server, conversation, cast_pictures)
    chat, member = evening.private, evening.member
    ref = ChatRef("telegram", str(chat.id), str(chat.id), private=True)
    store = conversation.services.store
    # Many strangers may be named, and some of the cast are enrolled under a wrong name: plenty of mistakes.
    await store.set_settings(ref, replace(store.settings(ref), false_name_rate=0.2))
    cast = draw_cast(60, seed=41)
    for number, character in enumerate(cast[:40]):
        called = cast[(number + 1) % 40].name if number % 2 else character.name
        data = encode(draw_portrait(character, seed=1).image, format="png")
        try:
            await core.enroll(data, store.scope(ref), EnrollRequest(called))
        except SampleExistsError:
            continue

    async def named(answer: Message) -> str | None:
        """Whom the one face of the answer is said to be; empty for nobody, None for several faces."""
        remembered = await store.answer_in(ref, str(answer.id))
        while answer.buttons and remembered is None:  # it is noted a moment after it was sent
            await asyncio.sleep(0.01)
            remembered = await store.answer_in(ref, str(answer.id))
        if remembered is None or len(remembered.faces) != 1:
            return None
        (face,) = remembered.faces
        if face.decision is not Decision.KNOWN:
            return ""
        return (await conversation.services.gallery.character([store.scope(ref)], face.characters[0])).name

    mistakes: list[tuple[str, Media]] = []
    wrong = 0
    async with connected(telegram_server, conversation):
        for seed in range(2, 6):
            for character in cast:
                if len(mistakes) == _WANTED:
                    break
                media = evening.photo(encode(draw_portrait(character, seed=seed).image, format="png"))
                answer = await evening.say(member, chat=chat, media=media)
                said = await named(answer)
                if said is None or said == character.name:
                    continue
                wrong += said != ""
                mistakes.append((character.name, media))
                await correct(evening, answer, character.name)
        assert len(mistakes) == _WANTED
        assert wrong >= 15
        repeated = []
        for name, media in mistakes:
            said = await named(await evening.say(member, chat=chat, media=media))
            if said != name:
                repeated.append((name, said))
    assert repeated == []


async def correct(evening: Evening, answer: Message, name: str) -> None:
    """As a teacher does: "Wrong" where somebody was named, then the name from the menu or typed."""
    member = evening.member
    menu = await evening.under(member, answer, "Wrong" if "Wrong" in labels(answer) else "Who is it?")
    if name in labels(menu):
        await evening.instead(member, menu, name)
    else:
        form = await evening.under(member, menu, "Somebody else …")
        await evening.say(member, name, chat=evening.private, reply_to=form)
