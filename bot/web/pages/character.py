"""One character: her samples and names, and all that can be done with them."""

from __future__ import annotations

import re

from aiohttp import web

from bot.errors import ArgumentMissingError
from bot.web.visits import Visit, change, page
from inference.domain import Character, CharacterId, SampleId
from inference.errors import SampleNotFoundError

_SAMPLES = 60
"""On one page."""
LONGEST_ALIASES = 1_000
"""Characters of all of them together."""


async def show(visit: Visit) -> web.Response:
    """Raises CharacterNotFoundError."""
    gallery = visit.desk.gallery
    found = await gallery.character([visit.scope], visit.given("id"))
    samples = await gallery.samples([visit.scope], found.id)
    pages = max(1, -(-len(samples) // _SAMPLES))
    number = min(visit.number("page"), pages)
    return visit.render(
        "character.html",
        character=found,
        samples=samples[(number - 1) * _SAMPLES : number * _SAMPLES],
        count=len(samples),
        cover=visit.desk.covers.of(found.id, samples),
        number=number,
        pages=pages,
        most=visit.desk.settings.options.images.max_bytes,
        undo_days=visit.desk.settings.options.gallery.undo_days,
    )


async def describe(visit: Visit) -> web.Response:
    """Name, series and aliases as they stand in the form. Raises what `Gallery.rename` does."""
    gallery, scope = visit.desk.gallery, visit.scope
    before = after = await _character(visit)
    name, series = visit.form.text("name", required=True), visit.form.text("series")
    aliases = names_in(visit.form.text("aliases", longest=LONGEST_ALIASES))
    entries = []
    if (name, series) != (before.name, before.series):
        renamed = await gallery.rename(scope, before.id, name, series=series, actor=visit.signature)
        entries.append(renamed.entry_id)
        after = renamed.character
    if aliases != before.aliases:  # else the old name stays among them
        changed = await gallery.set_aliases(scope, after.id, aliases, actor=visit.signature)
        entries.append(changed.entry_id)
    return await visit.done(_address(visit), entries)


async def choose_cover(visit: Visit) -> web.Response:
    """Raises SampleNotFoundError for a sample of somebody else."""
    found, chosen = await _character(visit), SampleId(visit.form.text("cover"))
    samples = await visit.desk.gallery.samples([visit.scope], found.id)
    if all(sample.id != chosen for sample in samples):
        raise SampleNotFoundError(sample_id=chosen)
    await visit.desk.covers.choose(found.id, chosen)
    return visit.leave(_address(visit))


async def move(visit: Visit) -> web.Response:
    """The ticked samples become somebody else's. Raises what `Gallery.move_samples` does."""
    found, ticked = await _character(visit), _ticked(visit)
    moved = await visit.desk.gallery.move_samples(
        visit.scope,
        found.id,
        ticked,
        visit.form.text("name", required=True),
        series=visit.form.text("series"),
        actor=visit.signature,
    )
    return await visit.done(_address(visit), [moved.entry_id])


async def forget_samples(visit: Visit) -> web.Response:
    """The ticked samples go. Raises SampleNotFoundError."""
    entries = []
    for sample in _ticked(visit):
        changed = await visit.desk.gallery.forget_sample(visit.scope, sample, actor=visit.signature)
        entries.append(changed.entry_id)
    return await visit.done(_address(visit), entries)


async def merge(visit: Visit) -> web.Response:
    """Her samples and names go to somebody else, to whose page it leads. Raises what `Gallery.merge` does."""
    found = await _character(visit)
    target = await visit.desk.gallery.character([visit.scope], visit.form.text("name", required=True))
    changed = await visit.desk.gallery.merge(visit.scope, found.id, target.id, actor=visit.signature)
    return await visit.done(visit.path(f"/characters/{changed.character.id}"), [changed.entry_id])


async def forget(visit: Visit) -> web.Response:
    """She goes, with everything of hers; back to the gallery."""
    found = await _character(visit)
    changed = await visit.desk.gallery.forget(
        visit.scope, found.id, for_good=visit.form.text("for_good") == "yes", actor=visit.signature
    )
    return await visit.done(visit.path("/characters"), [changed.entry_id])


def names_in(text: str) -> tuple[str, ...]:
    """What is separated by commas of any script, or by lines."""
    parts = re.split(r"[,，、;；|\n]", text)
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


async def _character(visit: Visit) -> Character:
    return await visit.desk.gallery.character([visit.scope], CharacterId(visit.given("id")))


def _ticked(visit: Visit) -> list[SampleId]:
    """Raises ArgumentMissingError when none is."""
    ticked = [SampleId(sample) for sample in visit.form.every("sample")]
    if not ticked:
        raise ArgumentMissingError(parameter="samples")
    return ticked


def _address(visit: Visit) -> str:
    return visit.path(f"/characters/{visit.given('id')}")


_HER = "/g/{scope}/characters/{id}"
ROUTES = (
    page(_HER, show),
    change(f"{_HER}/details", describe, shows=show),
    change(f"{_HER}/cover", choose_cover, shows=show),
    change(f"{_HER}/move", move, shows=show),
    change(f"{_HER}/samples/forget", forget_samples, shows=show),
    change(f"{_HER}/merge", merge, shows=show),
    change(f"{_HER}/forget", forget, shows=show),
)
