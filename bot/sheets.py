"""Pictures of enrolled faces in rows and columns, each with a caption."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config.options import ImageLimits
from inference.domain import FaceBox, FaceCrop, ImageRGB
from inference.fonts import Han
from inference.images import decode, encode
from inference.marks import DOUBTFUL, LIGHT, STRANGE, SURE, Style, paint_tag, paint_text, tag_size_wh
from inference.scaling import resized
from inference.typeset import Line, TextSprite, render_fitting

_GROUND = (28, 30, 36)
_CELL = 176
"""Pixels of a face's side."""
_GAP = 14
_TEXT = 17
_LINE = 26
_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Tile:
    """One face of a sheet."""

    crop: FaceCrop
    mark: str = ""
    """On a tag in its corner, such as the sample's number."""
    caption: tuple[str, ...] = ()
    """Lines below it."""
    style: Style = SURE


async def draw_sheet(rows: Sequence[Sequence[Tile]], *, han: Han = "JP") -> bytes:
    """A JPEG with the rows of tiles below each other; drawn on a worker thread."""
    return await asyncio.to_thread(_drawn, rows, han)


def in_rows(tiles: Sequence[Tile], columns: int) -> list[Sequence[Tile]]:
    """So many in a row."""
    return [tiles[start : start + columns] for start in range(0, len(tiles), columns)]


def _drawn(rows: Sequence[Sequence[Tile]], han: Han) -> bytes:
    tiles = [tile for row in rows for tile in row]
    lines = max((len(tile.caption) for tile in tiles), default=0)
    pitch = _CELL + _GAP + lines * _LINE
    width = max(map(len, rows), default=0) * (_CELL + _GAP) + _GAP
    sheet = np.full((len(rows) * pitch + _GAP, width, 3), _GROUND, np.uint8)
    wanted = [Line(text, _TEXT) for tile in tiles for text in (tile.mark, *tile.caption)]
    sprites = iter(render_fitting(wanted, _CELL, han=han))
    for row, own in enumerate(rows):
        for column, tile in enumerate(own):
            left, top = _GAP + column * (_CELL + _GAP), _GAP + row * pitch
            mark, *caption = [next(sprites) for _ in range(1 + len(tile.caption))]
            _paint_tile(sheet, tile, mark, caption, left=left, top=top)
    return encode(sheet, format="jpeg", quality=_QUALITY)


def _paint_tile(
    sheet: ImageRGB,
    tile: Tile,
    mark: TextSprite,
    caption: Sequence[TextSprite],
    *,
    left: int,
    top: int,
) -> None:
    face = _fitted(decode(tile.crop.data, ImageLimits()).frames[0])
    height, width = face.shape[:2]
    y, x = top + (_CELL - height) // 2, left + (_CELL - width) // 2
    sheet[y : y + height, x : x + width] = face
    if tile.mark:
        tag_width, tag_height = tag_size_wh(mark.width, _TEXT)
        paint_tag(sheet, FaceBox(left, top, left + tag_width, top + tag_height), mark, _TEXT, tile.style)
    for number, line in enumerate(caption):
        middle = top + _CELL + (number + 0.5) * _LINE
        paint_text(sheet, line, _TEXT, LIGHT, left=left + (_CELL - line.width) // 2, middle=middle)


def _fitted(face: ImageRGB) -> ImageRGB:
    """As large as fits into a cell."""
    height, width = face.shape[:2]
    scale = _CELL / max(height, width)
    return resized(face, max(1, round(width * scale)), max(1, round(height * scale)))


PROBE, NAMED, OTHER = STRANGE, SURE, DOUBTFUL
"""Tags of the face that was asked about, of whom it was named as, and of who else it may be."""
