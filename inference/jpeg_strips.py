"""JPEG in strips: parts of a picture that are encoded independently, and joined into one file.

At a restart marker a decoder begins anew (ITU-T T.81, B.2.1 and B.2.4.4), so what follows it can be encoded
without what came before: the joined file shows the same pixels as the picture encoded in one piece.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import ceil

from inference.domain import ImageRGB
from inference.image_probe import JPEG_SCAN, jpeg_segments

_MCU = 16
"""Pixels of a side of what is coded together in 4:2:0: blocks of 8, of colours half as many."""
_MOST_STRIPS = 4
_FEWEST_ROWS = 160
"""Of a strip: fewer are not worth another thread."""
_LONGEST_INTERVAL = 0xFFFF
_FRAME = 0xC0  # of the baseline process
_RESTARTS = 8  # markers, used in turn
_END = b"\xff\xd9"


def cut_strips(image: ImageRGB) -> list[ImageRGB]:
    """Views of the picture from top to bottom, all of one height but for the last, which may be lower."""
    height, width = image.shape[:2]
    count = min(max(height // _FEWEST_ROWS, 1), _MOST_STRIPS)
    mcu_rows = ceil(height / count / _MCU)
    if count == 1 or mcu_rows * ceil(width / _MCU) > _LONGEST_INTERVAL:
        return [image]
    return [image[top : top + mcu_rows * _MCU] for top in range(0, height, mcu_rows * _MCU)]


def join_strips(strips: Sequence[bytes]) -> bytes:
    """The file of the whole picture, of those of its strips: baseline, 4:2:0, all of the same settings."""
    first = strips[0]
    if len(strips) == 1:
        return first
    places: dict[int, tuple[int, int]] = {}
    for marker, start, end in jpeg_segments(first):
        places[marker] = start, end
        if marker == JPEG_SCAN:
            break
    # The strips' headers differ in nothing but the height, so all are of the same length.
    (frame, _), (scan, coded) = places[_FRAME], places[JPEG_SCAN]
    heights = [int.from_bytes(strip[frame + 5 : frame + 7], "big") for strip in strips]
    width = int.from_bytes(first[frame + 7 : frame + 9], "big")
    interval = heights[0] // _MCU * ceil(width / _MCU)
    pieces = [
        first[: frame + 5] + sum(heights).to_bytes(2, "big") + first[frame + 7 : scan],
        struct.pack(">HHH", 0xFFDD, 4, interval),
        first[scan : -len(_END)],
    ]
    for number, strip in enumerate(strips[1:]):
        pieces += bytes([0xFF, 0xD0 + number % _RESTARTS]), strip[coded : -len(_END)]
    return b"".join([*pieces, _END])
