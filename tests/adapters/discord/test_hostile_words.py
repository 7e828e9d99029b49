"""Hostile names, captions and file names through the real adapter: what arrives at Discord is harmless."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inference.domain import Scope
from inference.enroll import EnrollRequest
from tests.adapters.discord.connecting import connected
from tests.adapters.discord.core import real_conversation
from tests.bot.hostile_words import HOSTILE
from tests.conftest import CastPictures
from tests.discord_server.people import Picture
from tests.discord_server.permissions import MEMBER_PERMISSIONS, Permission
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Message

# Lone surrogates are no text: no client can send them.
SENDABLE = [text for text in HOSTILE if text.encode("utf-8", "ignore").decode() == text]
PATIENCE_S = 60.0


def file_name(text: str) -> str:
    """As a file may be called at all, without the braces that the server's own routes cannot have."""
    return text[:200].translate({ord("{"): "(", ord("}"): ")"}) or "x"


def check_layout(content: str) -> None:
    """Nothing in it means anything to Discord but pairs of `**`, and no line is made long or high."""
    assert len(content) <= 2_000
    bare = re.sub(r"\\[^A-Za-z0-9\s]", "", content)
    assert bare.count("**") % 2 == 0, content
    assert not re.search(r"[*_~`|<\[\\@]", bare.replace("**", "")), content
    assert not re.search(r"(?m)^\s*(#{1,3}|-#?|>{1,3}|\+|\d+[.)])(\s|$)", bare), content
    assert not re.search(r"(?i)://|discord\.gg|www\.", bare), content
    assert not re.search(r"[\u0000-\u0009\u000b-\u001f\u200b\u202a-\u202e\u2066-\u2069]", content), content
    assert not re.search(r"[\u0300-\u036f\u0e49]{5}", content), content


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_over_a_hundred_hostile_texts_ping_nobody_break_nothing_and_stay_in_the_data_folder(
    discord_server: DiscordServer,
    tmp_path: Path,
    cast_pictures: CastPictures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = discord_server
    guild = server.add_guild("club")
    channel = server.add_channel(guild)
    managers = server.add_role(guild, "managers", Permission.MANAGE_GUILD | MEMBER_PERMISSIONS)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    data = cast_pictures.new[0].read_bytes()
    scope = Scope(f"discord:{guild.id}")
    shown: list[Message] = []
    named = 0
    async with real_conversation(tmp_path / "data", answering="all") as conversation:
        for path in sorted((cast_pictures.folder / cast_pictures.cast[0].name).iterdir()):
            await conversation.services.faces.enroll(path.read_bytes(), scope, EnrollRequest("Plain"))
        (character,) = await conversation.services.gallery.characters([scope])
        async with connected(server, conversation):
            for number, text in enumerate(SENDABLE):
                who = server.add_member(guild, f"user {number}", nick=text[:32] or None, roles=[managers])
                typed = text[:100]
                current = await conversation.services.gallery.character([scope], character.id)
                if typed:
                    options = {"character": current.name, "new_name": typed, "series": typed}
                    used = server.slash(channel, who, "rename", options)
                    await server.until(
                        lambda used=used: used.original and (used.followups or not used.original.loading),  # type: ignore[misc]
                        timeout_s=PATIENCE_S,
                    )
                caption = text[:4_000] or "x"
                message = server.post_message(
                    channel,
                    who,
                    caption,
                    attachments=[Picture(file_name(text), data, content_type="image/png")],
                )
                reply = await server.reply_to(message, timeout_s=PATIENCE_S)
                assert reply.content.startswith(("This is **", "This may be **")), reply.content
                renamed = await conversation.services.gallery.character([scope], character.id)
                named += renamed.name != current.name
                completed = server.autocomplete(channel, who, "character", "character", typed)
                for choice in await server.choices(completed):
                    assert 1 <= len(choice["name"]) <= 100
            shown = server.said_in(channel)
    assert len(SENDABLE) >= 100 and named >= 60 and len(shown) > 2 * 100
    for message in shown:
        assert not message.pings and message.allowed_mentions == {"parse": []}
        check_layout(message.content)
        for file in message.files:
            assert re.fullmatch(r"[A-Za-z0-9._-]+", file.filename), file.filename
    assert_only_the_data_folder_was_written(tmp_path)
    print(f"{len(SENDABLE)} texts, {named} of them names, {len(shown)} messages")


def assert_only_the_data_folder_was_written(root: Path) -> None:
    """`here` is where the process ran."""
    assert {path.name for path in root.iterdir()} == {"data", "here"}
    assert not list((root / "here").iterdir())
    assert {path.name.partition(".")[0] for path in (root / "data").iterdir()} <= {
        "gallery",
        "chats",
        "compiled",
    }
