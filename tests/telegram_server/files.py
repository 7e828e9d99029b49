"""Files on Telegram's side: photos in their sizes, documents, stickers, what bots upload."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from config.options import ImageLimits
from inference.errors import AppError
from inference.images import decode, encode
from tests.telegram_server.errors import mistaken
from tests.telegram_server.state import Delivery, Media, MediaKind, StoredFile

LARGEST_DOWNLOAD = 20 * 1024 * 1024
"""(getFile)"""
LARGEST_UPLOAD = 50 * 1024 * 1024
"""(Sending files)"""
LARGEST_PHOTO = 10 * 1024 * 1024
_SIDES = (90, 320, 800, 1280)
"""The longer sides of a photo's sizes; the client makes the largest before it uploads."""
_FOLDERS = {
    MediaKind.PHOTO: "photos",
    MediaKind.DOCUMENT: "documents",
    MediaKind.STICKER: "stickers",
    MediaKind.ANIMATION: "animations",
    MediaKind.VIDEO: "videos",
    MediaKind.VIDEO_NOTE: "video_notes",
}
_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "application/x-tgsticker": ".tgs",
}


class FileStore:
    """Every file by its id. With `folder`, a local Bot API server keeps them there."""

    def __init__(self) -> None:
        self.by_id: dict[str, StoredFile] = {}
        self.by_path: dict[str, StoredFile] = {}
        self.folder: Path | None = None
        self._number = 0

    def photo(self, data: bytes, *, largest: int = _SIDES[-1], delivery: Delivery | None = None) -> Media:
        """A posted photo: JPEGs at Telegram's sizes, whatever it was before.

        Raises:
            Refusal: it is no picture, or one of forbidden dimensions.
        """
        sizes = tuple(
            self._add(MediaKind.PHOTO, jpeg, "image/jpeg", size_wh=(width, height), delivery=delivery)
            for jpeg, width, height in _photo_sizes(data, largest)
        )
        return Media(MediaKind.PHOTO, sizes[-1], sizes)

    def document(
        self, name: str, data: bytes, *, mime: str | None = None, delivery: Delivery | None = None,
        declared_size: int | None = None,
    ) -> Media:  # fmt: skip
        """A file as it is; pictures get a thumbnail."""
        mime = mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = self._add(
            MediaKind.DOCUMENT, data, mime, name=name, delivery=delivery, declared_size=declared_size
        )
        return Media(MediaKind.DOCUMENT, file, self._thumbnail(data) if mime.startswith("image/") else ())

    def sticker(self, data: bytes, *, thumbnail: bytes = b"") -> Media:
        """A static (WEBP), animated (TGS) or video (WEBM) sticker, by its first bytes."""
        animated, video = data.startswith(b"\x1f\x8b"), data.startswith(b"\x1a\x45\xdf\xa3")
        mime = "application/x-tgsticker" if animated else "video/webm" if video else "image/webp"
        file = self._add(MediaKind.STICKER, data, mime, size_wh=(512, 512))
        return Media(MediaKind.STICKER, file, self._thumbnail(thumbnail or data), animated, video)

    def film(
        self,
        kind: MediaKind,
        data: bytes,
        size_wh: tuple[int, int],
        duration_s: int,
        *,
        thumbnail: bytes = b"",
    ) -> Media:
        """A video or a GIF, which Telegram turns into a silent MP4."""
        mime = "image/gif" if data.startswith(b"GIF8") else "video/mp4"
        name = "animation.gif.mp4" if kind is MediaKind.ANIMATION else "video.mp4"
        file = self._add(kind, data, mime, name=name, size_wh=size_wh, duration_s=duration_s)
        return Media(kind, file, self._thumbnail(thumbnail))

    def forget(self, media: Media) -> None:
        """Its ids lead nowhere from now on."""
        for file in (media.file, *media.sizes):
            file.forgotten = True

    def _thumbnail(self, data: bytes) -> tuple[StoredFile, ...]:
        try:
            jpeg, width, height = _photo_sizes(data, 320)[-1]
        except Exception:  # what nobody can read has no thumbnail
            return ()
        return (self._add(MediaKind.PHOTO, jpeg, "image/jpeg", size_wh=(width, height), folder="thumbnails"),)

    def _add(
        self,
        kind: MediaKind,
        data: bytes,
        mime: str,
        *,
        name: str | None = None,
        size_wh: tuple[int, int] | None = None,
        duration_s: int | None = None,
        delivery: Delivery | None = None,
        declared_size: int | None = None,
        folder: str = "",
    ) -> StoredFile:
        self._number += 1
        suffix = _SUFFIXES.get(mime) or Path(name or "").suffix or mimetypes.guess_extension(mime) or ""
        file = StoredFile(
            id=_opaque(f"file {self._number}", 60),
            unique_id=_opaque(hashlib.sha256(data).hexdigest(), 12),
            path=f"{folder or _FOLDERS[kind]}/file_{self._number}{suffix}",
            data=data,
            mime=mime,
            name=name,
            declared_size=declared_size,
            size_wh=size_wh,
            duration_s=duration_s,
            delivery=delivery or Delivery(),
        )
        if self.folder is not None:
            file.local = self.folder / file.path
            file.local.parent.mkdir(parents=True, exist_ok=True)
            file.local.write_bytes(data)
        self.by_id[file.id] = self.by_path[file.path] = file
        return file


@lru_cache(maxsize=512)
def _photo_sizes(data: bytes, largest: int) -> tuple[tuple[bytes, int, int], ...]:
    """JPEG, width, height of each size, smallest first."""
    try:
        image = decode(data, ImageLimits(max_bytes=len(data) + 1)).frames[0]
    except AppError as error:
        raise mistaken("IMAGE_PROCESS_FAILED") from error
    height, width = image.shape[:2]
    # (sendPhoto)
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise mistaken("PHOTO_INVALID_DIMENSIONS")
    sides = {min(side, max(width, height)) for side in (*_SIDES, largest) if side <= largest}
    found = []
    for side in sorted(sides):
        scale = side / max(width, height)
        wide, high = max(round(width * scale), 1), max(round(height * scale), 1)
        small = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        found.append((encode(small, format="jpeg", quality=87), wide, high))
    return tuple(found)


def _opaque(seed: str, length: int) -> str:
    digest = hashlib.shake_256(seed.encode()).digest(length)
    return "AgACAgIAAx" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
