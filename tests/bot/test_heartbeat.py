"""Signs of life: who looks from outside sees a bot that lives, one that hangs, and one that is gone."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import heartbeat
from bot.cli import main
from bot.heartbeat import STALE_AFTER_S, beating
from config.options import Options


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Options(data_dir=tmp_path).heartbeat_file


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where a service manager would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def probe(path: Path) -> int:
    return main(["health", "--data-dir", str(path.parent)])


async def test_a_bot_is_alive_while_its_loop_turns_and_not_before_or_after(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(probe, path) == 1
    assert "Nothing runs" in capsys.readouterr().err
    async with beating(path):
        assert await asyncio.to_thread(probe, path) == 0
    assert await asyncio.to_thread(probe, path) == 1


@pytest.mark.parametrize(("age_s", "code"), [(STALE_AFTER_S - 5, 0), (STALE_AFTER_S + 5, 1)])
async def test_a_sign_of_life_grows_old(
    path: Path, age_s: float, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with beating(path):
        os.utime(path, (time.time() - age_s,) * 2)
        assert await asyncio.to_thread(probe, path) == code
    assert ("sign of life" in capsys.readouterr().err) == bool(code)


async def test_the_loop_beats_again_and_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.01)
    async with beating(path):
        os.utime(path, (0, 0))
        for _ in range(500):
            await asyncio.sleep(0.01)
            if await asyncio.to_thread(probe, path) == 0:
                return
        raise AssertionError("it does not beat")


async def test_a_hanging_loop_shows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.01)
    monkeypatch.setattr(heartbeat, "STALE_AFTER_S", 0.2)
    async with beating(path):
        await asyncio.sleep(0.05)
        time.sleep(0.5)  # noqa: ASYNC251  # what no bot should do
        assert heartbeat._age_s(path) > 0.2


async def test_systemd_is_told_when_it_is_ready_alive_and_stopping(
    path: Path, systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.01)
    async with beating(path):
        assert systemd.recv(100) == b"READY=1"
        assert await asyncio.to_thread(systemd.recv, 100) == b"WATCHDOG=1"
    said = systemd.recv(100)
    while said == b"WATCHDOG=1":
        said = systemd.recv(100)
    assert said == b"STOPPING=1"


@pytest.mark.parametrize("address", ["/nowhere/at/all", "@nobody-listens"])
async def test_a_service_manager_that_does_not_listen_stops_nobody(
    path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    async with beating(path):
        assert await asyncio.to_thread(probe, path) == 0


async def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    async with beating(tmp_path / "missing" / "run.alive"):
        assert await asyncio.to_thread(probe, tmp_path / "missing" / "run.alive") == 1
