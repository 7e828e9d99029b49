"""Picture files of the command line: which ones are meant, and their bytes."""

from __future__ import annotations

import asyncio
import stat
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from config.options import ImageLimits, Options
from inference.errors import FileUnreadableError, FileUnwritableError, ImageTooLargeError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".apng", ".webp", ".gif", ".bmp", ".avif", ".jfif"})
_VIEWS_AT_ONCE = 16  # that one picture may have in the detector's queue
_PATIENCE_S = 3_600.0

In = TypeVar("In")
Out = TypeVar("Out")


def picture_files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and for a folder every picture below it, sorted by name."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files.extend(sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()))
        else:
            files.append(path)
    return files


def folders_in(folder: Path) -> list[Path]:
    """Its folders by name. Raises FileUnreadableError."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise _unreadable(folder, error) from error


def write_file(path: Path, data: bytes) -> None:
    """The bytes, in folders made for it. Raises FileUnwritableError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise FileUnwritableError(path=str(path), reason=error.strerror or str(error)) from error


def read_picture(path: Path, limits: ImageLimits) -> bytes:
    """The file's bytes.

    Raises FileUnreadableError when it is no readable regular file, and ImageTooLargeError before reading
    one that is over the limit.
    """
    try:
        with path.open("rb") as file:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise FileUnreadableError(path=str(path), reason="it is not a regular file")
            if status.st_size > limits.max_bytes:
                raise ImageTooLargeError(what="bytes", actual=status.st_size, limit=limits.max_bytes)
            return file.read(limits.max_bytes + 1)
    except OSError as error:
        raise _unreadable(path, error) from error


def patient(options: Options, *, ahead: int) -> Options:
    """For work that nobody waits for picture by picture: no deadline, and a queue for all that is ahead."""
    batching = replace(
        options.batching,
        deadline_s=max(options.batching.deadline_s, _PATIENCE_S),
        max_queue=max(options.batching.max_queue, ahead * _VIEWS_AT_ONCE),
    )
    return replace(options, batching=batching)


async def in_order(
    items: Iterable[In], function: Callable[[In], Awaitable[Out]], *, ahead: int
) -> AsyncIterator[tuple[In, Out]]:
    """Each item with its result, in order, while up to `ahead` of them are worked on at once."""
    waiting: deque[tuple[In, asyncio.Future[Out]]] = deque()
    try:
        for item in items:
            waiting.append((item, asyncio.ensure_future(function(item))))
            if len(waiting) >= ahead:
                done, future = waiting.popleft()
                yield done, await future
        while waiting:
            done, future = waiting.popleft()
            yield done, await future
    finally:
        for _, future in waiting:
            future.cancel()
        await asyncio.gather(*(future for _, future in waiting), return_exceptions=True)


def _unreadable(path: Path, error: OSError) -> FileUnreadableError:
    return FileUnreadableError(path=str(path), reason=error.strerror or str(error))
