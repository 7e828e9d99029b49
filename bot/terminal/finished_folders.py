"""Which folders of pictures were enrolled already, so that the same command again goes on where it ended.

A folder is finished while its pictures are the same files (path, size, time of change), the rules they were
judged by are the same, and the gallery still has all that it had of the character then. Nothing but time is
lost with this memory: a folder looked at again adds nothing that is enrolled.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.terminal.pictures import folders_in, picture_files
from inference.domain import SampleId, Scope
from inference.errors import FileUnreadableError


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture as it was when its folder was listed."""

    path: Path
    size: int
    """Bytes; −1 when that could not be told."""
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class CharacterFolder:
    """The pictures of one character, whose name is the folder's."""

    path: Path
    pictures: tuple[PictureFile, ...]

    @property
    def name(self) -> str:
        return self.path.name

    def stamps(self) -> list[list[object]]:
        """What tells these pictures from changed ones, as JSON holds it."""
        return [
            [picture.path.relative_to(self.path).as_posix(), picture.size, picture.mtime_ns]
            for picture in self.pictures
        ]


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a finished folder."""

    outcomes: tuple[str, ...]
    """Of each of its pictures, in their order."""
    samples: frozenset[SampleId]
    """All that the gallery had of the character afterwards."""


def list_character_folders(folder: Path) -> list[CharacterFolder]:
    """The folders in it that have pictures, by name. Raises FileUnreadableError."""
    found = (
        CharacterFolder(one, tuple(map(_picture_file, picture_files([one]))))
        for one in folders_in(folder.resolve())
    )
    return [one for one in found if one.pictures]


class FinishedFolders:
    """A small SQLite file beside the gallery, which has one writer, so this has one, too."""

    def __init__(self, path: Path, rules: str) -> None:
        """`rules` names all that decides about a picture besides its file. Raises FileUnreadableError."""
        self._path = path
        self._rules = rules
        with self._readable():
            self._connection = sqlite3.connect(path, isolation_level=None)
            # A power cut may cost the last entries, and so a second look at those folders.
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(
                """CREATE TABLE IF NOT EXISTS finished(
                    scope TEXT NOT NULL, folder TEXT NOT NULL, rules TEXT NOT NULL, stamps TEXT NOT NULL,
                    outcomes TEXT NOT NULL, samples TEXT NOT NULL, PRIMARY KEY(scope, folder))"""
            )

    def close(self) -> None:
        self._connection.close()

    def find(self, scope: Scope, folder: CharacterFolder) -> Finished | None:
        """What came of it; None when it, or what it was judged by, has changed since."""
        with self._readable():
            row = self._connection.execute(
                "SELECT rules, stamps, outcomes, samples FROM finished WHERE scope = ? AND folder = ?",
                (scope, str(folder.path)),
            ).fetchone()
        if row is None or row[0] != self._rules or json.loads(row[1]) != folder.stamps():
            return None
        return Finished(tuple(json.loads(row[2])), frozenset(json.loads(row[3])))

    def add(
        self, scope: Scope, folder: CharacterFolder, outcomes: Sequence[str], samples: Iterable[SampleId]
    ) -> None:
        """Replaces what was known of the folder."""
        values = (folder.stamps(), list(outcomes), list(samples))
        with self._readable():
            self._connection.execute(
                "INSERT OR REPLACE INTO finished VALUES (?, ?, ?, ?, ?, ?)",
                (scope, str(folder.path), self._rules, *map(json.dumps, values)),
            )

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason = f"{error}; it can be deleted, then every folder is looked at again"
            raise FileUnreadableError(path=str(self._path), reason=reason) from error


def _picture_file(path: Path) -> PictureFile:
    try:
        status = path.stat()
    except OSError:  # gone, or not ours to see: reading it will tell
        return PictureFile(path, -1, 0)
    return PictureFile(path, status.st_size, status.st_mtime_ns)
