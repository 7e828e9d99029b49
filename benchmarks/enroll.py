"""How close `enroll --from` comes to a bare loop over the same two networks.

    python -m benchmarks.enroll FOLDER [--pictures 2000] [--at-most 10] [--repeats 3]

FOLDER/<character>/<pictures>, of which the first characters with that many pictures are taken. The loop calls
the detector and the embedder on decoded pictures, in full batches. Enrolling does that and everything else:
read and decode the files, look for duplicates, choose, keep the crops, write the gallery. Both run in turn;
the ratio is loop time / enrolling time, 1.0 = nothing is lost. What the same command again takes, to load the
models and to find all finished, is shown apart. On a machine that others use too, go by processor seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.recipes import BareModels
from bot.terminal.enroll_folder import enroll_folder
from bot.terminal.pictures import folders_in, picture_files
from config.options import Options
from config.settings import load_settings
from inference.images import decode

_DECODED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class _Seconds:
    wall: float
    cpu: float
    """Of all threads."""

    @classmethod
    def now(cls) -> _Seconds:
        return cls(time.perf_counter(), time.process_time())

    def __sub__(self, other: _Seconds) -> _Seconds:
        return _Seconds(self.wall - other.wall, self.cpu - other.cpu)

    def __add__(self, other: _Seconds) -> _Seconds:
        return _Seconds(self.wall + other.wall, self.cpu + other.cpu)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=2_000)
    parser.add_argument("--at-most", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    models = BareModels(Options())
    bare: list[_Seconds] = []
    enrolling: list[_Seconds] = []
    again: list[_Seconds] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "pictures"
        files = _link(arguments.folder, folder, arguments.pictures)
        for number in range(arguments.repeats):
            bare.append(_bare_loop(models, files))
            data_dir = Path(temporary) / f"data {number}"
            seconds, report = _enroll(folder, data_dir, arguments.at_most)
            again.append(_enroll(folder, data_dir, arguments.at_most)[0])
            enrolling.append(seconds - again[-1])
        characters = len(folders_in(folder))
    print(f"{len(files)} pictures of {characters} characters, {arguments.repeats} runs of each")
    print(report)
    for name, runs in (("bare loop", bare), ("enroll", enrolling), ("enroll again", again)):
        wall = statistics.median(run.wall for run in runs)
        print(
            f"{name:14}{wall:8.1f} s{len(files) / wall:8.1f} pictures/s{characters / wall:8.2f} characters/s"
        )
    found = {
        "ratio": statistics.median(a.wall / b.wall for a, b in zip(bare, enrolling, strict=True)),
        "processor_ratio": statistics.median(a.cpu / b.cpu for a, b in zip(bare, enrolling, strict=True)),
    }
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


def _link(source: Path, target: Path, count: int) -> list[Path]:
    """Links to the first pictures, whole characters, in folders of the same names."""
    files: list[Path] = []
    for folder in folders_in(source):
        if len(files) >= count:
            break
        for path in picture_files([folder]):
            link = target / folder.name / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
            files.append(link)
    return files


def _bare_loop(models: BareModels, files: list[Path]) -> _Seconds:
    """What detecting and embedding take, decoding not counted."""
    limits, taken = Options().images, _Seconds(0.0, 0.0)
    for start in range(0, len(files), _DECODED_AT_ONCE):
        part = files[start : start + _DECODED_AT_ONCE]
        images = [decode(path.read_bytes(), limits).frames[0] for path in part]
        started = _Seconds.now()
        models.run(images)
        taken += _Seconds.now() - started
    return taken


def _enroll(folder: Path, data_dir: Path, at_most: int) -> tuple[_Seconds, str]:
    """What the whole command takes, and its summary."""
    settings = load_settings(environ={}, data_dir=data_dir)
    arguments = argparse.Namespace(folder=folder, gallery="cli", series="", at_most=at_most)
    said = io.StringIO()
    started = _Seconds.now()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        asyncio.run(enroll_folder(arguments, settings))
    taken = _Seconds.now() - started
    return taken, "\n".join(line for line in said.getvalue().splitlines() if not line.endswith("in all"))


if __name__ == "__main__":
    main()
