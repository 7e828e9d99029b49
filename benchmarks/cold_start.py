"""How long `identify` takes from the start of its process to the answer.

    python -m benchmarks.cold_start [--runs 5] [--json FILE]

Runs `python bot.py identify PICTURE --json` in a fresh process with a data folder of its own: the very first
start, which also compiles the networks for this CPU, and then some more. Wall-clock and CPU seconds of the
whole process; CPU seconds say what it would take on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from inference.drawing import draw_cast, draw_group
from inference.images import encode

_ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.jpg"
        picture.write_bytes(encode(draw_group(draw_cast(2, seed=4), seed=1).image, format="jpeg"))
        runs = [_run(picture, Path(folder) / "data", arguments.set) for _ in range(arguments.runs + 1)]
    figures = {
        "first_s": runs[0][0],
        "wall_s": statistics.median(wall for wall, _ in runs[1:]),
        "fastest_wall_s": min(wall for wall, _ in runs[1:]),
        "cpu_s": statistics.median(cpu for _, cpu in runs[1:]),
    }
    for name, seconds in figures.items():
        print(f"{name:16s} {seconds:6.2f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _run(picture: Path, data_dir: Path, changes: list[str]) -> tuple[float, float]:
    """Wall-clock and CPU seconds."""
    command = [sys.executable, "bot.py", "--data-dir", str(data_dir)]
    command += [word for change in changes for word in ("--set", change)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    answer = subprocess.run(
        [*command, "identify", str(picture), "--json"], cwd=_ROOT, check=True, capture_output=True, text=True
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert json.loads(answer.stdout)["faces"], answer.stdout
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
