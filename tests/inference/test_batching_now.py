"""`MicroBatcher.run_now`: a batch in the caller's own thread, where the model has nothing else to do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference.batch_figures import BatchReport
from inference.batching import MicroBatcher
from inference.errors import StoppedError
from tests.inference.doubler import BadItemError, Doubler, make_batcher, model_threads, outcomes, submitted


@pytest.fixture(autouse=True)
def no_model_thread_is_left() -> Iterator[None]:
    yield
    assert model_threads() == []


async def run_when_idle(batcher: MicroBatcher[int, int], numbers: Sequence[int]) -> Sequence[int]:
    """`run_now()` after a batch in turn, which is answered before it has quite ended."""
    while (found := await asyncio.to_thread(batcher.run_now, numbers)) is None:
        await asyncio.sleep(0)
    return found


async def test_an_idle_model_runs_in_the_calling_thread() -> None:
    threads: list[int] = []
    reports: list[BatchReport] = []

    def double(numbers: Sequence[int]) -> list[int]:
        threads.append(threading.get_ident())
        return [2 * number for number in numbers]

    def ask() -> tuple[Sequence[int] | None, int]:
        return batcher.run_now([1, 2, 3]), threading.get_ident()

    async with make_batcher(double, observe=reports.append) as batcher:
        found, thread = await asyncio.to_thread(ask)
        assert await batcher.submit(4) == 8
    assert found == [2, 4, 6]
    assert threads[0] == thread != threads[1]
    assert [(report.size, report.callers, report.waited_s > 0) for report in reports] == [
        (3, 1, False),
        (1, 1, True),
    ]
    assert batcher.stats().sizes == {3: 1, 1: 1}


async def test_nothing_is_run_where_it_would_have_to_wait_or_may_not_be() -> None:
    model = Doubler()
    batcher = make_batcher(model, max_items=2)
    assert batcher.run_now([1]) is None
    async with batcher:
        assert batcher.run_now([]) is None
        assert batcher.run_now([1, 2, 3]) is None
        model.hold()
        running = await submitted(batcher, [4])
        await model.until_running()
        assert batcher.run_now([5]) is None
        waiting = await submitted(batcher, [6])
        assert batcher.run_now([5]) is None
        model.go_on()
        assert await outcomes([*running, *waiting]) == [[8], [12]]
    assert batcher.run_now([7]) is None
    assert model.seen == [4, 6]


async def test_what_comes_meanwhile_waits_for_its_end() -> None:
    model = Doubler()
    async with make_batcher(model) as batcher:
        model.hold()
        now = asyncio.create_task(asyncio.to_thread(batcher.run_now, [1, 2]))
        await model.until_running()
        assert await asyncio.to_thread(batcher.run_now, [9]) is None
        assert not now.done()
        later = await submitted(batcher, [3], [4])
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in later)
        model.go_on()
        assert await now == [2, 4]
        assert await outcomes(later) == [[6], [8]]
    assert model.seen == [1, 2, 3, 4]
    assert batcher.stats().sizes == {2: 2}  # those who waited share a batch


async def test_a_batch_before_the_model_thread_first_waits_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, inside, may_take = Doubler(), threading.Lock(), threading.Event()
    take = MicroBatcher._take

    def double(numbers: Sequence[int]) -> list[int]:
        assert inside.acquire(blocking=False), "another batch is running"
        try:
            return model(numbers)
        finally:
            inside.release()

    def take_late(batcher: MicroBatcher[int, int]) -> object:
        assert may_take.wait(60)
        return take(batcher)

    monkeypatch.setattr(MicroBatcher, "_take", take_late)
    async with make_batcher(double) as batcher:
        model.hold()
        now = asyncio.create_task(asyncio.to_thread(batcher.run_now, [1]))
        await model.until_running()
        may_take.set()
        later = await submitted(batcher, [2])
        await asyncio.sleep(0.05)
        assert await asyncio.to_thread(batcher.run_now, [9]) is None
        model.go_on()
        assert await now == [2]
        assert await outcomes(later) == [[4]]
    assert model.seen == [1, 2]


@pytest.mark.parametrize("wrong", ["bad item", "wrong count"])
async def test_a_failure_is_left_to_the_turn_that_tells_whose_it_is(wrong: str) -> None:
    def run(numbers: Sequence[int]) -> list[int]:
        return [] if wrong == "wrong count" else Doubler()(numbers)

    async with make_batcher(run) as batcher:
        assert await asyncio.to_thread(batcher.run_now, [1, -2]) is None
        assert batcher.stats().failed_batches == 1
        with pytest.raises(RuntimeError if wrong == "wrong count" else BadItemError):
            await batcher.submit(-2)
        if wrong == "bad item":
            assert await run_when_idle(batcher, [3]) == [6]


async def test_after_it_nobody_waits_for_the_company_of_before() -> None:
    model = Doubler()
    async with make_batcher(model, max_wait_s=30) as batcher:
        model.hold()
        tasks = await submitted(batcher, [1])
        await model.until_running()
        tasks += await submitted(batcher, [2], [3])
        model.go_on()
        await outcomes(tasks)  # the last batch had two callers
        assert await run_when_idle(batcher, [4]) == [8]
        assert await asyncio.wait_for(batcher.submit(5), 5) == 10


async def test_closing_waits_for_its_end() -> None:
    model = Doubler()
    batcher = make_batcher(model)
    await batcher.start()
    model.hold()
    now = asyncio.create_task(asyncio.to_thread(batcher.run_now, [1]))
    await model.until_running()
    (pending,) = await submitted(batcher, [2])
    closing = asyncio.create_task(batcher.close())
    assert [type(one) for one in await outcomes([pending])] == [StoppedError]
    await asyncio.sleep(0.05)
    assert not closing.done()
    model.go_on()
    await closing
    assert await now == [2]
    assert model.seen == [1]


async def test_two_batches_never_run_at_once() -> None:
    inside = threading.Lock()
    runs = 0

    def double(numbers: Sequence[int]) -> list[int]:
        nonlocal runs
        assert inside.acquire(blocking=False), "another batch is running"
        runs += 1
        threading.Event().wait(0.0005)
        inside.release()
        return [2 * number for number in numbers]

    def ask_often(batcher: MicroBatcher[int, int]) -> None:
        for number in range(25):
            while (found := batcher.run_now([number])) is None:
                threading.Event().wait(0.0001)
            assert found == [2 * number]

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(4) as pool:
        async with make_batcher(double, max_items=3) as batcher:
            asking = [loop.run_in_executor(pool, ask_often, batcher) for _ in range(4)]
            submitting = [batcher.submit_many([number, -number]) for number in range(60)]
            assert await asyncio.gather(*submitting) == [[2 * n, -2 * n] for n in range(60)]
            await asyncio.gather(*asking)
    assert batcher.stats().failed_batches == 0
    assert batcher.stats().batches == runs > 100
