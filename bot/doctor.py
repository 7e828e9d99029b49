"""`doctor`: what is set up, what is not, and how to fix it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from bot.checks import Check, State
from bot.core import open_gallery
from bot.terminal.output import say
from config.settings import Settings
from inference.errors import AppError
from inference.fonts import chain
from inference.models import find_pack, resolve_runtimes, verify_pack

if TYPE_CHECKING:
    from pydantic import SecretStr

_LEAST_DISK_BYTES = 500 * 1024 * 1024


async def doctor(arguments: Namespace, settings: Settings) -> int:
    """Check each part, print what was found. Returns 1 when something has failed."""
    del arguments
    one: list[Callable[[Settings], Awaitable[Check]]] = [
        _python,
        _settings,
        _data_folder,
        _models,
        _fonts,
        _gallery,
    ]
    failed = False
    for check in one:
        failed |= _tell(await check(settings))
    for found in await _chats(settings):
        failed |= _tell(found)
    return 1 if failed else 0


def _tell(found: Check) -> bool:
    """Print it; whether it has failed."""
    say(f"{found.state:<7}{found.label:<14}{found.detail}")
    if found.fix:
        say(f"{'':<21}→ {found.fix}")
    return found.state is State.FAILED


async def _python(_: Settings) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", State.OK, f"{version}, {os.cpu_count()} cores")


async def _settings(settings: Settings) -> Check:
    changed = ", ".join(f"{key} ({source})" for key, source in sorted(settings.sources.items()))
    return Check("Settings", State.OK, changed or "all defaults")


async def _data_folder(settings: Settings) -> Check:
    folder = settings.options.data_dir
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not os.access(existing, os.W_OK):
        return Check(
            "Data folder",
            State.FAILED,
            f"{folder} cannot be written",
            "Give this user the right to write there, or choose another folder with --data-dir.",
        )
    free = shutil.disk_usage(existing).free
    detail = f"{folder.absolute()}, {free / 1e9:.1f} GB free"
    if free < _LEAST_DISK_BYTES:
        return Check("Data folder", State.NOTE, detail, "Free some disk space: enrollments need it.")
    return Check("Data folder", State.OK, detail)


async def _models(settings: Settings) -> Check:
    options = settings.options
    try:
        pack = find_pack(options.models.pack, options.packs_dir)
        runtimes = resolve_runtimes(options.models, pack)
        problems = await asyncio.to_thread(verify_pack, pack, on=runtimes)
    except AppError as error:
        return Check("Models", State.FAILED, str(error), "`models list` shows which packs there are.")
    if problems:
        return Check("Models", State.FAILED, str(problems[0]), "Install the pack again: `models install`.")
    detector, embedder = runtimes.detector, runtimes.embedder
    runs = str(detector) if detector == embedder else f"detector {detector}; embedder {embedder}"
    return Check("Models", State.OK, f"{pack.name} runs with {runs}")


async def _fonts(_: Settings) -> Check:
    try:
        missing = [font.family for font in chain("JP") if not font.path.is_file()]
    except ImportError as error:
        missing = [str(error)]
    if missing:
        return Check("Fonts", State.FAILED, ", ".join(missing), "Install the requirements again.")
    return Check("Fonts", State.OK, "Noto for all scripts")


async def _gallery(settings: Settings) -> Check:
    try:
        async with open_gallery(settings.options, credentials=settings.secrets, read_only=True) as gallery:
            stats = await gallery.stats()
    except AppError as error:
        return Check("Gallery", State.FAILED, str(error))
    return Check(
        "Gallery", State.OK, f"{stats.characters} characters, {stats.samples} samples, {stats.contract.model}"
    )


async def _chats(settings: Settings) -> Sequence[Check]:
    """Each platform that has a token is asked; its SDK is imported only then."""
    found: list[Check] = []
    if (token := settings.secrets.discord_token) is not None:
        from bot.adapters.discord.checkup import check_discord  # noqa: PLC0415

        found += await check_discord(settings.options.discord, token)
    if (token := settings.secrets.telegram_token) is not None:
        found += await _telegram(settings, token)
    if not found:
        fix = "Put DISCORD_TOKEN or TELEGRAM_TOKEN into .env."
        found.append(Check("Chats", State.NOTE, "no token is set", fix))
    return found


async def _telegram(settings: Settings, token: SecretStr) -> Sequence[Check]:
    from bot.adapters.telegram.checkup import check_telegram  # noqa: PLC0415

    label = "Telegram"
    try:
        state = await check_telegram(settings.options.telegram, token)
    except AppError as error:
        return (Check(label, State.FAILED, str(error)),)
    signed_in = Check(label, State.OK, f"signed in as @{state.username}")
    return (signed_in, *(Check("", State.NOTE, sentence) for sentence in state.consequences()))
