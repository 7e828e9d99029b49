"""How close `enroll --from` comes to a bare loop over the same two ONNX networks.

    python -m benchmarks.enroll FOLDER [--pictures 2000] [--at-most 10] [--repeats 3]

FOLDER/<character>/<pictures>, of which the first characters with that many pictures are taken. The loop calls
the detector and the embedder on decoded pictures, in full batches. Enrolling does that and everything else:
load the models, list and read and decode the files, look for duplicates, choose, keep the crops, write the
gallery. Both run in turn; the ratio is loop time / enrolling time, 1.0 = nothing is lost.
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
from pathlib import Path

from benchmarks.core import _Baseline
from bot.terminal.enroll_folder import enroll_folder
from bot.terminal.pictures import folders_in, picture_files
from config.options import ModelOptions, Options
from config.settings import Settings, load_settings
from inference.images import decode

_DECODED_AT_ONCE = 256


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=2_000)
    parser.add_argument("--at-most", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    baseline = _Baseline(Options(models=ModelOptions(runtime="onnx")))
    bare_s, enroll_s, again_s = [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "pictures"
        files = _link(arguments.folder, folder, arguments.pictures)
        for number in range(arguments.repeats):
            bare_s.append(_bare_loop(baseline, files))
            data_dir = Path(temporary) / f"data {number}"
            seconds, report = _enroll(folder, data_dir, arguments.at_most)
            enroll_s.append(seconds)
            again_s.append(_enroll(folder, data_dir, arguments.at_most)[0])
        characters = len(folders_in(folder))
    print(f"{len(files)} pictures of {characters} characters, {arguments.repeats} runs of each")
    print(report)
    bare, enrolling = statistics.median(bare_s), statistics.median(enroll_s)
    ratios = [a / b for a, b in zip(bare_s, enroll_s, strict=True)]
    print(f"bare loop  {len(files) / bare:7.1f} pictures/s")
    print(f"enroll     {len(files) / enrolling:7.1f} pictures/s {characters / enrolling:7.2f} characters/s")
    print(f"again      {statistics.median(again_s):7.1f} s")
    print(f"ratio      {statistics.median(ratios):7.3f}  ({min(ratios):.3f} … {max(ratios):.3f})")
    print(json.dumps({"ratio": statistics.median(ratios), "bare_s": bare_s, "enroll_s": enroll_s}))


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


def _bare_loop(baseline: _Baseline, files: list[Path]) -> float:
    """Seconds for detecting and embedding, decoding not counted."""
    limits, seconds = Options().images, 0.0
    for start in range(0, len(files), _DECODED_AT_ONCE):
        part = files[start : start + _DECODED_AT_ONCE]
        images = [decode(path.read_bytes(), limits).frames[0] for path in part]
        started = time.perf_counter()
        baseline.run(images)
        seconds += time.perf_counter() - started
    return seconds


def _enroll(folder: Path, data_dir: Path, at_most: int) -> tuple[float, str]:
    """Seconds for the whole command, and its summary."""
    settings: Settings = load_settings(environ={}, overrides=["models.runtime=onnx"], data_dir=data_dir)
    arguments = argparse.Namespace(folder=folder, gallery="cli", series="", at_most=at_most)
    said = io.StringIO()
    started = time.perf_counter()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        asyncio.run(enroll_folder(arguments, settings))
    seconds = time.perf_counter() - started
    return seconds, "\n".join(line for line in said.getvalue().splitlines() if not line.endswith("in all"))


if __name__ == "__main__":
    main()
