from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.chat import CommandName
from tests.bot.conversing import Room, button, labels, picture, strong, words
from tests.conftest import CastPictures

pytestmark = pytest.mark.asyncio(loop_scope="session")
Sample = Callable[[int, int], bytes]


@pytest.fixture
def first(cast_pictures: CastPictures) -> str:
    return cast_pictures.cast[0].name


@pytest.fixture
def second(cast_pictures: CastPictures) -> str:
    return cast_pictures.cast[1].name


async def test_who_is_known_is_listed_and_searched(taught: Room, first: str, second: str) -> None:
    listed = words(await taught.command(CommandName.CHARACTERS)).splitlines()
    assert listed[0] == "2 characters:"
    assert sorted(listed[1:]) == sorted(f"{name} (Drawn) · 3 samples" for name in (first, second))
    assert words(await taught.command(CommandName.CHARACTERS, search=first[:5])).startswith("One character:")
    misspelt = first.lower().replace(first[2].lower(), "", 1)
    assert first in words(await taught.command(CommandName.CHARACTERS, search=misspelt))
    assert words(await taught.command(CommandName.CHARACTERS, search="qqq")) == "I know nobody like “qqq”."


async def test_long_lists_have_pages_for_everybody(taught: Room, first: str) -> None:
    gallery, scope = (
        taught.conversation.services.gallery,
        taught.conversation.services.store.scope(taught.chat),
    )
    samples = await gallery.samples([scope], (await gallery.character([scope], first)).id)
    for number in range(16):
        for name in (f"Extra {number:02}", first):
            owner = first if name != first else f"Extra {number:02}"
            await gallery.move_samples(scope, owner, [samples[0].id], name)
    page = await taught.command(CommandName.CHARACTERS)
    assert words(page).startswith("18 characters:")
    assert labels(page) == ["Page 2 of 2"]
    after = await taught.by("5").press(button(page, "Page 2 of 2"))
    assert after.replaces
    assert len(words(after).splitlines()) == 4
    back = await taught.press(button(after, "Back"))
    assert words(back) == words(page)
    assert words(await taught.press(button(page, "Page 2 of 2"))) == words(after)


async def test_a_character_is_shown_with_her_samples(taught: Room, first: str) -> None:
    await taught.command(CommandName.ALIAS, character=first, add="One, Two")
    shown = await taught.command(CommandName.CHARACTER, character="two")
    assert words(shown) == f"{first} (Drawn) · 3 samples\nAlso called One and Two."
    assert picture(shown).shape[1] > 3 * 176
    assert words(await taught.command(CommandName.CHARACTER)) == "Something is missing: character."


async def test_names_change_and_the_old_one_stays(taught: Room, first: str) -> None:
    renamed = await taught.command(CommandName.RENAME, character=first, new_name="Neu", series="Werk")
    assert words(renamed) == f"{first} is called Neu (Werk) now."
    assert words(await taught.command(CommandName.CHARACTER, character=first)).startswith("Neu (Werk)")
    await taught.press(button(renamed, "Undo"))
    assert words(await taught.command(CommandName.CHARACTER, character=first)).startswith(f"{first} (Drawn)")
    refused = await taught.by("5").command(CommandName.RENAME, character=first, new_name="Neu")
    assert "Only those who may teach" in words(refused)


async def test_aliases_come_and_go(taught: Room, first: str, second: str) -> None:
    added = await taught.command(CommandName.ALIAS, character=first, add="A、B；C")
    assert words(added) == f"{first} (Drawn) is also called A, B, and C now."
    removed = await taught.command(CommandName.ALIAS, character=first, remove="ａ, c")
    assert words(removed) == f"{first} (Drawn) is also called B now."
    assert words(await taught.command(CommandName.ALIAS, character=first, remove="B")) == (
        f"{first} (Drawn) has no other names now."
    )
    taken = await taught.command(CommandName.ALIAS, character=first, add=second)
    assert words(taken) == f"{second} is already a name of {second}."
    assert words(await taught.command(CommandName.ALIAS, character=first)) == "Something is missing: add."


async def test_two_that_are_one_are_merged(taught: Room, first: str, second: str) -> None:
    merged = await taught.command(CommandName.MERGE, character=first, into=second)
    assert words(merged) == f"{first} is {second} (Drawn) now, with 6 samples."
    assert words(await taught.command(CommandName.UNDO)) == f"Undone: merged {first} into {second}."
    assert "3 samples" in words(await taught.command(CommandName.CHARACTER, character=first))
    same = await taught.command(CommandName.MERGE, character=first, into=first)
    assert "are the same character already" in words(same)


async def test_samples_are_split_off_by_their_numbers(taught: Room, first: str) -> None:
    done = await taught.command(
        CommandName.SPLIT, character=first, samples="1, 3", new_name="Twin", series="Other"
    )
    assert words(done) == f"2 samples of {first} are Twin (Other) now."
    assert "1 sample" in words(await taught.command(CommandName.CHARACTER, character=first))
    for wrong in ("0", "2", "1-9", "one", "1 2 3", "-1", "9999999999"):
        refused = await taught.command(CommandName.SPLIT, character=first, samples=wrong, new_name="X")
        assert "will not do for samples" in words(refused), wrong


