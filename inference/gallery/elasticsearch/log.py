"""The audit log as one attempt at changes sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from inference.domain import CharacterId, SampleId, Scope
from inference.gallery.base import AuditEntry
from inference.gallery.delta import Delta
from inference.gallery.elasticsearch.documents import EntryDocument, microseconds

if TYPE_CHECKING:
    from inference.gallery.elasticsearch.unit import Unit


class UnitLog:
    """The `ChangeLog` of one attempt; changes can be taken back for the period."""

    def __init__(self, unit: Unit, period: timedelta) -> None:
        self._unit = unit
        self._period = period
        self._known: dict[int, EntryDocument | None] = {}
        self._due: tuple[EntryDocument, ...] | None = None

    def add(self, scope: Scope, actor: str, action: str, delta: Delta | None = None, **detail: object) -> int:
        changed = self._unit.changed
        entry = EntryDocument(changed.next_entry, self._unit.clock(), scope, actor, action, detail, delta)
        changed.next_entry += 1
        changed.entries[entry.id] = entry
        return entry.id

    def entry(self, scope: Scope, entry_id: int) -> AuditEntry | None:
        found = self._entry(entry_id)
        if found is None or found.scope != scope:
            return None
        return as_audit_entry(found, self._period, self._unit.clock())

    def last_change(self, scope: Scope) -> AuditEntry | None:
        entries = self._unit.changed.entries
        found = self._unit.wait(self._unit.queries.last_change(scope, without=entries))
        here = [
            one
            for one in entries.values()
            if one.scope == scope and one.action != "undo" and one.undone_by is None
        ]
        newest = max([*here, *([found] if found else [])], key=lambda one: one.id, default=None)
        return newest and as_audit_entry(newest, self._period, self._unit.clock())

    def delta(self, entry_id: int) -> Delta | None:
        found = self._entry(entry_id)
        return found.delta if found else None

    def mark_undone(self, entry_id: int, by: int) -> None:
        found = self._entry(entry_id)
        if found:
            self._unit.changed.entries[entry_id] = replace(found, undone_by=by)
        self.finish(entry_id)

    def finish(self, *entry_ids: int) -> None:
        for entry_id in entry_ids:
            self._finish(entry_id)

    def finish_changes_of(self, scope: Scope, character: CharacterId) -> None:
        entries = self._unit.changed.entries
        there = self._unit.wait(self._unit.queries.changes_of(scope, character))
        here = [
            one
            for one in entries.values()
            if one.scope == scope and one.delta and character in one.delta.characters
        ]
        self._remember(there)
        for one in [*(one for one in there if one.id not in entries), *here]:
            self._finish(one.id)

    def strike_faces(self, scope: Scope, faces: Sequence[SampleId]) -> frozenset[CharacterId]:
        there = self._unit.wait(self._unit.queries.undoable_changes(scope))
        self._remember(there)
        gone = frozenset(faces)
        ends: set[CharacterId | None] = set()
        for one in there:
            found = self._entry(one.id)
            if found is None or found.delta is None:
                continue
            after = found.delta.without(gone)
            ends.update(end for move in after.moves for end in (move.source, move.target))
            if after.moves == found.delta.moves:
                continue
            if after.moves or after.namings:
                self._unit.changed.entries[one.id] = replace(found, delta=after)
            else:
                self._finish(one.id)
        return frozenset(end for end in ends if end is not None)

    def unsign(self, scope: Scope, signatures: Sequence[str]) -> None:
        there = self._unit.wait(self._unit.queries.signed_entries(scope, signatures))
        self._remember(there)
        for one in there:
            found = self._entry(one.id)
            if found is not None:
                self._unit.changed.entries[one.id] = replace(found, actor="")

    def expire(self) -> bool:
        """Finish what is too old to be taken back; True when faces went for good by that."""
        last = self._unit.clock() - self._period
        if self._due is None:
            self._due = tuple(self._unit.wait(self._unit.queries.changes_until(microseconds(last))))
            self._remember(self._due)
        entries = self._unit.changed.entries
        candidates = [*(entries.get(one.id, one) for one in self._due), *entries.values()]
        erased = False
        for one in {one.id: one for one in candidates}.values():
            if one.delta and one.at <= last:
                erased |= self._finish(one.id)
        return erased

    def _finish(self, entry_id: int) -> bool:
        found = self._entry(entry_id)
        if found is None or found.delta is None:
            return False
        removed = [face for move in found.delta.moves if move.target is None for face in move.faces]
        self._unit.changed.entries[entry_id] = replace(found, delta=None)
        return self._unit.erase_removed_faces(removed, entry_id)

    def _entry(self, entry_id: int) -> EntryDocument | None:
        entries = self._unit.changed.entries
        if entry_id in entries:
            return entries[entry_id]
        if entry_id not in self._known:
            self._known[entry_id] = self._unit.wait(self._unit.queries.entry(entry_id))
        return self._known[entry_id]

    def _remember(self, entries: Iterable[EntryDocument]) -> None:
        for one in entries:
            self._known.setdefault(one.id, one)


def as_audit_entry(entry: EntryDocument, period: timedelta, now: datetime) -> AuditEntry:
    """As it is said to users; `period` is how long changes can be taken back."""
    undo_until = entry.at + period if entry.delta else None
    if undo_until and undo_until <= now:
        undo_until = None
    return AuditEntry(
        entry.id,
        entry.at,
        entry.scope,
        entry.actor,
        entry.action,
        dict(entry.detail),
        undo_until,
        entry.undone_by,
    )
