"""`/export` and `/import`: the gallery of a space as a file."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from bot.chat import Command, OutgoingFile, Reply
from bot.context import Asker, Services
from bot.errors import FileMissingError, FileTooLargeError
from bot.words import safe_file_name

_MOST_BYTES = 256 * 1024 * 1024


async def export(services: Services, asker: Asker, command: Command) -> Reply:
    """Everything enrolled there, without shared galleries. Raises NotAllowedError."""
    del command
    asker.require_manager()
    with tempfile.TemporaryDirectory(prefix="dareda-") as folder:
        path = Path(folder) / "export.zip"
        count = await services.gallery.export(path, [asker.scope])
        data = await asyncio.to_thread(path.read_bytes)
    if not count:
        return Reply(asker.texts.say("export-nothing"), private=True)
    name = f"dareda-{services.now():%Y-%m-%d}.zip"
    return Reply(
        asker.texts.say("exported", count=count),
        files=(OutgoingFile(name, data, is_picture=False),),
        private=True,
    )


async def import_(services: Services, asker: Asker, command: Command) -> Reply:
    """Add what an export holds. Raises NotAllowedError, FileMissingError, ArchiveInvalidError."""
    asker.require_manager()
    file = command.file
    if file is None:
        raise FileMissingError
    if file.size is not None and file.size > _MOST_BYTES:
        raise FileTooLargeError(limit=_MOST_BYTES, actual=file.size)
    data = await file.read(_MOST_BYTES)
    with tempfile.TemporaryDirectory(prefix="dareda-") as folder:
        path = Path(folder) / safe_file_name(Path(file.name).stem, "zip")
        await asyncio.to_thread(path.write_bytes, data)
        added = await services.gallery.import_(path, scope=asker.scope, actor=asker.signature)
    text = asker.texts.say("imported", count=added)
    services.changed(asker, text)
    return Reply(text)