async def test_forgetting_is_confirmed_and_undone(
    taught: Room, first: str, cast_pictures: CastPictures
) -> None:
    asked = await taught.command(CommandName.FORGET, character=first)
    assert words(asked).startswith(f"Shall I forget {first} (Drawn) and all 3 samples?")
    assert "7 days" in words(asked)
    assert words(await taught.press(button(asked, "Cancel"))) == "Nothing was forgotten."
    asked = await taught.command(CommandName.FORGET, character=first)
    done = await taught.press(button(asked, "Forget"))
    assert words(done) == f"Forgot {first} (Drawn) and 3 samples."
    data = cast_pictures.new[0].read_bytes()
    assert first not in " ".join(strong(await taught.answer(data)))
    await taught.press(button(done, "Undo"))
    assert strong(await taught.answer(data)) == [f"{first} (Drawn)"]


async def test_for_good_is_for_good(taught: Room, first: str) -> None:
    asked = await taught.command(CommandName.FORGET, character=first)
    done = await taught.press(button(asked, "Forget for good"))
    assert not done.buttons
    assert "it was done for good" in words(await taught.command(CommandName.UNDO))


async def test_single_samples_are_forgotten_by_their_numbers(taught: Room, first: str) -> None:
    asked = await taught.command(CommandName.FORGET, character=first, samples="2-3")
    assert words(asked).startswith(f"Shall I forget these 2 samples of {first} (Drawn)?")
    assert picture(asked).size
    done = await taught.press(button(asked, "Forget"))
    assert words(done) == f"Forgot 2 samples of {first} (Drawn)."
    back = await taught.press(button(done, "Undo"))
    assert words(back).count("Undone: forgot a sample") == 2
    assert "3 samples" in words(await taught.command(CommandName.CHARACTER, character=first))
    assert len(button(back, "Undo").token) <= 60


async def test_so_many_changes_that_their_numbers_do_not_fit_a_button_are_undone_too(
    taught: Room, sample: Sample, cast_pictures: CastPictures
) -> None:
    services = taught.conversation.services
    asker = services.asker(taught.chat, taught.actor)
    from bot.feedback import undo_button

    ((one,),) = await undo_button(services, asker, list(range(10_000_000, 10_000_020)))
    assert one.token.startswith("q:")
    assert "no such change" in words(await taught.press(one))


async def test_history_tells_who_did_what(taught: Room, first: str, cast_pictures: CastPictures) -> None:
    await taught.command(CommandName.RENAME, character=first, new_name="Neu")
    await taught.command(CommandName.UNDO)
    history = words(await taught.command(CommandName.HISTORY)).splitlines()
    assert history[0] == "The latest changes, newest first:"
    assert "Manager (discord:1) · undid number" in history[1]
    assert f"renamed {first} to Neu" in history[2]
    assert "added a sample to" in history[3]
    number = history[2].split(" ")[0]
    assert "has been undone already" in words(await taught.command(CommandName.UNDO, number=number))
    nobody = replace(taught, chat=replace(taught.chat, space=f"{taught.chat.space}-new"))
    assert words(await nobody.command(CommandName.HISTORY)) == "Nothing was changed here yet."
    assert "no such change" in words(await nobody.command(CommandName.UNDO, number=number))


async def test_shared_characters_are_seen_but_not_changed(room: Room, cast_pictures: CastPictures) -> None:
    store = room.conversation.services.store
    await store.set_settings(room.chat, replace(store.settings(room.chat), galleries=("anime",)))
    name = cast_pictures.cast[2].name
    assert "From a shared gallery." in words(await room.command(CommandName.CHARACTER, character=name))
    refused = await room.command(CommandName.FORGET, character=name)
    assert words(refused).startswith(f"{name} is in a shared gallery")


async def test_a_gallery_goes_out_and_into_another_space(taught: Room, first: str) -> None:
    exported = await taught.command(CommandName.EXPORT)
    assert words(exported) == "Here is everything that I know here: 6 samples."
    (file,) = exported.files
    assert not file.is_picture
    assert zipfile.is_zipfile(io.BytesIO(file.data))
    other = replace(taught, chat=replace(taught.chat, space=f"{taught.chat.space}-other"))
    assert words(await other.command(CommandName.EXPORT)).startswith("I know nobody here")
    assert words(await other.command(CommandName.IMPORT, file=file.data)) == "Imported 6 samples."
    assert words(await other.command(CommandName.CHARACTER, character=first)).startswith(f"{first} (Drawn)")
    again = await other.command(CommandName.IMPORT, file=file.data)
    assert words(again) == "I knew everything in this file already."
    assert "not a gallery that I exported" in words(await other.command(CommandName.IMPORT, file=b"PK?"))
    assert "There is no file" in words(await other.command(CommandName.IMPORT))
    for name in (CommandName.EXPORT, CommandName.IMPORT):
        assert "Only those who manage" in words(await other.by("5").command(name))


async def test_autocomplete_knows_new_names_at_once(taught: Room, first: str, sample: Sample) -> None:
    suggest = taught.conversation.suggest
    assert first in await suggest(taught.chat, first[:4].lower())
    await taught.command(CommandName.RENAME, character=first, new_name="千反田える")
    for typed in ("chitanda", "ちたんだ", "ﾁﾀﾝﾀﾞ", "titanda", "eru"):
        assert (await suggest(taught.chat, typed))[0] == "千反田える", typed
    assert len(await suggest(taught.chat, "", limit=1)) == 1
