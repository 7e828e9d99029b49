"""Reads how a picture file is built without decoding a pixel: its format, size, frames and colour profile.

Decoders get `ImageProbe.pixel_data`: for JPEG, PNG and AVIF the file without the metadata that Pillow would
parse on its own account (EXIF, text, MPO indexes), so none of that can fail, warn or grow.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from inference.avif_boxes import read_avif
from inference.errors import ImageUnreadableError, ImageUnsupportedError
from inference.file_kinds import file_kind, media_brands

ImageFormat = Literal["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"]

ALLOWED_FORMATS = "JPEG, PNG, WebP, GIF, BMP or AVIF"
ENDS_EARLY = "the file ends early"

_MAX_ICC_BYTES = 4 * 1024 * 1024  # the largest profiles of printers are some 3 MB
_MAX_PARTS = 100_000  # segments, chunks; a 25 MB file of real pictures has some thousands
_MAX_GIF_BLOCKS = 1_000_000  # of at most 255 bytes; encoders fill them


@dataclass(frozen=True, slots=True)
class ImageProbe:
    """What a picture file says about itself; its pixels may still turn out to be damaged."""

    format: ImageFormat
    width: int
    height: int
    """Pixels as stored, before `orientation`. For GIF all frames fit in it, for AVIF also what is coded."""
    pixel_data: bytes
    """What a decoder needs of the file."""
    frame_delays_ms: tuple[int, ...] = (0,)
    """How long each frame is shown; one entry for a still picture."""
    animated: bool = False
    """Stored as an animation, even if of one frame."""
    orientation: int = 1
    """As in EXIF, 1…8; for AVIF always 1, its decoder knows."""
    icc_profile: bytes | None = None
    """For AVIF always None, its decoder knows."""
    scans: int = 1
    """How often a decoder goes over the whole picture (progressive JPEG)."""


def probe_image(data: bytes) -> ImageProbe:
    """The structure of a file, whatever its name says.

    Raises ImageUnsupportedError for anything but the allowed formats, ImageUnreadableError for a file that is
    empty, ends early or contradicts its own format.
    """
    if not data:
        raise ImageUnreadableError(reason="the file is empty")
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _probe_jpeg(data)
        if data.startswith(_PNG_SIGNATURE):
            return _probe_png(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _probe_webp(data)
        if data.startswith((b"GIF87a", b"GIF89a")):
            return _probe_gif(data)
        if (
            data.startswith(b"BM")
            and len(data) > 18
            and struct.unpack_from("<I", data, 14)[0] in _BMP_HEADERS
        ):
            return _probe_bmp(data)
        if media_brands(data) & {b"avif", b"avis"}:
            width, height, pixel_data = read_avif(data)
            return ImageProbe("AVIF", width, height, pixel_data)
    except (IndexError, struct.error) as error:
        raise ImageUnreadableError(reason=ENDS_EARLY) from error
    raise ImageUnsupportedError(found=file_kind(data), allowed=ALLOWED_FORMATS)


def exif_orientation(exif: bytes) -> int:
    """The EXIF orientation, 1…8; 1 (upright) where there is none or the EXIF data is malformed."""
    tiff = exif.removeprefix(b"Exif\0\0")
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
            if tag == 0x0112:
                return int(value) if kind == 3 and 1 <= value <= 8 else 1
    except (KeyError, struct.error):
        pass
    return 1


def _damaged(what: str) -> ImageUnreadableError:
    return ImageUnreadableError(reason=f"its {what} data is damaged")


# ── JPEG ────────────────────────────────────────────────────────────────────────────────────────

_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # not stuffed bytes, fill bytes and restart markers
_JPEG_BARE = {0x01, 0xD8}  # markers without a segment
_JPEG_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xDE}
JPEG_SCAN, _JPEG_END = 0xDA, 0xD9


def _probe_jpeg(data: bytes) -> ImageProbe:
    size: tuple[int, int] | None = None
    scans, scans_start, orientation = 0, 0, 1
    kept: list[bytes] = [data[:2]]
    icc_parts: list[bytes] = []
    for marker, start, end in jpeg_segments(data):
        if marker == _JPEG_END:
            if size is None or not scans:
                break
            kept.append(data[scans_start:end])
            icc = b"".join(part[2:] for part in sorted(icc_parts))
            return ImageProbe(
                "JPEG",
                *size,
                b"".join(kept),
                orientation=orientation,
                icc_profile=icc if 0 < len(icc) <= _MAX_ICC_BYTES else None,
                scans=scans,
            )
        if marker == JPEG_SCAN:
            scans += 1
            scans_start = scans_start or start
        elif marker in _JPEG_FRAMES:
            bits, height, width = struct.unpack_from(">BHH", data, start + 4)
            if bits != 8:
                raise ImageUnsupportedError(found=f"{bits}-bit JPEG", allowed=ALLOWED_FORMATS)
            if size is not None:
                break
            size = width, height
        elif marker == 0xE1 and data.startswith(b"Exif\0\0", start + 4):
            orientation = exif_orientation(data[start + 4 : end]) if orientation == 1 else orientation
        elif marker == 0xE2 and data.startswith(b"ICC_PROFILE\0", start + 4):
            icc_parts.append(data[start + 16 : end])
        # Of the metadata only APP0 (JFIF) and APP14 (Adobe) say something about colours.
        if not scans and not (0xE1 <= marker <= 0xED or marker in {0xEF, 0xFE}):
            kept.append(data[start:end])
    raise _damaged("JPEG")


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of every segment up to the end marker, without the coded pixels between them."""
    position = 2
    for _ in range(_MAX_PARTS):
        match = _JPEG_MARKER.search(data, position)
        if match is None:
            raise ImageUnreadableError(reason=ENDS_EARLY)
        start, position = match.span()
        marker = data[start + 1]
        if marker in _JPEG_BARE:
            continue
        if marker != _JPEG_END:
            position += int.from_bytes(data[position : position + 2], "big")
            if position > len(data):
                raise ImageUnreadableError(reason=ENDS_EARLY)
        yield marker, start, position
        if marker == _JPEG_END:
            return
    raise _damaged("JPEG")


