"""Gives memory that was freed back to the operating system."""

from __future__ import annotations

import ctypes
from functools import cache

_LARGE_BYTES = 4 * 1024 * 1024
_KEPT_BYTES = 16 * 1024 * 1024
_HEAPS = 2
"""For all threads; with one for each, everyone's pictures leave their holes in it."""
# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def give_back_large_blocks() -> None:
    """From now on, give blocks of 4 MB and more back as soon as they are freed; where there is glibc.

    Large pictures are such blocks. Left alone, glibc takes each that is freed as a sign to keep larger ones,
    up to 32 MB, in the heaps of its threads, which then grow for hours and are never empty enough to shrink.
    Ordinary pictures stay in the heaps: fetched page by page each time, they take twice as long to decode.
    The threads that start after this share two heaps.
    """
    if (libc := _libc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        libc.mallopt(_M_ARENA_MAX, _HEAPS)


def release_free_memory() -> None:
    """Return what the C library keeps of freed blocks; does nothing where it cannot be asked to.

    glibc keeps what threads free, in case they need it again, so memory that one picture needed would be
    added to what the next needs elsewhere. Takes some milliseconds.
    """
    if (libc := _libc()) is not None:
        libc.malloc_trim(0)


@cache
def _libc() -> ctypes.CDLL | None:
    """The C library, if it is glibc."""
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
