from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.chat import Actor, ChatRef
from bot.chat_store import ChatStore, open_chat_store
from bot.errors import (
    ChatStoreDamagedError,
    ChatStoreLockedError,
    NotYoursError,
    ReviewSettledError,
    TokenUnknownError,
)
from bot.remembered import (
    Answer,
    EventKind,
    Json,
    Question,
    RememberedFace,
    Review,
    ReviewState,
    Tally,
    Traces,
    new_token,
)
from bot.space_settings import Answering, SpaceSettings
from config.options import ChatOptions
from inference.domain import CharacterId, Decision, FaceBox, Scope
from inference.errors import OverloadedError, StoppedError
from tests.bot.chats import HandClock, make_actor, make_chat, make_group

CHAT = make_chat()
OPTIONS = ChatOptions(answers_days=30)
OpenStore = Callable[[], AbstractAsyncContextManager[ChatStore]]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def open_store(tmp_path: Path, clock: HandClock) -> OpenStore:
    return lambda: open_chat_store(tmp_path / "data" / "chats.sqlite", OPTIONS, clock=clock)


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[ChatStore]:
    async with open_store() as store:
        yield store


def make_answer(clock: HandClock, chat: ChatRef = CHAT) -> Answer:
    face = RememberedFace(
        image=1,
        frame=2,
        box=FaceBox(1.25, 2.5, 30.125, 1 / 3),
        decision=Decision.UNSURE,
        characters=(CharacterId("a1"), CharacterId("b2")),
    )
    return Answer(new_token(), chat, "7", ("ref\n1", 'ref"2'), (face, replace(face, image=0)), clock.now)


def make_question(
    clock: HandClock, chat: ChatRef = CHAT, *, asked: str = "", minutes: float = 60
) -> Question:
    data: dict[str, Json] = {"name": "千反田える", "faces": [1, 2.5, None, True], "deep": {"er": []}}
    return Question(new_token(), chat, "enroll", data, clock.now + timedelta(minutes=minutes), asked)


def make_review(clock: HandClock, chat: ChatRef = CHAT, *, user: str = "7", right: str = "Eru") -> Review:
    proposer = Actor(user, "Oreki\u202e", language="ja")
    return Review(
        new_token(), chat, "ref", 0, FaceBox(1, 2, 3, 4), proposer, clock.now, right, CharacterId("a1")
    )


# ── spaces ──────────────────────────────────────────────────────────────────────────────────────


async def test_settings_are_the_operators_until_somebody_sets_them_and_survive_a_restart(
    open_store: OpenStore,
) -> None:
    chosen = SpaceSettings(
        answering=Answering.LISTED, channels=("1", "2"), language="ja", false_name_rate=0.05, galleries=("x",)
    )
    async with open_store() as store:
        assert store.settings(CHAT) == SpaceSettings(answering=Answering.OFF)
        assert not store.is_set_up(CHAT)
        await store.set_settings(CHAT, chosen)
        assert store.settings(make_chat(channel="99")) == chosen  # of the space, not of the channel
        assert store.settings(make_chat("101")) != chosen
        assert store.settings(make_chat(platform="telegram")) != chosen
    async with open_store() as store:
        assert store.settings(CHAT) == chosen
        assert store.is_set_up(CHAT)
        assert store.scope(CHAT) == "discord:100"


async def test_a_space_is_introduced_once_ever_and_that_sets_nothing(open_store: OpenStore) -> None:
    async with open_store() as store:
        assert await store.introduce(CHAT)
        assert not await store.introduce(make_chat(channel="2"))
        assert await store.introduce(make_chat("101"))
    async with open_store() as store:
        assert not await store.introduce(CHAT)
        assert not store.is_set_up(CHAT)


async def test_a_space_that_was_set_up_before_it_was_introduced_is_introduced_still(store: ChatStore) -> None:
    await store.set_settings(CHAT, SpaceSettings(language="zh"))
    assert await store.introduce(CHAT)
    assert store.settings(CHAT).language == "zh"


