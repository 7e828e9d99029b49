"""What the idle bot holds in memory, part by part: both adapters there, models loaded and warm.

    python -m benchmarks.memory [--json FILE] [--runtime auto]
    python -m benchmarks.memory --pictures 100000 [--callers 16]

One fresh process opens what `bot.py run` opens, in that order, and notes its resident memory after each part.
Nothing connects to anything: the adapters are made, not run. It is done twice, because the first start of all
also compiles the networks; the second is shown.

With --pictures, the service answers that many drawn pictures of mixed sizes and formats (stills, some with
transparency, and animations), each file different from the last, every fourth with its annotated picture.
Resident memory is noted 100 times on the way; flat means that the second half is no higher than the first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from config.options import BatchingOptions, ModelOptions, Options

_FILES = 997
"""Different ones; a prime, so that each meets other companions the next time."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime", default="auto", choices=("auto", "openvino", "onnx", "torch"))
    parser.add_argument("--pictures", type=int, default=0)
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--open-in", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open_in:
        asyncio.run(_open(arguments))
        return
    if arguments.pictures:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_over_pictures(arguments, Path(folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.memory", "--open-in", folder]
        command += ["--runtime", arguments.runtime]
        for _ in range(2):
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    parts = json.loads(output)
    before = 0.0
    for name, megabytes in parts.items():
        print(f"{name:28s} {megabytes - before:+8.1f} MB  → {megabytes:6.1f} MB")
        before = megabytes
    if arguments.json:
        arguments.json.write_text(json.dumps(parts, indent=1) + "\n", encoding="utf-8")


async def _open(arguments: argparse.Namespace) -> None:
    options = Options(data_dir=arguments.open_in, models=ModelOptions(runtime=arguments.runtime))
    parts = {"Python and settings": _resident()}
    # Imported one after the other, to see what each adds.
    from pydantic import SecretStr  # noqa: PLC0415

    from bot.conversation import open_conversation  # noqa: PLC0415

    parts["Dareda's modules"] = _resident()
    async with AsyncExitStack() as stack:
        conversation = await stack.enter_async_context(open_conversation(options))
        parts["gallery, models, store"] = _resident()
        from bot.adapters.discord.adapter import DiscordAdapter  # noqa: PLC0415

        discord = DiscordAdapter(conversation, options.discord, SecretStr("none"), say=print)
        parts["Discord"] = _resident()
        from bot.adapters.telegram.adapter import TelegramAdapter  # noqa: PLC0415

        telegram = TelegramAdapter(conversation, options.telegram, SecretStr("1:none"))
        parts["Telegram"] = _resident()
        del discord, telegram
    assert "torch" not in sys.modules or arguments.runtime == "torch"
    print(json.dumps(parts))


async def _over_pictures(arguments: argparse.Namespace, data_dir: Path) -> None:
    # Not above: what draws the pictures is no part of the idle bot.
    from benchmarks.mixed import mixed_files  # noqa: PLC0415
    from inference.domain import Scope  # noqa: PLC0415
    from inference.service import open_face_service  # noqa: PLC0415

    options = Options(
        data_dir=data_dir,
        models=ModelOptions(runtime=arguments.runtime),
        batching=replace(BatchingOptions(), deadline_s=600),
    )
    files = mixed_files(_FILES)
    noted: list[float] = []
    every = max(1, arguments.pictures // 100)
    left = iter(range(arguments.pictures))
    async with open_face_service(options) as service:

        async def caller() -> None:
            for number in left:
                await service.identify(files[number % _FILES], [Scope("benchmark")], draw=number % 4 == 0)
                if number % every == 0:
                    noted.append(_resident())
                    print(f"{number:8,d} pictures   {noted[-1]:6.1f} MB", flush=True)

        await asyncio.gather(*(caller() for _ in range(arguments.callers)))
    halves = noted[: len(noted) // 2], noted[len(noted) // 2 :]
    figures = {
        "pictures": arguments.pictures,
        "median_of_first_half_mb": statistics.median(halves[0]),
        "median_of_second_half_mb": statistics.median(halves[1]),
        "highest_of_first_half_mb": max(halves[0]),
        "highest_of_second_half_mb": max(halves[1]),
    }
    for name, value in figures.items():
        print(f"{name:28s} {value:10,.0f}")
    if arguments.json:
        arguments.json.write_text(
            json.dumps(figures | {"noted_mb": noted}, indent=1) + "\n", encoding="utf-8"
        )


def _resident() -> float:
    """Megabytes (10⁶ bytes) of this process that are in memory now."""
    fields = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in fields if line.startswith("VmRSS:")) * 1024 / 1e6


if __name__ == "__main__":
    main()
