"""What looking over a large gallery costs: a survey and a map, over a real gallery file.

    python -m benchmarks.survey [--samples 100000] [--characters 10000]

Prints processor seconds, of which there are as many on a busy machine, and how much memory was added.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.gallery import CONTRACT, SCOPE, fill
from inference.decide import Level, Policy
from inference.gallery.embedded import open_embedded_gallery
from inference.survey.surveyor import Surveyor

POLICY = Policy((Level(1, 0.68, 0.07),))
PATIENCE_S = 3_600.0
CROP_BYTES = 1_000


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--characters", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery.sqlite"
        fill(path, arguments.samples, arguments.characters, CROP_BYTES)
        print(f"{arguments.samples:,} samples of {arguments.characters:,} characters")
        asyncio.run(measure(path))
    return 0


async def measure(path: Path) -> None:
    gallery = await open_embedded_gallery(path, CONTRACT)
    surveyor = Surveyor(gallery, POLICY)
    for name, make in (("survey", surveyor.survey), ("map", surveyor.map)):
        before, started = peak_mb(), time.process_time()
        made = (await make(SCOPE, wait_s=PATIENCE_S)).result
        assert made is not None
        print(f"{name:8} {time.process_time() - started:8.1f} s   +{peak_mb() - before:,.0f} MB at most")
    await surveyor.close()
    await gallery.close()


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    raise SystemExit(main())
