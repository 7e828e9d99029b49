"""A process that forks writers on request, for tests that kill them. Not a test itself.

Each line of standard input (task, gallery, first number, acknowledgements; tabs between) starts one writer;
the answer is its process id, and once it is dead its exit status.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from inference.domain import Scope
from inference.gallery.embedded import open_embedded_gallery
from tests.inference.gallery.samples import HashEmbedder, make_contract, make_crop, make_sample


async def enroll_for_ever(path: Path, number: int, acknowledged: Path) -> None:
    gallery = await open_embedded_gallery(path, make_contract())
    with acknowledged.open("a") as said:
        while True:
            samples = [
                replace(make_sample(seed), crop=make_crop(seed % 50)) for seed in (2 * number, 2 * number + 1)
            ]
            name = f"character {number % 7}"
            enrolled = await gallery.enroll(Scope("here"), name, samples, aliases=[f"alias {number % 21}"])
            ids = " ".join(sample.id for sample in enrolled.samples)
            print(number, enrolled.character.id, ids, file=said, flush=True)
            number += 1


async def forget_and_undo(path: Path, number: int, acknowledged: Path) -> None:
    gallery = await open_embedded_gallery(path, make_contract(), undo_days=7)
    with acknowledged.open("a") as said:
        while True:
            samples = [
                replace(make_sample(seed), crop=make_crop(seed % 50)) for seed in (2 * number, 2 * number + 1)
            ]
            enrolled = await gallery.enroll(Scope("here"), f"character {number}", samples)
            ids = " ".join(sample.id for sample in enrolled.samples)
            print(number, enrolled.character.id, ids, file=said, flush=True)
            for _ in range(5):
                await gallery.forget(Scope("here"), f"character {number}")
                await gallery.undo(Scope("here"))
            number += 1


async def reindex(path: Path) -> None:
    gallery = await open_embedded_gallery(path, make_contract(), any_contract=True)
    async for _ in gallery.reindex(make_contract("second", 24), HashEmbedder(24), batch=2):
        pass
    await asyncio.sleep(60)


def main() -> None:
    for seed in range(50):
        make_crop(seed)
    for line in sys.stdin:
        task, path, first, acknowledged = line.rstrip("\n").split("\t")
        pid = os.fork()
        if not pid:
            if task == "enroll":
                asyncio.run(enroll_for_ever(Path(path), int(first), Path(acknowledged)))
            elif task == "undo":
                asyncio.run(forget_and_undo(Path(path), int(first), Path(acknowledged)))
            else:
                asyncio.run(reindex(Path(path)))
            os._exit(0)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
