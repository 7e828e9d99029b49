"""The processor: how many cores there are to use, and what they are good at."""

import os
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


def usable_cores() -> int:
    """Those that this process may run on; threads on top of them would wait for one another."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
