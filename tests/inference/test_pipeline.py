"""The picture pipeline with the bundled models: what is seen, and how much is held at a time."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from config.options import ImageLimits, ModelOptions, Options
from inference.domain import ImageRGB
from inference.drawing import draw_cast, draw_group
from inference.images import encode
from inference.pipeline import FacePipeline
from inference.scaling import resized
from inference.service import open_pipeline

PIXELS = 1_500_000


@pytest.fixture(scope="module")
def group() -> ImageRGB:
    return draw_group(draw_cast(5, seed=6), seed=3).image


@pytest.fixture
async def pipeline(tmp_path: Path) -> AsyncIterator[FacePipeline]:
    options = Options(data_dir=tmp_path, models=ModelOptions(threads=1))
    limits = replace(ImageLimits(), max_pixels=PIXELS)
    async with open_pipeline(replace(options, images=limits), warm=False) as opened:
        yield opened


def picture_file(image: ImageRGB, kind: str) -> bytes:
    if kind == "animation":
        small = resized(image, 640, 360)
        frames = [Image.fromarray(small), Image.fromarray(small[:, ::-1])]
        file = io.BytesIO()
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
        return file.getvalue()
    tall = np.concatenate([image[:, :450]] * 2)
    return encode(tall if kind == "tall" else image, format="png")


@pytest.mark.parametrize("kind", ["still", "tall", "animation"])
async def test_all_is_detected_as_frame_by_frame(pipeline: FacePipeline, group: ImageRGB, kind: str) -> None:
    async with pipeline.opened(picture_file(group, kind)) as picture:
        found = await pipeline.detect_all(picture)
        assert found == [await pipeline.detect(frame) for frame in picture.decoded.frames]
    assert len(found) == (2 if kind == "animation" else 1)
    assert any(found)


async def test_no_more_is_held_than_the_budget_whoever_gives_up(
    pipeline: FacePipeline, group: ImageRGB
) -> None:
    side = 500  # six of these are within the budget
    file = encode(group[:side, :side], format="png")
    held, peak = 0, 0

    async def hold() -> None:
        nonlocal held, peak
        async with pipeline.opened(file):
            held += side * side
            peak = max(peak, held)
            try:
                await asyncio.sleep(0.01)
            finally:
                held -= side * side

    for given_up in (0, 10):
        callers = [asyncio.create_task(hold()) for _ in range(40)]
        await asyncio.sleep(0.02)
        for caller in callers[:: 40 // given_up] if given_up else ():
            caller.cancel()
        async with asyncio.timeout(60):
            outcomes = await asyncio.gather(*callers, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in outcomes if one is not None)
        assert PIXELS * 0.6 < peak <= PIXELS
        assert held == 0
    async with asyncio.timeout(10), pipeline.decoded(encode(group, format="png")):
        pass
