"""One long evening, for any platform: what people do with the bot, one thing after the other.

What only one of the platforms has (threads, topics, menus of messages, stickers …) is in its own tests.
"""

from __future__ import annotations

from bot.chat import CommandName as Say
from tests.adapters.script.evening import Evening
from tests.adapters.script.side import Person, Place

MANAGER, MEMBER = Person.MANAGER, Person.MEMBER
AT_LEAST_STEPS = 60


async def play(evening: Evening) -> None:
    """The whole script; afterwards the cast's first, the second as "Second", and others are known."""
    await _arriving(evening)
    await _teaching(evening)
    await _asking(evening)
    await _finding(evening)
    await _curating(evening)
    await _correcting(evening)
    await _settings(evening)
    await _files_and_figures(evening)
    await _at_home(evening)
    await _restarting(evening)
    assert len(evening.steps) >= AT_LEAST_STEPS, len(evening.steps)


async def _arriving(e: Evening) -> None:
    stranger = e.new(0)
    async with e.step("the bot introduces itself"):
        words = await e.arrive()
        assert "I am Dareda" in words.text and "Answer everywhere" in words.labels
    async with e.step("until somebody sets it up, posts are not answered"):
        await e.ignored(MEMBER, stranger)
    async with e.step("a mention is"):
        seen = await e.post(MEMBER, stranger, mention=True)
        assert seen.text == "I do not know this face."
    async with e.step("a member may not set it up"):
        assert "Only those who manage" in (await e.press(MEMBER, words, "Answer everywhere")).text
    async with e.step("who manages may"):
        assert "All" in (await e.press(MANAGER, words, "Answer everywhere")).strong
    async with e.step("a stranger is unknown, framed, and can be asked about"):
        seen = await e.post(MEMBER, stranger)
        assert seen.labels == ("Who is it?",) and await e.frames(seen, stranger)
    async with e.step("help for members has no teaching in it"):
        seen = await e.command(MEMBER, Say.HELP)
        assert "/identify" in seen.strong and "/enroll" not in seen.strong
    async with e.step("help for managers has"):
        assert "/enroll" in (await e.command(MANAGER, Say.HELP)).strong
    async with e.step("privacy is explained"):
        assert "no posted pictures" in (await e.command(MEMBER, Say.PRIVACY)).text


