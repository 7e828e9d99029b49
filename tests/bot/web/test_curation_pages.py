"""Looking after a whole gallery in the browser: what needs attention, the map, statistics, archives."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from inference.domain import Character, Scope
from inference.gallery.base import Report
from inference.survey.faces import ScopeFaces
from inference.survey.gallery_map import draw_map
from inference.survey.values import GalleryMap
from tests.bot.conversing import Room
from tests.bot.web.conftest import OpenWindow
from tests.conftest import CastPictures

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGES = ["attention?about=duplicates", "attention?about=misplaced", "attention?about=sparse"]
PAGES += ["map", "statistics", "files"]


def scope_of(room: Room) -> Scope:
    return room.conversation.services.store.scope(room.chat)


def address_of(room: Room, rest: str) -> str:
    return f"/g/{scope_of(room)}/{rest}"


async def known_in(room: Room) -> dict[str, Character]:
    found = await room.conversation.services.gallery.characters([scope_of(room)])
    return {one.name: one for one in found}


async def counts_in(room: Room) -> dict[str, int]:
    return {name: one.sample_count for name, one in (await known_in(room)).items()}


async def move_a_sample(room: Room, source: str, target: str) -> None:
    gallery, scope = room.conversation.services.gallery, scope_of(room)
    samples = await gallery.samples([scope], (await gallery.character([scope], source)).id)
    await gallery.move_samples(scope, source, [samples[0].id], target)


async def looked_over(page: Page) -> None:
    """The page has its result; until then it loads itself anew."""
    await expect(page.locator(".note.plain[hx-get]")).to_have_count(0)


async def reloaded_until_there(page: Page, selector: str) -> None:
    """Without a script, who wants to see what is being made looks again."""
    while not await page.locator(selector).count():
        await page.reload()


@pytest.fixture
def names(cast_pictures: CastPictures) -> tuple[str, str]:
    """Who is enrolled in a taught room, three samples each."""
    return cast_pictures.cast[0].name, cast_pictures.cast[1].name


# ── needs attention ─────────────────────────────────────────────────────────────────────────────


async def test_a_gallery_in_order_needs_no_attention(taught: Room, open_window: OpenWindow) -> None:
    page = await (await open_window()).go(address_of(taught, "attention"))
    await looked_over(page)
    await expect(page.locator("main")).to_contain_text("Nothing here needs attention.")
    assert await page.locator(".tabs .count").all_inner_texts() == ["0", "0", "0"]


async def test_an_empty_gallery_says_so(room: Room, open_window: OpenWindow) -> None:
    store = room.conversation.services.store
    await store.set_settings(room.chat, store.settings(room.chat))  # so that the console knows the space
    window = await open_window()
    for rest in ("attention", "map", "statistics"):
        page = await window.go(address_of(room, rest))
        await looked_over(page)
        await expect(page.locator("main")).to_contain_text("Nobody is enrolled here yet.")


async def test_two_names_of_one_character_become_one_and_two_again(
    taught: Room, open_window: OpenWindow, names: tuple[str, str]
) -> None:
    her, other = names
    await move_a_sample(taught, her, "Double")
    page = await (await open_window()).go(address_of(taught, "attention"))
    await looked_over(page)
    finding = page.locator(".finding")
    await expect(finding).to_have_count(1)
    await expect(finding.locator("h2")).to_have_text(f"Are {her} and Double the same?")
    for image in await finding.locator("img").all():
        await expect(image).to_have_js_property("complete", True)
        assert await image.evaluate("image => image.naturalWidth") > 50
    await finding.get_by_role("button", name=f"One character: {her}").click()
    await expect(page.locator(".note.good")).to_contain_text("Double")
    assert await counts_in(taught) == {her: 3, other: 3}
    await looked_over(page)
    await expect(page.locator(".finding")).to_have_count(0)
    await page.locator(".note.good button").click()
    await expect(page.locator("main")).to_contain_text("undid")
    assert await counts_in(taught) == {her: 2, other: 3, "Double": 1}


async def test_a_sample_in_the_wrong_place_goes_to_where_it_belongs(
    taught: Room, open_window: OpenWindow, names: tuple[str, str]
) -> None:
    her, other = names
    await move_a_sample(taught, her, other)
    page = await (await open_window(width=390)).go(address_of(taught, "attention?about=misplaced"))
    await looked_over(page)
    await expect(page.locator(".finding h2")).to_have_text(f"Enrolled as {other}, but looks like {her}")
    await page.get_by_role("button", name=f"Give it to {her}").click()
    await expect(page.locator(".note.good")).to_be_visible()
    assert await counts_in(taught) == {her: 3, other: 3}


async def test_what_was_decided_about_is_not_asked_again_unless_wanted(
    taught: Room, open_window: OpenWindow, names: tuple[str, str]
) -> None:
    await move_a_sample(taught, names[0], "Double")
    page = await (await open_window()).go(address_of(taught, "attention"))
    await looked_over(page)
    await page.get_by_role("button", name="Two different ones").click()
    await expect(page.locator(".finding")).to_have_count(0)
    await page.goto(page.url)
    await expect(page.locator(".finding")).to_have_count(0)
    await page.locator(".dismissed summary").click()
    await page.get_by_role("button", name="Ask again").click()
    await expect(page.locator(".finding")).to_have_count(1)
    assert await counts_in(taught) == {names[0]: 2, names[1]: 3, "Double": 1}


async def test_a_fix_that_comes_too_late_is_refused_with_a_sentence(
    taught: Room, open_window: OpenWindow, names: tuple[str, str]
) -> None:
    await move_a_sample(taught, names[0], "Double")
    window = await open_window()
    page = await window.go(address_of(taught, "attention"))
    await looked_over(page)
    await taught.conversation.services.gallery.forget(scope_of(taught), "Double")
    await page.get_by_role("button", name=f"One character: {names[0]}").click()
    await expect(page.locator(".note.bad")).to_be_visible()
    assert await counts_in(taught) == {names[0]: 2, names[1]: 3}
    window.wrong.clear()  # the browser notes that the answer was a refusal


async def test_everything_is_there_without_a_script_and_in_every_language(
    taught: Room, open_window: OpenWindow, names: tuple[str, str]
) -> None:
    await move_a_sample(taught, names[0], "Double")
    window = await open_window()
    await looked_over(await window.go(address_of(taught, "attention")))  # it is made now
    for language, title in (("ja", "要確認"), ("zh", "需要处理")):
        page = await (await open_window(scripts=False, language=language)).go(address_of(taught, "attention"))
        await expect(page.locator("h1")).to_have_text(title)
        await reloaded_until_there(page, ".finding")
        await page.locator(".finding button").first.click()
        assert len(await known_in(taught)) == 2
        await page.locator(".note.good button").click()
        assert len(await known_in(taught)) == 3


# ── the map ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_map_is_read_with_the_keyboard(
    taught: Room, open_window: OpenWindow, names: tuple[str, str]
) -> None:
    page = await (await open_window()).go(address_of(taught, "map"))
    await looked_over(page)
    await expect(page.locator("[data-ready='2']")).to_have_count(1)
    await page.locator("canvas").focus()
    await page.keyboard.press("ArrowRight")
    first = await page.locator("[data-spoken]").inner_text()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowRight")
    second = await page.locator("[data-spoken]").inner_text()
    assert {first, second} <= {f"{name} (Drawn)" for name in names}
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_contain_text(second.removesuffix(" (Drawn)"))


async def test_the_map_is_zoomed_and_pressed_with_a_mouse(
    taught: Room, open_window: OpenWindow, names: tuple[str, str]
) -> None:
    page = await (await open_window()).go(address_of(taught, "map"))
    await looked_over(page)
    await expect(page.locator("[data-ready='2']")).to_have_count(1)
    canvas = page.locator("canvas")
    box = await canvas.bounding_box()
    assert box is not None
    # Two characters lie side by side, a quarter and three quarters of the way across.
    await page.mouse.move(box["x"] + box["width"] * 0.25 + 16, box["y"] + box["height"] / 2)
    await expect(page.locator(".tip strong")).to_have_text(sorted(names)[0])
    await page.get_by_role("button", name="Closer").click()
    await page.get_by_role("button", name="Show all").click()
    await page.get_by_role("button", name="Drawn 2").click()
    await expect(page.get_by_role("button", name="Drawn 2")).to_have_attribute("aria-pressed", "true")
    await canvas.click(position={"x": box["width"] * 0.25 + 16, "y": box["height"] / 2})
    await expect(page.locator("h1")).to_contain_text(sorted(names)[0])


async def test_the_map_appears_when_it_is_made_and_stays_while_the_next_is(
    taught: Room, open_window: OpenWindow, names: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()

    def drawn_late(faces: ScopeFaces, *, at: datetime, report: Report) -> GalleryMap:
        assert may_end.wait(600)
        return draw_map(faces, at=at, report=report)

    monkeypatch.setattr("inference.survey.surveyor.draw_map", drawn_late)
    monkeypatch.setattr("bot.web.desk.SURVEY_WAIT_S", 0.0)
    try:
        page = await (await open_window()).go(address_of(taught, "map"))
        await expect(page.locator(".note.plain[hx-get]")).to_have_count(1)
        may_end.set()
        await expect(page.locator("[data-ready='2']")).to_have_count(1)

        may_end.clear()
        await taught.conversation.services.gallery.forget(scope_of(taught), names[0])
        await reloaded_until_there(page, ".note.plain[hx-get]")
        await expect(page.locator("[data-ready='2']")).to_have_count(1)
        await page.locator(".map").evaluate("map => { map.isThatOne = true; }")
        for _ in range(2):
            async with page.expect_response(page.url):
                pass
        await expect(page.locator(".map")).to_have_js_property("isThatOne", True)
    finally:
        may_end.set()
    await expect(page.locator("[data-ready='1']")).to_have_count(1)
    await looked_over(page)


async def test_the_map_says_in_words_who_is_like_whom(
    taught: Room, open_window: OpenWindow, names: tuple[str, str]
) -> None:
    page = await (await open_window(scripts=False)).go(address_of(taught, "map"))
    await reloaded_until_there(page, ".alike")
    await page.fill("#q", names[0][:4])
    await page.get_by_role("button", name="Find").click()
    rows = page.locator(".alike tbody tr")
    await expect(rows).to_have_count(1)
    await expect(rows.locator("th")).to_contain_text(names[0])
    await expect(rows.locator("td")).to_contain_text(names[1])
    await page.fill("#q", "nobody at all")
    await page.get_by_role("button", name="Find").click()
    await expect(page.locator("main")).to_contain_text("I know nobody like")


# ── statistics ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wait_s", [60.0, 0.0])
async def test_statistics_say_in_tables_what_they_draw(
    taught: Room, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, wait_s: float
) -> None:
    monkeypatch.setattr("bot.web.desk.SURVEY_WAIT_S", wait_s)
    store = taught.conversation.services.store
    await store.count(taught.chat, posts=1, pictures=1, faces=6, known=3, unsure=1)
    page = await (await open_window()).go(address_of(taught, "statistics"))
    await expect(page.locator("#added-title")).to_be_visible()
    assert await page.locator(".tiles dd").all_inner_texts() == ["2", "6", "3", "1"]
    for summary in await page.locator(".chart summary").all():
        await summary.click()

    async def cells(title: str) -> list[str]:
        return await page.locator(f"figure[aria-labelledby={title}-title] tbody td").all_inner_texts()

    assert await cells("each") == ["0", "0", "2"]
    assert await cells("series") == ["6"]
    assert await cells("added") == ["6"]
    assert await cells("answers") == ["3", "1", "2"]
    assert await page.locator("figure[aria-labelledby=answers-title] svg.plot rect").count() == 3


# ── archives ────────────────────────────────────────────────────────────────────────────────────


async def test_a_gallery_goes_out_as_a_file_and_into_another_one(
    taught: Room, room: Room, open_window: OpenWindow, tmp_path: Path, names: tuple[str, str]
) -> None:
    page = await (await open_window()).go(address_of(taught, "files"))
    await page.get_by_role("button", name="Write an archive").click()
    link = page.get_by_role("link", name="Download")
    await expect(link).to_be_visible()
    async with page.expect_download() as downloading:
        await link.click()
    download = await downloading.value
    assert download.suggested_filename.startswith("dareda-")
    archive = tmp_path / download.suggested_filename
    await download.save_as(archive)
    scope = Scope(f"{scope_of(taught)}-copy")
    gallery = taught.conversation.services.gallery
    await gallery.import_(archive, scope=scope)
    there = await gallery.characters([scope])
    assert {one.name: one.sample_count for one in there} == dict.fromkeys(names, 3)


async def test_an_archive_is_imported_once_and_a_broken_one_changes_nothing(
    taught: Room, open_window: OpenWindow, tmp_path: Path, names: tuple[str, str]
) -> None:
    gallery, scope = taught.conversation.services.gallery, scope_of(taught)
    archive, broken = tmp_path / "whole.zip", tmp_path / "broken.zip"
    await gallery.export(archive, [scope])
    broken.write_bytes(archive.read_bytes()[:-400])
    await gallery.forget(scope, names[0])
    page = await (await open_window()).go(address_of(taught, "files"))

    await page.set_input_files("#archive", str(broken))
    await page.get_by_role("button", name="Import").click()
    await expect(page.locator(".note.bad")).to_contain_text("as it was before")
    assert await counts_in(taught) == {names[1]: 3}

    for said in ("Imported 3 samples.", "I knew everything in this file already."):
        await page.set_input_files("#archive", str(archive))
        await page.get_by_role("button", name="Import").click()
        await expect(page.locator(".note.good")).to_contain_text(said)
        assert await counts_in(taught) == dict.fromkeys(names, 3)


# ── looks ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
async def test_axe_finds_nothing_serious_and_nothing_sticks_out(
    taught: Room,
    open_window: OpenWindow,
    names: tuple[str, str],
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    await move_a_sample(taught, names[0], "Double")
    await move_a_sample(taught, names[1], names[0])
    await taught.conversation.services.store.count(taught.chat, faces=6, known=3, unsure=1)
    window = await open_window(width=width, height=844, scheme=scheme)
    found: dict[str, object] = {}
    for rest in PAGES:
        page = await window.go(address_of(taught, rest))
        await looked_over(page)
        if wide := await page.evaluate("() => document.documentElement.scrollWidth - innerWidth"):
            found[f"{rest} sticks out"] = wide
        results = await Axe().run(page)
        for violation in results.response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                found[f"{rest}: {violation['id']}"] = [node["html"][:200] for node in violation["nodes"]]
    assert found == {}
