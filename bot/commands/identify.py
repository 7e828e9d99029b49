"""`/identify`: who is in the given pictures, asked outright."""

from __future__ import annotations

from bot.chat import Command, Reply
from bot.commands.given import pictures_given
from bot.context import Asker, Services
from bot.posts import answer_pictures
from inference.errors import NoFaceError


async def identify(services: Services, asker: Asker, command: Command) -> Reply:
    """Answered wherever it is asked. Raises PictureMissingError."""
    pictures = await pictures_given(services, asker, command)
    reply = await answer_pictures(services, asker, pictures, say_no_face=True)
    if reply is None:
        raise NoFaceError
    return reply
