"""What the command line prints: results on stdout, progress and remarks on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from inference.errors import AppError


class Advance(Protocol):
    def __call__(self, done: int, total: int | None = None) -> None: ...


def say(text: str) -> None:
    """One line of result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def say_json(value: Mapping[str, object]) -> None:
    """One JSON object on a line of its own."""
    say(json.dumps(value, ensure_ascii=False))


def remark(text: str) -> None:
    """Something worth knowing that is not the result."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def problem(error: AppError, subject: str = "") -> None:
    """What went wrong, in the error's own sentence."""
    remark(f"{subject}: {error}" if subject else str(error))


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Advance]:
    """A bar on stderr with the time left; nothing at all when stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total=None: None
        return
    # Only now: importing it takes as long as looking at a picture.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        # Results stay above the bar on a terminal, and out of it when they go to a file.
        redirect_stdout=sys.stdout.isatty(),
    ) as bar:
        task = bar.add_task(label, total=total)

        def advance(done: int, total: int | None = None) -> None:
            bar.update(task, completed=done, total=total)

        yield advance
