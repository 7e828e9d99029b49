from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from bot.chat import CommandName
from bot.conversation import Conversation, open_conversation
from config.options import ChatOptions, Options
from inference.domain import Scope
from inference.errors import DeadlineError, GalleryUnavailableError, OverloadedError
from inference.service import LocalFaceService
from tests.bot.conversing import Room, button, words
from tests.conftest import CastPictures

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Faulty:
    """The core, with a fault put into one of its methods."""

    def __init__(self, core: LocalFaceService) -> None:
        self._core = core
        self.faults: dict[str, Exception] = {}
        self.hold: asyncio.Event | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)

    async def identify(self, data: bytes, scopes: Sequence[Scope], **options: Any) -> Any:
        await self._trip("identify")
        return await self._core.identify(data, scopes, **options)

    async def correct(self, *arguments: Any) -> Any:
        await self._trip("correct")
        return await self._core.correct(*arguments)

    async def _trip(self, name: str) -> None:
        if self.hold is not None:
            await self.hold.wait()
        if name in self.faults:
            raise self.faults[name]


@pytest_asyncio.fixture(loop_scope="session")
async def faulty(
    core: LocalFaceService, room: Room, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Room, Faulty]]:
    options = Options(
        data_dir=tmp_path_factory.mktemp("faulty"),
        chats=ChatOptions(
            workers=2, max_waiting=3, max_waiting_per_space=2, user_burst=8, user_per_minute=0.6
        ),
    )
    service = Faulty(core)
    async with open_conversation(options, service) as conversation:  # type: ignore[arg-type]  # it stands in
        conversation.attach("discord", room.platform)
        yield replace(room, conversation=conversation), service


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OverloadedError(limit=3), "Too much is waiting already"),
        (DeadlineError(seconds=3), "took too long"),
        (GalleryUnavailableError(reason="secret path"), "I cannot reach my gallery"),
    ],
)
async def test_what_passes_is_said_without_details(
    faulty: tuple[Room, Faulty], cast_pictures: CastPictures, fault: Exception, said: str
) -> None:
    room, service = faulty
    service.faults["identify"] = fault
    reply = words(await room.answer(cast_pictures.new[0].read_bytes()))
    assert said in reply
    assert "secret" not in reply
    service.faults.clear()
    assert words(await room.answer(cast_pictures.new[0].read_bytes())) == "I do not know this face."


async def test_a_bug_is_logged_once_and_said_with_its_number(
    faulty: tuple[Room, Faulty], cast_pictures: CastPictures, caplog: pytest.LogCaptureFixture
) -> None:
    room, service = faulty
    service.faults["identify"] = RuntimeError("internal detail")
    with caplog.at_level(logging.ERROR):
        reply = words(await room.answer(cast_pictures.new[0].read_bytes()))
    assert reply.startswith("Something went wrong on my side.")
    assert "internal" not in reply
    assert [record.message for record in caplog.records] == ["post_failed"]
    assert caplog.records[0].exc_info


async def test_a_correction_that_failed_in_passing_can_be_tried_again(
    faulty: tuple[Room, Faulty], cast_pictures: CastPictures
) -> None:
    room, service = faulty
    answer = await room.answer(cast_pictures.new[0].read_bytes())
    menu = await room.press(button(answer, "Who is it?"))
    assert menu.menu is not None
    form = (await room.press(menu.menu, "type")).form
    assert form is not None
    service.faults["correct"] = DeadlineError(seconds=1)
    assert "took too long" in words(await room.submit(form, name="Eru"))
    service.faults.clear()
    assert "this is Eru" in words(await room.submit(form, name="Eru"))


async def test_a_review_whose_learning_failed_in_passing_stays_open(
    faulty: tuple[Room, Faulty], cast_pictures: CastPictures
) -> None:
    room, service = faulty
    member = room.by("5")
    answer = await member.answer(cast_pictures.new[0].read_bytes())
    menu = await member.press(button(answer, "Who is it?"))
    assert menu.menu is not None
    form = (await member.press(menu.menu, "type")).form
    assert form is not None
    await member.submit(form, name="Eru")
    review = await room.command(CommandName.REVIEW)
    service.faults["correct"] = DeadlineError(seconds=1)
    assert "took too long" in words(await room.press(button(review, "Accept")))
    service.faults.clear()
    assert "this is Eru" in words(await room.press(button(review, "Accept")))


async def test_who_asks_too_much_is_told_once(
    faulty: tuple[Room, Faulty], cast_pictures: CastPictures
) -> None:
    room, _ = faulty
    data = cast_pictures.empty.read_bytes()
    replies = [await room.post(data) for _ in range(12)]
    told = [words(reply) for reply in replies if reply is not None]
    assert sum("That was a lot at once" in one for one in told) == 1
    assert len(told) == 9
    assert "That was a lot at once" in words(await room.command(CommandName.STATS))
    assert await room.by("6").post(data) is not None


async def test_more_than_can_wait_is_refused_with_a_sentence(
    faulty: tuple[Room, Faulty], cast_pictures: CastPictures
) -> None:
    room, service = faulty
    service.hold = asyncio.Event()
    data = cast_pictures.new[0].read_bytes()
    posts = [asyncio.create_task(room.answer(data)) for _ in range(5)]
    await asyncio.sleep(0.3)
    done = [words(task.result()) for task in posts if task.done()]
    assert len(done) == 2
    assert all("Too much is waiting" in one for one in done)
    service.hold.set()
    assert sum("I do not know" in words(reply) for reply in await asyncio.gather(*posts)) == 3


async def test_closing_finishes_what_is_under_way_and_refuses_the_rest(
    faulty: tuple[Room, Faulty], cast_pictures: CastPictures
) -> None:
    room, service = faulty
    service.hold = asyncio.Event()
    data = cast_pictures.new[0].read_bytes()
    posts = [asyncio.create_task(room.elsewhere(channel).answer(data)) for channel in ("1", "2", "3")]
    await asyncio.sleep(0.3)
    closing = asyncio.create_task(room.conversation.close(10))
    await asyncio.sleep(0.05)
    assert "I am being restarted" in words(await room.command(CommandName.STATS))
    service.hold.set()
    said = [words(reply) for reply in await asyncio.gather(*posts)]
    await closing
    assert sum("I do not know" in one for one in said) == 2
    assert sum("I am being restarted" in one for one in said) == 1


async def test_what_is_not_done_in_time_when_closing_is_refused(
    faulty: tuple[Room, Faulty], cast_pictures: CastPictures
) -> None:
    room, service = faulty
    service.hold = asyncio.Event()
    post = asyncio.create_task(room.answer(cast_pictures.new[0].read_bytes()))
    await asyncio.sleep(0.2)
    await room.conversation.close(0.1)
    assert "I am being restarted" in words(await post)


async def test_a_platform_that_cannot_say_notices_does_no_harm(
    conversation: Conversation, taught: Room, cast_pictures: CastPictures, caplog: pytest.LogCaptureFixture
) -> None:
    await taught.command(CommandName.SETTINGS, log_channel="99")
    services = conversation.services
    await services.platforms.close()

    async def refuse(_: object) -> None:
        raise RuntimeError("broken")

    taught.platform.say = refuse  # type: ignore[method-assign]
    try:
        await taught.command(CommandName.RENAME, character=cast_pictures.cast[0].name, new_name="Neu")
        await services.platforms.close()
    finally:
        del taught.platform.say
    assert "announcement_failed" in caplog.text
