"""Any sequence of changes leaves the gallery as a dictionary would be left, also after reopening."""

from __future__ import annotations

import asyncio
import copy
import shutil
import tempfile
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from inference.domain import Scope
from inference.errors import (
    CannotUndoError,
    CharacterExistsError,
    CharacterNotFoundError,
    MergeSelfError,
    SampleExistsError,
)
from inference.gallery.base import Changed, Enrolled
from inference.gallery.embedded import EmbeddedGallery, open_embedded_gallery
from tests.inference.gallery.samples import (
    HashEmbedder,
    make_contract,
    make_crop,
    make_embedding,
    make_sample,
    probes,
)

T = TypeVar("T")
SCOPES = [Scope("here"), Scope("there")]
NAMES = ["Rin", "rin ", "ＲＩＮ", "Ran", "ran", "Saber", "セイバー", "ｾｲﾊﾞｰ"]
KEYS = {
    "Rin": "r",
    "rin": "r",
    "ＲＩＮ": "r",
    "Ran": "a",
    "ran": "a",
    "Saber": "s",
    "セイバー": "b",
    "ｾｲﾊﾞｰ": "b",
}

scopes = st.sampled_from(SCOPES)
any_names = st.sampled_from(NAMES)
seeds = st.integers(0, 30)


def key_of(name: str) -> str:
    return KEYS[name.strip()]


@dataclass
class Person:
    """What the model knows of a character: keys of its names (the first is the name), seeds of its faces."""

    keys: list[str]
    samples: list[int] = field(default_factory=list)
    negatives: list[int] = field(default_factory=list)


@dataclass
class Step:
    """A change of a scope that is in effect: its line in the log, and the people before it."""

    entry_id: int
    before: list[Person]


