"""What the C library does with large blocks, seen in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PICTURES = """
import ctypes, sys
import numpy as np
from inference.memory import give_back_large_blocks

class Figures(ctypes.Structure):
    names = ("arena", "ordblks", "smblks", "hblks", "mapped", "usmblks", "fsmblks", "used", "free", "top")
    _fields_ = [(name, ctypes.c_size_t) for name in names]

libc = ctypes.CDLL("libc.so.6")
libc.mallinfo2.restype = Figures
if sys.argv[1] == "given back":
    give_back_large_blocks()
del (picture := [np.ones(20_000_000, np.uint8)])[:]  # after which glibc expects more of its kind
before = libc.mallinfo2().mapped
next_one = np.ones(5_000_000, np.uint8)
print(libc.mallinfo2().mapped - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the heaps of glibc are looked at")
@pytest.mark.parametrize(("how", "mapped"), [("given back", True), ("as ever", False)])
def test_a_large_block_is_no_part_of_a_heap_that_keeps_it(how: str, mapped: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PICTURES, how],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (int(done.stdout) >= 5_000_000) is mapped
