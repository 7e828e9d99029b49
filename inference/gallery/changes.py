"""What each change does to the rows and the audit log; the caller wraps one call in one transaction.

A method returns what the gallery's caller gets; `touched` collects whom the projection must reload.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inference.domain import Character, CharacterId, EmbeddingContract, SampleId, Scope
from inference.errors import (
    CannotUndoError,
    CharacterExistsError,
    MergeSelfError,
    SampleExistsError,
    SampleNotFoundError,
)
from inference.gallery.base import AuditEntry, Changed, Contributions, Enrolled, NewSample
from inference.gallery.delta import Delta, FaceMove, Naming, renaming
from inference.gallery.fingerprint import is_same_picture
from inference.gallery.names import clean_name, clean_series, distinct_names
from inference.gallery.records import Alikes, Records
from inference.gallery.store import check_embedding, new_id
from inference.gallery.undo import what_to_undo


class Changes:
    """The changes of one scope, made under one contract."""

    def __init__(self, store: Records, scope: Scope, contract: EmbeddingContract, actor: str) -> None:
        self.touched: set[CharacterId] = set()
        self.erased = False
        """True when something was removed for good."""
        self._store = store
        self._scope = scope
        self._contract = contract
        self._actor = actor

    def enroll(
        self,
        name: str,
        samples: Sequence[NewSample],
        series: str,
        aliases: Sequence[str],
        view: Alikes | None,
    ) -> Enrolled:
        """Without a view of the scope, pictures that are only alike are not compared."""
        name, series, aliases = clean_name(name), clean_series(series), [clean_name(a) for a in aliases]
        if not samples:
            raise ValueError("an enrollment needs at least one sample")
        for sample in samples:
            check_embedding(sample.embedding, self._contract)
        self._refuse_duplicates(name, samples, view)
        known = self._store.find_name(self._scope, name)
        character_id, before, after = self._named(known, name, series, aliases)
        ids = tuple(SampleId(new_id()) for _ in samples)
        delta = Delta(
            renaming(character_id, before, after),
            self._overruled(known, [sample.content_hash for sample in samples]),
        )
        entry_id = self._record(
            "enroll",
            replace(delta, moves=(*delta.moves, FaceMove(ids, None, character_id))),
            character=character_id,
            name=after.names[0],
            samples=ids,
            created=known is None,
        )
        self._apply(delta, entry_id)
        seq = self._seq(character_id)
        added = tuple(
            self._store.add_face(seq, sample, self._contract, sample_id=sample_id)
            for sample, sample_id in zip(samples, ids, strict=True)
        )
        return Enrolled(self._store.character(seq), added, created=known is None, entry_id=entry_id)

    def rename(self, name: str, new_name: str, series: str | None) -> Changed:
        new_name = clean_name(new_name)
        before = self._character(name)
        after = Naming(
            distinct_names([new_name, *before.aliases, before.name]),
            before.series if series is None else clean_series(series),
        )
        return self._rename_as(
            "rename", before, after, before=[before.name, before.series], series=after.series
        )

    def set_aliases(self, name: str, aliases: Sequence[str]) -> Changed:
        aliases = [clean_name(alias) for alias in aliases]
        before = self._character(name)
        after = Naming(distinct_names([before.name, *aliases]), before.series)
        return self._rename_as("alias", before, after, before=before.aliases, after=after.names[1:])

    def merge(self, source: str, target: str) -> Changed:
        gone, kept = self._character(source), self._character(target)
        if gone.id == kept.id:
            raise MergeSelfError(source=source, target=target)
        after = Naming(
            distinct_names([kept.name, *kept.aliases, gone.name, *gone.aliases]), kept.series or gone.series
        )
        faces = self._store.face_ids(self._seq(gone.id))
        delta = Delta(
            {gone.id: (Naming.of(gone), None), kept.id: (Naming.of(kept), after)},
            (FaceMove(faces, gone.id, kept.id),),
        )
        entry_id = self._record(
            "merge",
            delta,
            character=kept.id,
            name=kept.name,
            gone=gone.id,
            gone_name=gone.name,
            gone_samples=gone.sample_count,
        )
        self._apply(delta, entry_id)
        return Changed(self._character(kept.id), entry_id)

    def move_samples(self, source: str, sample_ids: Sequence[SampleId], target: str, series: str) -> Changed:
        if not sample_ids:
            raise ValueError("there are no samples to move")
        source_seq = self._seq(source)
        owner = self._store.character(source_seq)
        ids = tuple(dict.fromkeys(sample_ids))
        for sample_id in ids:
            if self._store.sample_owner(self._scope, sample_id) != source_seq:
                raise SampleNotFoundError(sample_id=sample_id)
        known = self._store.find([self._scope], target)
        character_id, before, after = self._named(
            known, target if known is not None else clean_name(target), clean_series(series), ()
        )
        if character_id == owner.id:
            raise MergeSelfError(source=source, target=target)
        overruled = self._overruled(known, self._store.content_hashes(ids))
        delta = Delta(
            renaming(character_id, before, after), (*overruled, FaceMove(ids, owner.id, character_id))
        )
        entry_id = self._record(
            "move",
            delta,
            character=owner.id,
            name=owner.name,
            target=character_id,
            target_name=after.names[0],
            samples=ids,
            created=known is None,
        )
        self._apply(delta, entry_id)
        return Changed(self._character(character_id), entry_id)

    def forget(self, name: str, *, for_good: bool) -> Changed:
        gone = self._character(name)
        faces = self._store.face_ids(self._seq(gone.id))
        delta = Delta({gone.id: (Naming.of(gone), None)}, (FaceMove(faces, gone.id, None),))
        entry_id = self._record(
            "forget_character",
            delta,
            character=gone.id,
            name=gone.name,
            samples=gone.sample_count,
            for_good=for_good,
        )
        self._apply(delta, entry_id)
        if for_good:
            self._store.log.finish_changes_of(self._scope, gone.id)
            self.erased = True
        return Changed(gone, entry_id)

    def forget_sample(self, sample_id: SampleId, *, for_good: bool) -> Changed:
        seq = self._store.sample_owner(self._scope, sample_id)
        before = self._store.character(seq)
        delta = Delta({}, (FaceMove((sample_id,), before.id, None),))
        entry_id = self._record(
            "forget_sample",
            delta,
            character=before.id,
            name=before.name,
            sample=sample_id,
            for_good=for_good,
        )
        self._apply(delta, entry_id)
        if for_good:
            self._store.log.finish(entry_id)
            self.erased = True
        return Changed(self._store.character(seq), entry_id)

    def forget_contributions(self, contributor: str) -> Contributions | None:
        """Whoever is left without a face goes, unless one may come back to her from what can be undone."""
        found = self._store.contributions(contributor, self._scope)
        if not found:
            return None
        [contributions] = found
        faces = self._store.signed_faces(self._scope, contributions.signatures)
        owners = {owner for owner in self._store.owners(faces).values() if owner is not None}
        self._store.erase_faces(faces)
        needed = self._store.log.strike_faces(self._scope, faces)
        empty = [one for one in sorted(owners - needed) if not self._store.face_ids(self._seq(one))]
        for character_id in empty:
            self._store.remove_character(self._seq(character_id))
        self._store.log.unsign(self._scope, contributions.signatures)
        self._store.log.add(
            self._scope,
            self._actor,
            "forget_contributions",
            samples=contributions.samples,
            negatives=contributions.negatives,
            removed=contributions.removed,
            changes=contributions.changes,
            characters=len(empty),
            for_good=True,
        )
        self.touched |= owners
        self.erased = True
        return contributions

    def add_negative(self, name: str, sample: NewSample) -> Changed:
        character = self._character(name)
        seq = self._seq(character.id)
        if self._store.find_content(self._scope, sample.content_hash, negative_of=seq):
            return Changed(character, None)
        check_embedding(sample.embedding, self._contract)
        negative = SampleId(new_id())
        entry_id = self._record(
            "negative",
            Delta({}, (FaceMove((negative,), None, character.id),)),
            character=character.id,
            name=character.name,
            sample=negative,
        )
        self._store.add_face(seq, sample, self._contract, negative=True, sample_id=negative)
        return Changed(character, entry_id)

    def undo(self, entry_id: int | None) -> AuditEntry:
        undone, delta = what_to_undo(self._store, self._scope, entry_id)
        name = str(undone.detail["name"])
        undoing = self._record(
            "redo" if undone.action == "undo" else "undo",
            delta,
            character=undone.detail["character"],
            name=name,
            entry=undone.id,
            change=undone.detail.get("change", undone.action),
        )
        try:
            self._apply(delta, undoing)
        except CharacterExistsError as error:
            raise CannotUndoError(reason="name_taken", name=str(error.data["name"])) from error
        self._store.log.mark_undone(undone.id, by=undoing)
        entry = self._store.log.entry(self._scope, undoing)
        assert entry is not None, "it was written a moment ago"  # noqa: S101
        return entry

    # ── how ─────────────────────────────────────────────────────────────────────────────────────

    def _named(
        self, known: int | None, name: str, series: str, aliases: Sequence[str]
    ) -> tuple[CharacterId, Naming | None, Naming]:
        """The character that is known, or a new one: her id, her naming before and with these additions."""
        if known is None:
            return CharacterId(new_id()), None, Naming(distinct_names([name, *aliases]), series)
        character = self._store.character(known)
        before = Naming.of(character)
        return (
            character.id,
            before,
            Naming(distinct_names([*before.names, *aliases]), before.series or series),
        )

    def _overruled(self, known: int | None, content_hashes: Sequence[str]) -> tuple[FaceMove, ...]:
        """What was said against the character about faces that are now hers."""
        negatives = () if known is None else self._store.negatives_among(known, content_hashes)
        return (FaceMove(negatives, self._store.character(known).id, None),) if known and negatives else ()

    def _rename_as(self, action: str, character: Character, naming: Naming, **detail: object) -> Changed:
        delta = Delta(renaming(character.id, Naming.of(character), naming))
        entry_id = self._record(action, delta, character=character.id, name=naming.names[0], **detail)
        self._apply(delta, entry_id)
        return Changed(self._character(character.id), entry_id)

    def _record(self, action: str, delta: Delta, **detail: object) -> int:
        """The line in the audit log, written first: what the change removes refers to it."""
        self.touched |= delta.characters
        return self._store.log.add(self._scope, self._actor, action, delta, **detail)

    def _apply(self, delta: Delta, entry_id: int) -> None:
        """Raises CharacterExistsError."""
        for character_id, (before, _) in delta.namings.items():
            if before is not None:  # all let go first: one may get what another had
                self._store.release_names(self._seq(character_id))
        for character_id, (before, after) in delta.namings.items():
            if before is None and after is not None:
                self._store.add_character(self._scope, after.names[0], character_id)
        for move in delta.moves:
            if move.target is None:
                self._store.remove_faces(move.faces, entry_id)
            else:
                self._store.give_faces(move.faces, self._seq(move.target))
        for character_id, (_, after) in delta.namings.items():
            if after is None:
                self._store.remove_character(self._seq(character_id))
            else:
                self._store.set_names(self._seq(character_id), after.names)
                self._store.set_series(self._seq(character_id), after.series)

    def _character(self, name_or_id: str) -> Character:
        """Raises CharacterNotFoundError."""
        return self._store.character(self._seq(name_or_id))

    def _seq(self, name_or_id: str) -> int:
        """Her key in the tables. Raises CharacterNotFoundError."""
        return self._store.require([self._scope], name_or_id)

    def _refuse_duplicates(self, name: str, samples: Sequence[NewSample], view: Alikes | None) -> None:
        for place, sample in enumerate(samples):
            duplicate = find_duplicate(self._store, self._scope, sample, view)
            if duplicate:
                character, sample_id, how = duplicate
                raise SampleExistsError(character=character.name, sample_id=sample_id, how=how)
            for earlier in samples[:place]:
                similarity = float(np.dot(earlier.embedding, sample.embedding))
                identical = earlier.content_hash == sample.content_hash
                alike = view is not None and is_same_picture(
                    earlier.perceptual_hash, sample.perceptual_hash, similarity
                )
                if identical or alike:
                    raise SampleExistsError(
                        character=name, sample_id="", how="identical" if identical else "alike"
                    )


def find_duplicate(
    store: Records, scope: Scope, sample: NewSample, view: Alikes | None
) -> tuple[Character, SampleId, str] | None:
    """The sample of the scope that shows the same picture, and how ("identical" or, with a view, "alike")."""
    same_pixels = store.find_content(scope, sample.content_hash)
    if same_pixels:
        return store.character(same_pixels[0]), same_pixels[1], "identical"
    alike = view and view.alike(sample.embedding, sample.perceptual_hash)
    return (*alike, "alike") if alike else None