async def test_everything_moves_with_a_space_and_moving_twice_is_as_good_as_once(
    open_store: OpenStore, clock: HandClock
) -> None:
    old, new = make_group("-5"), make_group("-1005")
    answer, question, review = make_answer(clock, old), make_question(clock, old), make_review(clock, old)
    async with open_store() as store:
        await store.set_settings(
            old, SpaceSettings(answering=Answering.LISTED, channels=("-5", "3"), log_channel="-5")
        )
        await store.introduce(old)
        await store.remember(answer)
        await store.sent(old, answer.id, "12")
        await store.ask(question)
        await store.propose(review)
        await store.claim(old, EventKind.POST, "12")
        await store.finish(old, EventKind.POST, "12")
        await store.count(old, posts=2)
        await store.count(new, posts=1, faces=4)
        for _ in range(2):
            await store.move_space(old, new)
            assert await store.answer(new, answer.id) == replace(answer, chat=new)
            assert dict((await store.tally(new)).counts) == {"posts": 3, "faces": 4}
        assert store.scope(new) == store.scope(old) == "telegram:-5"
        assert store.settings(new) == SpaceSettings(
            answering=Answering.LISTED, channels=("-1005", "3"), log_channel="-1005"
        )
        assert not await store.introduce(new)
        assert (await store.question(new, question.token, user="")).chat == new
        assert await store.review(new, review.id)
        with pytest.raises(TokenUnknownError):
            await store.answer(old, answer.id)
        # Messages are numbered anew: message 12 of the new group is another one.
        assert await store.answer_in(new, "12") is None
        assert await store.claim(new, EventKind.POST, "12")
    async with open_store() as store:
        assert store.scope(new) == "telegram:-5"


async def test_a_space_that_moves_on_and_on_keeps_its_first_gallery(store: ChatStore) -> None:
    first, second, third = make_group("-1"), make_group("-2"), make_group("-3")
    await store.move_space(first, second)
    await store.move_space(second, third)
    await store.move_space(second, third)
    assert store.scope(third) == "telegram:-1"


async def test_what_the_new_place_was_set_to_stays_when_a_space_moves_there(store: ChatStore) -> None:
    old, new = make_group("-1"), make_group("-2")
    await store.set_settings(old, SpaceSettings(language="ja"))
    await store.set_settings(new, SpaceSettings(language="zh"))
    await store.move_space(old, new)
    assert store.settings(new).language == "zh"


# ── what arrives twice ──────────────────────────────────────────────────────────────────────────


async def test_what_arrives_many_times_at_once_is_claimed_once(store: ChatStore) -> None:
    claims = await asyncio.gather(*(store.claim(CHAT, EventKind.POST, "5") for _ in range(50)))
    assert claims.count(True) == 1


async def test_the_same_number_elsewhere_or_of_another_kind_is_something_else(store: ChatStore) -> None:
    places = [
        (CHAT, EventKind.POST),
        (CHAT, EventKind.PRESS),
        (make_chat(channel="2"), EventKind.POST),
        (make_chat("101"), EventKind.POST),
        (make_chat(platform="telegram"), EventKind.POST),
    ]
    assert [await store.claim(chat, kind, "5") for chat, kind in places] == [True] * 5


async def test_what_has_no_number_is_always_the_first(store: ChatStore) -> None:
    assert await store.claim(CHAT, EventKind.COMMAND, "")
    assert await store.claim(CHAT, EventKind.COMMAND, "")


async def test_after_a_restart_what_was_finished_stays_done_and_what_was_not_is_done_again(
    open_store: OpenStore,
) -> None:
    async with open_store() as store:
        for number in ("finished", "unfinished", "released"):
            assert await store.claim(CHAT, EventKind.POST, number)
        await store.finish(CHAT, EventKind.POST, "finished")
        await store.release(CHAT, EventKind.POST, "released")
        await store.release(CHAT, EventKind.POST, "finished")
        assert not await store.claim(CHAT, EventKind.POST, "finished")
        assert await store.claim(CHAT, EventKind.POST, "released")
    async with open_store() as store:
        assert not await store.claim(CHAT, EventKind.POST, "finished")
        assert await store.claim(CHAT, EventKind.POST, "unfinished")
        assert not await store.claim(CHAT, EventKind.POST, "unfinished")


# ── answers ─────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_comes_back_as_it_was_also_after_a_restart(
    open_store: OpenStore, clock: HandClock
) -> None:
    answer = make_answer(clock, make_chat(topic="t", private=True))
    async with open_store() as store:
        await store.remember(answer)
        assert await store.answer(CHAT, answer.id) == answer
        assert await store.answer_in(CHAT, "") is None
        await store.sent(CHAT, answer.id, "900")
        await store.sent(CHAT, new_token(), "901")
    async with open_store() as store:
        assert await store.answer_in(CHAT, "900") == replace(answer, message="900")
        assert await store.answer_in(CHAT, "901") is None
        await store.forget_answer(CHAT, answer.id)
        with pytest.raises(TokenUnknownError):
            await store.answer(CHAT, answer.id)


