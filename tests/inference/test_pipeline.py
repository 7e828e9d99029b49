"""The picture pipeline with the bundled models: what is seen, and how much is held at a time."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from config.options import ImageLimits, ModelOptions, Options
from inference.batching import MicroBatcher
from inference.domain import FaceBox, ImageRGB
from inference.drawing import draw_cast, draw_group
from inference.errors import StoppedError
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
@pytest.mark.parametrize("idle", [True, False], ids=["idle", "busy"])
async def test_all_is_detected_and_embedded_as_frame_by_frame(
    pipeline: FacePipeline, group: ImageRGB, kind: str, idle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not idle:
        monkeypatch.setattr(MicroBatcher, "run_now", lambda batcher, items: None)
    async with pipeline.opened(picture_file(group, kind)) as picture:
        assert (picture.detections is not None) == (picture.embeddings is not None)
        assert (picture.detections is not None) == (idle and kind == "still")
        assert (picture.canvas is not None) == (not idle and kind == "still")
        found = await pipeline.detect_all(picture)
        embedded = await pipeline.probe_all(picture, found)
        frames = picture.decoded.frames
        assert found == [await pipeline.detect(frame) for frame in frames]
        for frame, faces, rows in zip(frames, found, embedded, strict=True):
            again = await pipeline.embed(frame, [face.box for face in faces])
            np.testing.assert_allclose(rows, again, atol=1e-4)
    assert len(found) == (2 if kind == "animation" else 1)
    assert any(found)


async def test_a_picture_without_faces_is_embedded_as_none(pipeline: FacePipeline) -> None:
    empty = np.full((400, 400, 3), 200, np.uint8)
    async with pipeline.opened(encode(empty, format="png")) as picture:
        assert await pipeline.detect_all(picture) == [()]
        (rows,) = await pipeline.probe_all(picture, [()])
        assert rows.shape == (0, pipeline.contract.dimension)


async def test_beside_another_picture_none_is_looked_at_at_once(
    pipeline: FacePipeline, group: ImageRGB
) -> None:
    file = encode(resized(group, 640, 360), format="png")  # twice within the budget
    async with pipeline.opened(file) as first:
        assert first.detections is not None
        async with pipeline.opened(file) as second:
            assert second.detections is None
            assert second.canvas is not None
    async with pipeline.opened(file) as third:
        assert third.detections is not None


@pytest.mark.parametrize("count", [1, 2, 7])
async def test_helpers_keep_the_order_of_the_faces(
    pipeline: FacePipeline, group: ImageRGB, count: int
) -> None:
    boxes = [FaceBox(20 + 60 * index, 30, 140 + 60 * index, 150) for index in range(count)]
    together = await pipeline.embed(group, boxes)
    for box, row in zip(boxes, together, strict=True):
        np.testing.assert_allclose(row, (await pipeline.embed(group, [box]))[0], atol=1e-4)


async def test_closing_lets_a_picture_be_looked_at_to_the_end(
    tmp_path: Path, group: ImageRGB, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, go_on = threading.Event(), threading.Event()
    run_now = MicroBatcher.run_now

    def held(batcher: MicroBatcher[object, object], items: Sequence[object]) -> Sequence[object] | None:
        looking.set()
        assert go_on.wait(30)
        return run_now(batcher, items)

    monkeypatch.setattr(MicroBatcher, "run_now", held)

    async def see(pipeline: FacePipeline) -> None:
        async with pipeline.opened(picture_file(group, "still")) as picture:
            await pipeline.detect_all(picture)

    async with open_pipeline(Options(data_dir=tmp_path, models=ModelOptions(threads=1))) as pipeline:
        seeing = asyncio.create_task(see(pipeline))
        await asyncio.to_thread(looking.wait, 30)
        closing = asyncio.create_task(pipeline.close())
        await asyncio.sleep(0.05)
        go_on.set()
        async with asyncio.timeout(30):
            await closing
            with pytest.raises(StoppedError):
                await seeing


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
                while peak <= PIXELS * 0.6:  # until there are others beside it
                    await asyncio.sleep(0.001)
                await asyncio.sleep(0.01)
            finally:
                held -= side * side

    for given_up in (0, 10):
        peak = 0
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
