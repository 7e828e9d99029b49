"""Media as bots send them: uploads checked against Telegram's limits, or files it has by their id."""

from __future__ import annotations

from dataclasses import replace

from tests.telegram_server.errors import mistaken, refused
from tests.telegram_server.files import LARGEST_PHOTO, LARGEST_UPLOAD
from tests.telegram_server.routing import Call
from tests.telegram_server.state import Media, MediaKind


def sent_media(call: Call, kind: MediaKind, value: str) -> Media:
    """The media that a parameter attaches or names.

    Raises:
        Refusal: it is too large, no picture, or there is no such file.
    """
    upload = call.upload(value)
    if upload is None:
        return _known(call, kind, value)
    if not upload.data:
        raise mistaken("file must be non-empty")
    largest = LARGEST_PHOTO if kind is MediaKind.PHOTO else LARGEST_UPLOAD
    if len(upload.data) > largest and not call.world.local:
        raise mistaken("Request Entity Too Large", 413)
    files = call.world.files
    photo = kind is MediaKind.PHOTO
    made = files.photo(upload.data) if photo else files.document(upload.filename, upload.data)
    return replace(made, uploaded=upload.data)


def _known(call: Call, kind: MediaKind, value: str) -> Media:
    if "://" in value:
        raise mistaken("this server fetches nothing from the Internet")
    file = call.world.files.by_id.get(value)
    if file is None:
        raise mistaken("wrong file identifier/HTTP URL specified")
    if file.forgotten:
        raise refused("wrong file_id or the file is temporarily unavailable")
    if (kind is MediaKind.PHOTO) != file.path.startswith("photos/"):
        raise mistaken("can't use file of another type")
    return Media(kind, file, (file,) if kind is MediaKind.PHOTO else ())
