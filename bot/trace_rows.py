"""What is remembered of one user as rows; every function works inside the transaction of its caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType

from bot.chat import Platform
from bot.chat_rows import OF_SPACE
from bot.remembered import Traces

_OWNERS: Mapping[str, str] = MappingProxyType(
    {"answers": "asker", "questions": "asked", "reviews": "proposer_id"}
)
"""Of each table, the column that says whose the row is."""


def count_traces(connection: sqlite3.Connection, platform: Platform, user: str, space: str | None) -> Traces:
    """In that space, or in all."""
    counts = {
        table: connection.execute(f"SELECT count(*) FROM {table} WHERE {_of(owner)}", (platform, user, space))
        for table, owner in _OWNERS.items()
    }
    return Traces(**{table: int(cursor.fetchone()[0]) for table, cursor in counts.items()})


def delete_traces(connection: sqlite3.Connection, platform: Platform, user: str, space: str | None) -> Traces:
    """What there was. In all spaces, also what their private chat was set to and its figures."""
    found = count_traces(connection, platform, user, space)
    for table, owner in _OWNERS.items():
        connection.execute(f"DELETE FROM {table} WHERE {_of(owner)}", (platform, user, space))
    connection.execute(
        f"UPDATE reviews SET settled_by = '' WHERE {_of('settled_by')}", (platform, user, space)
    )
    if space is None:
        for table in ("spaces", "tallies"):  # the id of a private chat is its user's
            connection.execute(f"DELETE FROM {table} WHERE {OF_SPACE}", (platform, user))
    return found


def _of(owner: str) -> str:
    """For a platform, a user, and a space or None."""
    return f"platform = ?1 AND {owner} = ?2 AND (?3 IS NULL OR space = ?3)"
