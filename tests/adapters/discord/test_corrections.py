"""Fifty wrong answers, each corrected once with the buttons under it, do not come back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from inference.domain import Scope
from inference.drawing import draw_cast, draw_portrait
from inference.enroll import EnrollRequest
from inference.errors import SampleExistsError
from inference.images import encode
from tests.adapters.discord.connecting import connected
from tests.adapters.discord.core import real_conversation
from tests.discord_server.people import Picture
from tests.discord_server.permissions import MEMBER_PERMISSIONS, Permission
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Member, Message

WANTED = 50
CHARACTERS = 24
PATIENCE_S = 120.0


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_fifty_wrong_answers_corrected_once_are_not_repeated(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    server = discord_server
    guild = server.add_guild("club")
    channel = server.add_channel(guild)
    teachers = server.add_role(guild, "teachers", Permission.MANAGE_GUILD | MEMBER_PERMISSIONS)
    teacher = server.add_member(guild, "teacher", roles=[teachers])
    cast = draw_cast(CHARACTERS, seed=17)
    scope = Scope(f"discord:{guild.id}")
    async with real_conversation(tmp_path, answering="all") as conversation:
        # Everybody is known by the next one's name.
        for number, character in enumerate(cast):
            wrong = cast[(number + 1) % CHARACTERS].name
            for seed in (1, 2):
                data = encode(draw_portrait(character, seed=seed).image, format="png")
                with suppress(SampleExistsError):  # two portraits may be nearly the same
                    await conversation.services.faces.enroll(data, scope, EnrollRequest(wrong))
        async with connected(server, conversation):
            mistakes: list[tuple[bytes, str, str, Message]] = []
            for seed in range(3, 7):
                for number, character in enumerate(cast):
                    if len(mistakes) == WANTED:
                        break
                    data = encode(draw_portrait(character, seed=seed).image, format="png")
                    reply = await posted(server, channel, teacher, data)
                    wrong = cast[(number + 1) % CHARACTERS].name
                    if f"**{wrong}**" in reply.content:
                        mistakes.append((data, character.name, wrong, reply))
            assert len(mistakes) == WANTED
            for _, right, _, reply in mistakes:
                await correct(server, teacher, reply, right)
            repeated, right_now = [], 0
            for data, right, wrong, _ in mistakes:
                again = await posted(server, channel, teacher, data)
                right_now += f"**{right}**" in again.content
                if f"**{wrong}**" in again.content:
                    repeated.append((right, again.content))
    print(f"{len(repeated)} of {WANTED} mistakes repeated, {right_now} named rightly")
    assert repeated == [] and right_now == WANTED


async def posted(server: DiscordServer, channel: Channel, who: Member, data: bytes) -> Message:
    message = server.post_message(channel, who, attachments=[Picture("a.png", data)])
    return await server.reply_to(message, timeout_s=PATIENCE_S)


async def correct(server: DiscordServer, teacher: Member, answer: Message, name: str) -> None:
    """Wrong, and then who it is: out of the menu, or typed."""
    denied = await server.followup(server.click(answer, teacher, label="Wrong"), timeout_s=PATIENCE_S)
    (row,) = [row for row in denied.components if row["components"][0]["type"] == 3]
    lines = {option["label"]: option["value"] for option in row["components"][0]["options"]}
    if name in lines:
        chosen = server.select(denied, teacher, [lines[name]])
    else:
        form = server.select(denied, teacher, [lines["Somebody else …"]])
        await server.modal(form, timeout_s=PATIENCE_S)
        chosen = server.submit_modal(form, {"Name": name})
    learnt = await server.until(
        lambda: chosen.followups or (chosen.original and name in chosen.original.content),
        timeout_s=PATIENCE_S,
    )
    assert learnt
    await asyncio.sleep(0)
