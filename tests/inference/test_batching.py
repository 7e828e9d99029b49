"""`MicroBatcher` with a real thread and a real event loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.batch_figures import BatcherStats, BatchReport
from inference.batching import MicroBatcher
from inference.errors import DeadlineError, ModelFileError, OverloadedError, StoppedError
from tests.inference.doubler import (
    THREAD,
    BadItemError,
    Doubler,
    make_batcher,
    model_threads,
    outcomes,
    submitted,
)

quick = settings(max_examples=40, deadline=None)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    gc.collect()  # what asyncio says about lost tasks and exceptions, it says when they are collected
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
    assert model_threads() == []


# ── misuse ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "broken", [{"max_items": 0}, {"max_queue": 0}, {"max_wait_s": -0.1}, {"deadline_s": 0.0}]
)
def test_impossible_limits_are_refused(broken: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(broken))):
        make_batcher(**broken)  # type: ignore[arg-type]


async def test_submitting_before_the_start_is_a_clear_error() -> None:
    with pytest.raises(RuntimeError, match="doubler is not started"):
        await make_batcher().submit(1)


async def test_a_batcher_is_started_once() -> None:
    async with make_batcher() as batcher:
        with pytest.raises(RuntimeError, match="only once"):
            await batcher.start()
        assert await batcher.submit(1) == 2


async def test_a_second_event_loop_gets_a_clear_error_and_the_first_goes_on() -> None:
    async with make_batcher() as batcher:
        for use in (lambda: batcher.submit(1), batcher.close):
            with pytest.raises(RuntimeError, match="belongs to the event loop that started it"):
                await asyncio.to_thread(lambda use=use: asyncio.run(use()))
        assert await batcher.submit(1) == 2


async def test_after_close_everything_is_stopped() -> None:
    batcher = make_batcher()
    async with batcher:
        pass
    for attempt in (batcher.submit(1), batcher.submit_many([])):
        with pytest.raises(StoppedError):
            await attempt
    await batcher.close()


async def test_a_batcher_that_was_closed_before_its_start_stays_closed() -> None:
    batcher = make_batcher()
    await batcher.close()
    with pytest.raises(RuntimeError, match="only once"):
        await batcher.start()
    with pytest.raises(StoppedError):
        await batcher.submit(1)


# ── loading ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("error", [ModelFileError(path="p", reason="r", fix="f"), StopIteration("x")])
async def test_a_failing_load_is_raised_from_start_and_leaves_no_thread(error: Exception) -> None:
    def load() -> Doubler:
        raise error

    batcher = MicroBatcher[int, int](THREAD, load, max_items=1, max_wait_s=0, max_queue=1, deadline_s=1)
    with pytest.raises(RuntimeError if isinstance(error, StopIteration) else type(error)):
        await batcher.start()
    assert model_threads() == []
    with pytest.raises(StoppedError):
        await batcher.submit(1)


async def test_the_model_is_loaded_and_called_on_one_thread_and_the_loop_stays_free() -> None:
    threads = []

    def load() -> Callable[[Sequence[int]], Sequence[int]]:
        threads.append(threading.get_ident())
        time.sleep(0.1)
        return run

    def run(numbers: Sequence[int]) -> Sequence[int]:
        threads.append(threading.get_ident())
        time.sleep(0.1)
        return numbers

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(tick())
    async with MicroBatcher[int, int](
        THREAD, load, max_items=1, max_wait_s=0, max_queue=9, deadline_s=9
    ) as batcher:
        await batcher.submit_many([1, 2])
    ticking.cancel()
    assert len(threads) == 3
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
    assert ticks >= 15


async def test_items_submitted_while_the_model_loads_are_answered() -> None:
    go_on = threading.Event()

    def load() -> Doubler:
        assert go_on.wait(5)
        return Doubler()

    batcher = MicroBatcher[int, int](THREAD, load, max_items=4, max_wait_s=0, max_queue=9, deadline_s=9)
    starting = asyncio.create_task(batcher.start())
    await asyncio.sleep(0)
    tasks = await submitted(batcher, [1], [2, 3])
    go_on.set()
    assert await outcomes(tasks) == [[2], [4, 6]]
    await starting
    await batcher.close()


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_start_leaves_no_thread_once_the_model_has_loaded(fails: bool) -> None:
    go_on = threading.Event()

    def load() -> Doubler:
        assert go_on.wait(5)
        if fails:
            raise BadItemError
        return Doubler()

    batcher = MicroBatcher[int, int](THREAD, load, max_items=1, max_wait_s=0, max_queue=1, deadline_s=1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(batcher.start(), 0.02)
    go_on.set()
    await batcher.close()
    assert model_threads() == []


def test_a_loop_that_is_closed_without_close_ends_the_thread() -> None:
    model = Doubler()

    async def forget_to_close() -> None:
        batcher = make_batcher(model)
        await batcher.start()
        model.hold()
        task = asyncio.create_task(batcher.submit(1))
        await model.until_running()
        task.cancel()

    asyncio.run(forget_to_close())
    (thread,) = model_threads()
    model.go_on()
    thread.join(5)
    assert not thread.is_alive()


# ── results, order, sizes ───────────────────────────────────────────────────────────────────────


async def test_nothing_submitted_is_nothing_returned() -> None:
    async with make_batcher() as batcher:
        assert await batcher.submit_many([]) == []
    assert batcher.stats().batches == 0


@quick
@given(
    groups=st.lists(st.lists(st.integers(0, 1_000), max_size=7), max_size=30),
    max_items=st.integers(1, 9),
    max_wait_s=st.sampled_from([0.0, 0.001]),
)
async def test_every_caller_gets_the_results_of_its_own_items_in_order(
    groups: list[list[int]], max_items: int, max_wait_s: float
) -> None:
    async with make_batcher(max_items=max_items, max_wait_s=max_wait_s) as batcher:
        results = await outcomes(await submitted(batcher, *groups))
    assert results == [[2 * number for number in group] for group in groups]
    stats = batcher.stats()
    assert max(stats.sizes, default=0) <= max_items
    assert stats.items == sum(map(len, groups)) == sum(size * n for size, n in stats.sizes.items())
    assert stats.batches == sum(stats.sizes.values())
    assert (stats.waiting, stats.skipped, stats.failed_batches) == (0, 0, 0)


@quick
@given(
    groups=st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=6), max_size=12),
    max_items=st.integers(1, 8),
)
async def test_while_one_batch_runs_the_next_ones_fill_first_come_first_served(
    groups: list[list[int]], max_items: int
) -> None:
    model = Doubler()
    async with make_batcher(model, max_items=max_items) as batcher:
        model.hold()
        blocker = await submitted(batcher, [100])
        await model.until_running()
        tasks = await submitted(batcher, *groups)
        model.go_on()
        await outcomes(blocker + tasks)
    items = [number for group in groups for number in group]
    assert model.seen == [100, *items]
    full, rest = divmod(len(items), max_items)
    expected = [1] + [max_items] * full + [rest] * (rest > 0)
    assert batcher.stats().sizes == {size: expected.count(size) for size in expected}


async def test_the_items_of_one_call_to_an_idle_model_run_as_one_batch() -> None:
    async with make_batcher(max_items=32) as batcher:
        for _ in range(20):
            await batcher.submit_many(range(12))
    assert batcher.stats().sizes == {12: 20}


async def test_callers_that_keep_coming_back_share_their_batches() -> None:
    async def caller(batcher: MicroBatcher[int, int]) -> None:
        for number in range(50):
            assert await batcher.submit(number) == 2 * number

    async with make_batcher(Doubler(seconds=0.001), max_wait_s=0.05) as batcher:
        await asyncio.gather(*(caller(batcher) for _ in range(6)))
    stats = batcher.stats()
    assert stats.items == 300
    assert stats.batches <= 60


# ── waiting ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_lone_caller_never_waits_for_company() -> None:
    async with make_batcher(max_wait_s=5) as batcher:
        started = time.perf_counter()
        for number in range(20):
            await batcher.submit(number)
            await batcher.submit_many([number, number])
        assert time.perf_counter() - started < 1


async def test_after_a_shared_batch_the_next_waits_for_as_many_callers_but_only_so_long() -> None:
    model = Doubler()
    async with make_batcher(model, max_wait_s=0.3) as batcher:
        model.hold()
        first = await submitted(batcher, [0])
        await model.until_running()
        second = await submitted(batcher, [1], [2])
        model.go_on()
        await outcomes(first + second)

        started = time.perf_counter()
        third = await submitted(batcher, [3])
        await asyncio.sleep(0.05)
        third += await submitted(batcher, [4])
        await outcomes(third)
        assert 0.04 < time.perf_counter() - started < 0.25
        assert batcher.stats().sizes == {1: 1, 2: 2}

        started = time.perf_counter()
        await batcher.submit(5)
        assert time.perf_counter() - started > 0.25
        started = time.perf_counter()
        await batcher.submit(6)
        assert time.perf_counter() - started < 0.2


async def test_a_full_batch_does_not_wait() -> None:
    model = Doubler()
    async with make_batcher(model, max_items=4, max_wait_s=5) as batcher:
        model.hold()
        tasks = await submitted(batcher, [0])
        await model.until_running()
        tasks += await submitted(batcher, [1], [2], [3])
        model.go_on()
        await outcomes(tasks)
        started = time.perf_counter()
        await batcher.submit_many(range(8))
        assert time.perf_counter() - started < 1


async def test_an_idle_batcher_uses_no_processor_time() -> None:
    async with make_batcher(max_wait_s=0.001) as batcher:
        await batcher.submit(1)
        started = time.process_time()
        await asyncio.sleep(0.3)
        assert time.process_time() - started < 0.1


# ── overload ────────────────────────────────────────────────────────────────────────────────────


async def test_a_full_queue_refuses_and_the_waiting_ones_are_served() -> None:
    model = Doubler()
    async with make_batcher(model, max_items=2, max_queue=3) as batcher:
        model.hold()
        tasks = await submitted(batcher, [0])
        await model.until_running()
        tasks += await submitted(batcher, [1, 2])
        with pytest.raises(OverloadedError) as refused:
            await batcher.submit_many([3, 4])
        assert refused.value.data == {"limit": 3}
        tasks += await submitted(batcher, [5])
        with pytest.raises(OverloadedError):
            await batcher.submit(6)
        assert batcher.stats().waiting == 3
        model.go_on()
        assert await outcomes(tasks) == [[0], [2, 4], [10]]
    assert model.seen == [0, 1, 2, 5]


async def test_callers_that_gave_up_keep_nobody_out() -> None:
    model = Doubler()
    async with make_batcher(model, max_queue=2) as batcher:
        model.hold()
        tasks = await submitted(batcher, [0])
        await model.until_running()
        gone = await submitted(batcher, [1], [2])
        gone[0].cancel()
        await asyncio.sleep(0)
        tasks += await submitted(batcher, [3])
        model.go_on()
        assert await outcomes(tasks) == [[0], [6]]
        await outcomes(gone)
    assert model.seen == [0, 2, 3]
    assert batcher.stats().skipped == 1


async def test_a_call_larger_than_the_queue_is_served_when_nobody_else_waits() -> None:
    async with make_batcher(max_items=4, max_queue=3) as batcher:
        assert await batcher.submit_many(range(10)) == [2 * number for number in range(10)]


# ── deadlines and cancellation ──────────────────────────────────────────────────────────────────


async def test_a_caller_is_released_on_time_while_queued_and_while_running() -> None:
    model = Doubler()
    async with make_batcher(model, deadline_s=0.1) as batcher:
        model.hold()
        started = time.perf_counter()
        tasks = await submitted(batcher, [1])
        await model.until_running()
        patient = asyncio.create_task(batcher.submit(2, deadline_s=10))
        hasty = asyncio.create_task(batcher.submit(3, deadline_s=0.02))
        tasks += await submitted(batcher, [4])
        with pytest.raises(DeadlineError) as early:
            await hasty
        assert early.value.data == {"seconds": 0.02}
        assert time.perf_counter() - started < 0.1
        for released in await outcomes(tasks):
            assert isinstance(released, DeadlineError)
        assert 0.09 < time.perf_counter() - started < 1
        model.go_on()
        assert await patient == 4
    assert model.seen == [1, 2]
    assert batcher.stats().skipped == 2


@quick
@given(
    groups=st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=4), min_size=1, max_size=12),
    data=st.data(),
)
async def test_cancelled_callers_cost_nothing_and_disturb_nobody(
    groups: list[list[int]], data: st.DataObject
) -> None:
    cancelled = data.draw(st.sets(st.integers(0, len(groups) - 1)))
    model = Doubler()
    async with make_batcher(model, max_items=3) as batcher:
        model.hold()
        blocker = await submitted(batcher, [100])
        await model.until_running()
        tasks = await submitted(batcher, *groups)
        for index in cancelled:
            tasks[index].cancel()
        await asyncio.sleep(0)
        model.go_on()
        results = await outcomes(tasks)
        await outcomes(blocker)
    for index, (group, result) in enumerate(zip(groups, results, strict=True)):
        if index in cancelled:
            assert isinstance(result, asyncio.CancelledError)
        else:
            assert result == [2 * number for number in group]
    assert model.seen == [100] + [n for i, group in enumerate(groups) if i not in cancelled for n in group]
    assert batcher.stats().skipped == sum(len(groups[index]) for index in cancelled)


async def test_a_caller_cancelled_while_its_batch_runs_disturbs_nobody() -> None:
    model = Doubler()
    async with make_batcher(model) as batcher:
        model.hold()
        tasks = await submitted(batcher, [1])
        await model.until_running()
        tasks += await submitted(batcher, [2])
        tasks[0].cancel()
        await asyncio.sleep(0)
        model.go_on()
        first, second = await outcomes(tasks)
        assert isinstance(first, asyncio.CancelledError)
        assert second == [4]


async def test_the_items_of_a_released_caller_are_freed_without_the_garbage_collector() -> None:
    class Picture:
        """Something large."""

    go_on = threading.Event()

    def wait(pictures: Sequence[Picture]) -> list[int]:
        assert go_on.wait(5)
        return [0] * len(pictures)

    batcher = MicroBatcher[Picture, int](
        THREAD, lambda: wait, max_items=1, max_wait_s=0, max_queue=9, deadline_s=0.02
    )
    gc.collect()
    gc.disable()
    try:
        async with batcher:
            pictures = [Picture(), Picture()]
            watched = [weakref.ref(picture) for picture in pictures]
            with pytest.raises(DeadlineError):
                await batcher.submit_many(pictures)
            del pictures
            go_on.set()
        assert [reference() for reference in watched] == [None, None]
    finally:
        gc.enable()


# ── failures ────────────────────────────────────────────────────────────────────────────────────


@quick
@given(
    groups=st.lists(st.lists(st.integers(-4, 20), min_size=1, max_size=5), max_size=12),
    max_items=st.integers(1, 9),
)
async def test_a_bad_item_fails_only_its_own_caller(groups: list[list[int]], max_items: int) -> None:
    async with make_batcher(max_items=max_items) as batcher:
        results = await outcomes(await submitted(batcher, *groups))
    for group, result in zip(groups, results, strict=True):
        bad = [number for number in group if number < 0]
        if bad:
            assert isinstance(result, BadItemError)
            assert result.args == (bad[0],)
        else:
            assert result == [2 * number for number in group]


async def test_after_its_bad_item_the_rest_of_a_call_is_not_run() -> None:
    model = Doubler()
    async with make_batcher(model) as batcher:
        with pytest.raises(BadItemError):
            await batcher.submit_many([1, -2, 3, -4])
        assert await batcher.submit(5) == 10
    assert model.seen == [1, -2, 3, -4, 1, -2, 5]
    stats = batcher.stats()
    assert (stats.batches, stats.failed_batches, stats.skipped) == (4, 2, 2)


async def test_a_batch_that_fails_only_as_a_whole_is_answered_one_by_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def too_large_for_the_device(numbers: Sequence[int]) -> Sequence[int]:
        if len(numbers) > 1:
            raise MemoryError
        return numbers

    with caplog.at_level(logging.WARNING, "inference.batching"):
        async with make_batcher(too_large_for_the_device) as batcher:
            assert await batcher.submit_many([1, 2, 3]) == [1, 2, 3]
    assert [record.getMessage() for record in caplog.records] == [
        "batch_retried_one_by_one batcher=doubler size=3 error=MemoryError()"
    ]


@pytest.mark.parametrize("given_back", [[], [1], [1, 2, 3, 4]])
async def test_a_wrong_number_of_results_fails_all_of_the_batch(given_back: list[int]) -> None:
    async with make_batcher(lambda numbers: given_back if len(numbers) == 3 else numbers) as batcher:
        for result in await outcomes(await submitted(batcher, [1, 2, 3])):
            assert isinstance(result, RuntimeError)
            assert f"doubler gave {len(given_back)} results for 3 items" in str(result)
        assert await batcher.submit(7) == 7
    assert batcher.stats().batches == 2


@pytest.mark.parametrize(
    ("raised", "expected"), [(StopIteration(1), RuntimeError), (TimeoutError(), TimeoutError)]
)
async def test_any_exception_reaches_the_caller(raised: Exception, expected: type[Exception]) -> None:
    def fail(_: Sequence[int]) -> Sequence[int]:
        raise raised

    async with make_batcher(fail) as batcher:
        with pytest.raises(expected):
            await asyncio.wait_for(batcher.submit(1), 5)


async def test_something_without_a_length_is_an_error_not_a_hang() -> None:
    async with make_batcher(lambda numbers: (n for n in numbers)) as batcher:  # type: ignore[arg-type, return-value]
        with pytest.raises(TypeError):
            await asyncio.wait_for(batcher.submit(1), 5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_when_the_model_thread_dies_nobody_hangs() -> None:
    class PanicError(BaseException):
        """As native code raises it, past every `except Exception`."""

    model = Doubler()

    def panic(numbers: Sequence[int]) -> Sequence[int]:
        model(numbers)
        raise PanicError

    batcher = make_batcher(panic)
    await batcher.start()
    model.hold()
    tasks = await submitted(batcher, [1])
    await model.until_running()
    tasks += await submitted(batcher, [2])
    model.go_on()
    assert [type(result) for result in await outcomes(tasks)] == [StoppedError, StoppedError]
    with pytest.raises(StoppedError):
        await batcher.submit(3)
    await batcher.close()


# ── closing ─────────────────────────────────────────────────────────────────────────────────────


async def test_closing_fails_the_queue_at_once_and_answers_the_running_batch() -> None:
    model = Doubler()
    batcher = make_batcher(model, max_items=2)
    await batcher.start()
    model.hold()
    running = await submitted(batcher, [1], [2])
    await model.until_running()
    pending = await submitted(batcher, [3], [4, 5])
    closing = [asyncio.create_task(batcher.close()) for _ in range(2)]
    stopped = await outcomes(pending)
    assert [type(result) for result in stopped] == [StoppedError, StoppedError]
    assert not any(task.done() for task in closing)
    with pytest.raises(StoppedError):
        await batcher.submit(6)
    model.go_on()
    await asyncio.gather(*closing)
    assert model_threads() == []
    assert running[0].done()
    first, second = await outcomes(running)
    assert first == [2]
    # Only what the model had begun is answered; the second may have come too late for that batch.
    assert second == [4] or isinstance(second, StoppedError)
    assert set(model.seen) <= {1, 2}


async def test_a_cancelled_close_still_closes() -> None:
    model = Doubler()
    batcher = make_batcher(model)
    await batcher.start()
    model.hold()
    running = await submitted(batcher, [1])
    await model.until_running()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(batcher.close(), 0.02)
    model.go_on()
    assert await outcomes(running) == [[2]]
    await batcher.close()
    assert model_threads() == []


@settings(max_examples=80, deadline=None)
@given(data=st.data())
async def test_whatever_happens_every_caller_gets_the_one_right_outcome(data: st.DataObject) -> None:
    """Bad items, cancellations, deadlines, overload and a close in the middle, all at once."""
    groups = data.draw(st.lists(st.lists(st.integers(-1, 30), min_size=1, max_size=6), max_size=25))
    indices = st.integers(0, max(0, len(groups) - 1))
    cancelled = data.draw(st.sets(indices))
    hasty = data.draw(st.sets(indices))
    pauses = data.draw(st.dictionaries(indices, st.sampled_from([0.0, 0.0005, 0.002])))
    close_at = data.draw(st.none() | indices)
    batcher = make_batcher(
        Doubler(seconds=data.draw(st.sampled_from([0.0, 0.001]))),
        max_items=data.draw(st.integers(1, 8)),
        max_wait_s=data.draw(st.sampled_from([0.0, 0.002])),
        max_queue=data.draw(st.sampled_from([4, 1_000])),
    )
    await batcher.start()
    tasks = []
    closing = None
    for index, group in enumerate(groups):
        deadline_s = 0.001 if index in hasty else None
        tasks.append(asyncio.create_task(batcher.submit_many(group, deadline_s=deadline_s)))
        if index in pauses:
            await asyncio.sleep(pauses[index])
        if index in cancelled:
            tasks[index // 2].cancel()
        if index == close_at:
            closing = asyncio.create_task(batcher.close())
    results = await outcomes(tasks)
    await (closing or batcher.close())

    for group, result in zip(groups, results, strict=True):
        match result:
            case list():
                assert result == [2 * number for number in group]
            case BadItemError():
                assert -1 in group
            case DeadlineError() | asyncio.CancelledError() | OverloadedError():
                pass
            case _:
                assert isinstance(result, StoppedError)
                assert closing is not None
    if close_at is None and not hasty and not cancelled:
        assert {type(result) for result in results} <= {list, BadItemError, OverloadedError}
    stats = batcher.stats()
    assert stats.waiting == 0
    if not any(-1 in group for group in groups):
        refused = sum(
            len(group)
            for group, result in zip(groups, results, strict=True)
            if isinstance(result, OverloadedError)
        )
        assert stats.items + stats.skipped <= sum(map(len, groups)) - refused


# ── figures ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_figures_say_what_happened_and_a_report_comes_after_each_batch() -> None:
    reports: list[BatchReport] = []
    model = Doubler(seconds=0.02)
    async with make_batcher(model, observe=reports.append) as batcher:
        before = batcher.stats()
        model.hold()
        tasks = await submitted(batcher, [1, 2])
        await model.until_running()
        tasks += await submitted(batcher, [3], [4, -5])
        model.go_on()
        await outcomes(tasks)
    assert before == BatcherStats(0, 0, 0, 0, {}, 0.0, 0.0, 0)
    assert [(report.size, report.callers, report.failed) for report in reports] == [
        (2, 1, False),
        (3, 2, True),
        (1, 1, False),
        (1, 1, False),
        (1, 1, True),
    ]
    stats = batcher.stats()
    assert stats.sizes == {2: 1, 3: 1, 1: 3}
    assert stats.ran_s == pytest.approx(sum(report.ran_s for report in reports))
    assert stats.ran_s >= 5 * 0.02
    assert stats.waited_s == pytest.approx(sum(report.waited_s for report in reports))
    assert stats.waited_s >= 3 * 0.02  # the three items that waited for the first batch


async def test_an_observer_that_fails_harms_no_caller(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: BatchReport) -> None:
        raise BadItemError

    async with make_batcher(observe=fail) as batcher:
        assert await batcher.submit(1) == 2
        assert await batcher.submit(2) == 4
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [BadItemError] * 2
    caplog.clear()
