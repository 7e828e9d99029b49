"""The fonts that labels are set in: which files there are, and which characters each one can show."""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Literal

Han = Literal["JP", "KR", "SC", "TC"]
"""Whose forms of the Han characters: Japan's, Korea's, simplified or traditional Chinese."""

_SCRIPTS = (
    *("Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi"),
    *("Hebrew", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil"),
    *("Telugu", "Thai"),
)


@dataclass(frozen=True, slots=True)
class Font:
    """One family of the chain, as the renderer knows it."""

    family: str
    package: str
    file: str

    @property
    def path(self) -> Path:
        return _path(self.package, self.file)

    def covers(self, character: str) -> bool:
        """Whether the font has a glyph of its own for the character."""
        starts, ends = _coverage(self.package, self.file)
        index = bisect_right(starts, ord(character)) - 1
        return index >= 0 and ord(character) <= ends[index]


def _noto(script: str) -> Font:
    return Font(f"Noto Sans {script}".rstrip(), "manimgx_fonts", f"NotoSans{script}[wght].ttf")


LATIN = _noto("")
EMOJI = Font("Noto Emoji", "manimgx_fonts", "NotoEmoji[wght].ttf")


def cjk(han: Han) -> Font:
    """The font for Han, kana and Hangul; the same glyphs are there for each `han`, in other forms."""
    return Font(f"Noto Sans CJK {han}", "manimgx_fonts_cjk", "NotoSansCJK-VF.otf.ttc")


@cache
def chain(han: Han) -> tuple[Font, ...]:
    """All fonts, the one to try first at the front; pictographs come last."""
    return (LATIN, *map(_noto, _SCRIPTS), _noto("Symbols"), cjk(han), EMOJI)


def _path(package: str, file: str) -> Path:
    return Path(str(import_module(package).__file__)).parent / file


@cache
def _coverage(package: str, file: str) -> tuple[list[int], list[int]]:
    """The first and last code points of the ranges that the font file maps to glyphs, ascending.

    Read here rather than with fontTools, which needs 0.2 s for the Chinese, Japanese and Korean font: a
    range is all we ask for, not the glyph of each character.
    """
    with _path(package, file).open("rb") as stream:
        table = _character_map(stream)
    count = struct.unpack_from(">H", table, 2)[0]
    offsets = {
        (platform, encoding): offset
        for platform, encoding, offset in struct.iter_unpack(">HHL", table[4 : 4 + 8 * count])
    }
    # Windows' full Unicode map where there is one, else that of the Basic Multilingual Plane.
    full, basic = offsets.get((3, 10)), offsets.get((3, 1))
    ranges = _ranges_of_format_12(table, full) if full is not None else _ranges_of_format_4(table, basic or 0)
    return [first for first, _ in ranges], [last for _, last in ranges]


def _character_map(file: BinaryIO) -> bytes:
    """The `cmap` table of a font file, or of the first font of a collection (they share one coverage)."""
    start = 0
    if file.read(4) == b"ttcf":
        file.seek(12)
        start = struct.unpack(">L", file.read(4))[0]
    file.seek(start + 4)
    count = struct.unpack(">H", file.read(2))[0]
    file.seek(start + 12)
    for tag, _, offset, length in struct.iter_unpack(">4sLLL", file.read(16 * count)):
        if tag == b"cmap":
            file.seek(offset)
            return file.read(length)
    raise ValueError("the font has no character map")


def _ranges_of_format_12(table: bytes, offset: int) -> list[tuple[int, int]]:
    (count,) = struct.unpack_from(">L", table, offset + 12)
    groups = struct.iter_unpack(">LLL", table[offset + 16 : offset + 16 + 12 * count])
    return [(first + (glyph == 0), last) for first, last, glyph in groups if last > first or glyph]


def _ranges_of_format_4(table: bytes, offset: int) -> list[tuple[int, int]]:
    segments = struct.unpack_from(">H", table, offset + 6)[0] // 2
    words = struct.unpack_from(f">{4 * segments + 1}H", table, offset + 14)
    ends, starts = words[:segments], words[segments + 1 : 2 * segments + 1]
    deltas, glyph_arrays = words[2 * segments + 1 : 3 * segments + 1], words[3 * segments + 1 :]
    ranges: list[tuple[int, int]] = []
    for index, (first, last) in enumerate(zip(starts, ends, strict=True)):
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = (code + deltas[index]) & 0xFFFF
            if glyph_arrays[index]:
                # The array is addressed from the place of its own offset within the table.
                at = offset + 16 + 6 * segments + 2 * index + glyph_arrays[index] + 2 * (code - first)
                (glyph,) = struct.unpack_from(">H", table, at)
            if glyph:
                ranges.append((code, code))
    return ranges
