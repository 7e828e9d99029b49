"""Whatever was acknowledged survives a kill at any moment, and nothing is left half done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.domain import CharacterId, Scope
from inference.gallery.embedded import open_embedded_gallery
from tests.inference.gallery.samples import (
    DIMENSION,
    HashEmbedder,
    make_contract,
    make_crop,
    make_embedding,
    probes,
)

KILLS = 200
KILLS_PER_GALLERY = 20
SAMPLES_PER_ENROLLMENT = 2
HERE = Scope("here")


class Nursery:
    """A process with everything imported that forks writers: a fresh one costs a few milliseconds."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.inference.gallery.crashing_writer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )

    def run_and_kill(
        self, task: str, path: Path, first: int, acknowledged: Path, *, after_lines: int = 0, after_s: float
    ) -> None:
        """Let a writer work and kill it that many seconds after so many acknowledgements (0: its birth)."""
        enough = len(read_lines(acknowledged)) + after_lines
        assert self._process.stdin
        assert self._process.stdout
        print(task, path, first, acknowledged, sep="\t", file=self._process.stdin, flush=True)
        pid = int(self._process.stdout.readline())
        deadline = time.monotonic() + 30
        while len(read_lines(acknowledged)) < enough and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(after_s)
        os.kill(pid, signal.SIGKILL)
        assert self._process.stdout.readline() == f"{-signal.SIGKILL}\n", "the writer ended by itself"

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        assert self._process.wait(10) == 0
        assert self._process.stdout
        self._process.stdout.close()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.mark.slow
async def test_a_writer_killed_200_times_loses_nothing_acknowledged(nursery: Nursery, tmp_path: Path) -> None:
    dice = random.Random(7)
    total = first = 0
    for kill in range(KILLS):
        path = tmp_path / f"gallery-{kill // KILLS_PER_GALLERY}.sqlite"
        acknowledged = tmp_path / f"acknowledged-{kill // KILLS_PER_GALLERY}"
        # Every fourth may die while it opens the gallery, the others while they enroll.
        after_lines = dice.choice((0, 1, 1, 2))
        nursery.run_and_kill(
            "enroll", path, first, acknowledged, after_lines=after_lines, after_s=dice.uniform(0.0, 0.03)
        )
        first += 1_000
        total = await check(path, acknowledged) if path.exists() else 0
        if kill % KILLS_PER_GALLERY == KILLS_PER_GALLERY - 1:
            assert total >= KILLS_PER_GALLERY / 2, "the writers died too early to have shown anything"


async def check(path: Path, acknowledged: Path) -> int:
    """Everything acknowledged is there whole, and nothing else is there in part; returns how much."""
    said = [line.split() for line in read_lines(acknowledged)]
    gallery = await open_embedded_gallery(path, make_contract())
    characters = {character.id: character for character in await gallery.characters([HERE])}
    log = await gallery.audit(limit=100_000)
    audited = {sample for entry in log if entry.action == "enroll" for sample in entry.detail["samples"]}
    there: dict[str, int] = {}
    for character_id, character in characters.items():
        samples = await gallery.samples([HERE], character_id)
        assert len(samples) == character.sample_count
        assert len(samples) % SAMPLES_PER_ENROLLMENT == 0
        for sample in samples:
            seed = int(sample.source.removeprefix("picture "))
            there[sample.id] = seed
            assert sample.id in audited
    assert set(there) == audited
    for number, character_id, *sample_ids in said:
        assert CharacterId(character_id) in characters
        for place, sample_id in enumerate(sample_ids):
            seed = there[sample_id]
            assert seed == SAMPLES_PER_ENROLLMENT * int(number) + place
            assert await gallery.crop([HERE], sample_id) == make_crop(seed % 50)
    if there:
        sample_id, seed = max(there.items(), key=lambda item: item[1])
        [[match]] = await gallery.search(probes(make_embedding(seed)), [HERE], top=1)
        assert match.sample_id == sample_id
    assert await gallery.verify(repair=False) == ()
    await gallery.close()
    return len(said)


@pytest.mark.slow
async def test_a_killed_reindex_keeps_the_old_contract_until_it_is_done(
    nursery: Nursery, tmp_path: Path
) -> None:
    path, acknowledged = tmp_path / "gallery.sqlite", tmp_path / "acknowledged"
    nursery.run_and_kill("enroll", path, 0, acknowledged, after_lines=60, after_s=0)
    second = make_contract("second", 24)
    contracts = []
    for kill in range(25):
        nursery.run_and_kill("reindex", path, 0, acknowledged, after_s=0.004 * kill)
        gallery = await open_embedded_gallery(path, make_contract(), any_contract=True)
        contracts.append(gallery.contract)
        assert await gallery.verify(repair=False) == ()
        await gallery.close()
        if contracts[-1] == second:
            break
    gallery = await open_embedded_gallery(path, make_contract(), any_contract=True)
    async for _ in gallery.reindex(second, HashEmbedder(24)):
        pass
    assert contracts == sorted(contracts, key=lambda contract: contract == second)
    assert contracts[0] == make_contract()
    assert gallery.contract.dimension == 24 != DIMENSION
    assert await gallery.verify(repair=False) == ()
    await gallery.close()


@pytest.mark.slow
async def test_what_a_killed_writer_had_forgotten_can_be_taken_back_whole(
    nursery: Nursery, tmp_path: Path
) -> None:
    path, acknowledged, dice = tmp_path / "gallery.sqlite", tmp_path / "acknowledged", random.Random(9)
    taken_back = 0
    for kill in range(25):
        nursery.run_and_kill(
            "undo", path, 1_000 * kill, acknowledged, after_lines=1, after_s=dice.uniform(0, 0.08)
        )
        gallery = await open_embedded_gallery(path, make_contract(), undo_days=7)
        [last] = await gallery.audit(limit=1)
        if last.action == "forget_character":
            await gallery.undo(HERE)
            taken_back += 1
        await gallery.close()
        assert await check(path, acknowledged) >= kill + 1
    assert taken_back, "no writer died between forgetting and its undo"


def read_lines(path: Path) -> list[str]:
    """Whole lines: the last one may be torn, then it was not acknowledged."""
    return path.read_text().split("\n")[:-1] if path.exists() else []
