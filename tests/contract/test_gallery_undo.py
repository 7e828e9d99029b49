"""How every `Gallery` moves samples, and takes changes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from inference.domain import Sample, SampleId
from inference.errors import (
    CannotUndoError,
    CharacterNotFoundError,
    MergeSelfError,
    NameInvalidError,
    SampleNotFoundError,
)
from inference.gallery.base import Gallery
from tests.contract.galleries import HERE, KINDS, SHARED, THERE, UNDO_DAYS, Clock, everything, open_gallery
from tests.inference.gallery.samples import (
    DIMENSION,
    HashEmbedder,
    make_contract,
    make_crop,
    make_embedding,
    make_sample,
    names,
    probes,
)


async def fill(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1), make_sample(2)], series="Fate", aliases=["R", "Red"])
    await gallery.enroll(HERE, "Ran", [make_sample(3)])
    await gallery.add_negative(HERE, "Rin", make_sample(8))
    await gallery.add_negative(HERE, "Ran", make_sample(9))
    await gallery.add_negative(HERE, "Ran", make_sample(1))
    await gallery.enroll(THERE, "Rin", [make_sample(1)])


async def samples_of(gallery: Gallery, name: str) -> tuple[Sample, ...]:
    return await gallery.samples([HERE], (await gallery.character([HERE], name)).id)


async def seen(gallery: Gallery) -> list[object]:
    """Everything that the contents of a gallery can be told by, except how large it is."""
    asked = probes(*(make_embedding(seed) for seed in range(10)))
    found: list[object] = [replace((await gallery.stats()), size_bytes=0)]
    for scope in (HERE, THERE):
        listed, _ = await everything(gallery, scope)
        crops = [await gallery.crop([scope], sample.id) for _, samples in listed for sample in samples]
        duplicates = [await gallery.find_duplicate(scope, make_sample(seed)) for seed in range(10)]
        found += [listed, crops, duplicates, await gallery.search(asked, [scope], top=99)]
    return found


# ── moving samples ──────────────────────────────────────────────────────────────────────────────


async def test_samples_split_off_are_a_new_character_and_stay_what_they_were(gallery: Gallery) -> None:
    await fill(gallery)
    _, second = before = await samples_of(gallery, "Rin")
    moved = await gallery.move_samples(HERE, "red", [second.id], "Rin's sister", series="Fate", actor="me")

    assert (moved.character.name, moved.character.series) == ("Rin's sister", "Fate")
    assert moved.character.sample_count == 1
    assert await gallery.samples([HERE], moved.character.id) == (
        replace(second, character_id=moved.character.id),
    )
    assert await gallery.crop([HERE], second.id) == make_crop(2)
    assert await samples_of(gallery, "Rin") == before[:1]
    [[match]] = await gallery.search(probes(make_embedding(2)), [HERE], top=1)
    assert (match.character, match.sample_id) == (moved.character, second.id)
    assert match.similarity == pytest.approx(1, abs=1e-6)
    assert match.negative_similarity is None
    assert await gallery.find_duplicate(HERE, make_sample(2)) == (moved.character, second.id, "identical")
    [entry] = await gallery.audit(HERE, limit=1)
    assert (entry.id, entry.action, entry.actor) == (moved.entry_id, "move", "me")
    assert entry.detail["samples"] == [second.id]
    assert entry.detail["created"] is True


async def test_samples_that_are_somebody_elses_are_given_to_her(gallery: Gallery) -> None:
    await fill(gallery)
    first, second = await samples_of(gallery, "Rin")
    moved = await gallery.move_samples(HERE, "Rin", [second.id, first.id, second.id], "ＲＡＮ", series="Fate")

    assert (moved.character.name, moved.character.series, moved.character.sample_count) == ("Ran", "Fate", 3)
    rin = await gallery.character([HERE], "Rin")
    assert (rin.sample_count, rin.aliases, rin.series) == (0, ("R", "Red"), "Fate")
    [matches] = await gallery.search(probes(make_embedding(1)), [HERE], top=9)
    assert names(matches) == ["Ran"]
    # She is not "not Ran" any more; that the other face is not, still holds.
    assert matches[0].negative_similarity == pytest.approx(
        float(make_embedding(1) @ make_embedding(9)), abs=1e-6
    )
    [entry] = await gallery.audit(HERE, limit=1)
    assert entry.detail["created"] is False


async def test_moved_samples_keep_their_embeddings_under_every_contract(gallery: Gallery) -> None:
    await fill(gallery)
    before, old = await seen(gallery), gallery.contract
    async for _ in gallery.reindex(make_contract("second", 24), HashEmbedder(24)):
        pass
    _, second = await samples_of(gallery, "Rin")
    await gallery.move_samples(HERE, "Rin", [second.id], "Ran")
    await gallery.undo(HERE)
    back = HashEmbedder(DIMENSION)
    async for _ in gallery.reindex(old, back):
        pass
    assert back.calls == 0
    assert await seen(gallery) == before


@pytest.mark.parametrize(
    ("source", "sample", "target", "error"),
    [
        ("Nobody", "Rin", "New", CharacterNotFoundError),
        ("Ran", "Rin", "New", SampleNotFoundError),
        ("Rin", "nothing", "New", SampleNotFoundError),
        ("Rin", "negative", "New", SampleNotFoundError),
        ("Rin", "Rin", "red", MergeSelfError),
        ("Rin", "Rin", "\u200b", NameInvalidError),
        ("Rin", "", "New", ValueError),
    ],
)
async def test_a_refused_move_changes_nothing(
    gallery: Gallery, source: str, sample: str, target: str, error: type[Exception]
) -> None:
    await fill(gallery)
    [negative, *_] = [e.detail["sample"] for e in await gallery.audit(HERE) if e.action == "negative"]
    own = [one.id for one in await samples_of(gallery, "Rin")]
    given = {"Rin": own, "": [], "negative": [own[0], negative]}.get(sample, [*own, SampleId(sample)])
    before = await seen(gallery), await gallery.audit()
    with pytest.raises(error):
        await gallery.move_samples(HERE, source, given, target)
    assert (await seen(gallery), await gallery.audit()) == before


# ── change, undo, redo ──────────────────────────────────────────────────────────────────────────

Change = Callable[[Gallery], Awaitable[object]]


async def move_first(gallery: Gallery, target: str) -> object:
    first, _ = await samples_of(gallery, "Rin")
    return await gallery.move_samples(HERE, "Rin", [first.id], target, series="Series")


async def move_all(gallery: Gallery) -> object:
    return await gallery.move_samples(HERE, "Rin", [s.id for s in await samples_of(gallery, "Rin")], "Ran")


async def forget_first(gallery: Gallery, name: str) -> object:
    return await gallery.forget_sample(HERE, (await samples_of(gallery, name))[0].id)


CHANGES: dict[str, Change] = {
    "enroll a new character": lambda g: g.enroll(
        HERE, "New", [make_sample(4), make_sample(5)], series="S", aliases=["N"]
    ),
    "enroll one more": lambda g: g.enroll(HERE, "r", [make_sample(4)]),
    "enroll with a series and an alias": lambda g: g.enroll(
        HERE, "Ran", [make_sample(4)], series="S", aliases=["N"]
    ),
    "enroll what was said not to be her": lambda g: g.enroll(HERE, "Rin", [make_sample(8)]),
    "rename": lambda g: g.rename(HERE, "Rin", "Tohsaka Rin"),
    "rename to an alias, in another series": lambda g: g.rename(HERE, "Rin", "RED", series="Other"),
    "rename to the same": lambda g: g.rename(HERE, "Rin", "Rin"),
    "set aliases": lambda g: g.set_aliases(HERE, "Rin", ["Red", "New"]),
    "merge": lambda g: g.merge(HERE, "Ran", "Rin"),
    "merge the other way": lambda g: g.merge(HERE, "Rin", "Ran"),
    "move to a new character": lambda g: move_first(g, "New"),
    "move to a known character": lambda g: move_first(g, "Ran"),
    "move all": move_all,
    "forget": lambda g: g.forget(HERE, "Rin"),
    "forget a sample": lambda g: forget_first(g, "Rin"),
    "forget the last sample": lambda g: forget_first(g, "Ran"),
    "say who it is not": lambda g: g.add_negative(HERE, "Rin", make_sample(4)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=[name.replace(" ", "-") for name in CHANGES])
async def test_a_change_is_taken_back_and_made_again(gallery: Gallery, change: Change) -> None:
    await fill(gallery)
    before = await seen(gallery)
    changed = await change(gallery)
    after = await seen(gallery)
    [entry] = await gallery.audit(HERE, limit=1)
    assert entry.id == changed.entry_id
    assert entry.undo_until == entry.at + timedelta(days=UNDO_DAYS)
    assert entry.undone_by is None

    undo = await gallery.undo(HERE, entry.id, actor="me")
    assert await seen(gallery) == before
    assert (undo.action, undo.actor, undo.scope) == ("undo", "me", HERE)
    assert undo.detail == {
        "character": entry.detail["character"],
        "name": entry.detail["name"],
        "entry": entry.id,
        "change": entry.action,
    }
    assert await gallery.audit(HERE, limit=2) == (
        undo,
        replace(entry, undo_until=None, undone_by=undo.id),
    )
    with pytest.raises(CannotUndoError) as caught:
        await gallery.undo(HERE, entry.id)
    assert caught.value.data["reason"] == "done"
    assert await seen(gallery) == before

    redo = await gallery.undo(HERE, undo.id)
    assert (redo.action, redo.detail["entry"], redo.detail["change"]) == ("redo", undo.id, entry.action)
    assert await seen(gallery) == after
    again = await gallery.undo(HERE)
    assert (again.action, again.detail["entry"]) == ("undo", redo.id)
    assert await seen(gallery) == before


async def test_without_an_id_changes_are_taken_back_from_the_last_to_the_first(gallery: Gallery) -> None:
    states = []
    for change in (
        lambda: gallery.enroll(HERE, "Rin", [make_sample(1), make_sample(2)]),
        lambda: gallery.enroll(HERE, "Ran", [make_sample(3)]),
        lambda: move_first(gallery, "Ran"),
        lambda: gallery.rename(HERE, "Ran", "Run"),
        lambda: gallery.merge(HERE, "Rin", "Run"),
        lambda: gallery.forget(HERE, "Run"),
    ):
        states.append(await seen(gallery))
        await change()
        await gallery.enroll(THERE, f"Somebody {len(states)}", [make_sample(100 + len(states))])
    for state in reversed(states):
        await gallery.undo(HERE)
        assert (await seen(gallery))[1:5] == state[1:5]
    with pytest.raises(CannotUndoError) as caught:
        await gallery.undo(HERE)
    assert caught.value.data["reason"] == "nothing"
    assert len(await gallery.characters([THERE])) == 6


async def test_what_was_done_beside_a_change_stays_when_it_is_taken_back(gallery: Gallery) -> None:
    await fill(gallery)
    enrolled = await gallery.enroll(HERE, "Rin", [make_sample(4)])
    merged = await gallery.merge(HERE, "Ran", "Rin")
    await gallery.enroll(HERE, "Rin", [make_sample(5)])
    await gallery.add_negative(HERE, "Rin", make_sample(6))

    await gallery.undo(HERE, enrolled.entry_id)
    await gallery.undo(HERE, merged.entry_id)
    assert [s.source for s in await samples_of(gallery, "Ran")] == ["picture 3"]
    assert [s.source for s in await samples_of(gallery, "Rin")] == ["picture 1", "picture 2", "picture 5"]
    [matches] = await gallery.search(probes(make_embedding(6)), [HERE], top=2)
    assert max(m.negative_similarity or 0 for m in matches) == pytest.approx(1, abs=1e-6)


# ── what stands in the way ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Conflict:
    """Changes, the first of which can then not be taken back, and why."""

    changes: tuple[Change, ...]
    reason: str
    name: str = ""


CONFLICTS = {
    "renamed again": Conflict(
        (lambda g: g.rename(HERE, "Rin", "A"), lambda g: g.rename(HERE, "A", "B")), "changed", "A"
    ),
    "aliases set again": Conflict(
        (lambda g: g.set_aliases(HERE, "Rin", ["A"]), lambda g: g.set_aliases(HERE, "Rin", [])),
        "changed",
        "Rin",
    ),
    "more enrolled for the new one": Conflict(
        (
            lambda g: g.enroll(HERE, "New", [make_sample(4)]),
            lambda g: g.enroll(HERE, "New", [make_sample(5)]),
        ),
        "changed",
        "New",
    ),
    "something said against the new one": Conflict(
        (
            lambda g: g.enroll(HERE, "New", [make_sample(4)]),
            lambda g: g.add_negative(HERE, "New", make_sample(5)),
        ),
        "changed",
        "New",
    ),
    "the new one renamed": Conflict(
        (lambda g: g.enroll(HERE, "New", [make_sample(4)]), lambda g: g.rename(HERE, "New", "Newer")),
        "changed",
        "New",
    ),
    "the sample moved on": Conflict(
        (
            lambda g: g.enroll(HERE, "Ran", [make_sample(4)]),
            lambda g: g.merge(HERE, "Ran", "Rin"),
        ),
        "changed",
        "Ran",
    ),
    "the sample forgotten since": Conflict(
        (lambda g: move_first(g, "New"), lambda g: forget_first(g, "New")), "changed", "Rin"
    ),
    "the character gone": Conflict(
        (lambda g: forget_first(g, "Rin"), lambda g: g.forget(HERE, "Rin")), "changed", "Rin"
    ),
    "the character gone into another": Conflict(
        (lambda g: forget_first(g, "Ran"), lambda g: g.merge(HERE, "Ran", "Rin")), "changed", "Ran"
    ),
    "the face enrolled after all": Conflict(
        (
            lambda g: g.add_negative(HERE, "Rin", make_sample(4)),
            lambda g: g.enroll(HERE, "Rin", [make_sample(4)]),
        ),
        "changed",
        "Rin",
    ),
    "the name given to another": Conflict(
        (lambda g: g.forget(HERE, "Rin"), lambda g: g.enroll(HERE, "RED", [make_sample(4)])),
        "name_taken",
        "Red",
    ),
    "the old name given to another": Conflict(
        (
            lambda g: g.set_aliases(HERE, "Rin", []),
            lambda g: g.set_aliases(HERE, "Ran", ["red"]),
        ),
        "name_taken",
        "Red",
    ),
    "the picture enrolled again": Conflict(
        (lambda g: g.forget(HERE, "Rin"), lambda g: g.enroll(HERE, "New", [make_sample(2)])),
        "enrolled_again",
        "New",
    ),
    "forgotten for good": Conflict((lambda g: g.forget(HERE, "Rin", for_good=True),), "for_good"),
    "only in another scope": Conflict((lambda g: g.enroll(SHARED, "New", [make_sample(4)]),), "unknown"),
}


@pytest.mark.parametrize("conflict", CONFLICTS.values(), ids=[name.replace(" ", "-") for name in CONFLICTS])
async def test_a_change_that_cannot_be_taken_back_is_refused_with_the_reason(
    gallery: Gallery, conflict: Conflict
) -> None:
    await fill(gallery)
    first, *_ = [await change(gallery) for change in conflict.changes]
    before = await seen(gallery), await gallery.audit()
    with pytest.raises(CannotUndoError) as caught:
        await gallery.undo(HERE, first.entry_id)
    assert caught.value.data["reason"] == conflict.reason
    assert caught.value.data["name"] == conflict.name
    assert conflict.name in str(caught.value)
    assert (await seen(gallery), await gallery.audit()) == before


async def test_once_the_way_is_free_a_change_can_be_taken_back(gallery: Gallery) -> None:
    await fill(gallery)
    before = await seen(gallery)
    forgotten = await gallery.forget(HERE, "Rin")
    for change in (
        lambda: gallery.enroll(HERE, "New", [make_sample(2)]),
        lambda: gallery.enroll(HERE, "red", [make_sample(5)]),
    ):
        await change()
        with pytest.raises(CannotUndoError):
            await gallery.undo(HERE, forgotten.entry_id)
        await gallery.undo(HERE)
    await gallery.undo(HERE, forgotten.entry_id)
    assert await seen(gallery) == before


async def test_a_redo_is_refused_when_the_picture_was_enrolled_meanwhile(gallery: Gallery) -> None:
    enrolled = await gallery.enroll(HERE, "Rin", [make_sample(1)])
    undo = await gallery.undo(HERE, enrolled.entry_id)
    await gallery.enroll(HERE, "Ran", [make_sample(1)])
    with pytest.raises(CannotUndoError) as caught:
        await gallery.undo(HERE, undo.id)
    assert caught.value.data["reason"] == "enrolled_again"


async def test_an_import_cannot_be_taken_back_nor_passed_over(gallery: Gallery, tmp_path: Path) -> None:
    await fill(gallery)
    await gallery.export(tmp_path / "a.zip", [THERE])
    await gallery.import_(tmp_path / "a.zip", scope=SHARED)
    with pytest.raises(CannotUndoError) as caught:
        await gallery.undo(SHARED)
    assert caught.value.data["reason"] == "kind"
    assert [(e.action, e.undo_until) for e in await gallery.audit(SHARED)] == [("import", None)]
    with pytest.raises(CannotUndoError) as caught:
        await gallery.undo(HERE, (await gallery.audit())[0].id)
    assert caught.value.data["reason"] == "unknown"


async def test_saying_twice_who_it_is_not_leaves_nothing_to_take_back(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    assert (await gallery.add_negative(HERE, "Rin", make_sample(2))).entry_id is not None
    assert (await gallery.add_negative(HERE, "Rin", make_sample(2))).entry_id is None
    assert len(await gallery.audit()) == 2


# ── what is kept, and how long ──────────────────────────────────────────────────────────────────


async def test_what_is_kept_for_undo_is_seen_by_nobody(
    gallery: Gallery, other_gallery: Gallery, tmp_path: Path
) -> None:
    await fill(gallery)
    first, second = await samples_of(gallery, "Rin")
    rin = await gallery.character([HERE], "Rin")
    await gallery.forget_sample(HERE, first.id)
    await gallery.forget(HERE, "Rin")
    await gallery.forget(THERE, "Rin")

    [matches] = await gallery.search(probes(make_embedding(1)), [HERE, THERE], top=9)
    assert names(matches) == ["Ran"]
    assert [await gallery.find_duplicate(HERE, make_sample(seed)) for seed in (1, 2)] == [None, None]
    assert [c.name for c in await gallery.characters([HERE, THERE])] == ["Ran"]
    assert await gallery.samples([HERE], rin.id) == ()
    for lookup in ("Rin", "Red", rin.id):
        with pytest.raises(CharacterNotFoundError):
            await gallery.character([HERE], lookup)
    for sample in (first, second):
        with pytest.raises(SampleNotFoundError):
            await gallery.crop([HERE], sample.id)
        with pytest.raises(SampleNotFoundError):
            await gallery.forget_sample(HERE, sample.id)
    stats = await gallery.stats()
    assert (stats.characters, stats.samples, stats.negatives, stats.scopes) == (1, 1, 2, (HERE,))
    assert await gallery.verify(repair=True) == ()
    assert await gallery.export(tmp_path / "a.zip") == 1
    assert await other_gallery.import_(tmp_path / "a.zip") == 1
    assert await other_gallery.search(probes(make_embedding(1)), [HERE], top=9) == [matches]
    assert (await other_gallery.stats()).negatives == 2
    again = await gallery.enroll(HERE, "Rin", [make_sample(1)])
    assert again.created
    assert again.character.aliases == ()


async def test_what_was_forgotten_before_a_reindex_is_searchable_when_it_is_back(gallery: Gallery) -> None:
    await fill(gallery)
    listed, _ = await everything(gallery)
    forgotten = await gallery.forget(HERE, "Rin")
    embedder = HashEmbedder(24)
    async for _ in gallery.reindex(make_contract("second", 24), embedder, batch=2):
        pass
    await gallery.undo(HERE, forgotten.entry_id)

    assert (await everything(gallery))[0] == listed
    asked = probes(embedder.embed(make_crop(2)), embedder.embed(make_crop(8)))
    second, eighth = await gallery.search(asked, [HERE], top=9)
    assert second[0].character.name == "Rin"
    assert second[0].similarity == pytest.approx(1, abs=1e-6)
    assert max(m.negative_similarity or 0 for m in eighth) == pytest.approx(1, abs=1e-6)


async def test_a_change_can_be_taken_back_until_its_time_is_over(gallery: Gallery, clock: Clock) -> None:
    await fill(gallery)
    before = await seen(gallery)
    first = await gallery.forget(HERE, "Rin")
    clock.advance(days=UNDO_DAYS - 0.1)
    second = await gallery.forget(HERE, "Ran")
    assert [e.undo_until is not None for e in await gallery.audit(HERE, limit=2)] == [True, True]
    clock.advance(days=0.2)
    assert [e.undo_until is not None for e in await gallery.audit(HERE, limit=2)] == [True, False]
    with pytest.raises(CannotUndoError) as caught:
        await gallery.undo(HERE, first.entry_id)
    assert caught.value.data["reason"] == "final"
    undo = await gallery.undo(HERE, second.entry_id)
    assert [c.name for c in await gallery.characters([HERE])] == ["Ran"]
    assert (await seen(gallery)) != before
    clock.advance(days=UNDO_DAYS - 0.1)
    assert (await gallery.undo(HERE, undo.id)).action == "redo"  # an undo has a time of its own
    assert await gallery.characters([HERE]) == ()


async def test_what_was_taken_back_outlives_the_time_of_its_change(gallery: Gallery, clock: Clock) -> None:
    await fill(gallery)
    before = await seen(gallery)
    await gallery.forget(HERE, "Rin")
    await gallery.undo(HERE)
    await gallery.merge(HERE, "Ran", "Rin")
    await gallery.undo(HERE)
    clock.advance(days=UNDO_DAYS + 1)
    await gallery.enroll(THERE, "New", [make_sample(4)])
    await gallery.forget(THERE, "New", for_good=True)
    assert await seen(gallery) == before


@pytest.mark.parametrize("kind", KINDS)
async def test_without_days_nothing_can_be_taken_back(kind: str, tmp_path: Path) -> None:
    async with open_gallery(kind, tmp_path, undo_days=0) as gallery:
        await fill(gallery)
        for change in CHANGES.values():
            changed = await change(gallery)
            before = await seen(gallery)
            with pytest.raises(CannotUndoError) as caught:
                await gallery.undo(HERE, changed.entry_id)
            assert caught.value.data["reason"] == "final"
            assert await seen(gallery) == before
            for character in await gallery.characters([HERE, THERE]):
                await gallery.forget(character.scope, character.id)
            await fill(gallery)
        assert {entry.undo_until for entry in await gallery.audit()} == {None}
        assert await gallery.verify(repair=False) == ()


async def test_a_sample_can_be_forgotten_for_good(gallery: Gallery) -> None:
    await fill(gallery)
    first, second = await samples_of(gallery, "Rin")
    forgotten = await gallery.forget_sample(HERE, first.id, for_good=True)
    assert forgotten.character.sample_count == 1
    assert await samples_of(gallery, "Rin") == (second,)
    with pytest.raises(CannotUndoError) as caught:
        await gallery.undo(HERE, forgotten.entry_id)
    assert caught.value.data["reason"] == "for_good"


async def test_forgetting_for_good_takes_along_what_was_kept_of_her_before(gallery: Gallery) -> None:
    await fill(gallery)
    sample = await forget_first(gallery, "Rin")
    other = await forget_first(gallery, "Ran")
    await gallery.forget(HERE, "Rin", for_good=True)
    with pytest.raises(CannotUndoError):
        await gallery.undo(HERE, sample.entry_id)
    await gallery.undo(HERE, other.entry_id)
    assert [s.source for s in await samples_of(gallery, "Ran")] == ["picture 3"]


async def test_an_archive_brings_back_what_was_forgotten_since(gallery: Gallery, tmp_path: Path) -> None:
    await fill(gallery)
    before = [s.source for s in await samples_of(gallery, "Rin")]
    await gallery.export(tmp_path / "a.zip")
    forgotten = await gallery.forget(HERE, "Rin")
    assert await gallery.import_(tmp_path / "a.zip", scope=HERE) == 2
    assert await gallery.import_(tmp_path / "a.zip") == 0
    assert [s.source for s in await samples_of(gallery, "Rin")] == before
    with pytest.raises(CannotUndoError) as caught:
        await gallery.undo(HERE, forgotten.entry_id)
    assert caught.value.data["reason"] == "changed"
