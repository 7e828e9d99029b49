"""`models list|show|verify|install`: the networks that Dareda runs on."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from bot.terminal.output import progress, remark, say
from config.settings import Settings
from inference.models import find_pack, list_packs, verify_pack
from inference.models.install import install_pack


async def list_(arguments: Namespace, settings: Settings) -> int:
    """The packs that are there; the one in use is marked."""
    del arguments
    options = settings.options
    for pack in list_packs(options.packs_dir):
        mark = "*" if pack.name == options.models.pack else " "
        say(f"{mark} {pack.name:<20} {pack.manifest.licence:<20} {pack.manifest.title}")
    return 0


async def show(arguments: Namespace, settings: Settings) -> int:
    """What a pack's manifest and card say."""
    options = settings.options
    pack = find_pack(arguments.name or options.models.pack, options.packs_dir)
    for line in pack.describe():
        say(line)
    return 0


async def verify(arguments: Namespace, settings: Settings) -> int:
    """Check every file's digest and run each network once."""
    options = settings.options
    pack = find_pack(arguments.name or options.models.pack, options.packs_dir)
    problems = await asyncio.to_thread(verify_pack, pack)
    for problem in problems:
        remark(str(problem))
    if not problems:
        say(f"{pack.name} is as it should be.")
    return 1 if problems else 0


async def install(arguments: Namespace, settings: Settings) -> int:
    """Install a pack from a folder, an archive or an https address."""
    options = settings.options
    with progress("Installing", None) as advance:
        pack = await install_pack(
            arguments.source, options.packs_dir, sha256=arguments.sha256, progress=advance
        )
    say(f"Installed {pack.name}. Use it with `--set models.pack={pack.name}` or in the settings file.")
    return 0