# ── PNG ─────────────────────────────────────────────────────────────────────────────────────────

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_STILL = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_PNG_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}


def _probe_png(data: bytes) -> ImageProbe:
    chunks = list(_png_chunks(data))
    names = [name for name, _, _ in chunks]
    if names[0] != b"IHDR" or names.count(b"IHDR") > 1 or b"IDAT" not in names:
        raise _damaged("PNG")
    width, height = struct.unpack_from(">II", data, chunks[0][1] + 8)
    delays = _apng_delays_ms(data, chunks[: names.index(b"IDAT")], chunks)
    wanted = _PNG_STILL | _PNG_ANIMATION if delays else _PNG_STILL
    kept = [data[:8], *(data[start:end] for name, start, end in chunks if name in wanted)]
    icc: bytes | None = None
    orientation = 1
    for name, start, end in chunks:
        if name == b"iCCP" and icc is None:
            icc = _png_icc_profile(data[start + 8 : end - 4])
        elif name == b"eXIf":
            orientation = exif_orientation(data[start + 8 : end - 4])
    return ImageProbe("PNG", width, height, b"".join(kept), delays or (0,), len(delays) > 1, orientation, icc)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of every chunk up to IEND."""
    position = len(_PNG_SIGNATURE)
    for _ in range(_MAX_PARTS):
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if not name.isalpha():
            break
        if end > len(data):
            raise ImageUnreadableError(reason=ENDS_EARLY)
        yield name, position, end
        if name == b"IEND":
            return
        position = end
    raise _damaged("PNG")


def _apng_delays_ms(
    data: bytes, before_pixels: list[tuple[bytes, int, int]], chunks: list[tuple[bytes, int, int]]
) -> tuple[int, ...]:
    """Empty unless the animation's header is in order; a default picture outside of it is its first frame."""
    headers = [start for name, start, _ in chunks if name == b"acTL"]
    if len(headers) != 1 or not any(name == b"acTL" for name, _, _ in before_pixels):
        return ()
    (claimed,) = struct.unpack_from(">I", data, headers[0] + 8)
    if not 0 < claimed < 2**31:
        return ()
    default = not any(name == b"fcTL" for name, _, _ in before_pixels)
    delays = [0] if default else []
    for name, start, end in chunks:
        if name == b"fcTL":
            if end - start != 12 + 26:
                raise _damaged("PNG")
            numerator, denominator = struct.unpack_from(">HH", data, start + 8 + 20)
            delays.append(round(1000 * numerator / (denominator or 100)))
    return tuple(delays[: claimed + default])


