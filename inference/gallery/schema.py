"""The gallery's file: how it is opened, which tables it has, and how older files become new ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from inference.errors import GalleryDamagedError, GalleryUnavailableError

APPLICATION_ID = 0x44415245  # "DARE"; tells our files from any other SQLite file

# Migration n brings a file from version n to n + 1. One that was released is never edited: add another.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE contracts(
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, model TEXT NOT NULL, digest TEXT NOT NULL,
            dimension INTEGER NOT NULL, preprocessing TEXT NOT NULL, active INTEGER NOT NULL)""",
        "CREATE UNIQUE INDEX one_active_contract ON contracts(active) WHERE active = 1",
        """CREATE TABLE characters(
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, scope TEXT NOT NULL,
            series TEXT NOT NULL, series_key TEXT NOT NULL)""",
        "CREATE INDEX characters_of_scope ON characters(scope)",
        # Position 0 is the name, the others are its aliases in order.
        """CREATE TABLE names(
            seq INTEGER PRIMARY KEY, scope TEXT NOT NULL, key TEXT NOT NULL, spelling TEXT NOT NULL,
            position INTEGER NOT NULL, character INTEGER NOT NULL REFERENCES characters ON DELETE CASCADE,
            UNIQUE(scope, key), UNIQUE(character, position))""",
        # A face is a sample of its character, or (negative) one that somebody said is not that character.
        """CREATE TABLE faces(
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
            character INTEGER NOT NULL REFERENCES characters ON DELETE CASCADE, negative INTEGER NOT NULL,
            content_hash TEXT NOT NULL, perceptual_hash INTEGER NOT NULL,
            added_by TEXT NOT NULL, added_at TEXT NOT NULL, source TEXT NOT NULL)""",
        "CREATE INDEX faces_of_character ON faces(character, negative)",
        "CREATE INDEX faces_by_content ON faces(content_hash)",
        """CREATE TABLE crops(
            face INTEGER PRIMARY KEY REFERENCES faces ON DELETE CASCADE, data BLOB NOT NULL,
            x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL)""",
        # vector: little-endian float32
        """CREATE TABLE embeddings(
            seq INTEGER PRIMARY KEY, face INTEGER NOT NULL REFERENCES faces ON DELETE CASCADE,
            contract INTEGER NOT NULL REFERENCES contracts, vector BLOB NOT NULL, UNIQUE(face, contract))""",
        """CREATE TABLE audit(
            id INTEGER PRIMARY KEY, at TEXT NOT NULL, scope TEXT NOT NULL, actor TEXT NOT NULL,
            action TEXT NOT NULL, detail TEXT NOT NULL)""",
        "CREATE INDEX audit_of_scope ON audit(scope, id)",
    ),
    (
        # What a line of the audit log did, while that can be taken back.
        """CREATE TABLE undo(
            entry INTEGER PRIMARY KEY REFERENCES audit ON DELETE CASCADE,
            at TEXT NOT NULL, delta TEXT NOT NULL)""",
        "CREATE INDEX undo_by_time ON undo(at)",
        "ALTER TABLE audit ADD COLUMN undone_by INTEGER REFERENCES audit",
        # A removed face belongs to nobody, so nothing that starts from characters sees it. It goes for good,
        # with its crop and embeddings, when the change that removed it can be taken back no longer.
        """CREATE TABLE new_faces(
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
            character INTEGER REFERENCES characters ON DELETE CASCADE, negative INTEGER NOT NULL,
            content_hash TEXT NOT NULL, perceptual_hash INTEGER NOT NULL,
            added_by TEXT NOT NULL, added_at TEXT NOT NULL, source TEXT NOT NULL,
            removed_by INTEGER REFERENCES undo ON DELETE CASCADE,
            CHECK((character IS NULL) = (removed_by IS NOT NULL)))""",
        "INSERT INTO new_faces SELECT *, NULL FROM faces",
        "DROP TABLE faces",
        "ALTER TABLE new_faces RENAME TO faces",
        "CREATE INDEX faces_of_character ON faces(character, negative)",
        "CREATE INDEX faces_by_content ON faces(content_hash)",
        "CREATE INDEX faces_by_removal ON faces(removed_by)",
    ),
)


