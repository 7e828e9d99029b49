"""The gallery as a map: who is like whom, to look at, and as lists."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter

from aiohttp import web

from bot.web.addresses import with_query
from bot.web.visits import Visit, page
from inference.gallery.names import name_key
from inference.graphemes import readable
from inference.survey.values import GalleryMap, Place

_PAGE = 24
_COLOURS = 8
"""Series with a colour of their own: those with most characters."""


async def show(visit: Visit) -> web.Response:
    """Raises GalleryUnavailableError."""
    progress = await visit.desk.map(visit.scope)
    drawn = progress.result
    query = visit.given("q")[:100]
    found = matching(drawn, query)
    pages = max(1, math.ceil(len(found) / _PAGE))
    number = min(visit.number("page"), pages)
    return visit.render(
        "map.html",
        progress=progress,
        places=drawn.places if drawn else (),
        made_at=drawn.made_at if drawn else None,
        series=coloured_series(drawn),
        found=found[(number - 1) * _PAGE : number * _PAGE],
        count=len(found),
        query=query,
        page=number,
        pages=pages,
        address=visit.back,
        address_at=lambda number: f"{with_query(visit.path('/map'), q=query, page=str(number))}#like",
        **await visit.gallery_choice("/map"),
    )


async def places(visit: Visit) -> web.Response:
    """The map for the page's script, as JSON. Raises GalleryUnavailableError."""
    drawn = (await visit.desk.services.faces.map(visit.scope)).result
    response = web.Response(text=await asyncio.to_thread(_as_json, drawn), content_type="application/json")
    response.enable_compression()
    return response


def _as_json(drawn: GalleryMap | None) -> str:
    """A row for each place. Of a large gallery it takes long enough for others to notice."""
    series = coloured_series(drawn)
    colours = {name: number for number, (name, _) in enumerate(series)}
    rows = [
        [
            place.character.id,
            readable(place.character.name),
            readable(place.character.series),
            place.character.sample_count,
            round(place.x, 4),
            round(place.y, 4),
            colours.get(place.character.series, _COLOURS),
        ]
        for place in (drawn.places if drawn else ())
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def coloured_series(drawn: GalleryMap | None) -> list[tuple[str, int]]:
    """The series that have a colour, most characters first, with how many those are."""
    if drawn is None:
        return []
    counts = Counter(place.character.series for place in drawn.places if place.character.series)
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_COLOURS]


def matching(drawn: GalleryMap | None, query: str) -> list[Place]:
    """The places whose character's name, alias or series has the text in it; all for an empty one."""
    if drawn is None:
        return []
    key = name_key(query)
    if not key:
        return list(drawn.places)
    return [
        place
        for place in drawn.places
        if any(
            key in name_key(text)
            for text in (place.character.name, place.character.series, *place.character.aliases)
        )
    ]


ROUTES = (page("/g/{scope}/map", show), page("/g/{scope}/map/places", places))
