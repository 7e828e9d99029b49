"""`run` with a chat: the whole process against the strict Discord, started and stopped by an operator."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest

from bot.adapters.base import Adapter
from bot.app import serve
from bot.chat import Platform
from inference.errors import SettingsError
from tests.conftest import CastPictures
from tests.discord_server.people import Picture
from tests.discord_server.server import DiscordServer

ROOT = Path(__file__).resolve().parents[2]
START_S = 90.0


async def started(server: DiscordServer, folder: Path, token: str) -> asyncio.subprocess.Process:
    environment = os.environ | {
        "DISCORD_TOKEN": token,
        "DAREDA_DISCORD__API_BASE": server.api_base,
        "DAREDA_DISCORD__CDN": server.cdn.base,
        "DAREDA_CHATS__ANSWERING": "all",
        "DAREDA_WEB__START": "off",
    }
    environment.pop("TELEGRAM_TOKEN", None)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "bot.py"),
        "run",
        "--data-dir",
        str(folder / "data"),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def line_of(process: asyncio.subprocess.Process, line: str) -> None:
    """Until the process has said so; it ends with an error where the process ends first."""
    assert process.stderr is not None
    while (said := (await process.stderr.readline()).decode()) != f"{line}\n":
        assert said, f"it ended without saying {line!r}"


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    out, err = await asyncio.wait_for(process.communicate(), START_S)
    assert process.returncode is not None
    return process.returncode, (out + err).decode()


@pytest.mark.timeout(300)
async def test_it_answers_until_it_is_told_to_stop_and_then_finishes_what_is_under_way(
    tmp_path: Path, cast_pictures: CastPictures
) -> None:
    async with DiscordServer() as server:
        guild = server.add_guild("club")
        channel, alice = server.add_channel(guild), server.add_member(guild, "alice")
        process = await started(server, tmp_path, server.token)
        try:
            await server.until(lambda: server.said_in(channel), "the first words", timeout_s=START_S)
            await asyncio.wait_for(line_of(process, "Discord: signed in as dareda, in 1 server."), START_S)
            picture = Picture("a.png", cast_pictures.new[0].read_bytes())
            first = server.post_message(channel, alice, attachments=[picture])
            await server.reply_to(first, timeout_s=START_S)
            alive = (tmp_path / "data" / "run.alive").exists()
            last = server.post_message(channel, alice, attachments=[picture])
            typing = channel.typing
            await server.until(lambda: channel.typing > typing, "that it works", timeout_s=START_S)
            process.send_signal(signal.SIGTERM)
            code, said = await ended(process)
        finally:
            if process.returncode is None:
                process.kill()
        assert code == 0, said
        assert alive
        assert not (tmp_path / "data" / "run.alive").exists()
        (reply,) = server.replies(last)
        assert reply.files and reply.content == "I do not know this face."
        assert "Stopping" in said
        assert server.token not in said and "Traceback" not in said
        assert not server.errors


@pytest.mark.timeout(300)
async def test_a_wrong_token_refuses_the_start_and_says_where_to_get_another(tmp_path: Path) -> None:
    async with DiscordServer() as server:
        process = await started(server, tmp_path, "a.wrong.token")
        code, said = await ended(process)
    assert code == 78
    assert "DISCORD_TOKEN" in said and "discord.com/developers" in said
    assert "a.wrong.token" not in said and "Traceback" not in said


@pytest.mark.timeout(300)
async def test_the_web_console_alone_is_opened_where_it_is_asked_for(tmp_path: Path) -> None:
    environment = os.environ | {"DAREDA_WEB__START": "on", "DAREDA_WEB__PORT": "0", "DISCORD_TOKEN": ""}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "bot.py"), "run", "--data-dir", str(tmp_path / "data")),
        cwd=tmp_path,
        env=environment | {"TELEGRAM_TOKEN": "", "WEB_TOKEN": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        said = (await asyncio.wait_for(process.stderr.readline(), START_S)).decode()
        assert said.startswith("Web console: http://127.0.0.1:")
        address = said.removeprefix("Web console: ").strip()
        async with aiohttp.ClientSession() as session, session.get(f"{address}/") as response:
            assert response.status == 200
            assert "Dareda" in await response.text()
        process.send_signal(signal.SIGTERM)
        code, rest = await ended(process)
    finally:
        if process.returncode is None:
            process.kill()
    assert code == 0, rest
    assert "Traceback" not in rest


class FakeAdapter:
    """Runs until it is closed, or fails."""

    platform: Platform = "discord"
    is_connected = True

    def __init__(self, calls: list[str], name: str, failure: Exception | None = None) -> None:
        self._calls, self._name, self._failure = calls, name, failure
        self._closed = asyncio.Event()

    async def run(self) -> None:
        if self._failure:
            raise self._failure
        await self._closed.wait()

    def pause(self) -> None:
        self._calls.append(f"{self._name} pauses")

    async def close(self, deadline_s: float) -> None:
        self._calls.append(f"{self._name} closes")
        self._closed.set()


class FakeConversation:
    def __init__(self, calls: list[str]) -> None:
        self._calls = calls

    async def close(self, deadline_s: float) -> None:
        self._calls.append(f"conversation closes within {deadline_s:g} s")


async def served(adapters: Sequence[Adapter], calls: list[str], stop: asyncio.Event) -> None:
    await serve(adapters, FakeConversation(calls), stop, close_s=3)  # type: ignore[arg-type]


async def test_stopping_goes_in_order() -> None:
    calls: list[str] = []
    stop = asyncio.Event()
    stop.set()
    await served([FakeAdapter(calls, "one"), FakeAdapter(calls, "two")], calls, stop)
    assert calls == [
        "one pauses", "two pauses", "conversation closes within 3 s", "one closes", "two closes",
    ]  # fmt: skip


async def test_one_that_cannot_start_stops_the_others() -> None:
    calls: list[str] = []
    failure = SettingsError(key="DISCORD_TOKEN", reason="wrong")
    with pytest.raises(SettingsError):
        await served([FakeAdapter(calls, "one"), FakeAdapter(calls, "two", failure)], calls, asyncio.Event())
    assert "one closes" in calls
