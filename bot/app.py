"""`run`: what Dareda does when it is simply started."""

from __future__ import annotations

from argparse import Namespace

from bot.demo import show_demonstration
from bot.terminal.output import remark
from config.settings import Settings


async def run(arguments: Namespace, settings: Settings) -> int:
    """Show the main job on characters of our own, and say how to go on. Returns the exit code."""
    del arguments
    if settings.secrets.discord_token or settings.secrets.telegram_token:
        remark("A chat token is set, but this version has no chat adapters yet. This is what it can do:")
    return await show_demonstration(settings.options)