def open_writer(path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> sqlite3.Connection:
    """A connection to the file, brought to the newest schema (each step whole or not at all).

    Creates what is missing. Commits only explicitly. The connection may move between threads, but only one
    uses it at a time. Raises GalleryDamagedError when the file is not a gallery or from a newer version.
    """
    connection = _connect(f"{path.absolute().as_uri()}?mode=rwc")
    try:
        if not is_blank(connection):
            _check_ours(connection, path, known=len(migrations))
        # 2 KiB vectors waste half of the default 4 KiB pages. Has an effect only on a new file.
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        # An acknowledged commit must survive a power cut, not only the death of the process: with WAL
        # that takes one fsync a commit, a few ms that nobody enrolling by hand notices.
        connection.execute("PRAGMA synchronous = FULL")
        # What is forgotten for good must not be left readable in unused pages.
        connection.execute("PRAGMA secure_delete = ON")
        _migrate(connection, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that sees what is committed, also beside a writer. Raises GalleryDamagedError."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=ro")
    try:
        _check_ours(connection, path)
        if schema_version(connection) != len(MIGRATIONS):
            raise GalleryDamagedError(
                path=str(path),
                reason="it was written by an older version",
                fix="Run `python bot.py gallery verify --repair` once, which brings it up to date.",
            )
    except BaseException:
        connection.close()
        raise
    return connection


def open_in_memory() -> sqlite3.Connection:
    """A gallery without a file, gone when it is closed."""
    connection = _connect("file::memory:")
    _migrate(connection, MIGRATIONS)
    return connection


def is_gallery_missing(path: Path) -> bool:
    """True when there is no file, or one whose creation was cut short before it had any table."""
    if not path.exists():
        return True
    with closing(_connect(f"{path.absolute().as_uri()}?mode=ro")) as connection:
        return is_blank(connection)


def is_blank(connection: sqlite3.Connection) -> bool:
    """True for a file without any table: nobody has made a gallery of it yet."""
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def schema_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def data_version(connection: sqlite3.Connection) -> int:
    """Another number whenever another connection has committed a change."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def empty_log(connection: sqlite3.Connection) -> None:
    """Move what was committed into the file itself, so that its log holds no traces of what is gone.

    Does nothing while somebody else still reads from the log.
    """
    (timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute(f"PRAGMA busy_timeout = {timeout}")


def size_bytes(connection: sqlite3.Connection) -> int:
    """Of the database, without its log."""
    return int(
        connection.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()[0]
    )


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]]) -> None:
    # A table that is made anew would take along whatever refers to the old one.
    connection.execute("PRAGMA foreign_keys = OFF")
    for number in range(schema_version(connection), len(migrations)):
        with transaction(connection):
            for statement in migrations[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number + 1}")
    connection.execute("PRAGMA foreign_keys = ON")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that happens inside is committed together, or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk, for one, has rolled back by itself
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is read inside is from one moment, whatever other processes commit meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """SQLite's own failures as ours; a violated constraint or wrong SQL stays what it is, a bug."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise GalleryDamagedError(
                path=str(path),
                reason=str(error),
                fix="Move it away and import an export or restore a backup.",
            ) from error
        if isinstance(error, sqlite3.OperationalError) and name != "SQLITE_ERROR":
            raise GalleryUnavailableError(reason=f"{path}: {error}") from error
        raise


def _check_ours(connection: sqlite3.Connection, path: Path, known: int = len(MIGRATIONS)) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise GalleryDamagedError(
            path=str(path),
            reason="it is a database, but not a gallery",
            fix="Choose another file with --set gallery.file=NAME.",
        )
    version = schema_version(connection)
    if version > known:
        raise GalleryDamagedError(
            path=str(path),
            reason=f"it has version {version}, this program knows up to {known}",
            fix="Update Dareda; the file itself may be fine.",
        )
