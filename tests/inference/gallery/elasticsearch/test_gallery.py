"""What only the gallery in Elasticsearch has to do: many processes, changes cut short, switches, repair."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.domain import Scope
from inference.errors import (
    AppError,
    CharacterExistsError,
    CharacterNotFoundError,
    ContractMismatchError,
    GalleryLockedError,
    GalleryServerError,
    StoppedError,
)
from inference.gallery.elasticsearch import gallery as module
from inference.gallery.elasticsearch.classic_index import classic_pages
from inference.gallery.elasticsearch.commits import HEAD, Commits
from inference.gallery.elasticsearch.gallery import ElasticsearchGallery
from inference.gallery.elasticsearch.mappings import IndexNames, IndexSettings, VectorIndex
from inference.gallery.embedded import open_embedded_gallery
from inference.gallery.transfer import copy_gallery
from tests.elasticsearch_server.shared import connect, give_back, lent_prefix, new_prefix, open_test_gallery
from tests.inference.gallery.samples import (
    DIMENSION,
    HashEmbedder,
    make_contract,
    make_embedding,
    make_sample,
    near,
    probes,
)

pytestmark = pytest.mark.elasticsearch
HERE = Scope("here")
THERE = Scope("there")


@pytest.fixture
async def prefix() -> AsyncIterator[str]:
    made = lent_prefix()
    yield made
    await give_back(made)


@pytest.fixture
async def unused_prefix() -> AsyncIterator[str]:
    """Of a gallery that is not there yet."""
    made = new_prefix()
    yield made
    await give_back(made)


@pytest.fixture
async def gallery(prefix: str) -> AsyncIterator[ElasticsearchGallery]:
    opened = await open_test_gallery(prefix, make_contract())
    yield opened
    await opened.close()


async def soundness(gallery: ElasticsearchGallery) -> list[str]:
    return [f"{f.kind} {f.subject} {f.detail}" for f in await gallery.verify(repair=False)]


# ── several processes ───────────────────────────────────────────────────────────────────────────


async def test_what_one_bot_was_told_the_other_one_sees(gallery: ElasticsearchGallery, prefix: str) -> None:
    other = await open_test_gallery(prefix, make_contract())
    for number in range(10):
        one, two = (gallery, other) if number % 2 else (other, gallery)
        enrolled = await one.enroll(HERE, f"character {number}", [make_sample(number)])
        [[match]] = await two.search(probes(make_embedding(number)), [HERE], top=1)
        assert match.sample_id == enrolled.samples[0].id
        await two.rename(HERE, f"character {number}", f"renamed {number}")
        assert (await one.character([HERE], f"renamed {number}")).aliases == (f"character {number}",)
    assert await gallery.audit() == await other.audit()
    await other.close()


async def test_bots_that_change_the_same_characters_at_once_end_in_one_consistent_state(
    gallery: ElasticsearchGallery, prefix: str
) -> None:
    bots = [gallery, *[await open_test_gallery(prefix, make_contract()) for _ in range(2)]]
    for number in range(6):
        await gallery.enroll(HERE, f"c{number}", [make_sample(number)])
    done: list[str] = []

    async def act(bot: ElasticsearchGallery, seed: int) -> None:
        rng = np.random.default_rng(seed)
        for step in range(12):
            a, b = (f"c{n}" for n in rng.integers(0, 6, 2))
            changes = [
                lambda a=a, step=step: bot.rename(HERE, a, f"{a} {seed} {step}"),
                lambda a=a, b=b: bot.merge(HERE, a, b),
                lambda a=a, step=step: bot.enroll(HERE, a, [make_sample(1000 * (seed + 1) + step)]),
                lambda a=a: bot.forget(HERE, a),
                lambda: bot.undo(HERE),
            ]
            try:
                await changes[rng.integers(len(changes))]()
                done.append(a)
            except AppError as error:
                assert error.code in {
                    "character_not_found",
                    "character_exists",
                    "merge_self",
                    "cannot_undo",
                    "sample_exists",
                }

    await asyncio.gather(*(act(bot, seed) for seed, bot in enumerate(bots)))
    assert len(done) > 10
    assert not [line for line in await soundness(gallery) if not line.startswith("empty_character")]
    first = await gallery.characters([HERE])
    for bot in bots[1:]:
        assert await bot.characters([HERE]) == first
        await bot.close()
    entries = await gallery.audit(limit=1_000)
    assert [e.id for e in entries] == list(range(len(entries), 0, -1))


async def test_of_two_who_give_the_same_name_one_is_refused(
    gallery: ElasticsearchGallery, prefix: str
) -> None:
    other = await open_test_gallery(prefix, make_contract())
    for number in range(8):
        await gallery.enroll(HERE, f"a{number}", [make_sample(2 * number)])
        await gallery.enroll(HERE, f"b{number}", [make_sample(2 * number + 1)])
        outcomes = await asyncio.gather(
            gallery.rename(HERE, f"a{number}", f"wanted {number}"),
            other.rename(HERE, f"b{number}", f"wanted {number}"),
            return_exceptions=True,
        )
        refused = [one for one in outcomes if isinstance(one, Exception)]
        assert [type(one) for one in refused] == [CharacterExistsError]
    await other.close()


# ── changes cut short ───────────────────────────────────────────────────────────────────────────


class PowerCutError(Exception):
    pass


@pytest.mark.parametrize("change", ["enroll", "merge", "forget"])
async def test_a_change_that_counts_is_written_to_the_end_by_whoever_comes_next(
    prefix: str, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    dying = await open_test_gallery(prefix, make_contract())
    await dying.enroll(HERE, "Rin", [make_sample(1)], aliases=["R"])
    await dying.enroll(HERE, "Ran", [make_sample(2)])

    async def die(*_: object, **__: object) -> None:
        raise PowerCutError

    with monkeypatch.context() as patched:
        patched.setattr(Commits, "_apply", die)
        with pytest.raises(PowerCutError):
            await {
                "enroll": lambda: dying.enroll(HERE, "New", [make_sample(3)]),
                "merge": lambda: dying.merge(HERE, "Ran", "Rin"),
                "forget": lambda: dying.forget(HERE, "Rin"),
            }[change]()
    monkeypatch.setattr(module, "_ABANDONED_AFTER_S", 0.2)
    next_one = await open_test_gallery(prefix, make_contract())
    names = [character.name for character in await next_one.characters([HERE])]
    assert names == {"enroll": ["New", "Ran", "Rin"], "merge": ["Rin"], "forget": ["Ran"]}[change]
    assert not await soundness(next_one)
    await next_one.undo(HERE)
    assert [c.name for c in await next_one.characters([HERE])] == ["Ran", "Rin"]
    await next_one.close()
    await dying.close()


async def test_a_change_written_once_more_much_later_brings_nothing_back(
    gallery: ElasticsearchGallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a process that slept through the moment in which others took over."""
    applied: list[tuple[object, ...]] = []
    apply = Commits._apply

    async def remember(self: Commits, *arguments: object, **options: object) -> None:
        applied.append(arguments)
        await apply(self, *arguments, **options)

    monkeypatch.setattr(Commits, "_apply", remember)
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    await gallery.enroll(HERE, "Ran", [make_sample(2)])
    await gallery.merge(HERE, "Ran", "Rin")
    await gallery.rename(HERE, "Rin", "Rin the merged")
    await gallery.forget(HERE, "Rin the merged", for_good=True)
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    before = await gallery.characters([HERE]), await gallery.audit(), await gallery.stats()
    for arguments in applied:
        await apply(gallery._commits, *arguments, wait=True)
    after = await gallery.characters([HERE]), await gallery.audit(), await gallery.stats()
    assert (*after[:2], replace(after[2], size_bytes=0)) == (*before[:2], replace(before[2], size_bytes=0))
    assert not await soundness(gallery)


