"""The pixel budget: never more than it has, in order, nothing lost to cancellation."""

from __future__ import annotations

import asyncio
import random

import pytest

from inference.pixel_budget import PixelBudget


class _Meter:
    def __init__(self) -> None:
        self.now = 0
        self.peak = 0
        self.order: list[int] = []

    async def use(self, budget: PixelBudget, pixels: int, number: int) -> None:
        async with budget.loan() as loan:
            await loan.take(pixels)
            self.now += pixels
            self.peak = max(self.peak, self.now)
            self.order.append(number)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.now -= pixels


async def test_the_sum_of_what_is_lent_never_exceeds_the_budget() -> None:
    budget, meter = PixelBudget(10), _Meter()
    await asyncio.gather(*(meter.use(budget, 1 + n % 7, n) for n in range(100)))
    assert 7 <= meter.peak <= 10
    assert meter.order == list(range(100))


async def test_a_picture_larger_than_the_budget_runs_alone() -> None:
    budget, meter = PixelBudget(10), _Meter()
    await asyncio.gather(meter.use(budget, 3, 0), meter.use(budget, 1000, 1), meter.use(budget, 3, 2))
    assert meter.order == [0, 1, 2]
    assert meter.peak == 1000


@pytest.mark.parametrize("seed", range(20))
async def test_cancelled_callers_leave_the_whole_budget_behind(seed: int) -> None:
    budget, meter = PixelBudget(10), _Meter()
    chance = random.Random(seed)
    tasks = [asyncio.create_task(meter.use(budget, chance.randint(1, 10), n)) for n in range(30)]
    for _ in range(20):
        await asyncio.sleep(0)
        chance.choice(tasks).cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks, return_exceptions=True)
    assert any(task.cancelled() for task in tasks)
    async with asyncio.timeout(1), budget.loan() as loan:
        await loan.take(10)


async def test_an_error_inside_gives_the_pixels_back() -> None:
    budget = PixelBudget(10)
    with pytest.raises(ValueError, match="inside"):
        async with budget.loan() as loan:
            await loan.take(10)
            raise ValueError("inside")
    async with asyncio.timeout(1), budget.loan() as loan:
        await loan.take(10)


async def test_what_is_there_can_be_taken_at_once_from_any_thread() -> None:
    budget = PixelBudget(10)
    async with budget.loan() as one, budget.loan() as other:
        assert await asyncio.to_thread(one.take_now, 7)
        assert not await asyncio.to_thread(other.take_now, 4)
        assert other.take_now(3)
    async with budget.loan() as loan:
        assert loan.take_now(1_000), "larger than the budget, alone"
        async with budget.loan() as other:
            assert not other.take_now(1)


async def test_nobody_gets_past_those_who_wait() -> None:
    budget, order = PixelBudget(10), []

    async def wait() -> None:
        async with budget.loan() as loan:
            await loan.take(8)
            order.append("waited")

    async with budget.loan() as holder:
        await holder.take(5)
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        async with budget.loan() as small:
            assert not small.take_now(1)
    await task
    assert order == ["waited"]


async def test_a_worker_that_comes_after_its_caller_has_gone_takes_nothing() -> None:
    budget = PixelBudget(10)
    async with budget.loan() as loan:
        pass
    assert not await asyncio.to_thread(loan.take_now, 1)
    async with asyncio.timeout(1), budget.loan() as loan:
        await loan.take(10)


async def test_threads_never_take_more_than_there_is() -> None:
    budget, meter = PixelBudget(10), _Meter()

    async def use(number: int) -> None:
        async with budget.loan() as loan:
            pixels = 1 + number % 7
            if not await asyncio.to_thread(loan.take_now, pixels):
                await loan.take(pixels)
            meter.now += pixels
            meter.peak = max(meter.peak, meter.now)
            await asyncio.sleep(0.0001 * (number % 3))
            meter.now -= pixels

    async with asyncio.timeout(20):
        await asyncio.gather(*(use(number) for number in range(200)))
    assert 7 <= meter.peak <= 10
    assert meter.now == 0
