"""Reads the boxes of an AVIF file without decoding a pixel: how large it and the frames coded in it are.

The decoder behind Pillow scales a coded frame to the size that the file claims, but decodes it at its own
size first, so a claim of 64 × 64 can hide 16,384 × 16,384. Pillow offers no limit, hence the look into AV1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from inference.errors import ImageUnreadableError

_MAX_PARTS = 100_000
_SEQUENCE_HEADER = 1  # type of an AV1 open bitstream unit


def read_avif(data: bytes) -> tuple[int, int, bytes]:
    """A width and a height that neither the picture nor anything coded in it exceeds, and what to decode.

    What to decode is as long as the file, but its EXIF is unlisted (turns are boxes of their own), and so
    is its track: an image sequence is shown as its cover. Raises ImageUnreadableError, and IndexError or
    struct.error for a file that ends early.
    """
    pixel_data = bytearray(data)
    top = list(_boxes(data, 0, len(data)))
    metas = [box for box in top if box.kind == b"meta"]
    if len(metas) != 1:
        raise _damaged()
    parts = {box.kind: box for box in _boxes(data, metas[0].start + 4, metas[0].end)}
    if not {b"iprp", b"iinf", b"iloc"} <= parts.keys():
        raise _damaged()
    sizes = [
        struct.unpack_from(">II", data, leaf.start + 4)
        for box in _boxes(data, parts[b"iprp"].start, parts[b"iprp"].end)
        if box.kind == b"ipco"
        for leaf in _boxes(data, box.start, box.end)
        if leaf.kind == b"ispe"
    ]
    budget = 2 * len(data)  # items that share their bytes could otherwise make us read them for ever
    type_places = list(_item_types(data, parts[b"iinf"]))
    coded_items = {item for item, place in type_places if data[place : place + 4] == b"av01"}
    for item, extents in _item_extents(data, parts[b"iloc"], parts.get(b"idat")):
        if item in coded_items:
            budget -= sum(end - start for start, end in extents)
            if budget < 0:
                raise _damaged()
            sizes += _coded_sizes(b"".join(data[start:end] for start, end in extents))
    for box in top:
        if box.kind == b"ftyp":
            pixel_data[box.start : box.end] = data[box.start : box.end].replace(b"avis", b"avif")
        elif box.kind == b"moov":
            pixel_data[box.kind_place : box.kind_place + 4] = b"free"
    for _, place in type_places:
        if data[place : place + 4] == b"Exif":
            pixel_data[place : place + 4] = b"skip"
    if not sizes:
        raise _damaged()
    return max(width for width, _ in sizes), max(height for _, height in sizes), bytes(pixel_data)


class _Box(NamedTuple):
    kind: bytes
    kind_place: int
    start: int
    """Of the content."""
    end: int


def _boxes(data: bytes, position: int, end: int) -> Iterator[_Box]:
    for _ in range(_MAX_PARTS):
        if position >= end:
            return
        size, kind = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = end if size == 0 else position + size
        if stop < start:
            raise _damaged()
        if stop > end:
            raise ImageUnreadableError(reason="the file ends early")
        yield _Box(kind, position + 4, start, stop)
        position = stop
    raise _damaged()


def _item_types(data: bytes, iinf: _Box) -> Iterator[tuple[int, int]]:
    """Every item's number and where its type is written."""
    entries = iinf.start + (6 if data[iinf.start] == 0 else 8)
    for box in _boxes(data, entries, iinf.end):
        version = data[box.start]
        if box.kind == b"infe" and version >= 2:
            item = struct.unpack_from(">H" if version == 2 else ">I", data, box.start + 4)[0]
            yield item, box.start + (8 if version == 2 else 10)


def _item_extents(data: bytes, iloc: _Box, idat: _Box | None) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Every item's number and where its bytes are, each from start to end."""
    fields = _Fields(data, iloc.start)
    version = fields.read(1)
    fields.read(3)
    sizes = fields.read(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(fields.read(2 if version < 2 else 4)):
        item = fields.read(2 if version < 2 else 4)
        inside = idat if version and fields.read(2) & 15 == 1 else None
        fields.read(2)
        base = fields.read(base_size) + (inside.start if inside else 0)
        extents = []
        for _ in range(fields.read(2)):
            if version:
                fields.read(index_size)
            start = base + fields.read(offset_size)
            length = fields.read(length_size)
            end = start + length if length else len(data)
            if end > len(data):
                raise ImageUnreadableError(reason="the file ends early")
            extents.append((start, end))
        yield item, extents


class _Fields:
    """Whole bytes read one after the other as unsigned numbers."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position
        self._left = 10 * _MAX_PARTS

    def read(self, size: int) -> int:
        self._left -= 1
        self._position += size
        if self._position > len(self._data) or self._left < 0:
            raise _damaged()
        return int.from_bytes(self._data[self._position - size : self._position], "big")


def _coded_sizes(coded: bytes) -> Iterator[tuple[int, int]]:
    """The frame size that each sequence header allows; no frame may exceed it (AV1 specification, 5.9.5)."""
    position = 0
    for _ in range(_MAX_PARTS):
        if position >= len(coded):
            return
        header = coded[position]
        position += 2 if header & 4 else 1
        size = len(coded) - position
        if header & 2:
            size, position = _leb128(coded, position)
        if header >> 3 & 15 == _SEQUENCE_HEADER:
            yield _largest_frame(coded[position : position + size])
        position += size
    raise _damaged()


def _leb128(coded: bytes, position: int) -> tuple[int, int]:
    """The number and the position after it."""
    value = 0
    for i in range(8):
        value |= (coded[position + i] & 127) << 7 * i
        if coded[position + i] < 128:
            return value, position + i + 1
    raise _damaged()


def _largest_frame(header: bytes) -> tuple[int, int]:
    bits = _Bits(header[:1024])
    bits.read(4)  # profile, still picture
    if bits.read(1):  # reduced header
        bits.read(5)
    else:
        delay_bits = _skip_timing(bits)
        delays_follow = bits.read(1)
        for _ in range(bits.read(5) + 1):
            bits.read(12)
            if bits.read(5) > 7:
                bits.read(1)
            if delay_bits and bits.read(1):
                bits.read(2 * delay_bits + 1)
            if delays_follow and bits.read(1):
                bits.read(4)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    return bits.read(width_bits) + 1, bits.read(height_bits) + 1


def _skip_timing(bits: _Bits) -> int:
    """How many bits a decoder delay has; 0 without a decoder model."""
    if not bits.read(1):
        return 0
    bits.read(64)
    if bits.read(1):  # a number in Exp-Golomb code
        zeros = 0
        while not bits.read(1):
            zeros += 1
        bits.read(zeros if zeros < 32 else 0)
    if not bits.read(1):
        return 0
    delay_bits = bits.read(5) + 1
    bits.read(42)
    return delay_bits


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise _damaged()
        return self._value >> self._left & (1 << count) - 1


def _damaged() -> ImageUnreadableError:
    return ImageUnreadableError(reason="its AVIF data is damaged")
