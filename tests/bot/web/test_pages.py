"""Every page and action of the console as a person meets it: in a real browser, over real sockets."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.chat import Actor
from bot.remembered import Review, ReviewState, new_token
from inference.domain import Character, FaceAt, Sample
from inference.gallery.audit import utc_now
from inference.service import LocalFaceService
from tests.bot.conversing import MemoryPlatform, Room, words
from tests.bot.web.conftest import OpenWindow
from tests.conftest import CastPictures

pytestmark = pytest.mark.asyncio(loop_scope="session")


def gallery_of(room: Room) -> str:
    return f"/g/{room.conversation.services.store.scope(room.chat)}"


async def known_in(room: Room) -> dict[str, Character]:
    services = room.conversation.services
    found = await services.gallery.characters([services.store.scope(room.chat)])
    return {one.name: one for one in found}


async def samples_of(room: Room, name: str) -> tuple[Sample, ...]:
    services = room.conversation.services
    scope = services.store.scope(room.chat)
    return await services.gallery.samples([scope], (await services.gallery.character([scope], name)).id)


async def answered(page: Page, count: int) -> None:
    await expect(page.locator(".item .outcome > :not(.waiting)")).to_have_count(count)


# ── identify ────────────────────────────────────────────────────────────────────────────────────


async def test_chosen_pictures_are_answered_one_by_one_with_their_candidates(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    page = await (await open_window()).go(f"{gallery_of(taught)}/identify")
    chosen = [cast_pictures.new[0], cast_pictures.stranger_portrait, cast_pictures.empty]
    await page.set_input_files("#pictures", [str(path) for path in chosen])
    await answered(page, 3)
    first, second, third = await page.locator(".item").all()
    her = cast_pictures.cast[0].name
    await expect(first.locator(".face.known h3")).to_have_text(her)
    await expect(first.locator(".candidate").first.locator("a")).to_have_text(her)
    alike = [float(await one.get_attribute("value") or "") for one in await first.locator("meter").all()]
    assert len(alike) > 1
    assert alike == sorted(alike, reverse=True)
    shown = first.locator(".candidate").first.locator("img")
    await expect(shown).to_have_count(3)  # the nearest sample, and the two others
    for image in await shown.all():
        await image.scroll_into_view_if_needed()
        await expect(image).to_have_js_property("complete", True)
        assert await image.evaluate("image => image.naturalWidth") > 50
    await expect(second.locator(".face.unknown")).to_have_count(1)
    await expect(third).to_contain_text("no drawn face")
    await expect(page.locator("[data-count]")).to_have_text("3 / 3")


DROP = """async ([data, kind]) => {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], "given.png", {type: "image/png"}));
    const event = kind === "drop"
        ? new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true})
        : new ClipboardEvent("paste", {clipboardData: files, bubbles: true, cancelable: true});
    document.body.dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
async def test_a_picture_can_be_dropped_and_pasted(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures, kind: str
) -> None:
    page = await (await open_window()).go(f"{gallery_of(taught)}/identify")
    await page.evaluate(DROP, [_base64(cast_pictures.new[1]), kind])
    await answered(page, 1)
    await expect(page.locator(".face.known h3")).to_have_text(cast_pictures.cast[1].name)


