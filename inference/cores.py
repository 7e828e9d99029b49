"""The processor: how many cores there are to use, which one a thread uses, and what they are good at."""

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_CPUINFO = Path("/proc/cpuinfo")


def usable_cores() -> int:
    """Those that this process may run on; threads on top of them would wait for one another."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def current_core() -> int | None:
    """The number of the one that this thread runs on; None where the system does not tell."""
    ask = _sched_getcpu()
    core = -1 if ask is None else int(ask())
    return None if core < 0 else core


@cache
def _sched_getcpu() -> Callable[[], int] | None:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "sched_getcpu", None)


def away_from(core: int | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function on another core than that, where the system lets a thread choose.

    For a thread that works beside another one. Linux may wake it on the core of who woke it although another
    is idle (often in virtual machines, where a core that sleeps is taken for one that is busy elsewhere);
    there it would run instead of the other one, not beside it.
    """
    if sys.platform != "linux" or core is None or current_core() != core:
        return function(*args, **kwargs)
    allowed = os.sched_getaffinity(0)
    # Some containers do not allow it.
    with suppress(OSError):
        os.sched_setaffinity(0, allowed - {core} or allowed)
    try:
        return function(*args, **kwargs)
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, allowed)


def bfloat16_is_fast() -> bool:
    """Whether products in bfloat16 take less time than in float32, on a CPU that has instructions for them.

    Where the system does not say (others than Linux), it is taken for fast.
    """
    try:
        return bfloat16_is_fast_on(_CPUINFO.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return True


def bfloat16_is_fast_on(cpuinfo: str) -> bool:
    """As `bfloat16_is_fast()`, for what Linux says of a CPU (`/proc/cpuinfo`).

    An Intel without matrix units, which virtual machines often hide, has instructions of AVX-512 for it, but
    the embedder then takes 1.3 times as long as in float32 (Xeon, family 6, model 207); on an AMD 0.6 times.
    """
    first = cpuinfo.split("\n\n", 1)[0]
    fields = {name.strip(): value for name, _, value in (line.partition(":") for line in first.splitlines())}
    if fields.get("vendor_id", "").strip() != "GenuineIntel":
        return True
    return "amx_bf16" in fields.get("flags", "").split()
