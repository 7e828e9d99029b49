"""Hostile names, captions and file names: no pings, no broken HTML, no file names of strangers."""

from __future__ import annotations

import re

import pytest

from bot.adapters.telegram import flood_control
from bot.chat import ChatRef
from bot.conversation import Conversation
from inference.domain import Scope
from inference.enroll import EnrollRequest
from inference.errors import AppError
from inference.service import LocalFaceService
from tests.adapters.telegram.connecting import connected
from tests.adapters.telegram.evening import Evening
from tests.bot.hostile_words import HOSTILE
from tests.conftest import CastPictures
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Message

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900), pytest.mark.slow]

_LIVELY = ("mention", "url", "email", "hashtag", "bot_command", "text_mention", "text_link")
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


def check(message: Message) -> None:
    """Nothing in it is marked by Telegram, and it is a few lines at most."""
    for kind in _LIVELY:
        if kind == "text_link" and message.text.startswith("✎"):
            continue  # the form's own
        assert message.body.marked(kind) == [], (kind, message.text)
    assert message.text.count("\n") <= 6, message.text
    assert not re.search("[\u0000-\u0009\u000b-\u001f\u202a-\u202e\u2066-\u2069]", message.text)
    for button in message.buttons:
        assert "\n" not in button["text"]


async def forget_all(core: LocalFaceService, scope: Scope) -> None:
    for character in await core.gallery.characters([scope]):
        await core.gallery.forget(scope, character.id, for_good=True)


async def test_hostile_words_do_nothing(
    telegram_server: TelegramServer,
    conversation: Conversation,
    core: LocalFaceService,
    cast_pictures: CastPictures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flood_control, "_SLACK", 0.02)
    server, limits = telegram_server, telegram_server.api.rate_limits
    limits.overall = limits.group = limits.chat = None
    evening = Evening(server, conversation, cast_pictures)
    data = cast_pictures.stranger_portrait.read_bytes()
    photo = evening.photo(data)
    chat = evening.private
    scope = conversation.services.store.scope(ChatRef("telegram", str(chat.id), str(chat.id), private=True))
    assert len(HOSTILE) >= 100
    named = 0
    async with connected(server, conversation):
        for name in HOSTILE:
            # As a name in the gallery, which imports and the command line put there without looking.
            try:
                await core.enroll(data, scope, EnrollRequest(name, series=name[:50]))
            except AppError:
                pass
            else:
                named += 1
            evening.member.first_name = name[:64] or "?"
            evening.member.username = None
            caption = name if not name.startswith("/") and name.strip() else "x"
            check(await evening.say(evening.member, caption, chat=chat, media=photo))
            await forget_all(core, scope)
            # As a name in chat, and as a file's.
            file = server.files.document(name + ".png", data, mime="image/png")
            check(await evening.say(evening.member, f"/enroll {name[:900]}", chat=chat, media=file))
            await forget_all(core, scope)
    assert named >= 60
    uploads = [upload.filename for record in server.api.requests for upload in record.uploads.values()]
    assert uploads
    assert all(_SAFE_NAME.fullmatch(one) for one in uploads), set(uploads)
