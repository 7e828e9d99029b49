"""Two real `serve` processes, one of them killed under load: nobody who asks the bot's side notices."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from config.options import Options, ServiceOptions
from inference.domain import Scope
from inference.images import encode
from inference.remote import open_remote_face_service
from inference.service import Answer
from tests.inference.models.tiny_pack import make_pack

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "token-of-two-servers"
START_S = 120.0
CLIENTS = 16


@asynccontextmanager
async def serving(
    folder: Path, *arguments: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process, list[str]]]:
    """Its address, its process, and what it has said so far."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAREDA_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "bot.py"),
        *("serve", "--data-dir", str(folder), *arguments),
        *("--set", "service.port=0", "--set", "models.pack=tiny"),
        cwd=folder,
        env=environment | {"SERVICE_TOKEN": TOKEN},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said: list[str] = []

    async def listen() -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            said.append(line.decode())

    listening = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(START_S):
            while not (address := [line.split()[-1] for line in said if line.startswith("Serving at")]):
                assert process.returncode is None, said
                await asyncio.sleep(0.05)
        yield address[0], process, said
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await listening


@pytest.fixture
def tiny_picture() -> bytes:
    return encode(np.full((64, 64, 3), (30, 30, 220), np.uint8), format="png")


@pytest.mark.timeout(300)
async def test_killing_one_of_two_servers_under_load_fails_no_request(
    tmp_path: Path, tiny_picture: bytes
) -> None:
    make_pack(tmp_path / "models" / "tiny")
    async with serving(tmp_path) as first, serving(tmp_path, "--read-only") as second:
        options = replace(Options(), service=ServiceOptions(url=(first[0], second[0])))
        async with open_remote_face_service(options, SecretStr(TOKEN)) as service:
            answered = 0
            warm, enough = asyncio.Event(), asyncio.Event()

            async def client() -> None:
                nonlocal answered
                while not enough.is_set():
                    assert isinstance(await service.identify(tiny_picture, [Scope("home")]), Answer)
                    answered += 1
                    if answered >= 100:
                        warm.set()
                    if killed_after and answered >= killed_after + 150:
                        enough.set()

            killed_after = 0
            clients = [asyncio.create_task(client()) for _ in range(CLIENTS)]
            async with asyncio.timeout(120):
                await warm.wait()
                second[1].kill()
                killed_after = answered
                await enough.wait()
            await asyncio.gather(*clients)  # raises what any of them met with
            assert await second[1].wait() < 0
    done = (
        sum("identify_done" in line for line in first[2]),
        sum("identify_done" in line for line in second[2]),
    )
    assert min(done) > 10  # both worked
    assert sum(done) >= answered
    assert "Traceback" not in "".join([*first[2], *second[2]])
    assert TOKEN not in "".join([*first[2], *second[2]])


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("settings", "token", "key"),
    [
        (["service.host=0.0.0.0"], None, "SERVICE_TOKEN"),
        ([], "short", "SERVICE_TOKEN"),
        (["service.host=203.0.113.7"], TOKEN, "service.port"),
    ],
)
async def test_what_others_could_reach_without_a_token_is_not_served(
    tmp_path: Path, settings: list[str], token: str | None, key: str
) -> None:
    make_pack(tmp_path / "models" / "tiny")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAREDA_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "bot.py"),
        *("serve", "--data-dir", str(tmp_path), "--set", "models.pack=tiny", "--set", "service.port=0"),
        *(part for setting in settings for part in ("--set", setting)),
        cwd=tmp_path,
        env=environment | ({"SERVICE_TOKEN": token} if token else {}),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), START_S)
    assert process.returncode == 78, said
    assert key in said.decode() and "Traceback" not in said.decode()
