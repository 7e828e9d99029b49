"""The audit log: one line a change, and for a while what is needed to take it back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from inference.domain import CharacterId, SampleId, Scope
from inference.gallery.base import AuditEntry
from inference.gallery.delta import Delta

Clock = Callable[[], datetime]
"""The time, in UTC."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class AuditLog:
    """The log in one file; `undo_days` is how long its changes can be taken back."""

    def __init__(self, connection: sqlite3.Connection, *, undo_days: int, clock: Clock) -> None:
        self._connection = connection
        self._period = timedelta(days=undo_days)
        self._clock = clock

    def add(self, scope: Scope, actor: str, action: str, delta: Delta | None = None, **detail: object) -> int:
        """Returns the id of the entry, which can be taken back when a delta is given."""
        at = self._clock().isoformat()
        cursor = self._connection.execute(
            "INSERT INTO audit(at, scope, actor, action, detail) VALUES (?, ?, ?, ?, ?)",
            (at, scope, actor, action, json.dumps(detail, ensure_ascii=False)),
        )
        entry_id = cursor.lastrowid or 0
        if delta is not None:
            self._connection.execute("INSERT INTO undo VALUES (?, ?, ?)", (entry_id, at, delta.to_json()))
        return entry_id

    def entries(self, scope: Scope | None, limit: int) -> tuple[AuditEntry, ...]:
        """Newest first."""
        return self._select("?1 IS NULL OR a.scope = ?1", scope, limit=limit)

    def entry(self, scope: Scope, entry_id: int) -> AuditEntry | None:
        found = self._select("a.scope = ?1 AND a.id = ?2", scope, entry_id, limit=1)
        return found[0] if found else None

    def last_change(self, scope: Scope) -> AuditEntry | None:
        """The newest that is in effect: no undo, and not undone."""
        found = self._select("a.scope = ?1 AND a.action <> 'undo' AND a.undone_by IS NULL", scope, limit=1)
        return found[0] if found else None

    def delta(self, entry_id: int) -> Delta | None:
        """What the entry did, while it can be taken back."""
        row = self._connection.execute("SELECT delta FROM undo WHERE entry = ?", (entry_id,)).fetchone()
        return Delta.from_json(row[0]) if row else None

    def mark_undone(self, entry_id: int, by: int) -> None:
        self._connection.execute("UPDATE audit SET undone_by = ? WHERE id = ?", (by, entry_id))
        self.finish(entry_id)

    def finish(self, *entry_ids: int) -> None:
        """From now on they cannot be taken back; what they removed, and is removed still, goes for good."""
        self._connection.executemany("DELETE FROM undo WHERE entry = ?", [(one,) for one in entry_ids])

    def finish_changes_of(self, scope: Scope, character: CharacterId) -> None:
        """Like `finish()`, for all that the scope ever did with that character."""
        rows = self._connection.execute(
            "SELECT u.entry, u.delta FROM undo u JOIN audit a ON a.id = u.entry WHERE a.scope = ?", (scope,)
        )
        self.finish(*[entry for entry, delta in rows if character in Delta.from_json(delta).characters])

    def strike_faces(self, scope: Scope, faces: Sequence[SampleId]) -> frozenset[CharacterId]:
        """Take these faces out of all that can be taken back; a change that nothing is left of is finished.

        Returns everybody from or to whom a face would still go if something was taken back.
        """
        rows = self._connection.execute(
            "SELECT u.entry, u.delta FROM undo u JOIN audit a ON a.id = u.entry WHERE a.scope = ?", (scope,)
        ).fetchall()
        gone = frozenset(faces)
        ends: set[CharacterId | None] = set()
        for entry_id, text in rows:
            before = Delta.from_json(text)
            after = before.without(gone)
            ends.update(end for move in after.moves for end in (move.source, move.target))
            if after.moves == before.moves:
                continue
            if after.moves or after.namings:
                self._connection.execute(
                    "UPDATE undo SET delta = ? WHERE entry = ?", (after.to_json(), entry_id)
                )
            else:
                self.finish(entry_id)
        return frozenset(end for end in ends if end is not None)

    def unsign(self, scope: Scope, signatures: Sequence[str]) -> None:
        """The lines with one of these signatures have none from now on."""
        self._connection.execute(
            "UPDATE audit SET actor = '' WHERE scope = ? AND actor IN (SELECT value FROM json_each(?))",
            (scope, json.dumps(signatures)),
        )

    def expire(self) -> bool:
        """Finish what is too old to be taken back; True when faces went for good by that."""
        last = (self._clock() - self._period).isoformat()
        (erased,) = self._connection.execute(
            """SELECT EXISTS(SELECT 1 FROM undo u JOIN faces f ON f.removed_by = u.entry WHERE u.at <= ?)""",
            (last,),
        ).fetchone()
        self._connection.execute("DELETE FROM undo WHERE at <= ?", (last,))
        return bool(erased)

    def _select(self, which: str, *values: object, limit: int) -> tuple[AuditEntry, ...]:
        rows = self._connection.execute(
            f"""SELECT a.id, a.at, a.scope, a.actor, a.action, a.detail, u.at, a.undone_by
                FROM audit a LEFT JOIN undo u ON u.entry = a.id
                WHERE {which} ORDER BY a.id DESC LIMIT {limit:d}""",
            values,
        )
        return tuple(self._entry(row) for row in rows)

    def _entry(self, row: Any) -> AuditEntry:
        entry_id, at, scope, actor, action, detail, undo_from, undone_by = row
        undo_until = datetime.fromisoformat(undo_from) + self._period if undo_from else None
        if undo_until and undo_until <= self._clock():
            undo_until = None
        return AuditEntry(
            entry_id,
            datetime.fromisoformat(at),
            Scope(scope),
            actor,
            action,
            json.loads(detail),
            undo_until,
            undone_by,
        )
