"""The same calls on the embedded gallery and on the one in Elasticsearch give the same answers and errors.

Ids are the only thing that may differ; they must differ in the same way everywhere. `ES_TEST_OPERATIONS=5000`
compares for longer.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from inference.domain import Scope
from inference.errors import AppError
from inference.gallery.base import Gallery, NewSample
from inference.gallery.embedded import open_embedded_gallery
from tests.contract.galleries import Clock
from tests.elasticsearch_server.shared import give_back, lent_prefix, open_test_gallery, server_address
from tests.inference.gallery.samples import (
    HashEmbedder,
    make_contract,
    make_crop,
    make_sample,
    near,
    probes,
)

pytestmark = [pytest.mark.elasticsearch, pytest.mark.timeout(3_600)]

OPERATIONS = int(os.environ.get("ES_TEST_OPERATIONS") or 150)
STEPS = 30
SCOPES = [Scope("here"), Scope("there")]
NAMES = ["Rin", "rin ", "ＲＩＮ", "Ran", "Rin Tohsaka", "Saber", "セイバー", "ｾｲﾊﾞｰ", "a*b?", "", "Ren\u202e"]
SERIES = ["", "Fate", "ＦＡＴＥ", "K-On!"]
_ID = re.compile(r"[0-9a-f]{16}")
counted = {"operations": 0}

scopes = st.sampled_from(SCOPES)
one_or_both = st.sampled_from([[SCOPES[0]], [SCOPES[1]], SCOPES, SCOPES[::-1]])
any_names = st.sampled_from(NAMES)
seeds = st.integers(0, 14)
pictures = st.tuples(seeds, st.booleans())


class Twins:
    """Compares answers, and remembers which id there is which id here."""

    def __init__(self) -> None:
        self.there: dict[str, str] = {}
        self.here: dict[str, str] = {}

    def require_same(self, one: Any, other: Any, where: str = "") -> None:
        if is_dataclass(one) and not isinstance(one, type):
            assert type(one) is type(other), where
            self.require_same(vars_of(one), vars_of(other), where)
        elif isinstance(one, AppError):
            assert type(one) is type(other), f"{where}: {one!r} is not {other!r}"
            self.require_same(one.data, other.data, where)
        elif isinstance(one, Mapping):
            assert one.keys() == other.keys(), where
            for key in one:
                self.require_same(one[key], other[key], f"{where}.{key}")
        elif isinstance(one, datetime):
            assert one.replace(second=0, microsecond=0) == other.replace(second=0, microsecond=0), where
        elif isinstance(one, list | tuple):
            assert len(one) == len(other), f"{where}: {one} is not {other}"
            for place, (a, b) in enumerate(zip(one, other, strict=True)):
                self.require_same(a, b, f"{where}[{place}]")
        elif isinstance(one, str) and _ID.fullmatch(one):
            assert isinstance(other, str), where
            assert self.there.setdefault(one, other) == other, where
            assert self.here.setdefault(other, one) == one, where
        else:
            assert type(one) is type(other), f"{where}: {one!r} is not {other!r}"
            assert one == other, where


def vars_of(value: Any) -> dict[str, Any]:
    fields = {name: getattr(value, name) for name in value.__dataclass_fields__}
    fields.pop("size_bytes", None)
    fields.pop("schema_version", None)
    return fields


class Congruence(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.prefix = lent_prefix()
        self.clocks = Clock(), Clock()
        self.twins = Twins()
        self.embedder: HashEmbedder | None = None
        self.archives = 0
        self.galleries = self.run(self.opened())

    async def opened(self) -> tuple[Gallery, Gallery]:
        contract = make_contract("second", 24) if self.embedder else make_contract()
        return (
            await open_embedded_gallery(
                self.folder / "gallery.sqlite", contract, undo_days=7, clock=self.clocks[0]
            ),
            await open_test_gallery(self.prefix, contract, undo_days=7, clock=self.clocks[1]),
        )

    def run(self, call: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await call

        return self.runner.run(wait())

    def both(self, call: Callable[[Gallery, int], Awaitable[Any]]) -> Any:
        """The answer or error of both, which must be the same."""
        found: list[Any] = []
        for place, gallery in enumerate(self.galleries):
            try:
                found.append(self.run(call(gallery, place)))
            except (AppError, ValueError) as error:
                found.append(error)
        counted["operations"] += 1
        one, other = found
        if isinstance(one, ValueError):
            assert isinstance(other, ValueError)
        else:
            self.twins.require_same(one, other)
        return one

    def sample(self, picture: tuple[int, bool]) -> NewSample:
        """A picture, or the same one encoded differently."""
        seed, again = picture
        if self.embedder:
            return make_sample(seed, embedding=self.embedder.embed(make_crop(seed)))
        if not again:
            return make_sample(seed)
        original = make_sample(seed)
        return make_sample(
            100 + seed,
            embedding=near(original.embedding, seed, 0.15),
            perceptual_hash=original.perceptual_hash ^ 0b101,
        )

    def samples_of(self, scope: Scope, name: str) -> Sequence[Sequence[Any]]:
        """The ids of her samples, here and there in the same order; none when there is nobody."""
        try:
            people = [self.run(gallery.character([scope], name)) for gallery in self.galleries]
        except AppError:
            return [], []
        return [
            [one.id for one in self.run(gallery.samples([scope], person.id))]
            for gallery, person in zip(self.galleries, people, strict=True)
        ]

    # ── changes ─────────────────────────────────────────────────────────────────────────────────

    @rule(
        scope=scopes,
        name=any_names,
        pictures=st.lists(pictures, min_size=1, max_size=3),
        alias=any_names | st.none(),
        series=st.sampled_from(SERIES),
        allow_alike=st.booleans(),
    )
    def enroll(
        self,
        scope: Scope,
        name: str,
        pictures: list[tuple[int, bool]],
        alias: str | None,
        series: str,
        allow_alike: bool,
    ) -> None:
        samples = [self.sample(picture) for picture in pictures]
        aliases = [] if alias is None else [alias]
        self.both(
            lambda gallery, _: gallery.enroll(
                scope, name, samples, aliases=aliases, series=series, allow_alike=allow_alike
            )
        )

    @rule(scope=scopes, name=any_names, new=any_names, series=st.none() | st.sampled_from(SERIES))
    def rename(self, scope: Scope, name: str, new: str, series: str | None) -> None:
        self.both(lambda gallery, _: gallery.rename(scope, name, new, series=series, actor="somebody"))

    @rule(scope=scopes, name=any_names, aliases=st.lists(any_names, max_size=3))
    def set_aliases(self, scope: Scope, name: str, aliases: list[str]) -> None:
        self.both(lambda gallery, _: gallery.set_aliases(scope, name, aliases))

    @rule(scope=scopes, source=any_names, into=any_names)
    def merge(self, scope: Scope, source: str, into: str) -> None:
        self.both(lambda gallery, _: gallery.merge(scope, source, into))

    @rule(scope=scopes, source=any_names, count=st.integers(0, 3), into=any_names)
    def move_samples(self, scope: Scope, source: str, count: int, into: str) -> None:
        ids = self.samples_of(scope, source)
        self.both(lambda gallery, place: gallery.move_samples(scope, source, ids[place][:count], into))

    @rule(scope=scopes, name=any_names, for_good=st.booleans())
    def forget(self, scope: Scope, name: str, for_good: bool) -> None:
        self.both(lambda gallery, _: gallery.forget(scope, name, for_good=for_good))

    @rule(scope=scopes, owner=any_names, asked=scopes, for_good=st.booleans())
    def forget_sample(self, scope: Scope, owner: str, asked: Scope, for_good: bool) -> None:
        ids = self.samples_of(scope, owner)
        if ids[0]:
            self.both(lambda gallery, place: gallery.forget_sample(asked, ids[place][0], for_good=for_good))

    @rule(scope=scopes, name=any_names, picture=pictures)
    def say_no(self, scope: Scope, name: str, picture: tuple[int, bool]) -> None:
        self.both(lambda gallery, _: gallery.add_negative(scope, name, self.sample(picture)))

    @rule(scope=scopes, back=st.none() | st.integers(0, 12))
    def undo(self, scope: Scope, back: int | None) -> None:
        entries = self.run(self.galleries[0].audit())
        entry_id = None if back is None else entries[back].id if back < len(entries) else 10_000
        self.both(lambda gallery, _: gallery.undo(scope, entry_id))

    @rule(days=st.integers(1, 8))
    def let_time_pass(self, days: int) -> None:
        for clock in self.clocks:
            clock.advance(days=days)

    @rule(into=st.none() | scopes, only=st.none() | scopes)
    def export_and_import(self, into: Scope | None, only: Scope | None) -> None:
        """What one has written, both read."""
        self.archives += 1
        writer = self.galleries[self.archives % 2]
        path = self.folder / f"{self.archives}.zip"
        self.run(writer.export(path, None if only is None else [only]))
        self.both(lambda gallery, _: gallery.import_(path, scope=into))

    @precondition(lambda self: self.embedder is None)
    @rule(batch=st.integers(1, 5))
    def reindex(self, batch: int) -> None:
        embedder = HashEmbedder(24)

        async def all_of_it(gallery: Gallery) -> tuple[int, int]:
            steps = [
                step async for step in gallery.reindex(make_contract("second", 24), embedder, batch=batch)
            ]
            return steps[-1]

        self.both(lambda gallery, _: all_of_it(gallery))
        self.embedder = embedder

    @rule()
    def reopen(self) -> None:
        for gallery in self.galleries:
            self.run(gallery.close())
        self.galleries = self.run(self.opened())

    # ── questions ───────────────────────────────────────────────────────────────────────────────

    @rule(scopes=one_or_both, pictures=st.lists(pictures, max_size=3), top=st.sampled_from([0, 1, 2, 5]))
    def search(self, scopes: list[Scope], pictures: list[tuple[int, bool]], top: int) -> None:
        if pictures:
            asked = probes(*(self.sample(picture).embedding for picture in pictures))
            self.both(lambda gallery, _: gallery.search(asked, scopes, top=top))

    @rule(scope=scopes, picture=pictures)
    def find_duplicate(self, scope: Scope, picture: tuple[int, bool]) -> None:
        self.both(lambda gallery, _: gallery.find_duplicate(scope, self.sample(picture)))

    @rule(
        scopes=one_or_both,
        query=st.sampled_from(["", "r", "RI", "fate", "*", "?", "バー", "\\"]),
        offset=st.integers(0, 3),
        limit=st.none() | st.integers(0, 3),
    )
    def list_characters(self, scopes: list[Scope], query: str, offset: int, limit: int | None) -> None:
        self.both(lambda gallery, _: gallery.characters(scopes, query=query, offset=offset, limit=limit))

    @rule(scopes=one_or_both, name=st.sampled_from([*NAMES, "Rim", "Sabre", "tohsaka"]))
    def look_up(self, scopes: list[Scope], name: str) -> None:
        self.both(lambda gallery, _: gallery.character(scopes, name))

    @rule(scopes=one_or_both, scope=scopes, name=any_names)
    def look_at_samples(self, scopes: list[Scope], scope: Scope, name: str) -> None:
        ids = self.samples_of(scope, name)
        for number in range(len(ids[0])):
            self.both(lambda gallery, place: gallery.crop(scopes, ids[place][number]))  # noqa: B023

    @rule(scope=st.none() | scopes, limit=st.integers(1, 30))
    def read_the_log(self, scope: Scope | None, limit: int) -> None:
        self.both(lambda gallery, _: gallery.audit(scope, limit=limit))

    @invariant()
    def both_hold_the_same(self) -> None:
        if not hasattr(self, "galleries"):
            return
        asked = probes(*(self.sample((seed, False)).embedding for seed in (0, 5, 9)))
        self.both(lambda gallery, _: gallery.search(asked, SCOPES, top=9))
        self.both(lambda gallery, _: gallery.stats())
        counted["operations"] -= 2  # only what a rule asked counts

    def teardown(self) -> None:
        if not hasattr(self, "galleries"):
            return

        async def sound(gallery: Gallery) -> list[str]:
            return sorted(finding.kind for finding in await gallery.verify(repair=False))

        try:
            kinds = self.both(lambda gallery, _: sound(gallery))
            assert set(kinds) <= {"empty_character"}
            self.both(lambda gallery, _: gallery.audit(limit=1_000))
        finally:
            for gallery in self.galleries:
                self.run(gallery.close())
            self.run(give_back(self.prefix))
            self.runner.close()
            shutil.rmtree(self.folder)


Congruence.TestCase.settings = settings(
    max_examples=max(OPERATIONS // STEPS, 1),
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class TestCongruence(Congruence.TestCase):
    def runTest(self) -> None:  # noqa: N802 - unittest's name
        server_address()
        super().runTest()
        print(f"{counted['operations']} operations compared")


def test_the_comparison_sees_what_differs() -> None:
    twins = Twins()
    twins.require_same(["a" * 16, {"x": "b" * 16}], ["1" * 16, {"x": "2" * 16}])
    with pytest.raises(AssertionError):
        twins.require_same("a" * 16, "2" * 16)
    with pytest.raises(AssertionError):
        twins.require_same([1.0], [1.0000001])
    with pytest.raises(AssertionError):
        twins.require_same(asdict(make_contract("one")), asdict(make_contract("two")))
