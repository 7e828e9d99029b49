"""The console's files that never change while it runs: styles, scripts, icons."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from bot.errors import PageNotFoundError

_FOLDER = Path(__file__).with_name("static")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
_HTMX = (
    files("django_htmx") / "static" / "django_htmx" / "htmx-2.min.js"
)  # the package that keeps it; no Django runs
_FOREVER = "public, max-age=31536000, immutable"


class Assets:
    """The files of the static folder, and htmx, held in memory."""

    def __init__(self) -> None:
        self._files = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _TYPES}
        self._files["htmx.min.js"] = _HTMX.read_bytes()
        self._versions = {name: hashlib.sha256(data).hexdigest()[:12] for name, data in self._files.items()}

    def address(self, name: str) -> str:
        """Where a page finds it; another one after every change of the file."""
        return f"/static/{self._versions[name]}/{name}"

    async def serve(self, request: web.Request) -> web.Response:
        """Raises PageNotFoundError, also for an older version."""
        name = request.match_info["name"]
        if self._versions.get(name) != request.match_info["version"]:
            raise PageNotFoundError
        response = web.Response(
            body=self._files[name], content_type=_TYPES[Path(name).suffix], charset="utf-8"
        )
        response.headers["Cache-Control"] = _FOREVER
        response.enable_compression()
        return response
