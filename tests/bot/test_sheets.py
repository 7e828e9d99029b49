from __future__ import annotations

import numpy as np
import pytest

from bot.sheets import Tile, draw_sheet, in_rows
from config.options import ImageLimits
from inference.domain import FaceBox, FaceCrop, ImageRGB
from inference.images import decode, encode


def make_crop(colour: tuple[int, int, int], width: int = 60, height: int = 60) -> FaceCrop:
    image = np.full((height, width, 3), colour, np.uint8)
    return FaceCrop(encode(image, format="webp", quality=90), FaceBox(0, 0, width, height))


async def drawn(*rows: list[Tile]) -> ImageRGB:
    frame: ImageRGB = decode(await draw_sheet(rows), ImageLimits()).frames[0]
    return frame


async def test_tiles_stand_in_rows_and_columns() -> None:
    red, green, blue = (Tile(make_crop(colour)) for colour in ((220, 0, 0), (0, 220, 0), (0, 0, 220)))
    sheet = await drawn([red, green], [blue])
    height, width = sheet.shape[:2]
    corners = [
        sheet[height // 4, width // 4],
        sheet[height // 4, 3 * width // 4],
        sheet[3 * height // 4, width // 4],
    ]
    assert [int(np.argmax(pixel)) for pixel in corners] == [0, 1, 2]
    assert sheet[3 * height // 4, 3 * width // 4].max() < 60


@pytest.mark.parametrize(("width", "height"), [(10, 400), (400, 10), (1, 1), (900, 900)])
async def test_a_face_of_any_shape_fits_its_cell(width: int, height: int) -> None:
    plain, odd = Tile(make_crop((0, 200, 0))), Tile(make_crop((200, 0, 0), width, height))
    assert (await drawn([plain, odd])).shape == (await drawn([plain, plain])).shape


async def test_captions_and_marks_make_room_for_themselves() -> None:
    bare = await drawn([Tile(make_crop((0, 0, 0)))])
    said = await drawn([Tile(make_crop((0, 0, 0)), "12", ("千反田える", "a very long caption " * 20))])
    assert said.shape[1] == bare.shape[1]
    assert said.shape[0] > bare.shape[0]
    assert said.max() > 200


async def test_hostile_captions_are_drawn_without_harm() -> None:
    tile = Tile(make_crop((9, 9, 9)), "\u202e\u0000", ("Z" + "\u0301" * 200, "<svg>&amp;", ""))
    assert (await drawn([tile])).size


async def test_no_tiles_are_an_empty_sheet() -> None:
    assert (await drawn()).size


def test_rows_hold_so_many_tiles() -> None:
    tiles = [Tile(make_crop((0, 0, 0)))] * 7
    assert [len(row) for row in in_rows(tiles, 3)] == [3, 3, 1]
    assert in_rows([], 3) == []
