"""`/characters` and `/character`: who is known, and the pictures that she was learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.chat import Button, Command, OutgoingFile, Reply, Text
from bot.commands.given import argument
from bot.context import Asker, Given, Services
from bot.errors import TokenUnknownError
from bot.remembered import Json, Question
from bot.sheets import Tile, draw_sheet, in_rows
from bot.texts import Strong, join_texts
from bot.words import safe_file_name
from inference.domain import Character, CharacterId, Sample

_LINES = 15
"""Characters on a page."""
_TILES, _COLUMNS = 24, 6
"""Samples on a sheet."""


async def characters(services: Services, asker: Asker, command: Command) -> Reply:
    """The first page of those that are searched for, or of all."""
    return await _page(services, asker, argument(command, "search"), 0)


async def characters_page(services: Services, asker: Asker, question: Question, given: Given) -> Reply:
    """Another page; the choice is its number."""
    reply = await _page(services, asker, str(question.data["search"]), _page_number(given))
    return replace(reply, replaces=True)


async def character(services: Services, asker: Asker, command: Command) -> Reply:
    """The character with a sheet of her samples. Raises CharacterNotFoundError."""
    found = await services.gallery.character(asker.scopes, argument(command, "character"))
    return await _sheet(services, asker, found, 0)


async def character_page(services: Services, asker: Asker, question: Question, given: Given) -> Reply:
    """Another sheet of the same character."""
    found = await services.gallery.character(asker.scopes, str(question.data["id"]))
    reply = await _sheet(services, asker, found, _page_number(given))
    return replace(reply, replaces=True)


async def samples_sheet(
    services: Services, asker: Asker, character_id: CharacterId, numbers: Sequence[int]
) -> OutgoingFile:
    """The samples of these numbers (from 1, oldest first) on one picture."""
    samples = await services.gallery.samples(asker.scopes, character_id)
    tiles = [await _tile(services, asker, samples[number - 1], number) for number in numbers[:_TILES]]
    return OutgoingFile(
        "dareda-samples.jpg", await draw_sheet(in_rows(tiles, _COLUMNS), han=asker.drawn_words.han)
    )


async def _page(services: Services, asker: Asker, search: str, page: int) -> Reply:
    found = await services.gallery.characters(asker.scopes, query=search)
    if search and not found:
        meant = await services.names.suggest(asker.scopes, search, limit=_LINES)
        if not meant:
            return Reply(asker.texts.say("characters-none-match", search=search))
        everybody = await services.gallery.characters(asker.scopes)
        found = tuple(one for name in meant for one in everybody if one.name == name)
    if not found:
        return Reply(asker.texts.say("characters-none"))
    pages = -(-len(found) // _LINES)
    page = min(page, pages - 1)
    shown = found[page * _LINES : (page + 1) * _LINES]
    lines = [
        asker.texts.say("characters-title", count=len(found)),
        *(_line(asker, one) for one in shown),
    ]
    buttons = await _page_buttons(services, asker, ("characters-page", {"search": search}), page, pages)
    return Reply(join_texts(lines), buttons=buttons)


def _line(asker: Asker, character: Character) -> Text:
    name, count = Strong(character.name), character.sample_count
    if character.series:
        return asker.texts.say("characters-line-series", name=name, series=character.series, count=count)
    return asker.texts.say("characters-line", name=name, count=count)


async def _sheet(services: Services, asker: Asker, character: Character, page: int) -> Reply:
    samples = await services.gallery.samples(asker.scopes, character.id)
    say = asker.texts.say
    lines = [_line(asker, character)]
    if character.aliases:
        lines.append(say("character-aliases", names=[Strong(alias) for alias in character.aliases]))
    if character.scope != asker.scope:
        lines.append(say("character-shared"))
    if not samples:
        return Reply(join_texts(lines))
    pages = -(-len(samples) // _TILES)
    page = min(page, pages - 1)
    first = page * _TILES
    tiles = [
        await _tile(services, asker, sample, number)
        for number, sample in enumerate(samples[first : first + _TILES], start=first + 1)
    ]
    sheet = await draw_sheet(in_rows(tiles, _COLUMNS), han=asker.drawn_words.han)
    if pages > 1:
        lines.append(say("character-sheet", first=first + 1, last=first + len(tiles), count=len(samples)))
    return Reply(
        join_texts(lines),
        files=(
            OutgoingFile(
                safe_file_name(character.name, "jpg"),
                sheet,
                description=asker.texts.line("character-sheet-of", name=character.name, count=len(tiles)),
            ),
        ),
        buttons=await _page_buttons(services, asker, ("character-page", {"id": character.id}), page, pages),
    )


async def _tile(services: Services, asker: Asker, sample: Sample, number: int) -> Tile:
    crop = await services.gallery.crop(asker.scopes, sample.id)
    return Tile(crop, str(number), (f"{sample.added_at:%Y-%m-%d}",))


async def _page_buttons(
    services: Services, asker: Asker, question: tuple[str, dict[str, Json]], page: int, pages: int
) -> tuple[tuple[Button, ...], ...]:
    """Back and on; `question` is the kind and data of the one that they answer."""
    if pages == 1:
        return ()
    token = await services.ask(asker, *question, anybody=True)
    say = asker.texts.line
    buttons = []
    if page > 0:
        buttons.append(Button(say("button-back"), f"{token}:{page - 1}"))
    if page < pages - 1:
        buttons.append(Button(say("button-more", page=page + 2, pages=pages), f"{token}:{page + 1}"))
    return (tuple(buttons),)


def _page_number(given: Given) -> int:
    if not given.choice.isdecimal() or len(given.choice) > 6:
        raise TokenUnknownError
    return int(given.choice)