class GalleryMachine(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.people: dict[Scope, list[Person]] = {scope: [] for scope in SCOPES}
        self.steps: dict[Scope, list[Step]] = {scope: [] for scope in SCOPES}
        self.embedder: HashEmbedder | None = None
        self.gallery = self.opened()

    def opened(self) -> EmbeddedGallery:
        return self.run(open_embedded_gallery(self.folder / "gallery.sqlite", self.contract(), undo_days=7))

    def contract(self) -> object:
        return make_contract("second", 24) if self.embedder else make_contract()

    def run(self, call: Awaitable[T]) -> T:
        async def wait() -> T:
            return await call

        return self.runner.run(wait())

    def change(self, scope: Scope, call: Awaitable[Enrolled | Changed]) -> None:
        """Runs a change that succeeds; called before the model is brought up to it."""
        changed = self.run(call)
        if changed.entry_id is not None:
            self.steps[scope].append(Step(changed.entry_id, copy.deepcopy(self.people[scope])))

    def sample(self, seed: int) -> object:
        return make_sample(seed, embedding=self.embedding(seed))

    def embedding(self, seed: int) -> object:
        return self.embedder.embed(make_crop(seed)) if self.embedder else make_embedding(seed)

    def find(self, scope: Scope, name: str) -> Person | None:
        return next((p for p in self.people[scope] if key_of(name) in p.keys), None)

    @rule(
        scope=scopes,
        name=any_names,
        seeds=st.lists(seeds, min_size=1, max_size=3),
        alias=any_names | st.none(),
    )
    def enroll(self, scope: Scope, name: str, seeds: list[int], alias: str | None) -> None:
        call = self.gallery.enroll(
            scope, name, [self.sample(seed) for seed in seeds], aliases=[alias] if alias else []
        )
        enrolled = {seed for person in self.people[scope] for seed in person.samples}
        person = self.find(scope, name)
        if enrolled & set(seeds) or len(set(seeds)) < len(seeds):
            with pytest.raises(SampleExistsError):
                self.run(call)
            return
        if alias and self.find(scope, alias) not in (None, person):
            with pytest.raises(CharacterExistsError):
                self.run(call)
            return
        self.change(scope, call)
        if person is None:
            person = Person([key_of(name)])
            self.people[scope].append(person)
        person.samples += seeds
        person.negatives = [seed for seed in person.negatives if seed not in seeds]
        if alias and key_of(alias) not in person.keys:
            person.keys.append(key_of(alias))

    @rule(scope=scopes, name=any_names, new=any_names)
    def rename(self, scope: Scope, name: str, new: str) -> None:
        call, person = self.gallery.rename(scope, name, new), self.find(scope, name)
        if person is None:
            with pytest.raises(CharacterNotFoundError):
                self.run(call)
        elif self.find(scope, new) not in (None, person):
            with pytest.raises(CharacterExistsError):
                self.run(call)
        else:
            self.change(scope, call)
            old = person.keys
            rest = [key for key in [*old[1:], old[0]] if key != key_of(new)]
            person.keys = [key_of(new), *rest]

    @rule(scope=scopes, source=any_names, into=any_names)
    def merge(self, scope: Scope, source: str, into: str) -> None:
        call = self.gallery.merge(scope, source, into)
        gone, kept = self.find(scope, source), self.find(scope, into)
        if gone is None or kept is None:
            with pytest.raises(CharacterNotFoundError):
                self.run(call)
        elif gone is kept:
            with pytest.raises(MergeSelfError):
                self.run(call)
        else:
            self.change(scope, call)
            self.people[scope].remove(gone)
            kept.keys += gone.keys
            kept.samples += gone.samples
            kept.negatives += gone.negatives

    @rule(scope=scopes, name=any_names)
    def forget(self, scope: Scope, name: str) -> None:
        call, person = self.gallery.forget(scope, name), self.find(scope, name)
        if person is None:
            with pytest.raises(CharacterNotFoundError):
                self.run(call)
        else:
            self.change(scope, call)
            self.people[scope].remove(person)

    @rule(scope=scopes, source=any_names, seeds=st.sets(seeds, min_size=1, max_size=3), into=any_names)
    def move_samples(self, scope: Scope, source: str, seeds: set[int], into: str) -> None:
        owner, target = self.find(scope, source), self.find(scope, into)
        moved = sorted(seeds.intersection(owner.samples)) if owner else []
        if owner is None or not moved:
            return
        found = [self.run(self.gallery.find_duplicate(scope, self.sample(seed))) for seed in moved]
        call = self.gallery.move_samples(scope, source, [one[1] for one in found if one], into)
        if owner is target:
            with pytest.raises(MergeSelfError):
                self.run(call)
            return
        self.change(scope, call)
        if target is None:
            target = Person([key_of(into)])
            self.people[scope].append(target)
        owner.samples = [seed for seed in owner.samples if seed not in moved]
        target.samples += moved
        target.negatives = [seed for seed in target.negatives if seed not in moved]

    @rule(scope=scopes, seed=seeds)
    def forget_sample(self, scope: Scope, seed: int) -> None:
        person = next((p for p in self.people[scope] if seed in p.samples), None)
        found = self.run(self.gallery.find_duplicate(scope, self.sample(seed)))
        assert (found is None) == (person is None)
        if person and found:
            self.change(scope, self.gallery.forget_sample(scope, found[1]))
            person.samples.remove(seed)

    @rule(scope=scopes, name=any_names, seed=seeds)
    def say_no(self, scope: Scope, name: str, seed: int) -> None:
        person = self.find(scope, name)
        if person:
            self.change(scope, self.gallery.add_negative(scope, name, self.sample(seed)))
            if seed not in person.negatives:
                person.negatives.append(seed)

    @precondition(lambda self: any(self.steps.values()))
    @rule(data=st.data(), again=st.booleans())
    def undo_the_last(self, data: st.DataObject, again: bool) -> None:
        scope = data.draw(st.sampled_from([scope for scope in SCOPES if self.steps[scope]]))
        newest = max(step.entry_id for step in self.steps[scope])
        step, after = self.steps[scope].pop(), self.people[scope]
        # An older one that was undone and redone is the newest in the log.
        undo = self.run(self.gallery.undo(scope, None if step.entry_id == newest else step.entry_id))
        assert undo.detail["entry"] == step.entry_id
        self.people[scope] = step.before
        if again:
            self.answers_are_those_of_the_model()
            redo = self.run(self.gallery.undo(scope, undo.id))
            self.people[scope] = after
            self.steps[scope].append(Step(redo.id, copy.deepcopy(step.before)))

    @precondition(lambda self: any(self.steps.values()))
    @rule(data=st.data())
    def undo_an_older_one_and_undo_that(self, data: st.DataObject) -> None:
        """Where a later change stands in the way nothing happens; else there and back again."""
        scope = data.draw(st.sampled_from([scope for scope in SCOPES if self.steps[scope]]))
        step = data.draw(st.sampled_from(self.steps[scope]))
        try:
            undo = self.run(self.gallery.undo(scope, step.entry_id))
        except CannotUndoError as error:
            assert error.data["reason"] in {"changed", "name_taken", "enrolled_again"}
            assert step is not self.steps[scope][-1]
            return
        assert not [f for f in self.run(self.gallery.verify(repair=False)) if f.kind != "empty_character"]
        step.entry_id = self.run(self.gallery.undo(scope, undo.id)).id

    @rule()
    def reopen(self) -> None:
        self.run(self.gallery.close())
        self.gallery = self.opened()

    @rule()
    def move_to_another_file(self) -> None:
        """Export, import into an empty gallery, and go on there."""
        count = self.run(self.gallery.export(self.folder / "moved.zip"))
        assert count == sum(len(p.samples) for people in self.people.values() for p in people)
        self.run(self.gallery.close())
        for file in self.folder.glob("gallery*"):
            file.unlink()
        self.gallery = self.opened()
        assert self.run(self.gallery.import_(self.folder / "moved.zip")) == count
        self.steps = {scope: [] for scope in SCOPES}

    @precondition(lambda self: self.embedder is None)
    @rule()
    def reindex(self) -> None:
        embedder = HashEmbedder(24)

        async def all_of_it() -> None:
            async for _ in self.gallery.reindex(make_contract("second", 24), embedder, batch=3):
                pass

        self.run(all_of_it())
        self.embedder = embedder

    @invariant()
    def answers_are_those_of_the_model(self) -> None:
        asked = [0, 7, 19]
        found = self.run(
            self.gallery.search(probes(*(self.embedding(seed) for seed in asked)), SCOPES, top=9)
        )
        for seed, matches in zip(asked, found, strict=True):
            probe = np.asarray(self.embedding(seed), np.float64)

            def best(others: list[int], probe: np.ndarray = probe) -> float | None:
                return max((float(np.dot(self.embedding(o), probe)) for o in others), default=None)

            expected = {
                (scope, person.keys[0]): (best(person.samples), best(person.negatives))
                for scope, people in self.people.items()
                for person in people
                if person.samples
            }
            answers = {
                (m.character.scope, key_of(m.character.name)): (m.similarity, m.negative_similarity)
                for m in matches
            }
            assert answers.keys() == expected.keys()
            for who, (similarity, negative) in expected.items():
                assert answers[who] == (
                    pytest.approx(similarity, abs=1e-6),
                    pytest.approx(negative, abs=1e-6),
                )
            assert [m.similarity for m in matches] == sorted((m.similarity for m in matches), reverse=True)
        for scope, people in self.people.items():
            listed = self.run(self.gallery.characters([scope]))
            assert sorted(
                (key_of(c.name), sorted(map(key_of, c.aliases)), c.sample_count) for c in listed
            ) == sorted((p.keys[0], sorted(p.keys[1:]), len(p.samples)) for p in people)

    def teardown(self) -> None:
        if not hasattr(self, "gallery"):
            return
        try:
            for _ in range(2):
                findings = self.run(self.gallery.verify(repair=False))
                assert not [f for f in findings if f.kind != "empty_character"]
                self.reopen()
            self.answers_are_those_of_the_model()
        finally:
            self.run(self.gallery.close())
            self.runner.close()
            shutil.rmtree(self.folder)


TestGalleryMachine = GalleryMachine.TestCase
TestGalleryMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
