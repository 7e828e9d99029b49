"""How close the inference service comes to the same core in one process, under many clients.

    python -m benchmarks.service [--requests 10000] [--clients 64]

Drawn pictures of several sizes and kinds, with and without faces, are asked for in mixed order by 64 clients:
first of a `serve` process over HTTP, then of the core in this process, alternately, so that a noisy machine
hurts both. Every answer is compared with the one that the picture alone was given before. Reported: wrong and
lost answers, throughput of both and their ratio, and the server's memory in the first and last tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
from pydantic import SecretStr

from config.options import BatchingOptions, ModelOptions, Options, ServiceOptions
from inference.domain import Decision, Scope
from inference.drawing import draw_cast, draw_group, draw_portrait
from inference.enroll import EnrollRequest
from inference.errors import AmbiguousFacesError, AppError, NoFaceError
from inference.images import encode
from inference.remote import open_remote_face_service
from inference.service import Answer, FaceService, open_face_service

_SCOPE = Scope("benchmark")
_TOKEN = "token-of-one-benchmark"
_ROUNDS = 10
"""Each a tenth of the requests over HTTP, and a share of them in this process."""
_LOCAL_SHARE = 0.2

Names = tuple[str | None, ...]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument(
        "--pack", type=Path, help="folder of another model pack: a small one shows more of the service itself"
    )
    parser.add_argument("--runtime", default="auto", choices=("auto", "openvino", "onnx", "torch"))
    parser.add_argument("--threads", type=int, default=0, help="of each model; 0 is all cores")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_compare(arguments, Path(folder)))


async def _compare(arguments: argparse.Namespace, folder: Path) -> None:
    batching = replace(BatchingOptions(), deadline_s=600)
    models = ModelOptions(runtime=arguments.runtime, threads=arguments.threads)
    if arguments.pack:
        models = replace(models, pack=arguments.pack.name)
        await asyncio.to_thread(shutil.copytree, arguments.pack, folder / "models" / arguments.pack.name)
    options = Options(data_dir=folder, batching=batching, models=models)
    pictures = await _pictures_of_enrolled(options)
    async with (
        _serve_process(options) as (address, process),
        open_face_service(options, read_only=True) as own,
        open_remote_face_service(
            replace(options, service=ServiceOptions(url=(address,))), SecretStr(_TOKEN)
        ) as remote,
    ):
        expected = [_names(await own.identify(data, [_SCOPE], draw=False)) for data in pictures]
        order = random.Random(7)
        memory, ratios, speeds = [], [], {"http": [], "own": []}
        wrong = lost = 0
        per_round = arguments.requests // _ROUNDS
        await _load(own, pictures, expected, range(len(pictures)), clients=arguments.clients)
        await _load(remote, pictures, expected, range(len(pictures)), clients=arguments.clients)
        for number in range(_ROUNDS):
            asked = [order.randrange(len(pictures)) for _ in range(per_round)]
            tally = await _load(remote, pictures, expected, asked, clients=arguments.clients, process=process)
            wrong, lost = wrong + tally.wrong, lost + tally.lost
            memory.append(tally.memory)
            beside = await _load(
                own, pictures, expected, asked[: int(per_round * _LOCAL_SHARE)], clients=arguments.clients
            )
            speeds["http"].append(tally.per_second)
            speeds["own"].append(beside.per_second)
            ratios.append(tally.per_second / beside.per_second)
            print(
                f"tenth {number + 1:2}: {tally.per_second:6.1f}/s over HTTP, {beside.per_second:6.1f}/s in "
                f"process, {statistics.mean(tally.memory):.0f} MB, {wrong} wrong, {lost} lost",
                flush=True,
            )
    first, last = (statistics.mean(memory[place]) for place in (0, -1))
    print(f"{per_round * _ROUNDS} requests by {arguments.clients} clients: {wrong} wrong, {lost} lost")
    print(f"throughput  {statistics.median(ratios):.3f} of the core in process (median of {_ROUNDS} rounds)")
    print(
        f"memory      {first:.0f} MB in the first tenth, {last:.0f} MB in the last: {last / first - 1:+.1%}"
    )
    print(json.dumps({"ratio": statistics.median(ratios), "growth": last / first - 1, "speeds": speeds}))
    if wrong or lost:
        raise SystemExit(1)


class _Tally:
    def __init__(self) -> None:
        self.wrong = self.lost = 0
        self.per_second = 0.0
        self.memory: list[float] = []
        """Megabytes of the server, now and then."""


async def _load(
    service: FaceService,
    pictures: Sequence[bytes],
    expected: Sequence[Names],
    asked: Sequence[int],
    *,
    clients: int,
    process: psutil.Process | None = None,
) -> _Tally:
    tally, waiting = _Tally(), iter(asked)

    async def client() -> None:
        for index in waiting:
            try:
                answer = await service.identify(pictures[index], [_SCOPE], draw=index % 4 == 0)
            except AppError as error:
                print(f"lost: {error}", file=sys.stderr)
                tally.lost += 1
            else:
                tally.wrong += _names(answer) != expected[index]

    async def look_at_memory() -> None:
        while process is not None:
            tally.memory.append(process.memory_info().rss / 1e6)
            await asyncio.sleep(0.5)

    looking = asyncio.create_task(look_at_memory())
    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    tally.per_second = len(asked) / (time.perf_counter() - started)
    looking.cancel()
    return tally


def _names(answer: Answer) -> Names:
    return tuple(
        face.character.name if face.decision is Decision.KNOWN and face.character else None
        for face in answer.identification.faces
    )


async def _pictures_of_enrolled(options: Options) -> list[bytes]:
    """Portraits and groups in several formats and sizes, some of enrolled characters; one without a face."""
    *cast, stranger = draw_cast(5, seed=11)
    async with open_face_service(options) as service:
        for character in cast:
            portrait = encode(draw_portrait(character, seed=1).image, format="png")
            with suppress(AmbiguousFacesError, NoFaceError):  # what a small pack sees in it
                await service.enroll(portrait, _SCOPE, EnrollRequest(character.name))
    pictures = [
        encode(draw_portrait(character, seed=seed).image, format=kind)
        for seed, kind in ((2, "jpeg"), (3, "webp"), (4, "png"))
        for character in (*cast, stranger)
    ]
    pictures += [encode(draw_group([*cast, stranger], seed=5).image, format="jpeg")]
    empty = draw_portrait(stranger, seed=6).image[:60, :60] // 4 + 100
    return [*pictures, encode(empty, format="png")]


@asynccontextmanager
async def _serve_process(options: Options) -> AsyncIterator[tuple[str, psutil.Process]]:
    """`python bot.py serve` on a free port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "bot.py",
        "serve",
        "--data-dir",
        str(options.data_dir),
        *("--set", "service.port=0", "--set", f"models.runtime={options.models.runtime}"),
        *("--set", f"models.pack={options.models.pack}"),
        *("--set", f"models.threads={options.models.threads}", "--set", "batching.deadline_s=600"),
        env=os.environ | {"SERVICE_TOKEN": _TOKEN},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        said = ""
        while "Serving at" not in said:
            line = (await asyncio.wait_for(process.stderr.readline(), 120)).decode()
            if not line:
                raise RuntimeError(said)
            said += line
        logged = asyncio.create_task(_drop(process.stderr))
        yield said.split()[-1], psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()
    await logged


async def _drop(lines: asyncio.StreamReader) -> None:
    """Read to the end: whoever logs into a pipe that nobody empties has to wait."""
    while await lines.read(65_536):
        pass


if __name__ == "__main__":
    main()