async def test_a_face_is_named_in_place_and_that_is_undone_in_place(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    page = await (await open_window()).go(f"{gallery_of(taught)}/identify")
    await page.set_input_files("#pictures", str(cast_pictures.stranger_portrait))
    await answered(page, 1)
    await page.click(".say summary")
    await page.fill(".say input[name=name]", "Stranger No More")
    await page.fill(".say input[name=series]", "A Series")
    await page.click(".say button.main")
    await expect(page.locator(".note.good")).to_contain_text("Stranger No More (A Series)")
    assert (await known_in(taught))["Stranger No More"].sample_count == 1
    await page.click(".note.good button")
    await expect(page.locator(".note.plain")).to_contain_text("Undone")
    assert "Stranger No More" not in await known_in(taught)


async def test_a_wrong_name_is_denied_and_a_candidate_is_taken_with_one_click(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    page = await (await open_window()).go(f"{gallery_of(taught)}/identify")
    await page.set_input_files("#pictures", [str(cast_pictures.new[0])])
    await answered(page, 1)
    right = cast_pictures.cast[1].name
    await page.get_by_role("button", name=right, exact=True).click()
    await expect(page.locator(".note.good")).to_contain_text(right)
    assert (await known_in(taught))[right].sample_count == 4
    await page.set_input_files("#pictures", [str(cast_pictures.new[0])])
    await answered(page, 2)
    await page.locator(".item").first.locator("button.danger").click()
    await expect(page.locator(".item").first.locator(".say .note")).to_contain_text("not take this face")


async def test_names_are_completed_while_typing(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    page = await (await open_window()).go(f"{gallery_of(taught)}/enroll")
    name = cast_pictures.cast[0].name
    await page.locator("#name").press_sequentially(name[:3])
    await expect(page.locator(f'#names option[value="{name}"]')).to_have_count(1)


async def test_it_works_without_script(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    window = await open_window(scripts=False)
    page = await window.go(f"{gallery_of(taught)}/identify")
    await page.set_input_files("#pictures", [str(cast_pictures.new[0]), str(cast_pictures.empty)])
    await page.click("form[data-pictures] button.main")
    await expect(page.locator(".face.known h3")).to_have_text(cast_pictures.cast[0].name)
    await expect(page.locator(".item")).to_have_count(2)
    page = await window.go(f"{gallery_of(taught)}/enroll")
    await page.fill("#name", "Scriptless")
    await page.set_input_files("#pictures", str(cast_pictures.stranger_portrait))
    await page.click("form[data-pictures] button.main")
    await expect(page.locator(".note.good")).to_contain_text("Scriptless")


# ── enroll ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_character_is_enrolled_from_several_pictures(
    room: Room, open_window: OpenWindow, cast_pictures: CastPictures, sample: Callable[[int, int], bytes]
) -> None:
    page = await (await open_window()).go(f"{gallery_of(room)}/enroll")
    await page.fill("#name", "Newcomer")
    await page.fill("#series", "A Series")
    await page.fill("#aliases", "New, Comer")
    folder = cast_pictures.folder / cast_pictures.cast[0].name
    await page.set_input_files("#pictures", [str(path) for path in sorted(folder.iterdir())])
    await answered(page, 3)
    character = (await known_in(room))["Newcomer"]
    assert (character.series, set(character.aliases), character.sample_count) == (
        "A Series",
        {"New", "Comer"},
        3,
    )
    await page.set_input_files("#pictures", str(folder / "1.png"))
    await answered(page, 4)
    await expect(page.locator(".item").first).to_contain_text("enrolled already")


async def test_of_several_faces_it_is_asked_which(
    room: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    page = await (await open_window()).go(f"{gallery_of(room)}/enroll")
    await page.fill("#name", "One Of Them")
    await page.set_input_files("#pictures", str(cast_pictures.group))
    await answered(page, 1)
    await page.click(".which button >> nth=1")
    await expect(page.locator(".note.good")).to_contain_text("One Of Them")


async def test_without_a_name_nothing_is_sent(
    room: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    page = await (await open_window()).go(f"{gallery_of(room)}/enroll")
    await page.set_input_files("#pictures", str(cast_pictures.new[0]))
    await expect(page.locator(".item")).to_have_count(0)
    await expect(page.locator("#name:invalid")).to_be_focused()


# ── gallery ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_gallery_is_searched_while_typing_and_filtered(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    page = await (await open_window()).go(f"{gallery_of(taught)}/characters")
    names = sorted(one.name for one in cast_pictures.cast[:2])
    assert sorted(await page.locator(".tile .name").all_inner_texts()) == names
    await page.locator("#q").press_sequentially(names[0][:4])
    await expect(page.locator(".tile")).to_have_count(1)
    assert "q=" in page.url
    await page.fill("#q", "nobody at all")
    await expect(page.locator(".empty")).to_contain_text("nobody at all")
    await page.fill("#q", "")
    await expect(page.locator(".tile")).to_have_count(2)
    await page.select_option("#series", "Drawn")
    await expect(page.locator(".tile")).to_have_count(2)
    await page.select_option("#order", "fewest")
    await expect(page.locator(".tile")).to_have_count(2)


async def test_another_gallery_is_chosen(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    page = await (await open_window()).go(f"{gallery_of(taught)}/characters")
    await page.click(".pick summary")
    await page.get_by_role("link", name="anime", exact=True).click()
    await expect(page.locator(".tile .name")).to_have_text([cast_pictures.cast[2].name])


async def test_an_empty_gallery_says_how_to_begin(room: Room, open_window: OpenWindow) -> None:
    window = await open_window()
    page = await window.go("/g/cli/characters")
    await expect(page.locator(".empty")).to_contain_text("Nobody is enrolled")
    window.wrong.clear()
    response = await page.goto(f"{window.address}/g/nowhere/characters")
    assert response is not None and response.status == 404
    window.wrong.clear()  # Chromium says that the page was not found


# ── one character ───────────────────────────────────────────────────────────────────────────────


async def her_page(taught: Room, open_window: OpenWindow, name: str) -> Page:
    character = (await known_in(taught))[name]
    return await (await open_window()).go(f"{gallery_of(taught)}/characters/{character.id}")


async def test_she_is_renamed_and_that_is_undone(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    name = cast_pictures.cast[0].name
    page = await her_page(taught, open_window, name)
    await page.fill("#new-name", "Another Name")
    await page.fill("#new-series", "Another Series")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("h1")).to_have_text("Another Name")
    await expect(page.locator(".note.good")).to_contain_text(f"renamed {name} to Another Name")
    assert (await known_in(taught))["Another Name"].aliases == (name,)
    await page.locator(".note.good button").click()
    await expect(page.locator("h1")).to_have_text(name)


async def test_aliases_are_set_and_a_name_that_is_taken_is_refused_in_place(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    name, other = (one.name for one in cast_pictures.cast[:2])
    window = await open_window()
    page = await window.go(f"{gallery_of(taught)}/characters/{(await known_in(taught))[name].id}")
    await page.fill("#new-aliases", "Ru, る")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".her")).to_contain_text("Also called Ru and る")
    await page.fill("#new-aliases", other)
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".note.bad")).to_contain_text("is already a name of")
    await expect(page.locator("h1")).to_have_text(name)
    assert (await known_in(taught))[name].aliases == ("Ru", "る")
    window.wrong.clear()  # Chromium says that it was refused


async def test_a_cover_is_chosen(taught: Room, open_window: OpenWindow, cast_pictures: CastPictures) -> None:
    name = cast_pictures.cast[0].name
    page = await her_page(taught, open_window, name)
    last = (await samples_of(taught, name))[-1]
    await page.locator(".sample").last.get_by_role("button", name="Make cover").click()
    await expect(page.locator(".her .cover")).to_have_attribute("src", re.compile(last.id))
    await expect(page.locator(".sample.chosen")).to_have_count(1)


async def test_ticked_samples_are_split_off(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    name = cast_pictures.cast[0].name
    page = await her_page(taught, open_window, name)
    for box in (await page.locator(".sample input").all())[:2]:
        await box.check()
    await page.fill("#move-to", "Her Sister")
    await page.get_by_role("button", name="Move", exact=True).click()
    await expect(page.locator(".note.good")).to_contain_text("moved 2 samples")
    known = await known_in(taught)
    assert (known[name].sample_count, known["Her Sister"].sample_count) == (1, 2)


async def test_ticked_samples_are_forgotten_and_brought_back_together(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    name = cast_pictures.cast[0].name
    window = await open_window()
    page = await window.go(f"{gallery_of(taught)}/characters/{(await known_in(taught))[name].id}")
    await page.get_by_role("button", name="Forget", exact=True).click()
    await expect(page.locator(".note.bad")).to_contain_text("Something is missing")
    window.wrong.clear()  # Chromium says that it was refused
    for box in (await page.locator(".sample input").all())[:2]:
        await box.check()
    await page.get_by_role("button", name="Forget", exact=True).click()
    await expect(page.locator(".sample")).to_have_count(1)
    await page.locator(".note.good button").click()
    await expect(page.locator(".sample")).to_have_count(3)


async def test_she_is_merged_into_somebody_else(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    gone, kept = (one.name for one in cast_pictures.cast[:2])
    page = await her_page(taught, open_window, gone)
    await page.fill("#merge-into", kept)
    await page.get_by_role("button", name="Merge", exact=True).click()
    await expect(page.locator("h1")).to_have_text(kept)
    assert (await known_in(taught))[kept].sample_count == 6


@pytest.mark.parametrize("for_good", [False, True])
async def test_she_is_forgotten(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures, for_good: bool
) -> None:
    name = cast_pictures.cast[0].name
    page = await her_page(taught, open_window, name)
    if for_good:
        await page.check("[name=for_good]")
    await page.get_by_role("button", name=f"Forget {name}").click()
    await expect(page.locator(".note.good")).to_contain_text(f"forgot {name}")
    assert name not in await known_in(taught)
    await expect(page.locator(".note.good button")).to_have_count(0 if for_good else 1)


async def test_pictures_are_added_to_her(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    page = await her_page(taught, open_window, cast_pictures.cast[0].name)
    await page.set_input_files("#pictures", str(cast_pictures.new[0]))
    await answered(page, 1)
    assert (await known_in(taught))[cast_pictures.cast[0].name].sample_count == 4


# ── history, reviews, settings, health ──────────────────────────────────────────────────────────


async def test_history_takes_back_any_change(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    services = taught.conversation.services
    scope, name = services.store.scope(taught.chat), cast_pictures.cast[0].name
    await services.gallery.rename(scope, name, "Renamed", actor="somebody")
    page = await (await open_window()).go(f"{gallery_of(taught)}/history")
    line = page.locator(".line").first
    await expect(line).to_contain_text("somebody")
    await line.get_by_role("button", name="Undo").click()
    await expect(page.locator(".note.good")).to_contain_text("undid number")
    assert name in await known_in(taught)


async def test_a_change_of_a_chats_gallery_is_told_in_its_log_channel(
    taught: Room, memory_platform: MemoryPlatform, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    store = taught.conversation.services.store
    await store.set_settings(taught.chat, replace(store.settings(taught.chat), log_channel="77"))
    name = cast_pictures.cast[0].name
    page = await her_page(taught, open_window, name)
    await page.fill("#new-name", "Told Name")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("h1")).to_have_text("Told Name")
    here = taught.chat.space
    (told,) = [one for one in memory_platform.said if (one.chat.space, one.chat.channel) == (here, "77")]
    assert f"Web console: renamed {name} to Told Name" in words(told.reply)


async def review_in(room: Room, data: bytes, core: LocalFaceService, *, right: str) -> Review:
    services = room.conversation.services
    image = room.platform.keep(room.chat, data)
    scope = services.store.scope(room.chat)
    (face, *_) = (await core.identify(data, [scope], draw=False)).identification.faces
    place = FaceAt(face.detection.box, face.frame)
    review = Review(
        new_token(),
        room.chat,
        image.reference,
        place.frame,
        place.box,
        Actor("7", "Guest"),
        utc_now(),
        right=right,
    )
    assert await services.store.propose(review)
    return review


async def settle_all(room: Room) -> None:
    store = room.conversation.services.store
    for one in await store.reviews(limit=1_000):
        await store.settle(one.chat, one.id, ReviewState.REFUSED, by="test")


async def test_reviews_of_chats_are_accepted_and_refused(
    taught: Room,
    memory_platform: MemoryPlatform,
    open_window: OpenWindow,
    core: LocalFaceService,
    cast_pictures: CastPictures,
) -> None:
    await settle_all(taught)
    name = cast_pictures.cast[0].name
    await review_in(taught, cast_pictures.new[0].read_bytes(), core, right=name)
    await review_in(taught, cast_pictures.stranger_portrait.read_bytes(), core, right="Somebody")
    window = await open_window()
    page = await window.go("/reviews")
    await expect(page.locator(".review")).to_have_count(2)
    face = page.locator(".review").first.locator(".compare img").first
    await expect(face).to_have_js_property("complete", True)
    assert await face.evaluate("image => image.naturalWidth") > 50
    await page.locator(".review").first.get_by_role("button", name="Accept").click()
    await expect(page.locator(".review").first).to_contain_text("Learnt")
    assert (await known_in(taught))[name].sample_count == 4
    await page.locator(".review").first.get_by_role("button", name="Undo").click()
    await expect(page.locator(".note.plain")).to_contain_text("Undone")
    assert (await known_in(taught))[name].sample_count == 3
    await page.get_by_role("button", name="Refuse").click()
    await expect(page.locator(".review").last).to_contain_text("Nothing was changed")
    await page.reload()
    await expect(page.locator(".empty")).to_contain_text("nothing to review")


async def test_settings_say_what_counts_and_where_it_is_from(open_window: OpenWindow) -> None:
    page = await (await open_window()).go("/settings")
    line = page.locator(".set")
    await expect(line).to_have_count(1)
    await expect(line).to_contain_text("operators")
    await expect(line).to_contain_text("discord:900")
    await expect(line).to_contain_text("dareda.toml")
    assert "is not set" in await page.inner_text("main")


async def test_health_says_what_is_enrolled_and_connected(
    open_window: OpenWindow, memory_platform: MemoryPlatform
) -> None:
    page = await (await open_window()).go("/health")
    said = await page.inner_text("main")
    assert "dareda-1" in said
    assert "Discord, Telegram" in said


# ── languages, colours, keyboard ────────────────────────────────────────────────────────────────


async def test_language_and_colours_are_chosen_and_kept(open_window: OpenWindow) -> None:
    window = await open_window(language="ja")
    page = await window.go("/health")
    await expect(page.locator("h1")).to_have_text("状態")
    await page.get_by_role("button", name="中文").click()
    await expect(page.locator("h1")).to_have_text("状态")
    assert page.url.endswith("/health")
    await page.get_by_title("深色").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    ground = await page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(16, 18, 22)"
    await window.go("/settings")
    await expect(page.locator("h1")).to_have_text("设置")


async def test_everything_is_reached_with_the_keyboard(
    taught: Room, open_window: OpenWindow, cast_pictures: CastPictures
) -> None:
    page = await (await open_window()).go(f"{gallery_of(taught)}/characters")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    for _ in range(5):
        await page.keyboard.press("Tab")
    focused = page.locator("a.tile:focus-visible")
    await expect(focused).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text(
        re.compile("|".join(one.name for one in cast_pictures.cast[:2]))
    )


async def test_the_menu_of_a_phone_has_every_page(open_window: OpenWindow) -> None:
    page = await (await open_window(width=390, height=844)).go("/health")
    assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    await page.locator(".more summary").click()
    await page.locator(".more").get_by_role("link", name="Settings").click()
    await expect(page.locator("h1")).to_have_text("Settings")


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
