"""The enrolled faces as pictures."""

from __future__ import annotations

from aiohttp import web

from bot.errors import PageNotFoundError
from bot.web.visits import Visit, page
from inference.domain import CharacterId, FaceCrop, SampleId

_A_DAY = "private, max-age=86400, immutable"
_A_WHILE = "private, max-age=20"


async def face(visit: Visit) -> web.Response:
    """One sample. Raises SampleNotFoundError."""
    crop = await visit.desk.gallery.crop([visit.scope], SampleId(visit.given("sample")))
    return picture(crop, _A_DAY)


async def cover(visit: Visit) -> web.Response:
    """The sample that stands for the character. Raises PageNotFoundError when she has none."""
    character = CharacterId(visit.given("id"))
    samples = await visit.desk.gallery.samples([visit.scope], character)
    chosen = visit.desk.covers.of(character, samples)
    if chosen is None:
        raise PageNotFoundError
    return picture(await visit.desk.gallery.crop([visit.scope], chosen), _A_WHILE)


def picture(crop: FaceCrop, keep: str = "no-store") -> web.Response:
    """The crop as it is stored; browsers keep it as long as `keep` allows."""
    return web.Response(body=crop.data, content_type="image/webp", headers={"Cache-Control": keep})


ROUTES = (
    page("/g/{scope}/samples/{sample}/face", face),
    page("/g/{scope}/characters/{id}/cover", cover),
)
