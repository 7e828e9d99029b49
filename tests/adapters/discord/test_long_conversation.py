"""A long evening in one server: every way to use the bot, one after the other, with the real core."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.conversation import Conversation
from inference.domain import Identification
from tests.adapters.discord.club import Club, Shown
from tests.adapters.discord.core import real_conversation
from tests.adapters.discord.simulated import simulated
from tests.conftest import CastPictures


@pytest.fixture
async def conversation(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with real_conversation(tmp_path) as opened:
        yield opened


@dataclass
class Evening:
    """What the chapters share."""

    club: Club
    conversation: Conversation
    cast: CastPictures

    def sample(self, character: int, number: int) -> bytes:
        return (self.cast.folder / self.cast.cast[character].name / f"{number}.png").read_bytes()

    def new(self, character: int) -> bytes:
        return self.cast.new[character].read_bytes()

    def name(self, character: int) -> str:
        return self.cast.cast[character].name

    async def seen(self, data: bytes) -> Identification:
        answer = await self.conversation.services.faces.identify(data, [self.club.scope])
        return answer.identification


async def test_an_evening_of_more_than_sixty_steps(
    conversation: Conversation, cast_pictures: CastPictures
) -> None:
    async with simulated(conversation) as simulation:
        evening = Evening(Club(simulation), conversation, cast_pictures)
        await _arriving(evening)
        await _teaching(evening)
        await _asking(evening)
        await _finding(evening)
        await _curating(evening)
        await _correcting(evening)
        await _settings(evening)
        await _files_and_figures(evening)
        await _places(evening)
        await _failing(evening)
        await _restarting(evening)
        club = evening.club
    assert len(club.steps) >= 60, len(club.steps)
    bodies = [entry.json for entry in club.env.http_requests if isinstance(entry.json, dict)]
    spoken = [body for body in bodies if body.get("content")]
    assert len(spoken) > len(club.steps) and all(not body["allowed_mentions"]["parse"] for body in spoken)


async def _arriving(evening: Evening) -> None:
    club = evening.club
    with club.step("the bot introduces itself once"):
        await club.simulation.restart()
        await club.simulation.restart()
        (message,) = club.pictures.history()
        words = club.shown(message)
        assert "I am Dareda" in words.content and "Answer everywhere" in words.labels
    with club.step("until somebody sets it up, posts are not answered"):
        assert await club.post(club.member, evening.new(0)) is None
    with club.step("a mention is"):
        me = club.env.bot.user.mention
        shown = await club.post(club.member, evening.new(0), text=f"{me} who?")
        assert shown is not None and shown.content == "I do not know this face."
    with club.step("a member may not set it up"):
        refused = await club.click(club.member, words, "Answer everywhere")
        assert refused.private and "Only those who manage" in refused.content
    with club.step("a manager may"):
        panel = await club.click(club.manager, words, "Answer everywhere")
        assert panel.private and "**All**" in panel.content
    with club.step("a stranger is unknown, framed, and can be asked about"):
        data = evening.new(0)
        shown = await club.post(club.member, data)
        assert shown is not None and shown.labels == ("Who is it?",)
        assert shown.marks(data, await evening.seen(data))
    with club.step("help for members has no teaching in it"):
        shown = await club.slash(club.member, "help")
        assert shown.private and "**/identify**" in shown.content and "/enroll" not in shown.content
    with club.step("help for managers has"):
        assert "**/enroll**" in (await club.slash(club.manager, "help")).content
    with club.step("privacy is explained"):
        assert (await club.slash(club.member, "privacy")).private


async def _teaching(evening: Evening) -> None:
    club, name = evening.club, evening.name
    with club.step("enrolling needs a picture"):
        shown = await club.slash(club.manager, "enroll", name=name(0))
        assert shown.private and "no picture" in shown.content
    with club.step("and a teacher"):
        picture = ("a.png", evening.sample(0, 1))
        shown = await club.slash(club.member, "enroll", name=name(0), picture=picture)
        assert shown.private and "Only those who may teach" in shown.content
    with club.step("two pictures at once"):
        shown = await club.slash(
            club.manager,
            "enroll",
            name=name(0),
            picture=("1.png", evening.sample(0, 1)),
            picture2=("2.png", evening.sample(0, 2)),
            series="Drawn",
            aliases="ルメカ, Lu",
        )
        assert shown.content == f"Now I know **{name(0)} (Drawn)**, from 2 pictures."
        assert shown.files and not shown.private and shown.labels == ("Undo",)
    with club.step("one more"):
        picture = ("3.png", evening.sample(0, 3))
        shown = await club.slash(club.manager, "enroll", name=name(0), picture=picture)
        assert shown.content == f"Added sample number 3 of **{name(0)} (Drawn)**."
    with club.step("the same picture again is refused"):
        shown = await club.slash(club.manager, "enroll", name=name(0), picture=picture)
        assert shown.private and "enrolled already" in shown.content
    for character in (1, 2):
        with club.step(f"character {character + 1}"):
            shown = await club.slash(
                club.manager,
                "enroll",
                name=name(character),
                picture=("1.png", evening.sample(character, 1)),
                picture2=("2.png", evening.sample(character, 2)),
                picture3=("3.png", evening.sample(character, 3)),
            )
            assert "from 3 pictures" in shown.content
    with club.step("undo takes the last one back"):
        await club.click(club.manager, shown, "Undo")
        assert name(2) not in (await club.slash(club.member, "characters")).content
    group = evening.cast.group.read_bytes()
    with club.step("several faces are numbered"):
        shown = await club.slash(club.manager, "enroll", name="Third", picture=("g.png", group))
        assert shown.content == "I found 6 faces. Which one is **Third**?"
        assert shown.labels == ("1", "2", "3", "4", "5", "6", "None of them") and shown.frame().size
    faces = (await evening.seen(group)).faces
    unlike = min(range(6), key=lambda number: faces[number].matches[0].similarity)
    with club.step("somebody else's buttons are not one's own"):
        other = await club.click(club.member, shown, str(unlike + 1))
        assert other.private and "Only the one who asked" in other.content
    with club.step("the number chosen replaces the question"):
        answer = await club.click(club.manager, shown, str(unlike + 1))
        assert answer.content == "Now I know **Third**, from one picture."
        assert answer.message.id == shown.message.id
    with club.step("and is gone again"):
        await club.click(club.manager, answer, "Undo")
    with club.step("who looks like somebody known is asked about first"):
        picture = ("n.png", evening.new(0))
        shown = await club.slash(club.manager, "enroll", name="Another", picture=picture)
        assert f"This looks like **{name(0)} (Drawn)**" in shown.content
    with club.step("and can be that one"):
        shown = await club.click(club.manager, shown, name(0))
        assert shown.content == f"Added sample number 4 of **{name(0)} (Drawn)**."
        await club.click(club.manager, shown, "Undo")
    with club.step("or nobody"):
        shown = await club.slash(club.manager, "enroll", name="Another", picture=picture)
        assert (await club.click(club.manager, shown, "Cancel")).content == "Nothing was learnt."
    with club.step("the menu of a message opens a form for the name"):
        posted = await club.member.send(club.pictures, attachments=[("a.png", evening.sample(2, 1))])
        form = club.answer(await club.manager.context_menu(club.pictures, "Enroll character", posted))
        assert form.content == "Who is it?"
        shown = await club.submit(club.manager, form, name=name(2), series="Drawn", aliases="San")
        assert shown.content == f"Now I know **{name(2)} (Drawn)**, from one picture."
    with club.step("a reply with the bot's name does too"):
        posted = await club.member.send(club.pictures, attachments=[("a.png", evening.sample(2, 2))])
        me = club.env.bot.user.mention
        reply = await club.post(club.manager, text=f"{me} enroll {name(2)}", reply_to=posted)
        assert reply is not None and reply.content == f"Added sample number 2 of **{name(2)} (Drawn)**."


async def _asking(evening: Evening) -> None:
    club, data = evening.club, evening.new(0)
    with club.step("a known one is named"):
        shown = await club.post(club.member, data)
        assert shown is not None and f"This is **{evening.name(0)} (Drawn)**" in shown.content
        assert shown.labels == ("Right", "Wrong", "Who is it?", "Why?")
        assert shown.marks(data, await evening.seen(data))
    with club.step("right"):
        assert (await club.click(club.member, shown, "Right")).content == "Thank you, good to know."
    with club.step("why, by the button"):
        why = await club.click(club.member, shown, "Why?")
        assert why.private and why.files and "pictures that I learnt from" in why.content
    with club.step("why, by the command, about the last answer"):
        assert (await club.slash(club.member, "why")).files
    with club.step("identify, by the command"):
        shown = await club.slash(club.member, "identify", picture=("b.png", evening.new(1)))
        assert f"**{evening.name(1)}**" in shown.content
        assert shown.marks(evening.new(1), await evening.seen(evening.new(1)))
    with club.step("who is this, by the menu of a message"):
        posted = await club.member.send(club.log, attachments=[("a.png", data)])
        shown = club.answer(await club.member.context_menu(club.log, "Who is this?", posted))
        assert f"**{evening.name(0)} (Drawn)**" in shown.content
    with club.step("who, by replying with the bot's name"):
        me = club.env.bot.user.mention
        reply = await club.post(club.member, text=f"{me} who is she?", channel=club.log, reply_to=posted)
        assert reply is not None and evening.name(0) in reply.content
    with club.step("two pictures are one answer"):
        shown = await club.post(club.member, data, evening.new(1))
        assert shown is not None and len(shown.files) == 2
        for number, picture in enumerate((data, evening.new(1))):
            assert shown.marks(picture, await evening.seen(picture), number)
    with club.step("a group picture has all its faces framed"):
        group = evening.cast.group.read_bytes()
        shown = await club.post(club.member, group)
        seen = await evening.seen(group)
        assert shown is not None and len(seen.faces) == 6 and shown.marks(group, seen)
    with club.step("a spoiler stays one"):
        shown = await club.post(club.member, data, name="SPOILER_a.png")
        assert shown is not None and shown.files[0][0].startswith("SPOILER_")
    with club.step("a forward is looked at"):
        forwarded = await club.member.forward(posted, club.elsewhere)
        answer = club.shown(club.elsewhere.last_message)
        assert answer.message.reference.message_id == forwarded.id and evening.name(0) in answer.content
    with club.step("no face, no word"):
        assert await club.post(club.member, evening.cast.empty.read_bytes()) is None
    with club.step("what is no picture is passed over"):
        assert await club.post(club.member, b"PK\x03\x04", name="a.zip") is None
    with club.step("a broken picture is said to be one"):
        shown = await club.post(club.member, b"\x89PNG\r\n\x1a\n" + bytes(50))
        assert shown is not None and "damaged" in shown.content and not shown.files
    with club.step("one that is too large is refused"):
        shown = await club.post(club.member, bytes(1_000_001))
        assert shown is not None and "too large" in shown.content


async def _finding(evening: Evening) -> None:
    club, name = evening.club, evening.name(0)
    with club.step("everybody known"):
        listed = await club.slash(club.member, "characters")
        assert name in listed.content and "3 characters" in listed.content
    with club.step("a search"):
        listed = await club.slash(club.member, "characters", search=name[:5])
        assert name in listed.content and evening.name(1) not in listed.content
    with club.step("one of them, with her samples"):
        sheet = await club.slash(club.member, "character", character=name)
        assert sheet.files and "ルメカ" in sheet.content
    first = name.split()[0]
    full_width = "".join(chr(ord(letter) + 0xFEE0) for letter in first)
    for typed, why in (
        (first[:3].lower(), "a beginning"),
        (first[:2] + first[3:], "a missing letter"),
        (full_width, "another width"),
        ("るめか", "an alias in the other kana"),
        ("rumeka", "an alias in romaji"),
    ):
        with club.step(f"completion from {why}"):
            choices = await club.member.autocomplete(club.pictures, "character", "character", typed)
            assert choices and choices[0]["value"] in (name, "ルメカ"), (typed, choices)


async def _curating(evening: Evening) -> None:
    club, name = evening.club, evening.name
    with club.step("rename"):
        shown = await club.slash(
            club.manager, "rename", character=name(1), new_name="Second", series="Series B"
        )
        assert "**Second (Series B)**" in shown.content
    with club.step("an alias more"):
        shown = await club.slash(club.manager, "alias", character="Second", add="Nii, に")
        assert "Nii" in shown.content
    with club.step("an alias less"):
        assert "Nii" not in (await club.slash(club.manager, "alias", character="に", remove="Nii")).content
    with club.step("undo by the command"):
        assert "Undone" in (await club.slash(club.manager, "undo")).content
    with club.step("history"):
        shown = await club.slash(club.manager, "history")
        assert shown.private and "manager" in shown.content
    with club.step("split"):
        shown = await club.slash(club.manager, "split", character=name(0), samples="1", new_name="Half")
        assert "is **Half" in shown.content
    with club.step("merge"):
        shown = await club.slash(club.manager, "merge", character="Half", into=name(0))
        assert f"is **{name(0)} (Drawn)** now" in shown.content
    with club.step("forget asks first"):
        asked = await club.slash(club.manager, "forget", character="Second")
        assert "Shall I forget" in asked.content and "Forget" in asked.labels
    with club.step("and can be told not to"):
        assert (await club.click(club.manager, asked, "Cancel")).content == "Nothing was forgotten."
    with club.step("or to"):
        asked = await club.slash(club.manager, "forget", character="Second")
        gone = await club.click(club.manager, asked, "Forget")
        assert "Forgot **Second" in gone.content
    with club.step("which can be undone"):
        await club.click(club.manager, gone, "Undo")
        assert "Second" in (await club.slash(club.member, "characters")).content
    with club.step("a name that nobody has"):
        shown = await club.slash(club.manager, "rename", character="Nobody", new_name="X")
        assert shown.private and "I know nobody called **Nobody**" in shown.content


async def _correcting(evening: Evening) -> None:
    club, stranger = evening.club, evening.cast.stranger_portrait.read_bytes()
    with club.step("a member says who somebody is: the teachers decide"):
        shown = await club.post(club.member, stranger)
        assert shown is not None
        menu = await club.click(club.member, shown, "Who is it?")
        form = await club.choose(club.member, menu, "Somebody else …")
        noted = await club.submit(club.member, form, name="Stranger")
        assert noted.private and "noted it" in noted.content
    with club.step("nothing is learnt from that yet"):
        shown = await club.post(club.member, stranger)
        assert shown is not None and "I do not know" in shown.content
    with club.step("a teacher looks at it"):
        review = await club.slash(club.manager, "review")
        assert review.private and "member says: this is **Stranger**" in review.content.replace(
            "**member**", "member"
        )
    with club.step("and accepts"):
        await club.click(club.manager, review, "Accept")
        shown = await club.post(club.member, stranger)
        assert shown is not None and "**Stranger**" in shown.content
    with club.step("a teacher says that it is wrong"):
        denied = await club.click(club.manager, shown, "Wrong")
        assert "I will not take this face for **Stranger** again" in denied.content
    with club.step("and the same mistake does not come back"):
        again = await club.post(club.member, stranger)
        assert again is not None and "Stranger" not in again.content
    with club.step("who it is instead, chosen from the candidates"):
        learnt = await club.choose(club.manager, denied, "Somebody else …")
        learnt = await club.submit(club.manager, learnt, name="Somebody", series="S")
        assert "this is **Somebody (S)**" in learnt.content
    with club.step("is known from now on"):
        again = await club.post(club.member, stranger)
        assert again is not None and "**Somebody (S)**" in again.content
    with club.step("an answer whose picture is gone is said to be gone"):
        posted = await club.member.send(club.pictures, attachments=[("a.png", evening.new(0))])
        shown = club.shown(club.pictures.last_message)
        await club.member.delete(posted)
        gone = await club.click(club.manager, shown, "Wrong")
        assert gone.private and "deleted" in gone.content


async def _settings(evening: Evening) -> None:
    club, empty = evening.club, evening.cast.empty.read_bytes()
    with club.step("members are not offered the settings"):
        assert "settings" not in club.member.available_commands(club.pictures)
    with club.step("teachers by a role"):
        panel = await club.slash(club.manager, "settings", teachers=club.teachers)
        assert panel.private
        shown = await club.slash(club.teacher, "alias", character="Somebody", add="Sb")
        assert "Sb" in shown.content
    with club.step("a log channel"):
        await club.slash(club.manager, "settings", log_channel=club.log)
        await club.slash(club.teacher, "alias", character="Somebody", remove="Sb")
        assert "teacher" in club.log.last_message.content and "undo" in club.log.last_message.content
    with club.step("a word when there is no face"):
        page = await club.choose(club.manager, panel, "Say when there is no face")
        changed = await club.click(club.manager, page, "Yes")
        assert changed.message.id == panel.message.id
        shown = await club.post(club.member, empty)
        assert shown is not None and shown.content == "I found no drawn face in the picture."
    with club.step("another language"):
        page = await club.choose(club.manager, changed, "Language")
        changed = await club.click(club.manager, page, "日本語")
        shown = await club.post(club.member, empty)
        assert shown is not None and "顔" in shown.content
        page = await club.choose(club.manager, changed, "言語")
        await club.click(club.manager, page, "English")
    with club.step("only some channels"):
        await club.slash(club.manager, "settings", channel=club.elsewhere)
        assert await club.post(club.member, evening.new(0)) is None
        assert await club.post(club.member, evening.new(0), channel=club.elsewhere) is not None
    with club.step("only when mentioned"):
        page = await club.choose(
            club.manager, await club.slash(club.manager, "settings"), "Which pictures I answer"
        )
        await club.click(club.manager, page, "Those that mention me")
        assert await club.post(club.member, evening.new(0), channel=club.elsewhere) is None
        me = club.env.bot.user.mention
        assert await club.post(club.member, evening.new(0), text=me) is not None
    with club.step("everywhere again"):
        page = await club.choose(
            club.manager, await club.slash(club.manager, "settings"), "Which pictures I answer"
        )
        await club.click(club.manager, page, "All")
        assert await club.post(club.member, evening.new(0)) is not None


async def _files_and_figures(evening: Evening) -> None:
    club = evening.club
    with club.step("figures"):
        shown = await club.slash(club.member, "stats")
        assert "5 characters" in shown.content.replace("**", "")
    with club.step("everything as a file"):
        exported = await club.slash(club.manager, "export")
        assert exported.private and exported.files[0][1].startswith(b"PK")
    with club.step("and back"):
        asked = await club.slash(club.manager, "forget", character="Somebody")
        await club.click(club.manager, asked, "Forget")
        archive = ("gallery.zip", exported.files[0][1])
        assert "Imported" in (await club.slash(club.manager, "import", archive=archive)).content
    with club.step("what is no archive"):
        shown = await club.slash(club.manager, "import", archive=("a.zip", b"nothing"))
        assert shown.private and "not a gallery" in shown.content


async def _places(evening: Evening) -> None:
    club = evening.club
    with club.step("a private chat has a gallery of its own"):
        before = len(club.member.user.dm_channel.history())
        files = [("a.png", evening.new(0))]
        private = club.member.user.dm_channel.id
        await club.member.send_dm(attachments=club.env.backend.store_attachments(private, files))
        said = club.member.user.dm_channel.history()[before + 1 :]
        assert [club.shown(one).content for one in said] == ["I do not know this face."]
    with club.step("where everybody may teach"):
        picture = ("1.png", evening.sample(0, 1))
        shown = club.answer(await club.member.user.slash("enroll", name="Mine", picture=picture))
        assert shown.content == "Now I know **Mine**, from one picture."
    with club.step("and which nobody else sees"):
        assert "Mine" not in (await club.slash(club.member, "characters")).content


async def _failing(evening: Evening) -> None:
    club, env = evening.club, evening.club.env
    with club.step("Discord fails for a moment"):
        env.inject_error("POST", "/channels/*/messages", times=2)
        assert await club.post(club.member, evening.new(0)) is not None
    with club.step("Discord does not let it attach files"):
        env.inject_error(
            "POST", "/channels/*/messages", status=403, code=50013, message="Missing Permissions"
        )
        shown = await club.post(club.member, evening.new(0))
        assert shown is not None and "may not attach files" in shown.content and not shown.files
        assert evening.name(0) in shown.content
    with club.step("the gallery fails"):
        gallery = evening.conversation.services.gallery

        async def broken(*_: object, **__: object) -> Any:
            raise RuntimeError("secret")

        whole, gallery.characters = gallery.characters, broken  # type: ignore[method-assign]
        shown = await club.slash(club.member, "characters")
        gallery.characters = whole  # type: ignore[method-assign]
        assert "Something went wrong on my side" in shown.content and "secret" not in shown.content


async def _restarting(evening: Evening) -> None:
    club = evening.club
    with club.step("buttons and menus work after a restart"):
        shown = await club.post(club.member, evening.new(0))
        listed: Shown = await club.slash(club.manager, "settings")
        assert shown is not None
        await club.simulation.restart()
        assert (await club.click(club.member, shown, "Right")).content == "Thank you, good to know."
        assert (await club.choose(club.manager, listed, "Language")).labels
    with club.step("a form that was open does too"):
        posted = await club.member.send(club.pictures, attachments=[("a.png", evening.sample(2, 3))])
        form = club.answer(await club.manager.context_menu(club.pictures, "Enroll character", posted))
        await club.simulation.restart()
        shown = await club.submit(club.manager, form, name=evening.name(2))
        assert f"Added sample number 3 of **{evening.name(2)} (Drawn)**" in shown.content
    with club.step("when it stops it says so"):
        evening.conversation._closed = True
        shown = await club.slash(club.member, "stats")
        assert "being restarted" in shown.content
        evening.conversation._closed = False