def _png_icc_profile(body: bytes) -> bytes | None:
    _, _, packed = body.partition(b"\0")
    inflate = zlib.decompressobj()
    try:
        profile = inflate.decompress(packed[1:], _MAX_ICC_BYTES)
    except zlib.error:
        return None
    return profile if inflate.eof else None


# ── WebP ────────────────────────────────────────────────────────────────────────────────────────


def _probe_webp(data: bytes) -> ImageProbe:
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if end > len(data):
        raise ImageUnreadableError(reason=ENDS_EARLY)
    size: tuple[int, int] | None = None
    delays: list[int] = []
    animated, orientation = False, 1
    icc: bytes | None = None
    for name, start, stop in _riff_chunks(data, end):
        if name == b"VP8X" and size is None:
            animated = bool(data[start] & 2)
            size = 1 + _u24(data, start + 4), 1 + _u24(data, start + 7)
        elif name == b"VP8 " and size is None:
            width, height = struct.unpack_from("<HH", data, start + 6)
            size = width & 0x3FFF, height & 0x3FFF
        elif name == b"VP8L" and size is None:
            (bits,) = struct.unpack_from("<I", data, start + 1)
            size = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif name == b"ANMF":
            delays.append(_u24(data, start + 12))
        elif name == b"EXIF":
            orientation = exif_orientation(data[start:stop])
        elif name == b"ICCP" and stop - start <= _MAX_ICC_BYTES:
            icc = data[start:stop]
    if size is None or (animated and not delays):
        raise _damaged("WebP")
    pixel_data = data if end == len(data) else data[:end]
    return ImageProbe(
        "WEBP", *size, pixel_data, tuple(delays) if animated else (0,), animated, orientation, icc
    )


def _riff_chunks(data: bytes, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of every chunk's body."""
    position = 12
    for _ in range(_MAX_PARTS):
        if position + 8 > end:
            return
        name, length = struct.unpack_from("<4sI", data, position)
        start = position + 8
        if start + length > end:
            raise ImageUnreadableError(reason=ENDS_EARLY)
        yield name, start, start + length
        position = start + length + length % 2
    raise _damaged("WebP")


def _u24(data: bytes, position: int) -> int:
    low, high = struct.unpack_from("<HB", data, position)
    return int(low | high << 16)


# ── GIF ─────────────────────────────────────────────────────────────────────────────────────────


def _probe_gif(data: bytes) -> ImageProbe:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + _gif_palette_bytes(flags)
    blocks = iter(range(_MAX_GIF_BLOCKS))
    delays: list[int] = []
    delay = 0
    while position < len(data):
        kind = data[position]
        if kind == 0x21:
            if data[position + 1] == 0xF9 and data[position + 2] >= 4:
                delay = 10 * struct.unpack_from("<H", data, position + 4)[0]
            position = _after_gif_blocks(data, position + 2, blocks)
        elif kind == 0x2C:
            left, top, across, down, flags = struct.unpack_from("<HHHHB", data, position + 1)
            # Pillow lets a frame that sticks out enlarge the picture, so the size must cover all frames.
            width, height = max(width, left + across), max(height, top + down)
            position = _after_gif_blocks(data, position + 11 + _gif_palette_bytes(flags), blocks)
            delays.append(delay)
            delay = 0
        else:  # the end (0x3B), or something appended by a tool that forgot to write it
            break
    if not delays:
        raise ImageUnreadableError(reason=ENDS_EARLY)
    return ImageProbe("GIF", width, height, data, tuple(delays), len(delays) > 1)


def _gif_palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_gif_blocks(data: bytes, position: int, blocks: Iterator[int]) -> int:
    for _ in blocks:
        size = data[position]
        position += 1 + size
        if not size:
            return position
    raise _damaged("GIF")


# ── BMP ─────────────────────────────────────────────────────────────────────────────────────────

_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}


def _probe_bmp(data: bytes) -> ImageProbe:
    layout = "<HH" if data[14] == 12 else "<ii"
    width, height = struct.unpack_from(layout, data, 18)
    return ImageProbe("BMP", width, abs(height), data)
