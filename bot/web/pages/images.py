"""The enrolled faces as pictures."""

from __future__ import annotations

from aiohttp import web

from bot.errors import PageNotFoundError
from bot.web.visits import Visit, page
from inference.domain import CharacterId, SampleId

_A_DAY = "private, max-age=86400, immutable"
_A_WHILE = "private, max-age=20"


async def face(visit: Visit) -> web.Response:
    """One sample. Raises SampleNotFoundError."""
    crop = await visit.desk.gallery.crop([visit.scope], SampleId(visit.given("sample")))
    return picture(crop.data, _A_DAY)


async def small(visit: Visit) -> web.Response:
    """The same, as small as cards show it. Raises SampleNotFoundError."""
    return await _small(visit, SampleId(visit.given("sample")), _A_DAY)


async def cover(visit: Visit) -> web.Response:
    """The sample that stands for the character, small. Raises PageNotFoundError when she has none."""
    character = CharacterId(visit.given("id"))
    samples = await visit.desk.gallery.samples([visit.scope], character)
    chosen = visit.desk.covers.of(character, samples)
    if chosen is None:
        raise PageNotFoundError
    return await _small(visit, chosen, _A_WHILE)


async def _small(visit: Visit, sample: SampleId, keep: str) -> web.Response:
    # The gallery is asked in any case: it knows who may see what, and what is gone.
    crop = await visit.desk.gallery.crop([visit.scope], sample)
    return picture(await visit.desk.thumbnails.of(sample, crop), keep)


def picture(data: bytes, keep: str = "no-store") -> web.Response:
    """A WebP; browsers keep it as long as `keep` allows."""
    return web.Response(body=data, content_type="image/webp", headers={"Cache-Control": keep})


ROUTES = (
    page("/g/{scope}/samples/{sample}/face", face),
    page("/g/{scope}/samples/{sample}/small", small),
    page("/g/{scope}/characters/{id}/cover", cover),
)