async def test_nobody_reaches_what_belongs_to_another_space(store: ChatStore, clock: HandClock) -> None:
    answer, question, review = make_answer(clock), make_question(clock), make_review(clock)
    await store.remember(answer)
    await store.sent(CHAT, answer.id, "900")
    await store.ask(question)
    await store.propose(review)
    for stranger in (make_chat("101"), make_chat(platform="telegram")):
        for attempt in (
            store.answer(stranger, answer.id),
            store.take_question(stranger, question.token, user="7"),
            store.review(stranger, review.id),
            store.settle(stranger, review.id, ReviewState.ACCEPTED, by="7"),
        ):
            with pytest.raises(TokenUnknownError):
                await attempt
        assert await store.answer_in(stranger, "900") is None
        assert await store.reviews(stranger) == ()
        await store.forget_answer(stranger, answer.id)
        await store.sent(stranger, answer.id, "1")
    assert (await store.answer(CHAT, answer.id)).message == "900"


async def test_answers_and_questions_are_over_when_their_time_is_and_then_wiped(
    store: ChatStore, clock: HandClock, tmp_path: Path
) -> None:
    answer, question = make_answer(clock), make_question(clock, minutes=60)
    decided, waiting = make_review(clock), make_review(clock, user="8")
    await store.remember(answer)
    await store.ask(question)
    await store.propose(decided)
    await store.propose(waiting)
    await store.settle(CHAT, decided.id, ReviewState.REFUSED, by="1")
    await store.claim(CHAT, EventKind.POST, "5")
    await store.finish(CHAT, EventKind.POST, "5")
    clock.forward(minutes=59)
    assert await store.question(CHAT, question.token, user="7") == question
    clock.forward(minutes=2)
    with pytest.raises(TokenUnknownError):
        await store.question(CHAT, question.token, user="7")
    clock.forward(days=29)
    await store.prune()
    assert await store.answer(CHAT, answer.id)
    assert await store.claim(CHAT, EventKind.POST, "5")  # so late nothing is delivered again
    clock.forward(days=1)
    with pytest.raises(TokenUnknownError):
        await store.answer(CHAT, answer.id)
    await store.prune()
    with closing(sqlite3.connect(tmp_path / "data" / "chats.sqlite")) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("answers", "questions", "reviews")
        ]
    assert counts == [0, 0, 1]  # what no teacher has seen waits for one
    assert await store.reviews(CHAT) == (waiting,)


# ── questions ───────────────────────────────────────────────────────────────────────────────────


async def test_a_question_may_be_looked_at_often_but_is_taken_once(
    store: ChatStore, clock: HandClock
) -> None:
    question = make_question(clock)
    await store.ask(question)
    for _ in range(2):
        assert await store.question(CHAT, question.token, user="7") == question
    taken = await asyncio.gather(
        *(store.take_question(CHAT, question.token, user="7") for _ in range(20)), return_exceptions=True
    )
    assert taken.count(question) == 1
    assert sum(isinstance(result, TokenUnknownError) for result in taken) == 19


async def test_only_the_one_who_was_asked_may_answer(store: ChatStore, clock: HandClock) -> None:
    question = make_question(clock, asked="7")
    await store.ask(question)
    for stranger in ("8", ""):
        with pytest.raises(NotYoursError):
            await store.take_question(CHAT, question.token, user=stranger)
    assert await store.take_question(CHAT, question.token, user="7") == question


# ── reviews ─────────────────────────────────────────────────────────────────────────────────────


async def test_reviews_wait_in_order_and_one_teacher_decides_each(store: ChatStore, clock: HandClock) -> None:
    reviews = [make_review(clock, user=str(number)) for number in range(5)]
    for review in reviews:
        assert await store.propose(review)
    assert await store.reviews(CHAT, offset=1, limit=2) == tuple(reviews[1:3])
    settled = await store.settle(CHAT, reviews[1].id, ReviewState.ACCEPTED, by="99")
    assert settled == replace(reviews[1], state=ReviewState.ACCEPTED, settled_by="99")
    with pytest.raises(ReviewSettledError):
        await store.settle(CHAT, reviews[1].id, ReviewState.REFUSED, by="98")
    with pytest.raises(ReviewSettledError):
        await store.settle(CHAT, reviews[2].id, ReviewState.OPEN, by="98")
    assert await store.count_reviews(CHAT) == 4
    assert await store.settle(CHAT, reviews[1].id, ReviewState.OPEN, by="99") == reviews[1]
    assert await store.reviews(CHAT) == tuple(reviews)


