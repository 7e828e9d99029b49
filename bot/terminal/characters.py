"""`characters`, `rename`, `merge`, `forget`: curate who is in the gallery."""

from __future__ import annotations

from argparse import Namespace

from rich.console import Console
from rich.table import Table

from bot.core import open_gallery
from bot.terminal.enroll import ACTOR
from bot.terminal.output import remark, say, say_json
from config.settings import Settings
from inference.domain import Scope


async def characters(arguments: Namespace, settings: Settings) -> int:
    """List the characters of the gallery, with --json one object a line."""
    options = settings.options
    scopes = (Scope(arguments.gallery), *map(Scope, options.gallery.shared))
    async with open_gallery(options, credentials=settings.secrets, read_only=True) as gallery:
        found = await gallery.characters(scopes, query=arguments.query or "")
    if arguments.json:
        for character in found:
            say_json(
                {
                    "name": character.name,
                    "series": character.series,
                    "aliases": list(character.aliases),
                    "samples": character.sample_count,
                    "gallery": character.scope,
                }
            )
        return 0
    if not found:
        remark("No character matches." if arguments.query else "Nobody is enrolled yet.")
        return 0
    table = Table("Name", "Series", "Also called", "Samples", box=None, header_style="bold")
    for character in found:
        table.add_row(
            character.name, character.series, ", ".join(character.aliases), str(character.sample_count)
        )
    Console(highlight=False, markup=False).print(table)
    return 0


async def rename(arguments: Namespace, settings: Settings) -> int:
    """Give a character another name; the old one stays as an alias."""
    options = settings.options
    async with open_gallery(options, credentials=settings.secrets) as gallery:
        changed = await gallery.rename(
            Scope(arguments.gallery),
            arguments.name,
            arguments.new_name,
            series=arguments.series,
            actor=ACTOR,
        )
    say(f"Now called {changed.character.display_name}.")
    return 0


async def merge(arguments: Namespace, settings: Settings) -> int:
    """Join two characters that are one."""
    options = settings.options
    async with open_gallery(options, credentials=settings.secrets) as gallery:
        changed = await gallery.merge(
            Scope(arguments.gallery), arguments.source, arguments.target, actor=ACTOR
        )
    character = changed.character
    say(f"{arguments.source} is {character.display_name} now, with {character.sample_count} samples.")
    return 0


async def forget(arguments: Namespace, settings: Settings) -> int:
    """Remove a character and everything enrolled for it."""
    options = settings.options
    async with open_gallery(options, credentials=settings.secrets) as gallery:
        changed = await gallery.forget(
            Scope(arguments.gallery), arguments.name, for_good=arguments.for_good, actor=ACTOR
        )
    character = changed.character
    say(f"Forgot {character.display_name} and {character.sample_count} samples.")
    if options.gallery.undo_days and not arguments.for_good:
        remark(f"`undo {changed.entry_id}` brings her back, for {options.gallery.undo_days} days.")
    return 0
