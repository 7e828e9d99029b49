"""The file behind `bot.chat_store`: how it is opened and which tables it has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import ChatStoreDamagedError, ChatStoreUnavailableError
from inference.gallery.schema import is_blank, schema_version, transaction

APPLICATION_ID = 0x44415243  # "DARC"; the gallery has another

# Migration n brings a file from version n to n + 1. One that was released is never edited: add another.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # scope: its own gallery, that of the old space when it moved. settings: JSON, NULL before any.
        """CREATE TABLE spaces(
            platform TEXT NOT NULL, space TEXT NOT NULL, scope TEXT NOT NULL, settings TEXT,
            introduced INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(platform, space))""",
        # What arrives twice. opening: which opening of this file claimed it; times in seconds since 1970.
        """CREATE TABLE events(
            platform TEXT NOT NULL, space TEXT NOT NULL, channel TEXT NOT NULL, kind TEXT NOT NULL,
            id TEXT NOT NULL, opening TEXT NOT NULL, finished INTEGER NOT NULL, at REAL NOT NULL,
            PRIMARY KEY(platform, space, channel, kind, id)) WITHOUT ROWID""",
        "CREATE INDEX events_by_time ON events(at)",
        # chat, images, faces, data and proposer: JSON
        """CREATE TABLE answers(
            id TEXT PRIMARY KEY, platform TEXT NOT NULL, space TEXT NOT NULL, chat TEXT NOT NULL,
            message TEXT NOT NULL, asker TEXT NOT NULL, images TEXT NOT NULL, faces TEXT NOT NULL,
            at REAL NOT NULL)""",
        "CREATE INDEX answers_by_message ON answers(platform, space, message)",
        "CREATE INDEX answers_by_time ON answers(at)",
        """CREATE TABLE questions(
            token TEXT PRIMARY KEY, platform TEXT NOT NULL, space TEXT NOT NULL, chat TEXT NOT NULL,
            kind TEXT NOT NULL, data TEXT NOT NULL, asked TEXT NOT NULL, expires REAL NOT NULL)""",
        "CREATE INDEX questions_of_space ON questions(platform, space)",
        "CREATE INDEX questions_by_time ON questions(expires)",
        """CREATE TABLE reviews(
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, platform TEXT NOT NULL, space TEXT NOT NULL,
            chat TEXT NOT NULL, image TEXT NOT NULL, frame INTEGER NOT NULL, box TEXT NOT NULL,
            proposer_id TEXT NOT NULL, proposer TEXT NOT NULL, "right" TEXT NOT NULL, wrong TEXT,
            state TEXT NOT NULL, settled_by TEXT NOT NULL, at REAL NOT NULL)""",
        "CREATE INDEX reviews_of_space ON reviews(platform, space, state)",
        """CREATE TABLE tallies(
            platform TEXT NOT NULL, space TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,
            since REAL NOT NULL, PRIMARY KEY(platform, space, name)) WITHOUT ROWID""",
    ),
    (
        # The same by day (UTC, as in 2024-02-29).
        """CREATE TABLE daily_tallies(
            platform TEXT NOT NULL, space TEXT NOT NULL, day TEXT NOT NULL, name TEXT NOT NULL,
            count INTEGER NOT NULL, PRIMARY KEY(platform, space, day, name)) WITHOUT ROWID""",
        "CREATE INDEX daily_tallies_by_day ON daily_tallies(day)",
        # What somebody has said needs no attention.
        """CREATE TABLE dismissals(
            scope TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY(scope, subject)) WITHOUT ROWID""",
    ),
)


def open_chat_file(path: Path) -> sqlite3.Connection:
    """A connection to the file, brought to the newest schema; creates what is missing.

    Commits only explicitly. Raises ChatStoreDamagedError when the file is something else or too new.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
    try:
        if not is_blank(connection):
            _check_ours(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        # Survives the end of the process, which is enough here: a power cut may cost the last moment.
        connection.execute("PRAGMA synchronous = NORMAL")
        # What is forgotten must not be left readable in unused pages.
        connection.execute("PRAGMA secure_delete = ON")
        for number in range(schema_version(connection), len(MIGRATIONS)):
            with transaction(connection):
                for statement in MIGRATIONS[number]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {number + 1}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """SQLite's own failures as ours; a violated constraint or wrong SQL stays what it is, a bug."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise ChatStoreDamagedError(path=str(path), reason=str(error)) from error
        if isinstance(error, sqlite3.OperationalError) and name != "SQLITE_ERROR":
            raise ChatStoreUnavailableError(reason=str(error)) from error
        raise


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise ChatStoreDamagedError(path=str(path), reason="it is a database of something else")
    if schema_version(connection) > len(MIGRATIONS):
        raise ChatStoreDamagedError(path=str(path), reason="it was written by a newer version")
