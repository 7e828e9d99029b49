"""Whoever asks a dead server is told so at once, and one at a time looks whether it lives again."""

from __future__ import annotations

from inference.gallery.elasticsearch.circuit_breaker import CircuitBreaker


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make_breaker() -> tuple[CircuitBreaker, Time]:
    time = Time()
    return CircuitBreaker(failures=3, shortest_s=1.0, longest_s=8.0, clock=time), time


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        assert breaker.allows()
        breaker.failed()


def test_it_opens_after_failures_in_a_row_and_not_for_scattered_ones() -> None:
    breaker, _ = make_breaker()
    for _ in range(5):
        fail(breaker, 2)
        breaker.succeeded()
    assert not breaker.is_open
    fail(breaker, 3)
    assert breaker.is_open
    assert not breaker.allows()


def test_one_caller_tries_when_the_time_is_over_and_closes_it_for_all() -> None:
    breaker, time = make_breaker()
    fail(breaker, 3)
    time.now += 1.0
    assert breaker.allows()
    assert not breaker.allows()
    breaker.succeeded()
    assert breaker.allows()
    assert breaker.allows()


def test_each_vain_try_doubles_the_wait_up_to_a_limit() -> None:
    breaker, time = make_breaker()
    fail(breaker, 3)
    waits = []
    for _ in range(8):
        started = time.now
        while not breaker.allows():
            time.now += 0.05
        waits.append(time.now - started)
        breaker.failed()
    for number, wait in enumerate(waits):
        longest = min(2.0**number, 8.0)
        assert longest / 2 - 0.01 <= wait <= longest + 0.06


def test_a_caller_that_goes_away_leaves_the_try_to_the_next() -> None:
    breaker, time = make_breaker()
    fail(breaker, 3)
    time.now += 1.0
    assert breaker.allows()
    breaker.gave_up()
    assert breaker.allows()


def test_failures_of_calls_that_were_under_way_do_not_make_it_wait_longer() -> None:
    breaker, time = make_breaker()
    fail(breaker, 3)
    for _ in range(10):
        breaker.failed()
    time.now += 1.0
    assert breaker.allows()