async def test_the_same_remark_of_the_same_user_waits_once(store: ChatStore, clock: HandClock) -> None:
    first = make_review(clock)
    assert await store.propose(first)
    assert not await store.propose(make_review(clock))
    assert await store.propose(make_review(clock, right="Mayaka"))
    assert await store.propose(make_review(clock, user="8"))
    assert await store.propose(replace(make_review(clock), wrong=None))
    assert not await store.propose(replace(make_review(clock), wrong=None))
    assert await store.propose(make_review(clock, make_chat("101")))
    await store.settle(CHAT, first.id, ReviewState.REFUSED, by="1")
    assert await store.propose(make_review(clock))


async def test_of_who_proposes_only_id_name_and_language_are_kept(store: ChatStore, clock: HandClock) -> None:
    proposer = make_actor(manages=True, roles=frozenset({"5"}), language="ja")
    review = replace(make_review(clock), proposer=proposer)
    await store.propose(review)
    assert (await store.review(CHAT, review.id)).proposer == Actor("7", "user 7", language="ja")


async def test_more_reviews_than_anybody_will_read_are_refused(
    store: ChatStore, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.answer_rows.MAX_OPEN_REVIEWS", 3)
    for number in range(3):
        await store.propose(make_review(clock, user=str(number)))
    with pytest.raises(OverloadedError):
        await store.propose(make_review(clock, user="4"))
    assert await store.propose(make_review(clock, make_chat("101")))


# ── figures ─────────────────────────────────────────────────────────────────────────────────────


async def test_tallies_add_up_by_space_and_in_all(store: ChatStore, clock: HandClock) -> None:
    assert (await store.tally(CHAT)).since is None
    began = clock.now
    await store.count(CHAT, posts=1, faces=3)
    clock.forward(days=1)
    await store.count(CHAT, posts=1)
    await store.count(make_chat("101"), posts=5)
    assert await store.tally(CHAT) == Tally(since=began, counts={"posts": 2, "faces": 3})
    assert (await store.tally()).counts == {"posts": 7, "faces": 3}


async def test_tallies_are_kept_by_day_too_for_two_years(store: ChatStore, clock: HandClock) -> None:
    assert await store.daily(CHAT) == {}
    first = clock.now.date()
    await store.count(CHAT, posts=1, faces=3)
    clock.forward(days=1)
    await store.count(CHAT, posts=1)
    await store.count(CHAT, posts=2)
    await store.count(make_chat("101"), posts=5)
    assert await store.daily(CHAT) == {
        first: {"faces": 3, "posts": 1},
        first + timedelta(days=1): {"posts": 3},
    }
    assert (await store.daily())[first + timedelta(days=1)] == {"posts": 8}
    clock.forward(days=731)
    await store.prune()
    assert list(await store.daily(CHAT)) == [first + timedelta(days=1)]


async def test_days_move_with_their_space(store: ChatStore, clock: HandClock) -> None:
    old, new = make_group("-5"), make_group("-1005")
    await store.count(old, posts=2)
    await store.count(new, posts=1)
    for _ in range(2):
        await store.move_space(old, new)
        assert await store.daily(new) == {clock.now.date(): {"posts": 3}}
    assert await store.daily(old) == {}


# ── what needs no attention ─────────────────────────────────────────────────────────────────────


async def test_what_was_dismissed_stays_so_in_its_gallery_until_it_is_restored(open_store: OpenStore) -> None:
    here, there = Scope("here"), Scope("there")
    async with open_store() as store:
        for _ in range(2):
            await store.dismiss(here, "duplicate:a:b")
        await store.dismiss(here, "sample:c")
        assert await store.dismissed(there) == frozenset()
    async with open_store() as store:
        assert await store.dismissed(here) == {"duplicate:a:b", "sample:c"}
        await store.restore(here, "duplicate:a:b")
        await store.restore(there, "sample:c")
        assert await store.dismissed(here) == {"sample:c"}


# ── the file ────────────────────────────────────────────────────────────────────────────────────


async def test_a_second_process_is_refused_while_the_first_has_the_file(open_store: OpenStore) -> None:
    async with open_store():
        with pytest.raises(ChatStoreLockedError):
            async with open_store():
                pass
    async with open_store():
        pass


@pytest.mark.parametrize("content", [b"not a database at all" * 100, None])
async def test_a_file_of_something_else_is_refused_and_left_alone(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "chats.sqlite"
    if content is None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE mine(x)")
            connection.commit()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(ChatStoreDamagedError):
        async with open_chat_store(path, OPTIONS):
            pass
    assert path.read_bytes() == before


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chats.sqlite"
    async with open_chat_store(path, OPTIONS):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ChatStoreDamagedError, match="newer"):
        async with open_chat_store(path, OPTIONS):
            pass


async def test_a_closed_store_says_so(open_store: OpenStore) -> None:
    async with open_store() as store:
        pass
    with pytest.raises(StoppedError):
        await store.introduce(CHAT)


async def test_a_change_whose_caller_gave_up_is_made_whole(store: ChatStore) -> None:
    saving = asyncio.create_task(store.set_settings(CHAT, SpaceSettings(language="ja")))
    await asyncio.sleep(0)
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    await store.tally()  # queues up behind it
    assert store.settings(CHAT).language == "ja"


async def test_what_was_forgotten_is_not_left_in_the_file(
    open_store: OpenStore, clock: HandClock, tmp_path: Path
) -> None:
    answer = replace(make_answer(clock), images=("reference-to-a-private-picture",))
    async with open_store() as store:
        await store.remember(answer)
    async with open_store() as store:
        await store.forget_answer(CHAT, answer.id)
    for path in (tmp_path / "data").iterdir():
        assert b"reference-to-a-private-picture" not in path.read_bytes()


def test_tokens_are_22_url_safe_characters_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert {len(token) for token in tokens} == {22}
    assert all(token.replace("-", "").replace("_", "").isalnum() and token.isascii() for token in tokens)


# ── one user ────────────────────────────────────────────────────────────────────────────────────


async def test_what_names_a_user_is_counted_and_wiped_where_it_is_asked_for(
    store: ChatStore, clock: HandClock, tmp_path: Path
) -> None:
    here, there, elsewhere = CHAT, make_chat("101"), make_group("100")
    for chat in (here, here, there, elsewhere):
        await store.remember(make_answer(clock, chat))
        await store.ask(make_question(clock, chat, asked="7"))
    await store.ask(make_question(clock, here))  # to anybody
    await store.propose(make_review(clock, here, user="8037"))
    kept = make_review(clock, here, user="8")
    await store.propose(kept)
    await store.settle(here, kept.id, ReviewState.ACCEPTED, by="8037")

    assert await store.traces("discord", "7", "100") == Traces(answers=2, questions=2, reviews=0)
    assert await store.traces("discord", "7") == Traces(answers=3, questions=3, reviews=0)
    assert await store.traces("discord", "70") == Traces(answers=0, questions=0, reviews=0)
    assert await store.traces("discord", "8037") == Traces(answers=0, questions=0, reviews=1)

    assert await store.forget_traces("discord", "7", "100") == Traces(answers=2, questions=2, reviews=0)
    assert await store.traces("discord", "7") == Traces(answers=1, questions=1, reviews=0)
    assert await store.forget_traces("discord", "7") == Traces(answers=1, questions=1, reviews=0)
    assert await store.traces("telegram", "7") == Traces(answers=1, questions=1, reviews=0)

    assert (await store.review(here, kept.id)).settled_by == "8037"
    await store.forget_traces("discord", "8037")
    assert (await store.review(here, kept.id)).settled_by == ""
    assert await store.reviews(here) == ()
    assert b"8037" not in b"".join(file.read_bytes() for file in (tmp_path / "data").glob("chats.sqlite*"))


async def test_a_user_who_is_forgotten_everywhere_has_a_private_chat_as_on_the_first_day(
    store: ChatStore,
) -> None:
    private = make_chat("7", private=True)
    for chat in (private, CHAT):
        await store.set_settings(chat, SpaceSettings(language="zh"))
        await store.introduce(chat)
        await store.count(chat, posts=1)
    await store.forget_traces("discord", "7", "100")
    assert store.is_set_up(private)
    await store.forget_traces("discord", "7")
    assert not store.is_set_up(private)
    assert await store.introduce(private)
    assert await store.tally(private) == Tally(None)
    assert store.is_set_up(CHAT)
    assert not await store.introduce(CHAT)
