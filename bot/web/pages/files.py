"""A gallery as a file: written to be fetched, and read in."""

from __future__ import annotations

from aiohttp import hdrs, web

from bot.errors import PageNotFoundError
from bot.web.visits import Visit, change, page
from bot.words import safe_file_name


async def show(visit: Visit) -> web.Response:
    """Raises GalleryUnavailableError."""
    transfers = visit.desk.transfers
    there = await visit.desk.gallery.characters([visit.scope], limit=1)
    return visit.render(
        "files.html",
        export=transfers.export_of(visit.scope),
        imported=transfers.import_of(visit.scope),
        most_bytes=transfers.most_bytes,
        is_empty=not there,
        learns=visit.desk.services.faces.learns,
        address=visit.back,
        **await visit.gallery_choice("/files"),
    )


async def export(visit: Visit) -> web.Response:
    """Begin to write the archive. Raises OverloadedError, GalleryUnavailableError."""
    await visit.desk.transfers.export(visit.scope)
    return visit.leave(visit.path("/files"))


async def fetch(visit: Visit) -> web.StreamResponse:
    """The archive that was written. Raises PageNotFoundError."""
    done = visit.desk.transfers.export_of(visit.scope)
    if done is None or done.samples is None:
        raise PageNotFoundError
    name = safe_file_name(f"dareda {visit.scope} {visit.desk.services.now():%Y-%m-%d}", "zip")
    response = web.FileResponse(done.path)
    response.headers[hdrs.CONTENT_TYPE] = "application/zip"
    response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{name}"'
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response


async def import_(visit: Visit) -> web.Response:
    """Take the archive that is sent, and begin to add it.

    Raises FileMissingError, FileTooLargeError, FormInvalidError, OverloadedError.
    """

    async def then() -> None:
        visit.desk.services.names.forget(visit.scope)

    await visit.desk.transfers.receive(visit.request, visit.scope, visit.signature, then)
    return visit.leave(visit.path("/files"))


ROUTES = (
    page("/g/{scope}/files", show),
    page("/g/{scope}/files/archive", fetch),
    change("/g/{scope}/files/export", export, shows=show),
    change("/g/{scope}/files/import", import_, streams=True),
)