async def _teaching(e: Evening) -> None:
    name = e.name
    async with e.step("enrolling needs a picture"):
        assert "no picture" in (await e.command(MANAGER, Say.ENROLL, name=name(0))).text
    async with e.step("and a teacher"):
        seen = await e.command(MEMBER, Say.ENROLL, e.sample(0, 1), name=name(0))
        assert "Only those who may teach" in seen.text
    async with e.step("two pictures at once"):
        two = e.sample(0, 1), e.sample(0, 2)
        seen = await e.command(MANAGER, Say.ENROLL, *two, name=name(0), series="Drawn", aliases="ルメカ, Lu")
        assert seen.text == f"Now I know {name(0)} (Drawn), from 2 pictures."
        assert seen.strong == (f"{name(0)} (Drawn)",) and seen.files and seen.labels == ("Undo",)
    async with e.step("one more"):
        seen = await e.command(MANAGER, Say.ENROLL, e.sample(0, 3), name=name(0))
        assert seen.text == f"Added sample number 3 of {name(0)} (Drawn)."
    async with e.step("the same picture again is refused"):
        seen = await e.command(MANAGER, Say.ENROLL, e.sample(0, 3), name=name(0))
        assert "enrolled already" in seen.text
    async with e.step("in reply to somebody's picture"):
        posted = (await e.post(MEMBER, e.sample(1, 1))).asked
        seen = await e.command(MANAGER, Say.ENROLL, reply_to=posted, name=name(1))
        assert seen.text == f"Now I know {name(1)}, from one picture."
    async with e.step("in reply to an answer"):
        answer = (await e.post(MEMBER, e.sample(1, 2))).handle
        seen = await e.command(MANAGER, Say.ENROLL, reply_to=answer, name=name(1))
        assert seen.text == f"Added sample number 2 of {name(1)}."
    async with e.step("undo takes the last one back"):
        seen = await e.press(MANAGER, seen, "Undo")
        assert "Undone" in seen.text
    async with e.step("without a name it asks for one"):
        form = await e.command(MANAGER, Say.ENROLL, e.sample(2, 1))
        assert form.asks and form.text == "Who is it?"
        seen = await e.fill(MANAGER, form, name=name(2), series="Drawn", aliases="San")
        assert seen.text == f"Now I know {name(2)} (Drawn), from one picture."
    group = e.cast.group.read_bytes()
    faces = (await e.identified(group)).faces
    unlike = str(1 + min(range(6), key=lambda number: faces[number].matches[0].similarity))
    async with e.step("several faces are numbered"):
        asked = await e.command(MANAGER, Say.ENROLL, group, name="Sixth")
        assert asked.text == "I found 6 faces. Which one is Sixth?" and asked.files
        assert asked.labels == ("1", "2", "3", "4", "5", "6", "None of them")
    async with e.step("somebody else's buttons are not one's own"):
        assert "Only the one who asked" in (await e.press(MEMBER, asked, unlike)).text
    async with e.step("the number chosen replaces the question, and can be undone"):
        seen = await e.press(MANAGER, asked, unlike)
        assert seen.text == "Now I know Sixth, from one picture." and seen.handle == asked.handle
        await e.press(MANAGER, seen, "Undo")
    async with e.step("who looks like somebody known is asked about first"):
        asked = await e.command(MANAGER, Say.ENROLL, e.new(0), name="Another")
        assert f"This looks like {name(0)} (Drawn)" in asked.text
    async with e.step("and can be that one"):
        seen = await e.press(MANAGER, asked, name(0))
        assert seen.text == f"Added sample number 4 of {name(0)} (Drawn)."
        await e.press(MANAGER, seen, "Undo")
    async with e.step("or nobody"):
        asked = await e.command(MANAGER, Say.ENROLL, e.new(0), name="Another")
        assert (await e.press(MANAGER, asked, "Cancel")).text == "Nothing was learnt."


async def _asking(e: Evening) -> None:
    data, name = e.new(0), e.name(0)
    async with e.step("a known one is named"):
        seen = await e.post(MEMBER, data)
        assert f"This is {name} (Drawn)" in seen.text and await e.frames(seen, data)
        assert seen.labels == ("Right", "Wrong", "Who is it?", "Why?")
    async with e.step("right"):
        assert (await e.press(MEMBER, seen, "Right")).text == "Thank you, good to know."
    async with e.step("why, by the button"):
        why = await e.press(MEMBER, seen, "Why?")
        assert why.files and "pictures that I learnt from" in why.text
    async with e.step("why, in reply to the answer"):
        assert (await e.command(MEMBER, Say.WHY, reply_to=seen.handle)).files
    async with e.step("identify, with a picture"):
        found = await e.command(MEMBER, Say.IDENTIFY, e.new(1))
        assert await e.frames(found, e.new(1))
    async with e.step("identify, in reply to a picture"):
        assert name in (await e.command(MEMBER, Say.IDENTIFY, reply_to=seen.asked)).text
    async with e.step("three pictures are one answer"):
        three = data, e.new(3), e.cast.stranger_portrait.read_bytes()
        seen = await e.post(MEMBER, *three)
        assert seen.text.startswith(f"Picture 1: This is {name} (Drawn)") and await e.frames(seen, *three)
    async with e.step("whose buttons ask which face is meant"):
        menu = await e.press(MANAGER, seen, "Who is it?")
        assert menu.text == "Which face do you mean?" and len(menu.labels) == len(menu.files) == 3
    async with e.step("a group picture has all its faces framed"):
        group = e.cast.group.read_bytes()
        seen = await e.post(MEMBER, group)
        assert len((await e.identified(group)).faces) == 6 and await e.frames(seen, group)
    async with e.step("no face, no word"):
        await e.ignored(MEMBER, e.cast.empty.read_bytes())
    async with e.step("what is no picture is passed over"):
        await e.ignored(MEMBER, b"PK\x03\x04", name="a.zip")
    async with e.step("a broken picture is said to be one"):
        seen = await e.post(MEMBER, b"\x89PNG\r\n\x1a\n" + bytes(50))
        assert "damaged" in seen.text and not seen.files
    async with e.step("one that is too large is refused"):
        largest = e.side.conversation.services.options.images.max_bytes
        assert "too large" in (await e.post(MEMBER, bytes(largest + 1))).text
    async with e.step("many at once are answered each"):
        many = [path.read_bytes() for path in (*e.cast.new, e.cast.group)]
        for seen, posted in zip(await e.post_at_once(MEMBER, *many), many, strict=True):
            assert await e.frames(seen, posted)


