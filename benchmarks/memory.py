"""What the idle bot holds in memory, part by part: both adapters there, models loaded and warm.

    python -m benchmarks.memory [--json FILE] [--runtime auto]

One fresh process opens what `bot.py run` opens, in that order, and notes its resident memory after each part.
Nothing connects to anything: the adapters are made, not run. It is done twice, because the first start of all
also compiles the networks; the second is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from config.options import ModelOptions, Options


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime", default="auto", choices=("auto", "openvino", "onnx", "torch"))
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--open-in", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open_in:
        asyncio.run(_open(arguments))
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


def _resident() -> float:
    """Megabytes (10⁶ bytes) of this process that are in memory now."""
    fields = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in fields if line.startswith("VmRSS:")) * 1024 / 1e6


if __name__ == "__main__":
    main()
