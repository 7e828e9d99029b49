"""What Linux says of a CPU tells whether bfloat16 is worth it; a thread gets off a core that is taken."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from errno import EPERM

import pytest

from inference import cores
from inference.cores import away_from, bfloat16_is_fast_on, current_core, usable_cores

FLAGS = "fpu sse2 avx512f avx512_vnni avx512_bf16"


def cpuinfo(vendor: str, flags: str, *, cores: int = 2) -> str:
    fields = f"vendor_id\t: {vendor}\nmodel name\t: CPU: 2.0GHz\npower management:\nflags\t\t: {flags}"
    return "\n\n".join(f"processor\t: {core}\n{fields}" for core in range(cores))


@pytest.mark.parametrize(
    ("text", "fast"),
    [
        (cpuinfo("GenuineIntel", f"{FLAGS} amx_tile amx_bf16 amx_int8"), True),
        (cpuinfo("GenuineIntel", FLAGS), False),
        (cpuinfo("GenuineIntel", f"{FLAGS} amx_tile amx_int8"), False),
        (cpuinfo("AuthenticAMD", FLAGS), True),
        ("processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd bf16\nCPU implementer\t: 0x41\n", True),
        ("vendor_id\t: GenuineIntel\n", False),
        ("", True),
    ],
    ids=["matrix units", "Intel without them", "in integers only", "AMD", "ARM", "no flags", "nothing said"],
)
def test_bfloat16_is_fast_with_matrix_units_and_where_intel_did_not_make_it(text: str, fast: bool) -> None:
    assert bfloat16_is_fast_on(text) is fast


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a thread choose its core")
on_several_cores = pytest.mark.skipif(usable_cores() < 2, reason="there is only one core")


@pytest.fixture
def affinity() -> Iterator[Callable[[], set[int]]]:
    """Which cores this thread may run on; it gets those back that it has now."""
    before = os.sched_getaffinity(0)
    yield lambda: os.sched_getaffinity(0)
    os.sched_setaffinity(0, before)


@on_linux
def test_a_thread_knows_its_core(affinity: Callable[[], set[int]]) -> None:
    for core in affinity():
        os.sched_setaffinity(0, {core})
        assert current_core() == core


@on_linux
@on_several_cores
@pytest.mark.parametrize("fails", [False, True])
def test_a_thread_leaves_the_core_for_a_while(
    affinity: Callable[[], set[int]], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def work(text: str) -> str:
        seen.append((affinity(), current_core()))
        if fails:
            raise KeyError(text)
        return text

    allowed = affinity()
    for taken in allowed:
        seen: list[tuple[set[int], int | None]] = []
        monkeypatch.setattr(cores, "current_core", lambda: taken)  # noqa: B023 - used within the loop
        with pytest.raises(KeyError) if fails else nullcontext():
            assert away_from(taken, work, "done") == "done"
        [(meanwhile, core)] = seen
        assert meanwhile == allowed - {taken}
        assert core in meanwhile
        assert affinity() == allowed


@on_linux
def test_a_thread_that_is_elsewhere_or_has_nowhere_to_go_stays(affinity: Callable[[], set[int]]) -> None:
    allowed, taken = affinity(), current_core()
    assert taken is not None
    assert away_from(10_000, affinity) == allowed
    assert away_from(None, affinity) == allowed
    os.sched_setaffinity(0, {taken})
    assert away_from(taken, current_core) == taken


@on_linux
def test_where_a_thread_may_not_choose_it_works_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(EPERM, "not in this container")

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    monkeypatch.setattr(cores, "current_core", lambda: 0)
    assert away_from(0, lambda text: text, "done") == "done"
