"""The real adapter by webhook against telemelya: a Bot API server that is not our own reading of it.

It knows private chats, words, photos and buttons; what it lacks of Telegram (replies, albums, documents,
menus, the secret header, which a proxy puts in here) is tested with the strict server.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.adapters.telegram.adapter import TelegramAdapter
from bot.adapters.telegram.webhook import Webhook
from bot.chat import OutgoingFile, Reply
from bot.conversation import Conversation
from config.options import ImageLimits, TelegramOptions
from inference.domain import Scope
from inference.enroll import EnrollRequest
from inference.images import decode
from tests.adapters.discord.core import real_conversation
from tests.bot.conversing import is_marked
from tests.conftest import CastPictures

ENVIRONMENT = Path(__file__).parents[2] / ".venv-telemelya"
TOKEN = f"123456789:{'t' * 35}"
HOME = 5_001
PATIENCE_S = 60.0
_ASIDE = ("sendChatAction", "editMessageReplyMarkup")
"""Goes before an answer: that it works on one, and that buttons are gone."""


@dataclass
class Telemelya:
    """The server, as the person in its one private chat uses it."""

    http: httpx.AsyncClient
    heard: int = 0
    """How many of the bot's requests were looked at."""
    steps: list[str] = field(default_factory=list)

    async def say(self, text: str) -> dict[str, Any]:
        return await self._answered({"text": text})

    async def post(self, data: bytes, caption: str = "") -> dict[str, Any]:
        files = {"file": ("a.png", data, "image/png")}
        uploaded = await self._call("upload_media", files=files)
        return await self._answered({"photo_file_id": uploaded["file_id"], "photo_caption": caption})

    async def press(self, shown: dict[str, Any], label: str) -> dict[str, Any]:
        """What a button leads to: a note on the screen, or the message that comes or changes."""
        rows = shown["reply_markup"]["inline_keyboard"]
        (data,) = [one["callback_data"] for row in rows for one in row if one["text"] == label]
        pressed = {"callback_data": data, "callback_message_id": shown["message_id"]}
        answered = await self._answered(pressed)
        assert answered["method"] == "answerCallbackQuery"
        return answered if answered["text"] else await self._next()

    async def offered(self, typed: str) -> list[str]:
        await self._call("send_inline_query", json={"query": typed, "from_user": _PERSON})
        return [result["title"] for result in (await self._next())["results"]]

    async def picture(self, shown: dict[str, Any]) -> bytes:
        response = await self.http.get(f"media/{shown['file_id']}")
        return response.content

    async def _answered(self, update: dict[str, Any]) -> dict[str, Any]:
        told = await self._call("send_update", json={"chat_id": HOME, "from_user": _PERSON, **update})
        assert told["delivery"]["status_code"] == 200, told
        return await self._next()

    async def _next(self) -> dict[str, Any]:
        """The next thing that the bot does."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                done = (await self.http.get("responses")).json()["responses"]
                for number, one in enumerate(done[self.heard :], start=self.heard + 1):
                    self.heard = number
                    if one["method"] not in _ASIDE:
                        found: dict[str, Any] = one
                        return found
                await asyncio.sleep(0.02)

    async def _call(self, name: str, **how: Any) -> dict[str, Any]:
        response = await self.http.post(name, params={"bot_token": TOKEN}, **how)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer


_PERSON = {"id": HOME, "first_name": "Member"}


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The address of a server of its own."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.is_file():
        pytest.skip(f"telemelya is not installed: {Path(__file__).with_name('requirements.txt')} says how")
    server = await asyncio.create_subprocess_exec(
        python,
        Path(__file__).with_name("serve.py"),
        stdin=asyncio.subprocess.PIPE,  # whose end ends it
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"},
    )
    assert server.stdin is not None and server.stdout is not None
    try:
        port = int(await asyncio.wait_for(server.stdout.readline(), PATIENCE_S))
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stdin.close()
        await server.wait()


@asynccontextmanager
async def proxied() -> AsyncIterator[tuple[str, list[TelegramAdapter]]]:
    """A reverse proxy for the adapter put into the list; it says the secret word as Telegram would."""
    behind: list[TelegramAdapter] = []

    async def pass_on(request: web.Request) -> web.Response:
        receiver = behind[0].receiver
        assert isinstance(receiver, Webhook)
        headers = {"X-Telegram-Bot-Api-Secret-Token": receiver._word}
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"http://127.0.0.1:{receiver.port}{request.path}",
                content=await request.read(),
                headers=headers,
            )
        return web.Response(status=answer.status_code)

    application = web.Application()
    application.router.add_post("/{path:.*}", pass_on)
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", behind
    finally:
        await runner.cleanup()


@asynccontextmanager
async def answering(conversation: Conversation) -> AsyncIterator[tuple[Telemelya, TelegramAdapter]]:
    async with served() as address, proxied() as (public, behind):
        options = TelegramOptions(
            base_url=f"{address}/bot",
            base_file_url=f"{address}/file/bot",
            receive="webhook",
            webhook_url=public,
            webhook_port=0,
        )
        adapter = TelegramAdapter(conversation, options, SecretStr(TOKEN))
        behind.append(adapter)
        running = asyncio.create_task(adapter.run(), name="telegram")
        await asyncio.wait_for(adapter.ready.wait(), PATIENCE_S)
        headers = {"Authorization": "Bearer any", "X-Test-Session": "dareda"}
        try:
            async with httpx.AsyncClient(base_url=f"{address}/api/v1/test/", headers=headers) as http:
                yield Telemelya(http), adapter
        finally:
            adapter.pause()
            await adapter.close(10)
            await running


@pytest.mark.slow
async def test_a_private_chat_by_webhook(tmp_path: Path, cast_pictures: CastPictures) -> None:
    name, data = cast_pictures.cast[0].name, cast_pictures.new[0].read_bytes()
    async with real_conversation(tmp_path) as conversation, answering(conversation) as (chat, adapter):
        faces, scope = conversation.services.faces, Scope(f"telegram:{HOME}")
        # ── words ──
        assert "/enroll" in (await chat.say("/start"))["text"]
        assert "/enroll" in (await chat.say("good evening"))["text"]
        assert "no posted pictures" in (await chat.say("/privacy"))["text"]
        assert "no picture" in (await chat.say(f"/enroll {name}"))["text"]
        # ── a picture, before and after she is known ──
        shown = await chat.post(data)
        assert shown["method"] == "sendPhoto" and shown["caption"] == "I do not know this face."
        for path in sorted((cast_pictures.folder / name).iterdir()):
            await faces.enroll(path.read_bytes(), scope, EnrollRequest(name))
        shown = await chat.post(data, "who is she?")
        assert shown["caption"].startswith(f"This is <b>{name}</b>")
        drawn = Reply(files=(OutgoingFile("a.jpg", await chat.picture(shown)),))
        seen = await faces.identify(data, [scope])
        assert is_marked(drawn, data, seen.identification.faces[0].detection.box)
        # ── buttons ──
        assert (await chat.press(shown, "Right"))["text"] == "Thank you, good to know."
        why = await chat.press(shown, "Why?")
        assert why["method"] == "sendPhoto" and "pictures that I learnt from" in why["caption"]
        menu = await chat.press(shown, "Wrong")
        assert f"I will not take this face for <b>{name}</b> again" in menu["text"]
        # Not "Somebody else …": telemelya repeats the forced reply, which Telegram never does.
        thanks = await chat.press(menu, "I do not know")
        assert (thanks["method"], thanks["text"]) == ("editMessageText", "Thank you.")
        # ── looking after them ──
        assert name in (await chat.say("/characters"))["text"]
        sheet = await chat.say(f"/character {name}")
        assert decode(await chat.picture(sheet), ImageLimits()).frames[0].size
        assert "<b>First</b>" in (await chat.say(f"/rename {name} | First"))["text"]
        assert await chat.offered("fir") == ["First"]
        asked = await chat.say("/forget First")
        gone = await chat.press(asked, "Forget")
        assert gone["method"] == "editMessageText" and gone["message_id"] == asked["message_id"]
        assert "Forgot <b>First</b>" in gone["text"]
        assert "Undone" in (await chat.press(gone, "Undo"))["text"]
        # ── settings ──
        panel = await chat.press(await chat.say("/settings"), "Language")
        await chat.press(panel, "日本語")
        assert "顔" in (await chat.post(cast_pictures.empty.read_bytes()))["text"]
        await _refuses_strangers(adapter)


async def _refuses_strangers(adapter: TelegramAdapter) -> None:
    """telemelya itself does not know the word, so nor would anybody who found the address."""
    receiver = adapter.receiver
    assert isinstance(receiver, Webhook)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{receiver.port}") as http:
        assert (await http.post(f"/{receiver._path}", json={"update_id": 1})).status_code == 403
        assert (await http.post("/", json={"update_id": 1})).status_code == 404
