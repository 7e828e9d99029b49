"""The line in front of a channel, and waiting for what is under way."""

from __future__ import annotations

import asyncio

import pytest

from bot.adapters.in_flight import InFlight
from bot.adapters.order import ChannelOrder


async def test_places_are_reached_in_the_order_of_entering() -> None:
    order, told = ChannelOrder(), []

    async def work(place_name: int, seconds: float) -> None:
        place = order.enter("a")
        try:
            await asyncio.sleep(seconds)
            await place.reached()
            told.append(place_name)
        finally:
            place.leave()

    await asyncio.gather(*(work(number, 0.03 - number / 100) for number in range(4)))
    assert told == [0, 1, 2, 3]


async def test_channels_do_not_wait_for_each_other() -> None:
    order = ChannelOrder()
    order.enter("a")
    other = order.enter("b")
    async with asyncio.timeout(1):
        await other.reached()


async def test_who_leaves_early_does_not_let_others_overtake() -> None:
    order = ChannelOrder()
    first, second, third = (order.enter(1) for _ in range(3))
    second.leave()
    waiting = asyncio.create_task(third.reached())
    await asyncio.sleep(0)
    assert not waiting.done()
    first.leave()
    async with asyncio.timeout(1):
        await waiting
    third.leave()
    assert order._last == {}


async def test_a_cancelled_waiter_takes_nothing_away_from_others() -> None:
    order = ChannelOrder()
    first, second, third = (order.enter(1) for _ in range(3))
    waiting = asyncio.create_task(second.reached())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    second.leave()
    first.leave()
    async with asyncio.timeout(1):
        await third.reached()


async def test_landing_waits_for_all_and_gives_up_in_time() -> None:
    flight = InFlight()
    assert await flight.landed(0)
    done = asyncio.Event()

    async def fly() -> None:
        with flight.one():
            await done.wait()

    flying = [asyncio.create_task(fly()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not await flight.landed(0.01)
    landing = asyncio.create_task(flight.landed(5))
    await asyncio.sleep(0)
    done.set()
    assert await landing
    await asyncio.gather(*flying)
