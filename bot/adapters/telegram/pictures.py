"""The pictures of a message, and the references that lead back to them.

A reference is `<kind>[s]/<file id>`: `p` for a picture, `f` for a film (a video, a GIF or a moving sticker);
`s` marks a spoiler. Telegram gives the file by its id for good, also after the message is deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import PurePosixPath

from telegram import Document, Message, PhotoSize

from bot.chat import IncomingFile, IncomingImage
from bot.errors import PictureGoneError
from inference.errors import ImageTooLargeError

ReadFile = Callable[[str, int], Awaitable[bytes]]
"""Reads the file of an id, at most so many bytes; see `Downloads.read()`."""

_PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".apng", ".jfif"})
_FILM_TYPES = frozenset({"video/mp4", "video/webm", "video/quicktime", "video/x-matroska"})
_PICTURE, _FILM = "p", "f"


class Pictures:
    """Finds pictures and reads them; films as animations."""

    def __init__(self, read: ReadFile, *, longest_film_s: int, largest: int | None) -> None:
        """`largest`: bytes that Telegram lets bots read; None: all."""
        self._read = read
        self._longest_film_s = longest_film_s
        self._largest = largest

    def of(self, message: Message) -> tuple[IncomingImage, ...]:
        """The picture of the message; a message has one at most, an album is several."""
        found = self._found(message)
        return () if found is None else (found,)

    def again(self, reference: str) -> IncomingImage:
        """The picture behind a reference. Raises PictureGoneError."""
        kind, _, file_id = reference.partition("/")
        if kind.removesuffix("s") not in (_PICTURE, _FILM) or not file_id:
            raise PictureGoneError
        return self._image(kind.removesuffix("s"), file_id, "", None, spoiler=kind.endswith("s"))

    def file_of(self, message: Message) -> IncomingFile | None:
        """The document of the message."""
        document = message.document
        if document is None:
            return None
        read = partial(self._read_checked, document.file_id, document.file_size)
        return IncomingFile(document.file_name or "", document.file_size, read)

    def _found(self, message: Message) -> IncomingImage | None:
        spoiler = bool(message.has_media_spoiler)
        if message.photo:
            best = self._best(message.photo)
            return self._image(_PICTURE, best.file_id, "photo.jpg", best.file_size, spoiler=spoiler)
        if sticker := message.sticker:
            kind = _FILM if sticker.is_animated or sticker.is_video else _PICTURE
            return self._image(kind, sticker.file_id, "sticker", sticker.file_size)
        # Before documents: a GIF comes as a document too.
        if film := message.animation or message.video or message.video_note:
            if _seconds(film) > self._longest_film_s:
                return None
            return self._image(_FILM, film.file_id, "film", film.file_size, spoiler=spoiler)
        return None if message.document is None else self._sent_as_file(message.document)

    def _sent_as_file(self, document: Document) -> IncomingImage | None:
        name, mime = document.file_name or "", document.mime_type or ""
        if mime.startswith("image/") or PurePosixPath(name.lower()).suffix in _PICTURE_ENDINGS:
            kind = _PICTURE
        elif mime in _FILM_TYPES:
            kind = _FILM
        else:
            return None
        return self._image(kind, document.file_id, name, document.file_size)

    def _best(self, sizes: tuple[PhotoSize, ...]) -> PhotoSize:
        """The largest that can be read; the smallest where none can."""
        by_pixels = sorted(sizes, key=lambda size: size.width * size.height, reverse=True)
        readable = (size for size in by_pixels if (size.file_size or 0) <= (self._largest or float("inf")))
        return next(readable, by_pixels[-1])

    def _image(
        self, kind: str, file_id: str, name: str, size: int | None, *, spoiler: bool = False
    ) -> IncomingImage:
        read = partial(self._read_film if kind == _FILM else self._read_checked, file_id, size)
        # What a film weighs says nothing about the pictures that are made of it.
        shown = None if kind == _FILM else size
        return IncomingImage(f"{kind}{'s' * spoiler}/{file_id}", name, shown, read, spoiler)

    async def _read_checked(self, file_id: str, size: int | None, limit: int) -> bytes:
        if self._largest is not None and size is not None and size > self._largest:
            raise ImageTooLargeError(what="bytes", actual=size, limit=self._largest)
        return await self._read(file_id, limit)

    async def _read_film(self, file_id: str, size: int | None, limit: int) -> bytes:
        data = await self._read_checked(file_id, size, limit)
        return await asyncio.to_thread(_animation_of, data)


def _animation_of(data: bytes) -> bytes:
    from bot.adapters.films import animation_of  # noqa: PLC0415  # its libraries take 13 MB

    return animation_of(data)


def _seconds(film: object) -> float:
    duration = getattr(film, "_duration", None)
    return float(duration.total_seconds()) if duration is not None else 0.0
