"""What is remembered of spaces as rows; every function works inside the transaction of its caller."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from bot.chat import ChatRef
from bot.remembered import EventKind, Json, Tally

OF_SPACE = "platform = ? AND space = ?"
"""For `space_key()`."""


# ── spaces ──────────────────────────────────────────────────────────────────────────────────────


def load_spaces(connection: sqlite3.Connection) -> list[tuple[str, str, str, dict[str, Any] | None]]:
    """Of each space: its platform, its id, its gallery, its settings as they were saved."""
    rows = connection.execute("SELECT platform, space, scope, settings FROM spaces")
    return [(*row[:3], json.loads(row[3]) if row[3] else None) for row in rows]


def save_space(
    connection: sqlite3.Connection, chat: ChatRef, scope: str, settings: Mapping[str, object] | None
) -> None:
    connection.execute(
        """INSERT INTO spaces(platform, space, scope, settings) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET scope = excluded.scope, settings = excluded.settings""",
        (*space_key(chat), scope, None if settings is None else as_json(settings)),
    )


def introduce(connection: sqlite3.Connection, chat: ChatRef, scope: str) -> bool:
    """True the first time."""
    cursor = connection.execute(
        """INSERT INTO spaces(platform, space, scope, introduced) VALUES (?, ?, ?, 1)
           ON CONFLICT DO UPDATE SET introduced = 1 WHERE introduced = 0""",
        (*space_key(chat), scope),
    )
    return cursor.rowcount > 0


def move_rows(connection: sqlite3.Connection, old: ChatRef, new: ChatRef) -> None:
    """Everything but settings and what was done; messages are numbered anew, so answers lose theirs."""
    connection.execute(
        f"""UPDATE spaces SET introduced = 1 WHERE {OF_SPACE} AND EXISTS(
            SELECT 1 FROM spaces WHERE {OF_SPACE} AND introduced = 1)""",
        (*space_key(new), *space_key(old)),
    )
    connection.execute(f"UPDATE answers SET message = '' WHERE {OF_SPACE}", space_key(old))
    for table in ("answers", "questions", "reviews"):
        # What was said in the channel of the old space is now in that of the new one.
        connection.execute(
            f"UPDATE {table} SET space = ?, chat = json_patch(chat, ?) WHERE {OF_SPACE}",
            (new.space, as_json({"space": new.space, "channel": new.channel}), *space_key(old)),
        )
    connection.execute(
        f"""INSERT INTO tallies SELECT platform, ?, name, count, since FROM tallies WHERE {OF_SPACE}
            ON CONFLICT DO UPDATE SET count = count + excluded.count, since = min(since, excluded.since)""",
        (new.space, *space_key(old)),
    )
    connection.execute(f"DELETE FROM tallies WHERE {OF_SPACE}", space_key(old))
    connection.execute(
        f"""INSERT INTO daily_tallies SELECT platform, ?, day, name, count FROM daily_tallies WHERE {OF_SPACE}
            ON CONFLICT DO UPDATE SET count = count + excluded.count""",
        (new.space, *space_key(old)),
    )
    connection.execute(f"DELETE FROM daily_tallies WHERE {OF_SPACE}", space_key(old))


# ── what arrives twice ──────────────────────────────────────────────────────────────────────────


def claim(
    connection: sqlite3.Connection,
    chat: ChatRef,
    kind: EventKind,
    event_id: str,
    *,
    opening: str,
    at: datetime,
) -> bool:
    """True when nobody has claimed it in this opening of the file, nor finished it ever."""
    cursor = connection.execute(
        """INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, 0, ?)
           ON CONFLICT DO UPDATE SET opening = excluded.opening, at = excluded.at
           WHERE finished = 0 AND opening <> excluded.opening""",
        (*_event(chat, kind, event_id), opening, at.timestamp()),
    )
    return cursor.rowcount > 0


def finish(connection: sqlite3.Connection, chat: ChatRef, kind: EventKind, event_id: str) -> None:
    connection.execute(
        f"UPDATE events SET finished = 1 WHERE {OF_SPACE} AND channel = ? AND kind = ? AND id = ?",
        _event(chat, kind, event_id),
    )


def release(connection: sqlite3.Connection, chat: ChatRef, kind: EventKind, event_id: str) -> None:
    connection.execute(
        f"DELETE FROM events WHERE {OF_SPACE} AND channel = ? AND kind = ? AND id = ? AND finished = 0",
        _event(chat, kind, event_id),
    )


# ── figures ─────────────────────────────────────────────────────────────────────────────────────


def add_counts(
    connection: sqlite3.Connection, chat: ChatRef, counts: Mapping[str, int], at: datetime
) -> None:
    connection.executemany(
        """INSERT INTO tallies VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET count = count + excluded.count""",
        [(*space_key(chat), name, count, at.timestamp()) for name, count in counts.items()],
    )
    connection.executemany(
        """INSERT INTO daily_tallies VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET count = count + excluded.count""",
        [(*space_key(chat), _day(at), name, count) for name, count in counts.items()],
    )


def read_tally(connection: sqlite3.Connection, chat: ChatRef | None) -> Tally:
    """Of the space, or of all."""
    where, values = (f"WHERE {OF_SPACE}", space_key(chat)) if chat else ("", ())
    rows = connection.execute(
        f"SELECT name, sum(count), min(since) FROM tallies {where} GROUP BY name ORDER BY name", values
    ).fetchall()
    since = min((row[2] for row in rows), default=None)
    return Tally(None if since is None else as_time(since), {row[0]: row[1] for row in rows})


def read_daily(connection: sqlite3.Connection, chat: ChatRef | None) -> dict[date, dict[str, int]]:
    """Of the space, or of all; oldest first."""
    where, values = (f"WHERE {OF_SPACE}", space_key(chat)) if chat else ("", ())
    days: dict[date, dict[str, int]] = {}
    for day, name, count in connection.execute(
        f"SELECT day, name, sum(count) FROM daily_tallies {where} GROUP BY day, name ORDER BY day, name",
        values,
    ):
        days.setdefault(date.fromisoformat(day), {})[name] = count
    return days


# ── what needs no attention ─────────────────────────────────────────────────────────────────────


def dismiss(connection: sqlite3.Connection, scope: str, subject: str) -> None:
    connection.execute("INSERT OR IGNORE INTO dismissals VALUES (?, ?)", (scope, subject))


def restore(connection: sqlite3.Connection, scope: str, subject: str) -> None:
    connection.execute("DELETE FROM dismissals WHERE scope = ? AND subject = ?", (scope, subject))


def read_dismissed(connection: sqlite3.Connection, scope: str) -> frozenset[str]:
    rows = connection.execute("SELECT subject FROM dismissals WHERE scope = ?", (scope,))
    return frozenset(row[0] for row in rows)


# ── what is old ─────────────────────────────────────────────────────────────────────────────────


def prune(
    connection: sqlite3.Connection,
    *,
    now: datetime,
    answers_before: datetime,
    events_before: datetime,
    days_before: datetime,
) -> None:
    """Wipe what nobody can ask for any more; reviews that are decided go with the answers of their time."""
    for statement, before in (
        ("DELETE FROM answers WHERE at <= ?", answers_before),
        ("DELETE FROM reviews WHERE state <> 'open' AND at <= ?", answers_before),
        ("DELETE FROM questions WHERE expires <= ?", now),
        ("DELETE FROM events WHERE at <= ?", events_before),
    ):
        connection.execute(statement, (before.timestamp(),))
    connection.execute("DELETE FROM daily_tallies WHERE day < ?", (_day(days_before),))


# ── values ──────────────────────────────────────────────────────────────────────────────────────


def space_key(chat: ChatRef) -> tuple[str, str]:
    return chat.platform, chat.space


def as_json(value: Json | Mapping[str, object] | Sequence[object]) -> str:
    return json.dumps(value)


def as_time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def _event(chat: ChatRef, kind: EventKind, event_id: str) -> tuple[str, str, str, str, str]:
    return chat.platform, chat.space, chat.channel, kind, event_id
