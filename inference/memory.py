"""Gives memory that was freed back to the operating system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


def release_free_memory() -> None:
    """Return what the C library keeps of freed blocks; does nothing where it cannot be asked to.

    glibc keeps what threads free, in case they need it again, so memory that one picture needed would be
    added to what the next needs elsewhere. Takes some milliseconds.
    """
    _trim()(0)


@cache
def _trim() -> Callable[[int], object]:
    try:
        trim: Callable[[int], object] = ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):  # not glibc
        return lambda _: None
    return trim
