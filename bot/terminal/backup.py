"""`backup`: copies of the files that Dareda keeps, taken while it runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from argparse import Namespace
from contextlib import ExitStack, closing
from pathlib import Path

from bot.terminal.output import remark, say
from config.options import Options
from config.settings import Settings
from inference.errors import FileUnwritableError, GalleryDamagedError
from inference.gallery.schema import translated_errors


async def backup(arguments: Namespace, settings: Settings) -> int:
    """Copy what is kept into a new folder, each file as it is at one moment.

    Raises FileUnwritableError, also for a folder that there is already, GalleryDamagedError and
    GalleryUnavailableError.
    """
    files = kept_files(settings.options)
    if not files:
        remark(f"There is nothing in {settings.options.data_dir} yet.")
        return 1
    await asyncio.to_thread(_copy_all, files, arguments.folder)
    for file in files:
        say(str(arguments.folder / file.name))
    return 0


def kept_files(options: Options) -> list[Path]:
    """Those that there are. Model packs are not among them: they can be installed again."""
    files = (options.gallery_file, options.chats_file, options.console_file)
    return [file for file in files if file.is_file()]


def _copy_all(files: list[Path], folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True)
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, folder, ignore_errors=True)  # half a backup is none
            for file in files:
                copy = _copy_database if file.suffix == ".sqlite" else shutil.copyfile
                copy(file, folder / file.name)
            undo.pop_all()
    except OSError as error:
        raise FileUnwritableError(path=str(folder), reason=error.strerror or str(error)) from error


def _copy_database(source: Path, target: Path) -> None:
    """By SQLite's own means, which waits for nobody and is one moment's state; checked afterwards."""
    # Made first, so that nobody else can read it at any time.
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        translated_errors(source),
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as reader,
        closing(sqlite3.connect(target)) as writer,
    ):
        reader.backup(writer)
        # One file is easier to carry about than one with a log beside it.
        writer.execute("PRAGMA journal_mode = DELETE")
        (found,) = writer.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise GalleryDamagedError(path=str(source), reason=found, fix="`gallery verify` says more.")
