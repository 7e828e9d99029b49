"""How every `Gallery` tells who has given what, and removes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.domain import Scope
from inference.errors import CannotUndoError, CharacterNotFoundError
from inference.gallery.base import Contributions, Gallery
from tests.contract.galleries import HERE, KINDS, SHARED, THERE, Clock, everything, open_gallery
from tests.inference.gallery.samples import (
    HashEmbedder,
    make_contract,
    make_embedding,
    make_sample,
    names,
    probes,
)

ORE = "Oreki (discord:7)"
ORE_LATER = "Oreki Houtarou (discord:7)"
ERU = "Eru (discord:70)"
LIAR = "x (discord:7) (telegram:7)"
"""Who calls themselves like somebody else's signature."""


async def fill(gallery: Gallery) -> None:
    """Rin is of both, Ran of the one alone, Eru's of the other; and each has said something wrong."""
    await gallery.enroll(HERE, "Rin", [make_sample(1, added_by=ORE)], actor=ORE)
    await gallery.enroll(HERE, "Rin", [make_sample(2, added_by=ERU)], actor=ERU)
    await gallery.enroll(HERE, "Ran", [make_sample(3, added_by=ORE_LATER)], actor=ORE_LATER)
    await gallery.enroll(HERE, "Saber", [make_sample(4, added_by=ERU)], actor=ERU)
    await gallery.add_negative(HERE, "Saber", make_sample(5, added_by=ORE), actor=ORE)
    await gallery.add_negative(HERE, "Saber", make_sample(6, added_by=ERU), actor=ERU)
    await gallery.enroll(THERE, "Rin", [make_sample(1, added_by=ORE)], actor=ORE)
    await gallery.enroll(SHARED, "Rin", [make_sample(1, added_by=LIAR)], actor=LIAR)


async def test_an_empty_gallery_has_no_contributors(gallery: Gallery) -> None:
    assert await gallery.contributions() == ()
    assert await gallery.contributions("discord:7") == ()
    assert await gallery.forget_contributions(HERE, "discord:7", actor="cli") is None
    assert await gallery.audit() == ()


async def test_contributions_are_told_by_who_it_is_whatever_they_are_called(gallery: Gallery) -> None:
    await fill(gallery)
    await gallery.rename(HERE, "Saber", "Artoria", actor="cli")
    [rin, _] = await gallery.samples([HERE], (await gallery.character([HERE], "Rin")).id)
    await gallery.forget_sample(HERE, rin.id, actor="cli")
    of_ore = (
        Contributions(
            "discord:7", HERE, tuple(sorted([ORE, ORE_LATER])), samples=1, negatives=1, removed=1, changes=3
        ),
        Contributions("discord:7", THERE, (ORE,), samples=1, negatives=0, removed=0, changes=1),
    )
    assert await gallery.contributions("discord:7") == of_ore
    assert await gallery.contributions() == (
        Contributions("cli", HERE, ("cli",), samples=0, negatives=0, removed=0, changes=2),
        *of_ore,
        Contributions("discord:70", HERE, (ERU,), samples=2, negatives=1, removed=0, changes=3),
        Contributions("telegram:7", SHARED, (LIAR,), samples=1, negatives=0, removed=0, changes=1),
    )
    assert await gallery.contributions("discord") == await gallery.contributions("") == ()


async def test_what_is_unsigned_is_nobodys(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1, added_by="")])
    assert await gallery.contributions() == ()
    assert await gallery.forget_contributions(HERE, "") is None
    assert len(await gallery.audit()) == 1


async def test_forgetting_removes_all_of_one_and_nothing_of_others(gallery: Gallery) -> None:
    await fill(gallery)
    elsewhere = [(await everything(gallery, scope))[0] for scope in (THERE, SHARED)]
    there = await gallery.contributions("discord:7")
    gone = await gallery.forget_contributions(HERE, "discord:7", actor="cli")

    assert gone == there[0]
    assert await gallery.contributions("discord:7") == there[1:]
    assert [(await everything(gallery, scope))[0] for scope in (THERE, SHARED)] == elsewhere
    # Ran had nothing else, so she is gone too; her name is free.
    rin, saber = await gallery.characters([HERE])
    assert (rin.name, rin.sample_count, saber.name, saber.sample_count) == ("Rin", 1, "Saber", 1)
    with pytest.raises(CharacterNotFoundError):
        await gallery.character([HERE], "Ran")
    [first, third, of_others] = await gallery.search(
        probes(*(make_embedding(seed) for seed in (1, 3, 2))), [HERE], top=9
    )
    assert max(match.similarity for match in (*first, *third)) < 0.99
    assert names(of_others)[0] == "Rin"
    # Of two who were said not to be Saber, only the other's word still counts.
    [of_ore, of_eru] = await gallery.search(probes(make_embedding(5), make_embedding(6)), [HERE], top=9)
    against = {
        seed: next(m.negative_similarity for m in matches if m.character == saber)
        for seed, matches in ((5, of_ore), (6, of_eru))
    }
    assert against[6] == pytest.approx(1, abs=1e-6)
    assert against[5] is not None
    assert against[5] < 0.99
    for seed in (1, 3):
        assert await gallery.find_duplicate(HERE, make_sample(seed)) is None
    assert await gallery.forget_contributions(HERE, "discord:7", actor="cli") is None


