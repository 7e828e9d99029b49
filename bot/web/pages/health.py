"""How the process is doing."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys

from aiohttp import web

from bot.web.figures import figures_of
from bot.web.visits import Visit, page
from inference.gallery.audit import utc_now


async def show(visit: Visit) -> web.Response:
    """Raises GalleryUnavailableError."""
    options = visit.desk.settings.options
    stats = await visit.desk.gallery.stats()
    disk = await asyncio.to_thread(shutil.disk_usage, options.data_dir)
    return visit.render(
        "health.html",
        stats=stats,
        up=utc_now() - visit.desk.started,
        started=visit.desk.started,
        free_bytes=disk.free,
        folder=str(options.data_dir.absolute()),
        python=".".join(map(str, sys.version_info[:3])),
        cores=os.cpu_count() or 1,
        learns=visit.desk.services.faces.learns,
        platforms=visit.desk.services.platforms.attached,
        figures=figures_of(visit.desk.metrics) if visit.desk.metrics else None,
    )


ROUTES = (page("/health", show),)
