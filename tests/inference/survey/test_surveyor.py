"""Surveys in the background, over a real gallery."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from inference.decide import Level, Policy
from inference.domain import Scope
from inference.errors import StoppedError
from inference.gallery.embedded import EmbeddedGallery, open_embedded_gallery
from inference.survey import surveyor as surveyor_module
from inference.survey.attention import survey_faces
from inference.survey.surveyor import Surveyor
from tests.inference.gallery.samples import make_contract, make_sample

HERE, THERE = Scope("here"), Scope("there")
LONG = 100.0  # surveys give way to everything else on a busy machine


@pytest.fixture
async def gallery(tmp_path: Path) -> AsyncIterator[EmbeddedGallery]:
    opened = await open_embedded_gallery(tmp_path / "gallery.sqlite", make_contract(), undo_days=7)
    yield opened
    await opened.close()


@pytest.fixture
async def surveyor(gallery: EmbeddedGallery) -> AsyncIterator[Surveyor]:
    made = Surveyor(gallery, Policy((Level(1, 0.9, 0.05),)))
    yield made
    await made.close()


async def test_a_survey_sees_its_scope_alone(gallery: EmbeddedGallery, surveyor: Surveyor) -> None:
    await gallery.enroll(HERE, "Her", [make_sample(1)])
    await gallery.enroll(THERE, "Other", [make_sample(2), make_sample(3)])
    progress = await surveyor.survey(HERE, wait_s=LONG)
    assert progress.is_current
    assert progress.done is None
    assert progress.result is not None
    assert [one.name for one in progress.result.sparse] == ["Her"]
    assert progress.result.samples == 1


async def test_it_is_made_again_only_when_the_scope_has_changed(
    gallery: EmbeddedGallery, surveyor: Surveyor
) -> None:
    await gallery.enroll(HERE, "Her", [make_sample(1)])
    first = await surveyor.survey(HERE, wait_s=LONG)
    await gallery.enroll(THERE, "Other", [make_sample(2)])
    assert (await surveyor.survey(HERE, wait_s=LONG)).result is first.result
    await gallery.enroll(HERE, "Her", [make_sample(3)])
    await _rested(surveyor)
    second = await surveyor.survey(HERE, wait_s=LONG)
    assert second.result is not None
    assert (second.result.samples, second.is_current) == (2, True)


async def test_negatives_are_not_counted(gallery: EmbeddedGallery, surveyor: Surveyor) -> None:
    await gallery.enroll(HERE, "Her", [make_sample(1), make_sample(2)])
    await gallery.add_negative(HERE, "Her", make_sample(3))
    progress = await surveyor.survey(HERE, wait_s=LONG)
    assert progress.result is not None
    assert progress.result.samples == 2


async def test_the_older_one_is_shown_while_a_newer_one_is_made(
    gallery: EmbeddedGallery, surveyor: Surveyor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gallery.enroll(HERE, "Her", [make_sample(1)])
    first = await surveyor.survey(HERE, wait_s=LONG)
    await gallery.enroll(HERE, "Her", [make_sample(2)])
    go_on = threading.Event()

    def slow(*values: Any, **named: Any) -> Any:
        named["report"](0.25)
        go_on.wait(LONG)
        return survey_faces(*values, **named)

    monkeypatch.setattr(surveyor_module, "survey_faces", slow)
    other = Surveyor(gallery, Policy((Level(1, 0.9, 0.05),)))
    try:
        nothing = await other.survey(HERE, wait_s=0.2)
        assert (nothing.result, nothing.is_current, nothing.done) == (None, False, 0.25)
        go_on.set()
        assert (await other.survey(HERE, wait_s=LONG)).is_current
    finally:
        go_on.set()
        await other.close()
    assert first.result is not None


async def test_a_failure_is_told_to_who_asks_and_tried_again(
    gallery: EmbeddedGallery, surveyor: Surveyor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gallery.enroll(HERE, "Her", [make_sample(1)])

    def fail(*values: Any, **named: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(surveyor_module, "survey_faces", fail)
        other = Surveyor(gallery, Policy((Level(1, 0.9, 0.05),)))
        with pytest.raises(ZeroDivisionError):
            await other.survey(HERE, wait_s=LONG)
        with pytest.raises(ZeroDivisionError):
            await other.survey(HERE, wait_s=LONG)
        await other.close()
    made = await surveyor.survey(HERE, wait_s=LONG)
    assert made.result is not None
    assert made.result.characters == 1


async def test_what_is_under_way_stops_with_the_surveyor(
    gallery: EmbeddedGallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gallery.enroll(HERE, "Her", [make_sample(1)])
    stopped: list[type[BaseException]] = []

    def endless(*values: Any, **named: Any) -> Any:
        try:
            while True:
                named["report"](0.5)
        except BaseException as error:
            stopped.append(type(error))
            raise

    monkeypatch.setattr(surveyor_module, "survey_faces", endless)
    surveyor = Surveyor(gallery, Policy((Level(1, 0.9, 0.05),)))
    await surveyor.survey(HERE, wait_s=0.1)
    async with asyncio.timeout(LONG):
        await surveyor.close()
        while not stopped:  # a thread has no event of the loop
            await asyncio.sleep(0.01)
    assert stopped == [StoppedError]
    with pytest.raises(StoppedError):
        await surveyor.survey(HERE)


async def test_closing_does_not_wait_for_what_cannot_be_stopped(
    gallery: EmbeddedGallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gallery.enroll(HERE, "Her", [make_sample(1)])
    go_on, ended = threading.Event(), threading.Event()

    def deaf(*values: Any, **named: Any) -> Any:
        go_on.wait(LONG)
        ended.set()

    monkeypatch.setattr(surveyor_module, "draw_map", deaf)
    surveyor = Surveyor(gallery, Policy((Level(1, 0.9, 0.05),)))
    await surveyor.map(HERE, wait_s=0.1)
    async with asyncio.timeout(LONG / 2):
        await surveyor.close()
    assert not ended.is_set()
    go_on.set()
    assert await asyncio.to_thread(ended.wait, LONG)


async def test_only_the_scopes_asked_for_last_are_kept(gallery: EmbeddedGallery, surveyor: Surveyor) -> None:
    scopes = [Scope(f"scope {number}") for number in range(12)]
    for scope in scopes:
        await surveyor.survey(scope, wait_s=LONG)
    assert list(surveyor._surveys) == scopes[-8:]


async def _rested(surveyor: Surveyor) -> None:
    """Until a newer survey may be made."""
    work = surveyor._surveys[HERE]
    await asyncio.sleep(max(0.0, work._rests_until - asyncio.get_running_loop().time()))
