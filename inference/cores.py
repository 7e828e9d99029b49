"""How many processor cores there are to use."""

import os


def usable_cores() -> int:
    """Those that this process may run on; threads on top of them would wait for one another."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
