"""What every `Gallery` does, whatever it is made of."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.domain import Embeddings, SampleId, as_embedding, as_embeddings
from inference.errors import (
    ArchiveInvalidError,
    CharacterExistsError,
    CharacterNotFoundError,
    ContractMismatchError,
    FileUnreadableError,
    MergeSelfError,
    NameInvalidError,
    SampleExistsError,
    SampleNotFoundError,
)
from inference.gallery.base import Gallery, NewSample
from inference.gallery.embedded import open_embedded_gallery
from tests.contract.galleries import HERE, SHARED, THERE, everything
from tests.inference.gallery.samples import (
    DIMENSION,
    HashEmbedder,
    make_contract,
    make_crop,
    make_embedding,
    make_sample,
    names,
    near,
    probes,
)

# ── enroll ──────────────────────────────────────────────────────────────────────────────────────


async def test_an_enrolled_character_is_found_with_its_similarity(gallery: Gallery) -> None:
    sample = make_sample(1)
    enrolled = await gallery.enroll(HERE, "Chitanda Eru", [sample], series="Hyouka", aliases=["Eru"])

    assert enrolled.created
    assert enrolled.character.sample_count == 1
    assert (enrolled.character.series, enrolled.character.aliases) == ("Hyouka", ("Eru",))
    [matches] = await gallery.search(probes(sample.embedding), [HERE], top=5)
    assert [(m.character, m.sample_id) for m in matches] == [(enrolled.character, enrolled.samples[0].id)]
    assert matches[0].similarity == pytest.approx(1.0, abs=1e-6)
    assert matches[0].negative_similarity is None


@pytest.mark.parametrize("again", ["Chitanda Eru", "ＣＨＩＴＡＮＤＡ　eru", " chitanda  ERU ", "える"])
async def test_enrolling_by_another_spelling_or_alias_adds_to_the_same_character(
    gallery: Gallery, again: str
) -> None:
    first = await gallery.enroll(HERE, "Chitanda Eru", [make_sample(1)], aliases=["える"])
    second = await gallery.enroll(HERE, again, [make_sample(2)], series="Hyouka", aliases=["Eru", "える"])

    assert not second.created
    assert second.character == replace(
        first.character, sample_count=2, series="Hyouka", aliases=("える", "Eru")
    )
    assert [s.source for s in await gallery.samples([HERE], first.character.id)] == ["picture 1", "picture 2"]


async def test_a_given_series_does_not_replace_a_known_one(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)], series="Fate")
    assert (await gallery.enroll(HERE, "Rin", [make_sample(2)], series="K-On")).character.series == "Fate"


async def test_what_was_enrolled_can_be_read_back(gallery: Gallery) -> None:
    enrolled = await gallery.enroll(HERE, "Rin", [make_sample(1)], actor="admin")
    [sample] = await gallery.samples([HERE], enrolled.character.id)

    assert sample == enrolled.samples[0]
    assert (sample.added_by, sample.source, sample.added_at.utcoffset() is None) == (
        "somebody",
        "picture 1",
        False,
    )
    assert await gallery.crop([HERE], sample.id) == make_crop(1)
    [entry] = await gallery.audit(HERE)
    assert (entry.action, entry.actor, entry.scope) == ("enroll", "admin", HERE)
    assert entry.detail["samples"] == [sample.id]


@pytest.mark.parametrize(
    ("name", "series", "aliases", "error"),
    [
        ("", "", [], NameInvalidError),
        ("x" * 101, "", [], NameInvalidError),
        ("a\nb", "", [], NameInvalidError),
        ("Rin\u202egnp", "", [], NameInvalidError),
        ("Rin", "a\x00b", [], NameInvalidError),
        ("Rin", "", ["fine", "\u200b"], NameInvalidError),
        ("Rin", "", ["fine", "taken"], CharacterExistsError),
        ("New", "", ["fine", "TAKEN too"], CharacterExistsError),
    ],
)
async def test_a_refused_enrollment_changes_nothing(
    gallery: Gallery, name: str, series: str, aliases: list[str], error: type[Exception]
) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    await gallery.enroll(HERE, "Taken", [make_sample(2)], aliases=["taken too"])
    before = await everything(gallery), await gallery.audit()

    with pytest.raises(error):
        await gallery.enroll(HERE, name, [make_sample(3)], series=series, aliases=aliases)
    assert (await everything(gallery), await gallery.audit()) == before
    [matches] = await gallery.search(probes(make_embedding(3)), [HERE], top=5)
    assert sorted(names(matches)) == ["Rin", "Taken"]


@pytest.mark.parametrize(
    "bad",
    [
        as_embedding(np.ones(DIMENSION + 1), DIMENSION + 1),
        np.full(DIMENSION, np.nan, np.float32),
        np.ones(DIMENSION, np.float32),
    ],
    ids=["dimension", "nan", "length"],
)
async def test_an_embedding_of_another_kind_is_refused_with_its_whole_enrollment(
    gallery: Gallery, bad: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="unit vector"):
        await gallery.enroll(HERE, "Rin", [make_sample(1), make_sample(2, embedding=bad)])
    assert await gallery.characters([HERE]) == ()


async def test_an_enrollment_without_samples_is_refused(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match=r"at least one|length >= 1"):
        await gallery.enroll(HERE, "Rin", [])


# ── duplicates ──────────────────────────────────────────────────────────────────────────────────

ALIKE = make_sample(
    7,
    embedding=near(make_embedding(1), 7),
    perceptual_hash=make_sample(1).perceptual_hash ^ 0b1011,
)


@pytest.mark.parametrize(
    ("again", "how"), [(make_sample(9, content_hash="content 1"), "identical"), (ALIKE, "alike")]
)
async def test_the_same_picture_is_refused_with_what_it_matches(
    gallery: Gallery, again: NewSample, how: str
) -> None:
    first = await gallery.enroll(HERE, "Rin", [make_sample(1)])
    before = await everything(gallery)

    found = await gallery.find_duplicate(HERE, again)
    assert found == (first.character, first.samples[0].id, how)
    with pytest.raises(SampleExistsError) as caught:
        await gallery.enroll(HERE, "Somebody else", [make_sample(2), again])
    assert caught.value.data == {"character": "Rin", "sample_id": first.samples[0].id, "how": how}
    assert await everything(gallery) == before


@pytest.mark.parametrize("again", [make_sample(9, content_hash="content 1"), ALIKE])
async def test_the_same_picture_twice_in_one_enrollment_is_refused(
    gallery: Gallery, again: NewSample
) -> None:
    with pytest.raises(SampleExistsError):
        await gallery.enroll(HERE, "Rin", [make_sample(1), again])
    assert await gallery.characters([HERE]) == ()


async def test_a_picture_that_is_only_alike_may_be_allowed(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    enrolled = await gallery.enroll(HERE, "Somebody else", [ALIKE], allow_alike=True)
    assert enrolled.character.sample_count == 1
    await gallery.enroll(
        HERE, "Third", [make_sample(3), make_sample(3, content_hash="other pixels")], allow_alike=True
    )
    with pytest.raises(SampleExistsError):
        await gallery.enroll(HERE, "X", [make_sample(9, content_hash="content 1")], allow_alike=True)


@pytest.mark.parametrize(
    "different",
    [
        make_sample(8, perceptual_hash=make_sample(1).perceptual_hash),  # looks alike, embeds elsewhere
        make_sample(8, embedding=make_embedding(1)),  # embeds alike, looks different
    ],
)
async def test_a_different_picture_of_the_same_character_is_welcome(
    gallery: Gallery, different: NewSample
) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    assert await gallery.find_duplicate(HERE, different) is None
    assert (await gallery.enroll(HERE, "Rin", [different])).character.sample_count == 2


async def test_a_picture_may_be_enrolled_in_two_scopes_and_again_after_it_was_forgotten(
    gallery: Gallery,
) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    await gallery.enroll(THERE, "Rin", [make_sample(1)])
    await gallery.forget(HERE, "Rin")
    assert (await gallery.enroll(HERE, "Rin", [make_sample(1)])).created


# ── search ──────────────────────────────────────────────────────────────────────────────────────


async def test_matches_are_the_best_sample_of_each_character_best_first(gallery: Gallery) -> None:
    base = make_embedding(1)
    for place, amount in enumerate((0.9, 0.3, 0.6)):
        await gallery.enroll(
            HERE,
            f"character {place}",
            [make_sample(10 * place + n, embedding=near(base, n, amount + n)) for n in range(3)],
        )
    [matches] = await gallery.search(probes(base), [HERE], top=2)
    assert names(matches) == ["character 1", "character 2"]
    assert matches[0].similarity > matches[1].similarity


async def test_a_match_says_how_near_the_mean_of_all_samples_is_after_every_change(gallery: Gallery) -> None:
    samples = [make_sample(seed) for seed in range(6)]
    probe = near(samples[0].embedding, 9)

    async def found(name: str) -> float | None:
        [matches] = await gallery.search(probes(probe), [HERE], top=5)
        return next(match.mean_similarity for match in matches if match.character.name == name)

    def expected(*numbers: int) -> object:
        mean = np.mean([samples[number].embedding for number in numbers], axis=0, dtype=np.float64)
        return pytest.approx(float(mean @ probe) / float(np.linalg.norm(mean)), abs=1e-6)

    enrolled = await gallery.enroll(HERE, "Rin", samples[:3])
    assert await found("Rin") == expected(0, 1, 2)
    assert await found("Rin") == expected(0, 1, 2)  # as remembered
    await gallery.enroll(HERE, "Rin", [samples[3]])
    assert await found("Rin") == expected(0, 1, 2, 3)
    await gallery.forget_sample(HERE, enrolled.samples[1].id)
    assert await found("Rin") == expected(0, 2, 3)
    await gallery.move_samples(HERE, "Rin", [enrolled.samples[2].id], "Eru")
    assert (await found("Rin"), await found("Eru")) == (expected(0, 3), None)
    await gallery.enroll(HERE, "Mayaka", [samples[4], samples[5]])
    await gallery.merge(HERE, "Mayaka", "Rin")
    assert await found("Rin") == expected(0, 3, 4, 5)
    await gallery.undo(HERE)
    assert (await found("Rin"), await found("Mayaka")) == (expected(0, 3), expected(4, 5))
    await gallery.add_negative(HERE, "Rin", make_sample(7))
    await gallery.rename(HERE, "Rin", "Tohsaka Rin")
    assert await found("Tohsaka Rin") == expected(0, 3)


async def test_equal_similarities_are_ordered_by_scope_and_name(gallery: Gallery) -> None:
    same = make_embedding(1)
    for number, (scope, name) in enumerate([(SHARED, "A"), (HERE, "C"), (HERE, "B"), (SHARED, "D")]):
        await gallery.enroll(scope, name, [make_sample(number, embedding=same)])
    [matches] = await gallery.search(probes(same), [HERE, SHARED], top=3)
    assert names(matches) == ["B", "C", "A"]
    [all_of_them] = await gallery.search(probes(same), [SHARED, HERE, SHARED], top=100)
    assert names(all_of_them) == ["A", "D", "B", "C"]


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_every_probe_gets_an_answer_also_where_nothing_is_enrolled(
    gallery: Gallery, count: int
) -> None:
    asked = Embeddings(np.stack([make_embedding(n) for n in range(count)] or [np.empty(DIMENSION)])[:count])
    asked = Embeddings(asked.astype(np.float32))
    assert await gallery.search(asked, [HERE], top=3) == [()] * count
    assert await gallery.search(asked, [], top=3) == [()] * count
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    assert [names(matches) for matches in await gallery.search(asked, [HERE], top=3)] == [["Rin"]] * count
    assert await gallery.search(asked, [HERE], top=0) == [()] * count


async def test_probes_of_another_dimension_are_refused(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match="probes"):
        await gallery.search(as_embeddings(np.ones((1, 5)), 5), [HERE], top=1)


async def test_no_scope_sees_another(gallery: Gallery) -> None:
    mine = await gallery.enroll(HERE, "Rin", [make_sample(1)])
    await gallery.enroll(SHARED, "Rin", [make_sample(2)])

    [matches] = await gallery.search(probes(make_embedding(1)), [THERE], top=5)
    assert matches == ()
    assert await gallery.characters([THERE]) == ()
    with pytest.raises(CharacterNotFoundError):
        await gallery.character([THERE], "Rin")
    with pytest.raises(CharacterNotFoundError):
        await gallery.character([THERE], mine.character.id)
    for change in (
        gallery.rename(THERE, "Rin", "Ran"),
        gallery.forget(THERE, mine.character.id),
        gallery.set_aliases(THERE, "Rin", []),
        gallery.merge(SHARED, "Rin", mine.character.id),
        gallery.add_negative(THERE, "Rin", make_sample(5)),
        gallery.move_samples(THERE, mine.character.id, [mine.samples[0].id], "Ran"),
    ):
        with pytest.raises(CharacterNotFoundError):
            await change
    with pytest.raises(SampleNotFoundError):
        await gallery.forget_sample(THERE, mine.samples[0].id)
    with pytest.raises(SampleNotFoundError):
        await gallery.move_samples(SHARED, "Rin", [mine.samples[0].id], "Ran")
    with pytest.raises(SampleNotFoundError):
        await gallery.crop([THERE, SHARED], mine.samples[0].id)
    assert await gallery.crop([THERE, HERE], mine.samples[0].id) == make_crop(1)
    assert await gallery.samples([THERE, SHARED], mine.character.id) == ()
    assert await gallery.samples([SHARED, HERE], mine.character.id) == mine.samples
    assert (await gallery.character([HERE, SHARED], "rin")).scope == HERE
    assert (await gallery.character([SHARED, HERE], "rin")).scope == SHARED
    assert await gallery.audit(THERE) == ()


async def test_a_face_that_is_enrolled_after_all_no_longer_speaks_against_the_character(
    gallery: Gallery,
) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    await gallery.enroll(HERE, "Mio", [make_sample(2)])
    for name in ("Rin", "Mio"):
        await gallery.add_negative(HERE, name, make_sample(3))
    await gallery.enroll(HERE, "Rin", [make_sample(3)])
    [matches] = await gallery.search(probes(make_embedding(3)), [HERE], top=2)
    assert {m.character.name: m.negative_similarity is None for m in matches} == {"Rin": True, "Mio": False}


async def test_a_negative_speaks_against_its_character_only(gallery: Gallery) -> None:
    base = make_embedding(1)
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    await gallery.enroll(HERE, "Ran", [make_sample(2)])
    wrong = make_sample(3, embedding=near(base, 3))
    for _ in range(2):  # saying it twice changes nothing
        await gallery.add_negative(HERE, "rin", wrong, actor="admin")
    await gallery.add_negative(HERE, "Rin", make_sample(4))

    [matches] = await gallery.search(probes(wrong.embedding), [HERE], top=5)
    assert {m.character.name: m.negative_similarity for m in matches} == {
        "Rin": pytest.approx(1.0, abs=1e-6),
        "Ran": None,
    }
    assert (await gallery.stats()).negatives == 2
    assert (await gallery.character([HERE], "Rin")).sample_count == 1
    assert [e.action for e in await gallery.audit(HERE, limit=2)] == ["negative", "negative"]
    # What is not Rin may well be Ran.
    assert (await gallery.enroll(HERE, "Ran", [wrong])).character.sample_count == 2


async def test_an_enrollment_is_seen_by_the_next_search_also_among_many(gallery: Gallery) -> None:
    async def enroll_and_look(number: int) -> None:
        sample = make_sample(number)
        await gallery.enroll(HERE, f"character {number}", [sample])
        [[match]] = await gallery.search(probes(sample.embedding), [HERE], top=1)
        assert match.character.name == f"character {number}"
        if number % 3 == 0:
            await gallery.forget(HERE, f"character {number}")
            [matches] = await gallery.search(probes(sample.embedding), [HERE], top=200)
            assert f"character {number}" not in names(matches)

    await asyncio.gather(*(enroll_and_look(number) for number in range(60)))
    assert (await gallery.stats()).characters == 40


# ── curate ──────────────────────────────────────────────────────────────────────────────────────


async def test_characters_are_listed_by_name_and_found_by_a_part(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "Tohsaka Rin", [make_sample(1)], series="Fate", aliases=["遠坂凛"])
    await gallery.enroll(HERE, "akita neru", [make_sample(2)])
    await gallery.enroll(SHARED, "Saber", [make_sample(3)], series="Ｆａｔｅ")
    await gallery.enroll(THERE, "Nobody", [make_sample(4)])

    async def listed(**options: object) -> list[str]:
        return [c.name for c in await gallery.characters([HERE, SHARED, HERE], **options)]

    assert await listed() == ["akita neru", "Saber", "Tohsaka Rin"]
    assert await listed(query="FATE") == ["Saber", "Tohsaka Rin"]
    assert await listed(query="坂") == ["Tohsaka Rin"]
    assert await listed(query="%") == []
    assert await listed(offset=1, limit=1) == ["Saber"]
    assert await listed(offset=9) == []


async def test_an_unknown_name_suggests_known_ones(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "Chitanda Eru", [make_sample(1)])
    await gallery.enroll(HERE, "Rin", [make_sample(2)])
    with pytest.raises(CharacterNotFoundError) as caught:
        await gallery.character([HERE], "Eru Chitnda")
    assert caught.value.data["suggestions"] == ("Chitanda Eru",)


async def test_rename_keeps_the_old_name_as_an_alias(gallery: Gallery) -> None:
    first = await gallery.enroll(HERE, "Rin", [make_sample(1)])
    renamed = (await gallery.rename(HERE, "RIN", "Tohsaka Rin", series="Fate")).character
    assert renamed == replace(first.character, name="Tohsaka Rin", aliases=("Rin",), series="Fate")
    [[match]] = await gallery.search(probes(make_embedding(1)), [HERE], top=1)
    assert match.character == renamed == await gallery.character([HERE], "rin")


async def test_rename_to_another_spelling_or_to_an_alias_leaves_no_double(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "rin", [make_sample(1)], aliases=["Rin-chan"], series="Fate")
    assert (await gallery.rename(HERE, "rin", "Ｒin")).character.aliases == ("Rin-chan",)
    renamed = (await gallery.rename(HERE, "rin", "RIN-CHAN")).character
    assert (renamed.name, renamed.aliases, renamed.series) == ("RIN-CHAN", ("Ｒin",), "Fate")
    assert (await gallery.rename(HERE, "rin", "Rin", series="")).character.series == ""


@pytest.mark.parametrize("taken", ["ran", "RAN-CHAN"])
async def test_a_name_that_belongs_to_another_is_refused(gallery: Gallery, taken: str) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    await gallery.enroll(HERE, "Ran", [make_sample(2)], aliases=["Ran-chan"])
    before = await everything(gallery)
    for change in (
        gallery.rename(HERE, "Rin", taken),
        gallery.set_aliases(HERE, "Rin", ["Rinrin", taken]),
    ):
        with pytest.raises(CharacterExistsError) as caught:
            await change
        assert caught.value.data["existing"] == "Ran"
    with pytest.raises(NameInvalidError):
        await gallery.rename(HERE, "Rin", " ")
    assert await everything(gallery) == before


async def test_aliases_are_replaced(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)], aliases=["A", "B"])
    character = (await gallery.set_aliases(HERE, "a", ["C", "rin", "c ", "B"])).character
    assert character.aliases == ("C", "B")
    assert await gallery.character([HERE], "c") == character
    with pytest.raises(CharacterNotFoundError):
        await gallery.character([HERE], "A")


async def test_merge_moves_everything_and_leaves_nothing(gallery: Gallery) -> None:
    source = await gallery.enroll(HERE, "Rin?", [make_sample(1)], aliases=["red"], series="Fate")
    await gallery.add_negative(HERE, "Rin?", make_sample(8))
    target = await gallery.enroll(HERE, "Rin", [make_sample(2)], aliases=["R"])

    merged = (await gallery.merge(HERE, "red", "rin")).character
    assert merged == replace(target.character, sample_count=2, series="Fate", aliases=("R", "Rin?", "red"))
    assert await gallery.characters([HERE]) == (merged,)
    assert {s.id for s in await gallery.samples([HERE], merged.id)} == {
        source.samples[0].id,
        target.samples[0].id,
    }
    assert await gallery.samples([HERE], source.character.id) == ()
    [[match]] = await gallery.search(probes(make_embedding(1)), [HERE], top=5)
    assert (match.character, match.sample_id) == (merged, source.samples[0].id)
    assert match.negative_similarity == pytest.approx(float(make_embedding(1) @ make_embedding(8)), abs=1e-6)


async def test_merging_a_character_with_itself_is_refused(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1)], aliases=["R"])
    before = await everything(gallery)
    with pytest.raises(MergeSelfError):
        await gallery.merge(HERE, "Rin", "r")
    assert await everything(gallery) == before


async def test_what_is_forgotten_is_gone(gallery: Gallery) -> None:
    rin = await gallery.enroll(HERE, "Rin", [make_sample(1), make_sample(2)])
    await gallery.add_negative(HERE, "Rin", make_sample(8))
    ran = await gallery.enroll(HERE, "Ran", [make_sample(3)])

    after = (await gallery.forget_sample(HERE, rin.samples[0].id)).character
    assert after == replace(rin.character, sample_count=1)
    [matches] = await gallery.search(probes(make_embedding(1)), [HERE], top=5)
    assert {m.character.name: m.sample_id for m in matches} == {
        "Rin": rin.samples[1].id,
        "Ran": ran.samples[0].id,
    }
    assert (await gallery.forget(HERE, "rin")).character == after
    [matches] = await gallery.search(probes(make_embedding(2)), [HERE], top=5)
    assert names(matches) == ["Ran"]
    stats = await gallery.stats()
    assert (stats.characters, stats.samples, stats.negatives) == (1, 1, 0)
    for sample in rin.samples:
        with pytest.raises(SampleNotFoundError):
            await gallery.crop([HERE], sample.id)
        with pytest.raises(SampleNotFoundError):
            await gallery.forget_sample(HERE, sample.id)


async def test_a_character_without_samples_stays_but_is_never_a_match(gallery: Gallery) -> None:
    rin = await gallery.enroll(HERE, "Rin", [make_sample(1)])
    await gallery.forget_sample(HERE, rin.samples[0].id)
    assert [c.name for c in await gallery.characters([HERE])] == ["Rin"]
    assert await gallery.search(probes(make_embedding(1)), [HERE], top=5) == [()]
    assert [f.kind for f in await gallery.verify(repair=True)] == ["empty_character"]


async def test_the_audit_log_tells_everything_newest_first(gallery: Gallery) -> None:
    await gallery.enroll(HERE, "A", [make_sample(1)], actor="x")
    await gallery.enroll(THERE, "A", [make_sample(1)], actor="x")
    await gallery.rename(HERE, "A", "B", actor="y")
    await gallery.set_aliases(HERE, "B", ["C"], actor="y")
    extra = await gallery.enroll(HERE, "D", [make_sample(2)], actor="y")
    await gallery.merge(HERE, "D", "B", actor="y")
    await gallery.forget_sample(HERE, extra.samples[0].id, actor="z")
    await gallery.forget(HERE, "B", actor="z")
    entries = await gallery.audit(HERE)
    assert [(e.action, e.actor) for e in entries] == [
        ("forget_character", "z"),
        ("forget_sample", "z"),
        ("merge", "y"),
        ("enroll", "y"),
        ("alias", "y"),
        ("rename", "y"),
        ("enroll", "x"),
    ]
    assert [e.at for e in entries] == sorted((e.at for e in entries), reverse=True)
    assert len(await gallery.audit()) == 8
    assert await gallery.audit(limit=2) == (await gallery.audit())[:2]


# ── export and import ───────────────────────────────────────────────────────────────────────────


async def fill(gallery: Gallery, characters: int = 12) -> Embeddings:
    """Some characters in two scopes; returns probes to ask with."""
    rng = np.random.default_rng(5)
    for number in range(characters):
        base = make_embedding(1000 + number)
        samples = [
            make_sample(10 * number + n, embedding=near(base, 10 * number + n, 1.0))
            for n in range(rng.integers(1, 5))
        ]
        scope = SHARED if number % 3 == 0 else HERE
        name = f"人物 {number}"
        await gallery.enroll(scope, name, samples, series="シリーズ", aliases=[f"alias {number}"])
        if number % 4 == 0:
            await gallery.add_negative(scope, name, make_sample(500 + number))
    return as_embeddings(rng.standard_normal((20, DIMENSION)), DIMENSION)


async def test_an_export_gives_identical_answers_in_an_empty_gallery(
    gallery: Gallery, other_gallery: Gallery, tmp_path: Path
) -> None:
    asked = await fill(gallery)
    await gallery.forget_sample(
        HERE, (await gallery.samples([HERE], (await gallery.character([HERE], "人物 1")).id))[0].id
    )
    stats = await gallery.stats()

    shares: list[float] = []
    assert await gallery.export(tmp_path / "all.zip", report=shares.append) == stats.samples
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == 1
    assert await other_gallery.import_(tmp_path / "all.zip", actor="admin") == stats.samples
    for scopes in ([HERE], [HERE, SHARED], [SHARED]):
        assert await other_gallery.search(asked, scopes, top=7) == await gallery.search(asked, scopes, top=7)
        assert await other_gallery.characters(scopes) == await gallery.characters(scopes)
    for character in await gallery.characters([HERE, SHARED]):
        samples = await gallery.samples([HERE, SHARED], character.id)
        assert await other_gallery.samples([HERE, SHARED], character.id) == samples
        for sample in samples:
            assert await other_gallery.crop([character.scope], sample.id) == await gallery.crop(
                [character.scope], sample.id
            )
    assert [e.action for e in await other_gallery.audit()] == ["import"]
    assert not [f for f in await other_gallery.verify(repair=False) if f.kind != "empty_character"]


async def test_importing_twice_adds_nothing(gallery: Gallery, other_gallery: Gallery, tmp_path: Path) -> None:
    await fill(gallery)
    await gallery.export(tmp_path / "all.zip")
    await other_gallery.import_(tmp_path / "all.zip")
    before = await everything(other_gallery)
    assert await other_gallery.import_(tmp_path / "all.zip") == 0
    assert await gallery.import_(tmp_path / "all.zip") == 0
    assert await everything(other_gallery) == before


async def test_an_import_into_another_scope_answers_there(gallery: Gallery, tmp_path: Path) -> None:
    asked = await fill(gallery)
    count = await gallery.export(tmp_path / "here.zip", [HERE])
    assert await gallery.import_(tmp_path / "here.zip", scope=THERE) == count
    assert await gallery.import_(tmp_path / "here.zip", scope=THERE) == 0
    here = await gallery.search(asked, [HERE], top=7)
    there = await gallery.search(asked, [THERE], top=7)
    assert [[(m.character.name, m.similarity) for m in ms] for ms in there] == [
        [(m.character.name, m.similarity) for m in ms] for ms in here
    ]


async def test_an_import_joins_characters_by_name_and_skips_known_pictures(
    gallery: Gallery, other_gallery: Gallery, tmp_path: Path
) -> None:
    await gallery.enroll(HERE, "Rin", [make_sample(1), make_sample(2)], series="Fate", aliases=["R", "Red"])
    await gallery.export(tmp_path / "a.zip")
    await other_gallery.enroll(HERE, "RIN", [make_sample(1)])
    await other_gallery.enroll(HERE, "Red", [make_sample(3)])

    assert await other_gallery.import_(tmp_path / "a.zip") == 1
    rin = await other_gallery.character([HERE], "Rin")
    assert (rin.name, rin.series, rin.aliases, rin.sample_count) == ("RIN", "Fate", ("R",), 2)


async def test_an_archive_of_another_contract_or_no_archive_at_all_is_refused(
    gallery: Gallery, tmp_path: Path
) -> None:
    other = await open_embedded_gallery(tmp_path / "o.sqlite", make_contract("second"))
    await other.enroll(HERE, "Rin", [make_sample(1)])
    await other.export(tmp_path / "other.zip")
    await other.close()
    (tmp_path / "text.zip").write_text("not a zip")
    for name, error in (
        ("other.zip", ContractMismatchError),
        ("text.zip", ArchiveInvalidError),
        ("missing.zip", FileUnreadableError),
    ):
        with pytest.raises(error):
            await gallery.import_(tmp_path / name)
    assert (await gallery.stats()).characters == 0


# ── reindex ─────────────────────────────────────────────────────────────────────────────────────


async def test_reindex_switches_to_the_new_embeddings(gallery: Gallery) -> None:
    await fill(gallery)
    embedder, contract = HashEmbedder(24), make_contract("second", 24)
    stats = await gallery.stats()
    progress = [step async for step in gallery.reindex(contract, embedder, batch=4)]

    assert progress[0] == (0, stats.samples + stats.negatives)
    assert progress[-1] == (stats.samples + stats.negatives,) * 2
    assert gallery.contract == contract == (await gallery.stats()).contract
    rin = await gallery.character([SHARED], "人物 0")
    [sample, *_] = await gallery.samples([SHARED], rin.id)
    asked = embedder.embed(await gallery.crop([SHARED], sample.id))
    [[match]] = await gallery.search(probes(asked), [SHARED], top=1)
    assert (match.character, match.sample_id) == (rin, sample.id)
    assert match.similarity == pytest.approx(1, abs=1e-6)
    assert match.negative_similarity is not None  # negatives came along
    assert [e.action for e in await gallery.audit(limit=1)] == ["reindex"]


async def test_while_reindexing_searches_go_on_and_new_samples_come_along(gallery: Gallery) -> None:
    asked = await fill(gallery)
    embedder, contract = HashEmbedder(24), make_contract("second", 24)
    before = await gallery.search(asked, [HERE], top=3)
    steps = 0
    async for _ in gallery.reindex(contract, embedder, batch=5):
        steps += 1
        if steps == 2:
            await gallery.forget(SHARED, "人物 3")
        if steps == 3:
            await gallery.enroll(SHARED, "Late", [make_sample(900)])
        assert await gallery.search(asked, [HERE], top=3) == before
    assert gallery.contract == contract
    [[match]] = await gallery.search(probes(embedder.embed(make_crop(900))), [SHARED], top=1)
    assert match.character.name == "Late"


async def test_an_interrupted_reindex_leaves_the_old_contract_and_resumes(gallery: Gallery) -> None:
    asked = await fill(gallery)
    old, contract = gallery.contract, make_contract("second", 24)
    before = await gallery.search(asked, [HERE, SHARED], top=3)

    class Failing(HashEmbedder):
        async def __call__(self, crops: list) -> Embeddings:
            if self.calls == 2:
                raise RuntimeError("power cut")
            return await super().__call__(crops)

    with pytest.raises(RuntimeError, match="power cut"):
        async for _ in gallery.reindex(contract, Failing(24), batch=3):
            pass
    assert gallery.contract == old
    assert await gallery.search(asked, [HERE, SHARED], top=3) == before
    progress = [step async for step in gallery.reindex(contract, HashEmbedder(24), batch=3)]
    assert progress[0][0] == 6
    assert gallery.contract == contract


async def test_going_back_to_the_contract_before_needs_no_embedding(gallery: Gallery) -> None:
    asked = await fill(gallery)
    old, before = gallery.contract, await gallery.search(asked, [HERE, SHARED], top=3)
    async for _ in gallery.reindex(make_contract("second", 24), HashEmbedder(24)):
        pass
    back = HashEmbedder(DIMENSION)
    async for _ in gallery.reindex(old, back):
        pass
    assert back.calls == 0
    assert await gallery.search(asked, [HERE, SHARED], top=3) == before


async def test_without_the_old_embeddings_going_back_embeds_everything_again(gallery: Gallery) -> None:
    await fill(gallery)
    old, stats = gallery.contract, await gallery.stats()
    async for _ in gallery.reindex(make_contract("second", 24), HashEmbedder(24)):
        pass
    assert await gallery.drop_old() == 1
    assert await gallery.drop_old() == 0
    assert gallery.contract == make_contract("second", 24)
    progress = [step async for step in gallery.reindex(old, HashEmbedder(DIMENSION))]
    assert progress[0] == (0, stats.samples + stats.negatives)


async def test_unknown_ids_are_answered_as_such(gallery: Gallery) -> None:
    with pytest.raises(SampleNotFoundError):
        await gallery.crop([HERE], SampleId("nothing"))
    with pytest.raises(SampleNotFoundError):
        await gallery.forget_sample(HERE, SampleId("nothing"))
