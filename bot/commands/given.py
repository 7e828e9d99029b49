"""What a command was given, read from its arguments, pictures, and the message that it replies to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.chat import Command, IncomingImage
from bot.commands.catalogue import BY_NAME, MESSAGE, Parameter
from bot.context import Asker, Services
from bot.errors import ArgumentInvalidError, ArgumentMissingError, PictureMissingError, TokenUnknownError
from bot.remembered import Answer

_MOST_NUMBERS = 1_000


def argument(command: Command, name: str) -> str:
    """The argument, empty when it was not given. Raises ArgumentMissingError, ArgumentInvalidError."""
    parameter = next(one for one in BY_NAME[command.name].parameters if one.name == name)
    value = command.arguments.get(name, "").strip()
    if parameter.required and not value:
        raise ArgumentMissingError(parameter=name)
    if len(value) > parameter.longest:
        raise ArgumentInvalidError(parameter=name, value=value)
    return value


def number_argument(command: Command, name: str) -> int | None:
    """None when it was not given. Raises ArgumentInvalidError."""
    value = argument(command, name)
    parameter = next(one for one in BY_NAME[command.name].parameters if one.name == name)
    if not value:
        return None
    if not value.isdecimal() or len(value) > 12 or not _is_within(int(value), parameter):
        raise ArgumentInvalidError(parameter=name, value=value)
    return int(value)


def list_argument(command: Command, name: str) -> tuple[str, ...]:
    """What is separated by commas of any script."""
    parts = re.split(r"[,，、;；|]", argument(command, name))
    return tuple(part for part in map(str.strip, parts) if part)


def numbers_in(text: str, most: int, parameter: str) -> tuple[int, ...]:
    """Numbers from 1 to `most` such as "1 3, 5-7", in order, each once. Raises ArgumentInvalidError."""
    found: dict[int, None] = {}
    for part in re.split(r"[\s,，、;；]+", text.strip()):
        span = re.fullmatch(r"#?([0-9]{1,9})(?:\s*[-–~～]\s*#?([0-9]{1,9}))?", part)
        low, high = (int(span[1]), int(span[2] or span[1])) if span else (0, 0)
        if not 1 <= low <= high <= most or high - low >= _MOST_NUMBERS:
            raise ArgumentInvalidError(parameter=parameter, value=part or text)
        found.update(dict.fromkeys(range(low, high + 1)))
    return tuple(found)


async def references_given(services: Services, asker: Asker, command: Command) -> tuple[str, ...]:
    """The references of the command's pictures; where it replies to an answer, of those that one is about.

    Opens nothing. Raises PictureMissingError.
    """
    message = command.arguments.get(MESSAGE, "")
    answer = await services.store.answer_in(asker.chat, message) if message else None
    images = answer.images if answer else tuple(image.reference for image in command.images)
    if not images:
        raise PictureMissingError
    return images[: services.chats.most_images]


async def pictures_given(services: Services, asker: Asker, command: Command) -> Sequence[IncomingImage]:
    """The pictures of `references_given()`, to be read. Raises PictureMissingError, PictureGoneError."""
    known = {image.reference: image for image in command.images}
    return [
        known.get(reference) or await services.platforms.open(asker.chat, reference)
        for reference in await references_given(services, asker, command)
    ]


async def answer_meant(services: Services, asker: Asker, command: Command) -> Answer | None:
    """The answer that the command replies to; without a reply and pictures, the channel's last one."""
    message = command.arguments.get(MESSAGE, "")
    if message:
        return await services.store.answer_in(asker.chat, message)
    last = services.recent.last(asker.chat)
    if command.images or not last:
        return None
    try:
        return await services.store.answer(asker.chat, last)
    except TokenUnknownError:
        return None


def _is_within(number: int, parameter: Parameter) -> bool:
    lowest, highest = parameter.lowest, parameter.highest
    return (lowest is None or number >= lowest) and (highest is None or number <= highest)
