"""A folder of files that mean harm: each becomes a picture or a typed refusal, quickly and within memory."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.inference.hostile import write_hostile_files

MAX_PEAK_MB = 700
REFUSALS = {"image_too_large", "image_unsupported", "image_unreadable"}

# In a process of its own, because its memory is what is measured. The high-water mark that the kernel keeps
# is set back before every file; getrusage's would begin with that of the process which started this one.
_DECODE_FOLDER = textwrap.dedent("""
    import json, sys, time
    from pathlib import Path
    from PIL import ImageCms
    from config.options import ImageLimits
    from inference.errors import UserError
    from inference.images import decode

    def status_mb(key):
        return int(Path("/proc/self/status").read_text().split(key + ":")[1].split()[0]) / 1024

    idle = status_mb("VmRSS")
    for path in sorted(Path(sys.argv[1]).iterdir()):
        Path("/proc/self/clear_refs").write_text("5")
        started = time.perf_counter()
        shape, code, cause = None, None, None
        try:
            shape = decode(path.read_bytes(), ImageLimits()).frames[0].shape
        except UserError as error:
            code, cause = error.code, error.__cause__
        print(json.dumps({
            "name": path.name, "shape": shape, "code": code, "warned": isinstance(cause, Warning),
            "seconds": time.perf_counter() - started, "peak_mb": status_mb("VmHWM") - idle,
        }))
""")


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    shape: list[int] | None
    code: str | None
    warned: bool
    """Pillow warned, so the outcome hangs on how the process treats warnings."""
    seconds: float
    peak_mb: float
    """Memory above that of the process before the first file."""


@dataclass(frozen=True, slots=True)
class Run:
    outcomes: list[Outcome]
    noise: str
    """What was written to standard error."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("peak memory can be measured on Linux only")
    folder = tmp_path_factory.mktemp("hostile")
    paths = write_hostile_files(folder)
    command = [sys.executable, "-W", "error", "-c", _DECODE_FOLDER, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    outcomes = [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"after {outcomes[-1:]}: {done.stderr[-2000:]}"
    assert len(outcomes) == len(paths)
    return Run(outcomes, done.stderr)


def test_every_file_ends_as_its_name_says(run: Run) -> None:
    for outcome in run.outcomes:
        expected = outcome.name.split("-")[0]
        assert (outcome.shape is None) == (outcome.code in REFUSALS), outcome
        if expected != "either":
            assert (expected == "read") == (outcome.code is None), outcome


def test_no_outcome_depends_on_a_warning_and_nothing_is_written_to_standard_error(run: Run) -> None:
    assert [outcome for outcome in run.outcomes if outcome.warned] == []
    assert run.noise == ""


def test_no_file_takes_more_memory_than_allowed(run: Run) -> None:
    worst = max(run.outcomes, key=lambda outcome: outcome.peak_mb)
    assert 200 < worst.peak_mb <= MAX_PEAK_MB, worst  # less than 200 would mean that nothing was measured


def test_no_file_keeps_a_thread_busy_for_long(run: Run) -> None:
    slowest = max(run.outcomes, key=lambda outcome: outcome.seconds)
    assert slowest.seconds < 15, slowest


def test_the_folder_has_something_of_everything(run: Run) -> None:
    codes = Counter(outcome.code for outcome in run.outcomes)
    assert codes.keys() == REFUSALS | {None}
    assert min(codes.values()) >= 10
    formats = {outcome.name.rsplit(".")[-1] for outcome in run.outcomes}
    assert {"jpg", "png", "webp", "gif", "bmp"} <= formats
