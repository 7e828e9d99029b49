"""What the C library does with freed blocks, seen in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PICTURES = """
import os, sys
import numpy as np
from inference.memory import give_back_large_blocks, release_free_memory

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

if sys.argv[1] == "given back":
    give_back_large_blocks()
small, before = [], resident_mb()
for turn in range(20):
    pictures = [np.ones(2_000_000 + 400_000 * number, np.uint8) for number in range(20)]
    small.append(np.ones(1_000, np.uint8))  # stays behind the pictures
    del pictures
print(resident_mb() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the heaps of glibc are looked at")
@pytest.mark.parametrize(("how", "least", "most"), [("given back", -5, 15), ("as ever", 40, 400)])
def test_large_blocks_are_given_back_although_small_ones_stay(how: str, least: float, most: float) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PICTURES, how],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert least <= float(done.stdout) <= most
