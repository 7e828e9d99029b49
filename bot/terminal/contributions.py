"""`contributions list|remove`: who has contributed what to the galleries, and removing it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.table import Table

from bot.chat import Platform
from bot.chat_store import open_chat_store
from bot.terminal.enroll import ACTOR
from bot.terminal.output import remark, say, say_json
from config.options import Options
from config.settings import Settings
from inference.gallery.base import Contributions
from inference.gallery.factory import open_gallery

_PLATFORMS: Final[tuple[Platform, ...]] = ("discord", "telegram")


async def list_(arguments: Namespace, settings: Settings) -> int:
    """Who has given what to which gallery, by contributor; with --json one object a line."""
    async with open_gallery(settings.options, read_only=True, any_contract=True) as gallery:
        found = await gallery.contributions(arguments.by)
    if arguments.json:
        for one in found:
            say_json(asdict(one))
    elif found:
        _show(found)
    else:
        remark("Nobody has contributed anything." if arguments.by is None else _nothing(arguments.by))
    return 0


async def remove(arguments: Namespace, settings: Settings) -> int:
    """Remove all that one contributor has given, everywhere and for good. Without --yes only shows it."""
    options, who = settings.options, str(arguments.by)
    if not arguments.yes:
        async with open_gallery(options, read_only=True, any_contract=True) as gallery:
            found = await gallery.contributions(who)
        if found:
            _show(found)
        remark("Nothing was removed. With --yes all that is kept of them goes, for good.")
        return 0
    async with open_gallery(options, any_contract=True) as gallery:
        traces = await _forget_traces(options, who)
        found = await gallery.contributions(who)
        for one in found:
            await gallery.forget_contributions(one.scope, who, actor=ACTOR)
    if not found and not traces:
        remark(_nothing(who))
        return 0
    faces = sum(one.samples + one.negatives + one.removed for one in found)
    lines = sum(one.changes for one in found)
    say(f"Removed of {who}: {faces} faces, names in {lines} lines of the history, {traces} traces of chats.")
    return 0


async def _forget_traces(options: Options, who: str) -> int:
    """What is remembered of the user in chats, if it is one; how much that was."""
    platform = next((one for one in _PLATFORMS if who.startswith(f"{one}:")), None)
    if platform is None or not options.chats_file.exists():
        return 0
    async with open_chat_store(options.chats_file, options.chats) as store:
        found = await store.forget_traces(platform, who.removeprefix(f"{platform}:"))
    return found.answers + found.questions + found.reviews


def _show(found: Sequence[Contributions]) -> None:
    table = Table(
        "Who",
        "Gallery",
        "Called",
        "Samples",
        "Not her",
        "Kept for undo",
        "Changes",
        box=None,
        header_style="bold",
    )
    for one in found:
        counts = map(str, (one.samples, one.negatives, one.removed, one.changes))
        table.add_row(one.contributor, one.scope or "(all)", ", ".join(one.signatures), *counts)
    Console(highlight=False, markup=False).print(table)


def _nothing(who: str) -> str:
    return f"Nothing is kept of {who}. `contributions list` shows who there is."