async def test_a_large_import_that_was_cut_short_is_completed_or_leaves_nothing(
    prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await open_embedded_gallery(tmp_path / "a.sqlite", make_contract())
    for number in range(30):
        await source.enroll(HERE, f"character {number}", [make_sample(10 * number + n) for n in range(4)])
    await source.export(tmp_path / "a.zip")
    await source.close()
    for name in ("commits", "writer"):
        monkeypatch.setattr(f"inference.gallery.elasticsearch.{name}.MOST_BYTES", 8_000)
    monkeypatch.setattr("inference.gallery.elasticsearch.commits.MOST_INLINE_BYTES", 1_000)
    gallery = await open_test_gallery(prefix, make_contract())
    apply, write_part = Commits._apply, Commits.write_part
    calls = {"apply": 0, "part": 0}

    async def die_on_the_third(self: Commits, *arguments: object, **options: object) -> None:
        calls["apply"] += 1
        if calls["apply"] == 3:
            raise PowerCutError
        await apply(self, *arguments, **options)

    async def die_on_the_second(self: Commits, *arguments: object) -> None:
        calls["part"] += 1
        if calls["part"] == 2:
            raise PowerCutError
        await write_part(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Commits, "write_part", die_on_the_second)
        with pytest.raises(PowerCutError):
            await gallery.import_(tmp_path / "a.zip")
    assert (await gallery.stats()).characters == 0
    with monkeypatch.context() as patched:
        patched.setattr(Commits, "_apply", die_on_the_third)
        with pytest.raises(PowerCutError):
            await gallery.import_(tmp_path / "a.zip")
    assert calls["apply"] == 3
    assert await gallery.import_(tmp_path / "a.zip") == 0
    stats = await gallery.stats()
    assert (stats.characters, stats.samples) == (30, 120)
    findings = await gallery.verify(repair=True)
    assert {f.kind for f in findings if not f.repaired} == set()  # at most parts of what never counted
    assert not await soundness(gallery)
    await gallery.close()


async def test_a_search_notices_an_abandoned_change_and_completes_it(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ABANDONED_AFTER_S", 0.05)
    gallery = await open_test_gallery(prefix, make_contract())
    dying = await open_test_gallery(prefix, make_contract())
    with monkeypatch.context() as patched:

        async def die(*_: object, **__: object) -> None:
            raise PowerCutError

        patched.setattr(Commits, "_apply", die)
        with pytest.raises(PowerCutError):
            await dying.enroll(HERE, "Rin", [make_sample(1)])
    async with asyncio.timeout(20):
        while not (await gallery.search(probes(make_embedding(1)), [HERE], top=1))[0]:
            await asyncio.sleep(0.05)
    await gallery.close()
    await dying.close()


# ── kinds of indices ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["flat", "int8_hnsw", "bbq_hnsw"])
async def test_every_kind_of_index_gives_exact_similarities(unused_prefix: str, kind: VectorIndex) -> None:
    contract = make_contract("wide", 64)  # bbq needs 64 dimensions
    opened = await open_test_gallery(unused_prefix, contract, index=IndexSettings(kind, 10))
    base = [make_embedding(number, 64) for number in range(40)]
    await asyncio.gather(
        *(
            opened.enroll(
                HERE, f"c{n}", [make_sample(10 * n + i, embedding=near(one, i, 0.5)) for i in range(3)]
            )
            for n, one in enumerate(base)
        )
    )
    found = await opened.search(probes(*base), [HERE], top=3)
    for number, (one, matches) in enumerate(zip(base, found, strict=True)):
        assert matches[0].character.name == f"c{number}"
        best = max(float(near(one, i, 0.5).astype(np.float64) @ one.astype(np.float64)) for i in range(3))
        assert matches[0].similarity == pytest.approx(best, abs=1e-9)
    await opened.close()


async def test_a_character_with_very_many_samples_does_not_hide_the_others(
    gallery: ElasticsearchGallery,
) -> None:
    base = make_embedding(1)
    crowd = [make_sample(1_000 + n, embedding=near(base, n, 0.1)) for n in range(150)]
    for start in range(0, 150, 50):
        await gallery.enroll(HERE, "Crowd", crowd[start : start + 50], allow_alike=True)
    for number in range(6):
        await gallery.enroll(
            HERE, f"c{number}", [make_sample(number, embedding=near(base, 500 + number, 2.0))]
        )
    [matches] = await gallery.search(probes(base), [HERE], top=5)
    assert len(matches) == 5
    assert matches[0].character.name == "Crowd"


# ── switching ───────────────────────────────────────────────────────────────────────────────────


async def test_bots_with_the_old_model_go_on_answering_after_a_reindex_until_it_is_dropped(
    gallery: ElasticsearchGallery, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    await gallery.enroll(HERE, "Ran", [make_sample(2)])
    old = await open_test_gallery(prefix, make_contract())
    embedder, contract = HashEmbedder(24), make_contract("second", 24)
    async for _ in gallery.reindex(contract, embedder):
        pass
    assert gallery.contract == contract
    with caplog.at_level(logging.WARNING):
        [[match]] = await old.search(probes(make_embedding(1)), [HERE], top=1)
    assert match.character.name == "Rin"
    assert "gallery_reindexed" in caplog.text
    with pytest.raises(ContractMismatchError):
        await old.enroll(HERE, "New", [make_sample(3)])
    await gallery.forget(HERE, "Rin")
    [[match]] = await old.search(probes(make_embedding(1)), [HERE], top=1)
    assert match.character.name == "Ran"
    assert await gallery.drop_old() == 1
    with pytest.raises(ContractMismatchError):
        await old.search(probes(make_embedding(1)), [HERE], top=1)
    await old.close()
    with pytest.raises(ContractMismatchError):
        await open_test_gallery(prefix, make_contract())


async def test_the_alias_always_stands_for_the_active_faces(
    gallery: ElasticsearchGallery, prefix: str
) -> None:
    names = IndexNames(prefix)
    cluster = connect()
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    assert await cluster.alias_targets(names.faces_alias) == [names.faces(make_contract().id)]
    contract = make_contract("second", 24)
    async for _ in gallery.reindex(contract, HashEmbedder(24)):
        pass
    assert await cluster.alias_targets(names.faces_alias) == [names.faces(contract.id)]
    await cluster.close()


# ── opening ─────────────────────────────────────────────────────────────────────────────────────


async def test_reading_only_changes_nothing_and_makes_no_indices(unused_prefix: str) -> None:
    empty = await open_test_gallery(unused_prefix, make_contract(), read_only=True)
    assert await empty.search(probes(make_embedding(1)), [HERE], top=1) == [()]
    assert await empty.characters([HERE]) == ()
    assert (await empty.stats()).samples == 0
    with pytest.raises(CharacterNotFoundError):
        await empty.character([HERE], "Rin")
    with pytest.raises(GalleryLockedError):
        await empty.enroll(HERE, "Rin", [make_sample(1)])
    assert not await empty._cluster.has_index(IndexNames(unused_prefix).meta)
    await empty.close()
    with pytest.raises(StoppedError):
        await empty.characters([HERE])


async def test_a_gallery_of_a_newer_version_is_left_alone(gallery: ElasticsearchGallery, prefix: str) -> None:
    names = IndexNames(prefix)
    found = await gallery._cluster.get(names.meta, HEAD)
    assert found is not None
    state = {**found.source["state"], "schema": 99}
    place = await gallery._cluster.replace(names.meta, HEAD, {"state": state}, found.place)
    with pytest.raises(GalleryServerError, match="version 99"):
        await open_test_gallery(prefix, make_contract())
    await gallery._cluster.replace(names.meta, HEAD, found.source, place)


# ── repair ──────────────────────────────────────────────────────────────────────────────────────


async def test_verify_finds_and_mends_what_is_wrong(gallery: ElasticsearchGallery, prefix: str) -> None:
    names, client = IndexNames(prefix), gallery._cluster._client
    faces = names.faces(make_contract().id)
    rin = await gallery.enroll(HERE, "Rin", [make_sample(n) for n in range(5)])
    ran = await gallery.enroll(HERE, "Ran", [make_sample(9)])
    ids = [sample.id for sample in rin.samples]

    async def spoil(index: str, document: str, **fields: object) -> None:
        source = (await client.get(index=index, id=document))["_source"] | fields
        kept = {key: value for key, value in source.items() if value is not ...}
        await client.delete(index=index, id=document)
        await client.index(index=index, id=document, document=kept, refresh=True)

    numbers = [round(float(x), 8) for x in make_embedding(0)]
    await spoil(faces, ids[0], vector=..., embedding=numbers)
    await spoil(faces, ids[1], vector="AAAA", embedding=numbers)
    await spoil(faces, ids[2])  # without its embedding, so searches do not see it
    await spoil(faces, ids[3], crop=..., embedding=numbers)
    await spoil(names.characters, ran.character.id, keys=["somebody"], samples=[])
    await client.index(index=names.meta, id="part", document={"state": {"writes": []}}, refresh=True)
    await client.indices.delete_alias(index=faces, name=names.faces_alias)
    found = {(f.kind, f.subject) for f in await gallery.verify(repair=False)}
    assert found == {
        ("missing_embedding", ids[0]),
        ("bad_embedding", ids[1]),
        ("stale_projection", ids[2]),
        ("missing_crop", ids[3]),
        ("name_disagreement", ran.character.id),
        ("orphan", ran.samples[0].id),
        ("empty_character", ran.character.id),
        ("orphan", "part"),
        ("stale_projection", names.faces_alias),
        ("stale_projection", "head"),  # documents were written past the gallery, with versions of their own
    }
    repaired = await gallery.verify(repair=True, reembed=HashEmbedder(DIMENSION))
    assert {(f.kind, f.subject) for f in repaired if not f.repaired} == {
        ("missing_crop", ids[3]),
        ("empty_character", ran.character.id),
    }
    assert {(f.kind, f.subject) for f in await gallery.verify(repair=False)} == {("missing_crop", ids[3])}
    assert (await gallery.character([HERE], "Ran")).sample_count == 1


# ── moving ──────────────────────────────────────────────────────────────────────────────────────


async def test_copying_there_and_back_loses_nothing_and_can_be_interrupted(
    gallery: ElasticsearchGallery, tmp_path: Path
) -> None:
    source = await open_embedded_gallery(tmp_path / "a.sqlite", make_contract())
    for number in range(25):
        scope = HERE if number % 2 else THERE
        await source.enroll(
            scope, f"人物 {number}", [make_sample(10 * number + n) for n in range(3)], aliases=[f"a{number}"]
        )
        await source.add_negative(scope, f"人物 {number}", make_sample(900 + number))

    class Stop(Exception):  # noqa: N818
        pass

    def stop(_: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        await copy_gallery(source, gallery, progress=stop)
    copied = await copy_gallery(source, gallery)
    assert (copied.characters, copied.faces, copied.already, copied.wrong) == (25, 100, 0, ())
    again = await copy_gallery(source, gallery)
    assert (again.added, again.wrong) == (0, ())
    assert not await soundness(gallery)

    back = await open_embedded_gallery(tmp_path / "b.sqlite", make_contract())
    assert (await copy_gallery(gallery, back)).added == 100
    asked = probes(*(make_embedding(seed) for seed in (0, 13, 77, 905)))
    for scopes in ([HERE], [THERE, HERE]):
        answer = await source.search(asked, scopes, top=9)
        assert await gallery.search(asked, scopes, top=9) == answer
        assert await back.search(asked, scopes, top=9) == answer
        assert await back.characters(scopes) == await source.characters(scopes)
    await source.close()
    await back.close()


async def test_a_copy_says_what_did_not_arrive(gallery: ElasticsearchGallery, tmp_path: Path) -> None:
    source = await open_embedded_gallery(tmp_path / "a.sqlite", make_contract())
    enrolled = await source.enroll(HERE, "Rin", [make_sample(1), make_sample(2)])
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    copied = await copy_gallery(source, gallery)
    assert (copied.added, copied.already, copied.wrong) == (1, 1, ())
    await gallery.forget_sample(HERE, enrolled.samples[1].id)

    class Deaf:
        contract = gallery.contract
        pages_of_characters, page_of_faces = gallery.pages_of_characters, gallery.page_of_faces

        async def add_page(self, *_: object, **__: object) -> int:
            return 0

    assert (await copy_gallery(source, Deaf())).wrong == (enrolled.samples[1].id,)
    await source.close()


async def test_an_older_recipes_index_is_taken_over_with_its_embeddings(
    gallery: ElasticsearchGallery, prefix: str
) -> None:
    client, index = gallery._cluster._client, f"{prefix}-classic"
    await client.indices.create(
        index=index,
        mappings={
            "properties": {
                "id": {"type": "keyword"},
                "name": {"type": "text"},
                "img_name": {"type": "keyword"},
                "embedding": {"type": "dense_vector", "dims": DIMENSION},
            }
        },
    )
    for number in range(12):
        await client.index(
            index=index,
            document={
                "id": str(number),
                "name": ["Rin", "rin ", "Saber", "\u202e"][number % 4],
                "img_name": f"{number}.png",
                "embedding": (3 * make_embedding(number)).tolist(),
            },
            refresh=True,
        )
    for expected in (9, 0):
        added = unusable = 0
        async for page, left_out in classic_pages(gallery._cluster, index, HERE, make_contract()):
            added += await gallery.add_page(page)
            unusable += left_out
        assert (added, unusable) == (expected, 3)
    assert [(c.name, c.sample_count) for c in await gallery.characters([HERE])] == [("Rin", 6), ("Saber", 3)]
    [[match]] = await gallery.search(probes(make_embedding(5)), [HERE], top=1)
    assert (match.character.name, match.similarity) == ("Rin", pytest.approx(1, abs=1e-6))
    with pytest.raises(GalleryServerError, match="16 numbers"):
        async for _ in classic_pages(gallery._cluster, index, HERE, make_contract("wide", 24)):
            pass
    with pytest.raises(GalleryServerError, match="no index"):
        async for _ in classic_pages(gallery._cluster, f"{prefix}-nothing", HERE, make_contract()):
            pass
    await client.indices.delete(index=index)
