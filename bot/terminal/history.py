"""`history`, `undo`: what was changed in the gallery, and taking it back."""

from __future__ import annotations

from argparse import Namespace

from rich.console import Console
from rich.table import Table

from bot.terminal.enroll import ACTOR
from bot.terminal.output import remark, say, say_json
from config.settings import Settings
from inference.domain import Scope
from inference.gallery.base import AuditEntry
from inference.gallery.factory import open_gallery

_SENTENCES = {
    "enroll": "Added {samples} to {name}",
    "rename": "Renamed {old_name} to {name}",
    "alias": "Changed the other names of {name}",
    "merge": "Merged {gone_name} into {name}",
    "move": "Moved {samples} from {name} to {target_name}",
    "forget_character": "Forgot {name} and {samples}",
    "forget_sample": "Forgot a sample of {name}",
    "negative": "Learnt a face that is not {name}",
    "undo": "Undid no. {entry} ({change}, {name})",
    "redo": "Undid no. {entry}, so did again ({change}, {name})",
    "forget_contributions": "Removed what somebody had contributed: {samples}",
    "import": "Imported {samples} from {archive}",
    "reindex": "Embedded everything with another model",
    "repair": "Mended what verify had found",
}


async def history(arguments: Namespace, settings: Settings) -> int:
    """List the latest changes, newest first; with --json one object a line."""
    scope = None if arguments.all else Scope(arguments.gallery)
    async with open_gallery(settings.options, read_only=True, any_contract=True) as gallery:
        entries = await gallery.audit(scope, limit=arguments.limit)
    if arguments.json:
        for entry in entries:
            say_json(
                {
                    "id": entry.id,
                    "at": entry.at.isoformat(),
                    "gallery": entry.scope,
                    "actor": entry.actor,
                    "action": entry.action,
                    "detail": entry.detail,
                    "undo_until": entry.undo_until and entry.undo_until.isoformat(),
                    "undone_by": entry.undone_by,
                }
            )
        return 0
    if not entries:
        remark("Nothing was changed yet.")
        return 0
    table = Table("No.", "When", "Who", "What", "Undo", box=None, header_style="bold")
    for entry in entries:
        at = entry.at.astimezone().strftime("%Y-%m-%d %H:%M")
        table.add_row(str(entry.id), at, entry.actor, describe(entry), _undo_state(entry))
    Console(highlight=False, markup=False).print(table)
    return 0


async def undo(arguments: Namespace, settings: Settings) -> int:
    """Take a change back: the one of that number, or the last one."""
    scope = Scope(arguments.gallery)
    async with open_gallery(settings.options) as gallery:
        entry = await gallery.undo(scope, arguments.id, actor=ACTOR)
    say(f"{describe(entry)}.")
    if entry.undo_until:
        remark(f"`undo {entry.id}` reverses that.")
    return 0


def describe(entry: AuditEntry) -> str:
    """What was done, in a few words."""
    detail = {"name": "", **entry.detail}
    if "samples" in detail:
        samples = detail["samples"]
        count = len(samples) if isinstance(samples, list) else samples
        detail["samples"] = "1 sample" if count == 1 else f"{count} samples"
    if isinstance(before := detail.get("before"), list) and before:
        detail["old_name"] = before[0]
    detail["change"] = str(detail.get("change", "")).replace("_", " ")
    return _SENTENCES[entry.action].format_map(detail)


def _undo_state(entry: AuditEntry) -> str:
    if entry.undone_by is not None:
        return f"undone by {entry.undone_by}"
    return f"until {entry.undo_until.astimezone():%Y-%m-%d}" if entry.undo_until else ""