async def test_the_log_keeps_what_was_done_but_not_by_whom(gallery: Gallery) -> None:
    await fill(gallery)
    before = await gallery.audit(HERE)
    await gallery.forget_contributions(HERE, "discord:7", actor="cli")
    [line, *others] = await gallery.audit(HERE)

    assert [(one.id, one.action, one.detail) for one in others] == [
        (one.id, one.action, one.detail) for one in before
    ]
    assert [one.actor for one in others] == ["" if "discord:7)" in one.actor else one.actor for one in before]
    assert (line.action, line.actor, line.undo_until) == ("forget_contributions", "cli", None)
    assert line.detail == {
        "samples": 2,
        "negatives": 1,
        "removed": 0,
        "changes": 3,
        "characters": 1,
        "for_good": True,
    }
    assert ORE in [one.actor for one in await gallery.audit(THERE)]


@pytest.mark.parametrize("number", [None, "line", "enrollment"])
async def test_forgetting_contributions_cannot_be_undone(gallery: Gallery, number: str | None) -> None:
    await fill(gallery)
    enrollment = next(one for one in await gallery.audit(HERE) if one.detail["name"] == "Ran")
    await gallery.forget_contributions(HERE, "discord:7")
    [line, *_] = await gallery.audit(HERE)
    before = await everything(gallery)
    with pytest.raises(CannotUndoError):
        await gallery.undo(HERE, {"line": line.id, "enrollment": enrollment.id}.get(number or ""))
    assert await everything(gallery) == before


async def test_what_was_removed_before_goes_too_and_cannot_come_back(gallery: Gallery) -> None:
    await fill(gallery)
    forgotten = await gallery.forget(HERE, "Rin", actor=ERU)
    gone = await gallery.forget_contributions(HERE, "discord:7")
    assert gone is not None
    assert gone.removed == 1

    await gallery.undo(HERE, forgotten.entry_id)
    rin = await gallery.character([HERE], "Rin")
    [left] = await gallery.samples([HERE], rin.id)
    assert left.added_by == ERU
    await gallery.enroll(HERE, "Rin", [make_sample(1, added_by=ERU)])  # nobody has it any more


async def test_others_changes_can_still_be_undone_without_these_faces(gallery: Gallery) -> None:
    await fill(gallery)
    merged = await gallery.merge(HERE, "Saber", "Rin", actor=ERU)
    await gallery.forget_contributions(HERE, "discord:7")
    await gallery.undo(HERE, merged.entry_id)
    assert [(one.name, one.sample_count) for one in await gallery.characters([HERE])] == [
        ("Rin", 1),
        ("Saber", 1),
    ]
    saber = await gallery.character([HERE], "Saber")
    [match] = [
        m
        for [*found] in await gallery.search(probes(make_embedding(6)), [HERE], top=9)
        for m in found
        if m.character == saber
    ]
    assert match.negative_similarity == pytest.approx(1, abs=1e-6)


async def test_who_has_lost_all_stays_while_faces_of_others_may_come_back_to_her(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1, added_by=ORE)], actor=ORE)
    await gallery.enroll(HERE, "Rin", [make_sample(2, added_by=ERU)], actor=ERU)
    [_, second] = await gallery.samples([HERE], (await gallery.character([HERE], "Rin")).id)
    removed = await gallery.forget_sample(HERE, second.id, actor="cli")
    await gallery.forget_contributions(HERE, "discord:7")
    assert (await gallery.character([HERE], "Rin")).sample_count == 0
    await gallery.undo(HERE, removed.entry_id)
    assert (await gallery.character([HERE], "Rin")).sample_count == 1


async def test_nothing_is_left_under_another_contract(gallery: Gallery) -> None:
    await fill(gallery)
    old = gallery.contract
    async for _ in gallery.reindex(make_contract("second", 24), HashEmbedder(24)):
        pass
    await gallery.forget_contributions(HERE, "discord:7")
    async for _ in gallery.reindex(old, HashEmbedder(16)):
        pass
    assert [one.scope for one in await gallery.contributions("discord:7")] == [THERE]
    assert (await gallery.stats()).samples == 4


@pytest.mark.parametrize("kind", KINDS)
async def test_contributions_stay_forgotten_after_reopening(kind: str, tmp_path: Path, clock: Clock) -> None:
    gallery = await open_gallery(kind, tmp_path, clock=clock)
    await fill(gallery)
    await gallery.forget_contributions(HERE, "discord:7")
    before = await everything(gallery), await gallery.audit()
    await gallery.close()
    gallery = await open_gallery(kind, tmp_path, clock=clock)
    assert (await everything(gallery), await gallery.audit()) == before
    assert await gallery.contributions("discord:7") != ()
    await gallery.close()


async def test_what_concerns_the_whole_gallery_can_be_unsigned_too(gallery: Gallery, tmp_path: Path) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1, added_by=ERU)])
    await gallery.export(tmp_path / "export.zip")
    await gallery.import_(tmp_path / "export.zip", actor=ORE)
    [everywhere] = await gallery.contributions("discord:7")
    assert (everywhere.scope, everywhere.changes) == (Scope(""), 1)
    assert await gallery.forget_contributions(everywhere.scope, "discord:7") == everywhere
    assert await gallery.contributions("discord:7") == ()
    assert (await gallery.character([HERE], "Rin")).sample_count == 1
