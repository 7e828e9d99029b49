from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from bot.chat import ChatRef
from bot.fair_queue import FairQueue
from inference.errors import OverloadedError, StoppedError
from tests.bot.chats import make_chat

A, B, C = make_chat("a"), make_chat("b"), make_chat("c")


def make_queue(*, workers: int = 1, max_waiting: int = 100, per_space: int = 50) -> FairQueue:
    return FairQueue(workers=workers, max_waiting=max_waiting, max_waiting_per_space=per_space)


class Work:
    """Takes turns and notes who had one when; a turn ends when it is let go."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue = queue
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    async def start(self, chat: ChatRef, name: str) -> asyncio.Task[None]:
        self._ends[name] = asyncio.Event()
        task = asyncio.create_task(self._take(chat, name), name=name)
        await settled()
        return task

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await settled()

    async def _take(self, chat: ChatRef, name: str) -> None:
        async with self.queue.turn(chat):
            self.begun.append(name)
            await self._ends[name].wait()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_spaces_take_turns_however_much_one_of_them_asks() -> None:
    work = Work(make_queue())
    tasks = [await work.start(make_chat("a", str(number)), f"a{number}") for number in range(4)]
    tasks += [await work.start(B, "b0"), await work.start(C, "c0"), await work.start(B, "b1")]
    for _ in range(7):
        await work.end(work.begun[-1])
    assert work.begun == ["a0", "a1", "b0", "c0", "a2", "b1", "a3"]
    await asyncio.gather(*tasks)
    assert (work.queue.working, work.queue.waiting) == (0, 0)


async def test_within_a_channel_one_works_at_a_time_in_order_and_topics_are_apart() -> None:
    work = Work(make_queue(workers=10))
    tasks = [await work.start(A, f"a{number}") for number in range(3)]
    tasks += [await work.start(make_chat("a", topic="t"), "topic"), await work.start(B, "b0")]
    assert work.begun == ["a0", "topic", "b0"]
    await work.end("a0")
    assert work.begun[-1] == "a1"
    for name in ("a1", "a2", "topic", "b0"):
        await work.end(name)
    assert work.begun[-1] == "a2"
    await asyncio.gather(*tasks)


async def test_no_more_than_the_workers_work_at_a_time() -> None:
    work = Work(make_queue(workers=2))
    tasks = [await work.start(make_chat(name), name) for name in "abc"]
    assert work.begun == ["a", "b"]
    assert (work.queue.working, work.queue.waiting) == (2, 1)
    for name in "abc":
        await work.end(name)
    await asyncio.gather(*tasks)


async def test_a_full_space_is_refused_while_others_are_not_and_a_full_queue_refuses_all() -> None:
    work = Work(make_queue(max_waiting=3, per_space=2))
    tasks = [await work.start(A, name) for name in ("a0", "a1", "a2")]
    with pytest.raises(OverloadedError) as caught:
        await (await work.start(A, "a3"))
    assert caught.value.data["limit"] == 2
    tasks.append(await work.start(B, "b0"))
    with pytest.raises(OverloadedError) as caught:
        await (await work.start(C, "c0"))
    assert caught.value.data["limit"] == 3
    for name in ("a0", "b0", "a1", "a2"):
        await work.end(name)
    await asyncio.gather(*tasks)
    assert set(work.begun) == {"a0", "a1", "a2", "b0"}


async def test_who_gives_up_waiting_leaves_no_trace() -> None:
    work = Work(make_queue())
    first, second, third = [await work.start(A, name) for name in ("a0", "a1", "a2")]
    second.cancel()
    await settled()
    assert work.queue.waiting == 1
    await work.end("a0")
    await work.end("a2")
    await asyncio.gather(first, third)
    assert work.begun == ["a0", "a2"]


async def test_who_gives_up_just_when_the_turn_comes_hands_it_on() -> None:
    work = Work(make_queue())
    ends = asyncio.Event()

    async def hand_over_and_cancel() -> None:
        async with work.queue.turn(A):
            await ends.wait()
        second.cancel()  # it has its turn by now, but does not know

    first = asyncio.create_task(hand_over_and_cancel())
    await settled()
    second, third = [await work.start(A, name) for name in ("a1", "a2")]
    ends.set()
    await settled()
    await work.end("a2")
    await asyncio.gather(first, third)
    assert second.cancelled()
    assert work.begun == ["a2"]
    assert work.queue.working == 0


async def test_work_that_fails_gives_its_turn_back() -> None:
    queue = make_queue()
    with pytest.raises(ZeroDivisionError):
        async with queue.turn(A):
            raise ZeroDivisionError
    async with queue.turn(A):
        assert queue.working == 1


async def test_closing_refuses_who_waits_and_lets_work_finish() -> None:
    work = Work(make_queue())
    first, second = [await work.start(A, name) for name in ("a0", "a1")]
    closing = asyncio.create_task(work.queue.close(60))
    await settled()
    with pytest.raises(StoppedError):
        await second
    with pytest.raises(StoppedError):
        async with work.queue.turn(B):
            pass
    assert not closing.done()
    await work.end("a0")
    await first
    await closing


async def test_work_that_takes_too_long_is_stopped_and_says_so() -> None:
    work = Work(make_queue(workers=2))
    tasks = [await work.start(A, "a0"), await work.start(B, "b0")]
    await work.queue.close(0.01)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [StoppedError, StoppedError]
    assert not any(task.cancelled() for task in tasks)
    assert work.queue.working == 0


async def test_a_caller_that_is_cancelled_is_cancelled_also_while_closing() -> None:
    work = Work(make_queue())
    task = await work.start(A, "a0")
    closing = asyncio.create_task(work.queue.close(60))
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await closing


async def test_closing_an_idle_queue_takes_no_time() -> None:
    queue = make_queue()
    async with queue.turn(A):
        pass
    await asyncio.wait_for(queue.close(60), 1)


@pytest.mark.parametrize("seed", range(5))
async def test_under_load_everybody_gets_one_turn_in_the_order_of_their_channel(seed: int) -> None:
    chance = random.Random(seed)
    queue = make_queue(workers=4, max_waiting=10_000, per_space=10_000)
    chats = [make_chat(str(space), str(channel)) for space in range(5) for channel in range(3)]
    begun: dict[ChatRef, list[int]] = {chat: [] for chat in chats}
    asked: dict[ChatRef, list[int]] = {chat: [] for chat in chats}

    async def work(chat: ChatRef, number: int, pauses: Sequence[None]) -> None:
        async with queue.turn(chat):
            assert queue.working <= 4
            begun[chat].append(number)
            for _ in pauses:
                await asyncio.sleep(0)

    tasks = []
    for number in range(600):
        chat = chance.choice(chats)
        tasks.append(asyncio.create_task(work(chat, number, [None] * chance.randrange(4))))
        asked[chat].append(number)
        if chance.random() < 0.2:
            await asyncio.sleep(0)
        if chance.random() < 0.1:
            tasks[chance.randrange(len(tasks))].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
    done = {number for number, result in enumerate(results) if result is None}
    for chat in chats:
        assert begun[chat] == sorted(begun[chat])
        assert done.intersection(asked[chat]) <= set(begun[chat])
        assert len(begun[chat]) == len(set(begun[chat]))
    assert (queue.working, queue.waiting) == (0, 0)
