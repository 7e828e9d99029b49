"""What each change does to the rows and the audit log; the caller wraps one call in one transaction.

A method returns what the gallery's caller gets; `touched` collects whom the projection must reload.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.domain import Character, CharacterId, EmbeddingContract, SampleId, Scope
from inference.errors import MergeSelfError, SampleExistsError
from inference.gallery.base import Enrolled, NewSample
from inference.gallery.fingerprint import is_same_picture
from inference.gallery.names import clean_name, clean_series
from inference.gallery.projection import ScopeView
from inference.gallery.store import Store, check_embedding


class Changes:
    """The changes of one scope, made under one contract."""

    def __init__(self, store: Store, scope: Scope, contract: EmbeddingContract, actor: str) -> None:
        self.touched: set[CharacterId] = set()
        self._store = store
        self._scope = scope
        self._contract = contract
        self._actor = actor

    def enroll(
        self, name: str, samples: Sequence[NewSample], series: str, aliases: Sequence[str], view: ScopeView
    ) -> Enrolled:
        name, series, aliases = clean_name(name), clean_series(series), [clean_name(a) for a in aliases]
        if not samples:
            raise ValueError("an enrollment needs at least one sample")
        for sample in samples:
            check_embedding(sample.embedding, self._contract)
        self._refuse_duplicates(name, samples, view)
        known = self._store.find_name(self._scope, name)
        seq = self._store.add_character(self._scope, name) if known is None else known
        before = self._store.character(seq)
        if series and not before.series:
            self._store.set_series(seq, series)
        if aliases:
            self._store.set_names(seq, [before.name, *before.aliases, *aliases])
        for sample in samples:
            self._store.remove_negative(seq, sample.content_hash)
        added = tuple(self._store.add_face(seq, sample, self._contract) for sample in samples)
        after = self._store.character(seq)
        self._record("enroll", after, samples=[sample.id for sample in added], created=known is None)
        return Enrolled(after, added, created=known is None)

    def rename(self, name: str, new_name: str, series: str | None) -> Character:
        new_name = clean_name(new_name)
        seq = self._store.require([self._scope], name)
        before = self._store.character(seq)
        self._store.set_names(seq, [new_name, *before.aliases, before.name])
        if series is not None:
            self._store.set_series(seq, clean_series(series))
        after = self._store.character(seq)
        self._record("rename", after, before=[before.name, before.series], series=after.series)
        return after

    def set_aliases(self, name: str, aliases: Sequence[str]) -> Character:
        aliases = [clean_name(alias) for alias in aliases]
        seq = self._store.require([self._scope], name)
        before = self._store.character(seq)
        self._store.set_names(seq, [before.name, *aliases])
        after = self._store.character(seq)
        self._record("alias", after, before=before.aliases, after=after.aliases)
        return after

    def merge(self, source: str, target: str) -> Character:
        from_seq = self._store.require([self._scope], source)
        to_seq = self._store.require([self._scope], target)
        if from_seq == to_seq:
            raise MergeSelfError(source=source, target=target)
        gone, kept = self._store.characters([from_seq, to_seq])
        self._store.move_faces(from_seq, to_seq)
        self._store.remove_character(from_seq)
        self._store.set_names(to_seq, [kept.name, *kept.aliases, gone.name, *gone.aliases])
        if gone.series and not kept.series:
            self._store.set_series(to_seq, gone.series)
        after = self._store.character(to_seq)
        self._record("merge", after, gone=gone.id, gone_name=gone.name, gone_samples=gone.sample_count)
        self.touched.add(gone.id)
        return after

    def forget(self, name: str) -> Character:
        seq = self._store.require([self._scope], name)
        gone = self._store.character(seq)
        self._store.remove_character(seq)
        self._record("forget_character", gone, samples=gone.sample_count)
        return gone

    def forget_sample(self, sample_id: SampleId) -> Character:
        character = self._store.character(self._store.remove_sample(self._scope, sample_id))
        self._record("forget_sample", character, sample=sample_id)
        return character

    def add_negative(self, name: str, sample: NewSample) -> None:
        seq = self._store.require([self._scope], name)
        if not self._store.find_content(self._scope, sample.content_hash, negative_of=seq):
            check_embedding(sample.embedding, self._contract)
            added = self._store.add_face(seq, sample, self._contract, negative=True)
            self._record("negative", self._store.character(seq), sample=added.id)

    def _refuse_duplicates(self, name: str, samples: Sequence[NewSample], view: ScopeView) -> None:
        for place, sample in enumerate(samples):
            duplicate = find_duplicate(self._store, self._scope, sample, view)
            if duplicate:
                character, sample_id, how = duplicate
                raise SampleExistsError(character=character.name, sample_id=sample_id, how=how)
            for earlier in samples[:place]:
                similarity = float(np.dot(earlier.embedding, sample.embedding))
                identical = earlier.content_hash == sample.content_hash
                if identical or is_same_picture(earlier.perceptual_hash, sample.perceptual_hash, similarity):
                    raise SampleExistsError(
                        character=name, sample_id="", how="identical" if identical else "alike"
                    )

    def _record(self, action: str, character: Character, **detail: object) -> None:
        self.touched.add(character.id)
        self._store.add_audit(
            self._scope, self._actor, action, character=character.id, name=character.name, **detail
        )


def find_duplicate(
    store: Store, scope: Scope, sample: NewSample, view: ScopeView
) -> tuple[Character, SampleId, str] | None:
    """The sample of the scope that shows the same picture, and how ("identical" or "alike")."""
    same_pixels = store.find_content(scope, sample.content_hash)
    if same_pixels:
        return store.character(same_pixels[0]), same_pixels[1], "identical"
    alike = view.alike(sample.embedding, sample.perceptual_hash)
    return (*alike, "alike") if alike else None