async def _finding(e: Evening) -> None:
    name = e.name(0)
    async with e.step("everybody known"):
        listed = await e.command(MEMBER, Say.CHARACTERS)
        assert name in listed.text and "3 characters" in listed.text
    async with e.step("a search"):
        listed = await e.command(MEMBER, Say.CHARACTERS, search=name[:5])
        assert name in listed.text and e.name(1) not in listed.text
    async with e.step("one of them, with her samples"):
        sheet = await e.command(MEMBER, Say.CHARACTER, character=name)
        assert sheet.files and "ルメカ" in sheet.text


async def _curating(e: Evening) -> None:
    name = e.name
    async with e.step("rename"):
        seen = await e.command(MANAGER, Say.RENAME, character=name(1), new_name="Second", series="Series B")
        assert "Second (Series B)" in seen.strong
    async with e.step("but not by everybody"):
        seen = await e.command(MEMBER, Say.RENAME, character="Second", new_name="Mine")
        assert "Only those who may teach" in seen.text
    async with e.step("an alias more"):
        assert "Nii" in (await e.command(MANAGER, Say.ALIAS, character="Second", add="Nii, に")).text
    async with e.step("an alias less"):
        assert "Nii" not in (await e.command(MANAGER, Say.ALIAS, character="に", remove="Nii")).text
    async with e.step("undo by the command"):
        assert "Undone" in (await e.command(MANAGER, Say.UNDO)).text
    async with e.step("history"):
        assert "Manager" in (await e.command(MANAGER, Say.HISTORY)).text
    async with e.step("split"):
        seen = await e.command(MANAGER, Say.SPLIT, character=name(0), samples="1", new_name="Half")
        assert "is Half" in seen.text
    async with e.step("merge"):
        seen = await e.command(MANAGER, Say.MERGE, character="Half", into=name(0))
        assert f"is {name(0)} (Drawn) now" in seen.text
    async with e.step("forget asks first, and can be told not to"):
        asked = await e.command(MANAGER, Say.FORGET, character="Second")
        assert "Shall I forget" in asked.text and "Forget" in asked.labels
        assert (await e.press(MANAGER, asked, "Cancel")).text == "Nothing was forgotten."
    async with e.step("or to"):
        asked = await e.command(MANAGER, Say.FORGET, character="Second")
        gone = await e.press(MANAGER, asked, "Forget")
        assert "Forgot Second" in gone.text
    async with e.step("which can be undone"):
        await e.press(MANAGER, gone, "Undo")
        assert "Second" in (await e.command(MEMBER, Say.CHARACTERS)).text
    async with e.step("a name that nobody has"):
        seen = await e.command(MANAGER, Say.RENAME, character="Nobody", new_name="X")
        assert "I know nobody called Nobody" in seen.text


async def _correcting(e: Evening) -> None:
    stranger = e.cast.stranger_portrait.read_bytes()
    async with e.step("a member says who somebody is: the teachers decide"):
        seen = await e.post(MEMBER, stranger)
        form = await e.press(MEMBER, seen, "Who is it?", "Somebody else …")
        assert "noted it" in (await e.fill(MEMBER, form, name="Stranger")).text
    async with e.step("nothing is learnt from that yet"):
        assert "I do not know" in (await e.post(MEMBER, stranger)).text
    async with e.step("a teacher looks at it"):
        review = await e.command(MANAGER, Say.REVIEW)
        assert "Member says: this is Stranger" in review.text and review.files
    async with e.step("and accepts"):
        await e.press(MANAGER, review, "Accept")
        seen = await e.post(MEMBER, stranger)
        assert "Stranger" in seen.text
    async with e.step("a teacher says that it is wrong"):
        denied = await e.press(MANAGER, seen, "Wrong")
        assert "I will not take this face for Stranger again" in denied.text
    async with e.step("and the same mistake does not come back"):
        assert "Stranger" not in (await e.post(MEMBER, stranger)).text
    async with e.step("who it is instead, typed"):
        form = await e.press(MANAGER, denied, "Somebody else …")
        seen = await e.fill(MANAGER, form, name="Somebody", series="S")
        assert "this is Somebody (S)" in seen.text
    async with e.step("is known from now on"):
        assert "Somebody (S)" in (await e.post(MEMBER, stranger)).strong


async def _settings(e: Evening) -> None:
    empty, data = e.cast.empty.read_bytes(), e.new(0)
    async with e.step("a word when there is no face"):
        panel = await e.command(MANAGER, Say.SETTINGS)
        panel = await e.press(MANAGER, panel, "Say when there is no face", "Yes")
        assert (await e.post(MEMBER, empty)).text == "I found no drawn face in the picture."
    async with e.step("another language"):
        panel = await e.press(MANAGER, panel, "Language", "日本語")
        assert "顔" in (await e.post(MEMBER, empty)).text
        panel = await e.press(MANAGER, panel, "言語", "English")
    async with e.step("only when mentioned"):
        panel = await e.press(MANAGER, panel, "Which pictures I answer", "Those that mention me")
        await e.ignored(MEMBER, data)
        assert (await e.post(MEMBER, data, mention=True)).files
    async with e.step("everywhere again"):
        await e.press(MANAGER, panel, "Which pictures I answer", "All")
        assert (await e.post(MEMBER, data)).files


async def _files_and_figures(e: Evening) -> None:
    async with e.step("figures"):
        assert "5 characters" in (await e.command(MEMBER, Say.STATS)).text
    async with e.step("everything as a file, and back"):
        exported = await e.command(MANAGER, Say.EXPORT)
        asked = await e.command(MANAGER, Say.FORGET, character="Somebody")
        await e.press(MANAGER, asked, "Forget")
        seen = await e.command(MANAGER, Say.IMPORT, file=exported.files[0])
        assert "Imported" in seen.text
    async with e.step("what is no archive"):
        assert "not a gallery" in (await e.command(MANAGER, Say.IMPORT, file=b"nothing")).text


async def _at_home(e: Evening) -> None:
    async with e.step("a private chat has a gallery of its own"):
        assert (await e.post(MEMBER, e.new(0), place=Place.HOME)).text == "I do not know this face."
    async with e.step("which its owner teaches"):
        seen = await e.command(
            MEMBER, Say.ENROLL, e.sample(0, 1), place=Place.HOME, name=e.name(0), aliases="ルメカ"
        )
        assert seen.text == f"Now I know {e.name(0)}, from one picture."
        await e.command(MEMBER, Say.ENROLL, e.sample(3, 1), place=Place.HOME, name="Mine")
    async with e.step("and which nobody else sees"):
        assert "Mine" not in (await e.command(MEMBER, Say.CHARACTERS)).text
    first = e.name(0).split()[0]
    for typed, why in (
        (first[:3].lower(), "a beginning"),
        (first[:2] + first[3:], "a missing letter"),
        ("".join(chr(ord(letter) + 0xFEE0) for letter in first), "another width"),
        ("るめか", "an alias in the other kana"),
        ("rumeka", "an alias in romaji"),
    ):
        async with e.step(f"names are offered from {why}"):
            assert (await e.complete(typed))[0] in (e.name(0), "ルメカ")


async def _restarting(e: Evening) -> None:
    async with e.step("buttons from before a restart still work"):
        seen = await e.post(MEMBER, e.new(0))
        panel = await e.command(MANAGER, Say.SETTINGS)
        await e.side.restart()
        assert (await e.press(MEMBER, seen, "Right")).text == "Thank you, good to know."
        assert len((await e.press(MANAGER, panel, "Language")).labels) > 2
    async with e.step("a form that was open does too"):
        form = await e.command(MANAGER, Say.ENROLL, e.sample(2, 2))
        await e.side.restart()
        seen = await e.fill(MANAGER, form, name=e.name(2))
        assert seen.text == f"Added sample number 2 of {e.name(2)} (Drawn)."
