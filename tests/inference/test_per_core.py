"""Models for each core: when they are opened, who gets them, and that they answer as the shared ones do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from config.options import BatchingOptions, ModelOptions, Options
from inference import pipeline as pipelines
from inference import service as services
from inference.batching import MicroBatcher
from inference.domain import Scope
from inference.enroll import EnrollRequest
from inference.errors import OverloadedError
from inference.models import find_pack, resolve_runtimes
from inference.per_core import CoreModels, PerCoreModels
from inference.service import LocalFaceService, open_face_service, open_pipeline
from tests.conftest import CastPictures
from tests.inference.doubler import Doubler, make_batcher

HOME = Scope("home")
MODELS = CoreModels(lambda canvases: [() for _ in canvases], None)


def wanted(models: PerCoreModels, times: int = 64) -> PerCoreModels:
    for _ in range(times):
        models.want()
    return models


async def until_open(models: PerCoreModels) -> None:
    async with asyncio.timeout(120):
        while not models.are_open:
            await asyncio.sleep(0.01)


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pipelines, services):
        monkeypatch.setattr(module, "usable_cores", lambda: 2)


# ── who gets them ───────────────────────────────────────────────────────────────────────────────


async def test_they_are_opened_once_they_have_been_wanted_often() -> None:
    loaded = [CoreModels(MODELS.detect, None) for _ in range(2)]
    left = list(loaded)
    models = wanted(PerCoreModels(2, left.pop), times=63)
    assert models.take() is None
    assert left == loaded
    await until_open(wanted(models))
    first, second = models.take(), models.take()
    assert first is not None
    assert second is not None
    assert first is not second
    assert models.take() is None
    models.give_back(first)
    assert models.take() is first
    await models.close()


async def test_without_any_to_load_there_are_none() -> None:
    models = wanted(PerCoreModels(2, None))
    assert models.take() is None
    await models.close()


async def test_when_they_cannot_be_loaded_all_goes_on_without(caplog: pytest.LogCaptureFixture) -> None:
    tried = threading.Event()

    def load() -> CoreModels:
        if tried.is_set():
            raise MemoryError
        tried.set()
        return MODELS

    models = wanted(PerCoreModels(2, load))
    await models.close()
    assert not models.are_open
    assert models.take() is None
    assert "per_core_models_left_out" in caplog.text


async def test_closing_waits_for_what_is_being_loaded_and_loads_no_more() -> None:
    loading, go_on = threading.Event(), threading.Event()
    loads: list[int] = []

    def load() -> CoreModels:
        loads.append(len(loads))
        loading.set()
        assert go_on.wait(60)
        return MODELS

    models = wanted(PerCoreModels(3, load))
    assert await asyncio.to_thread(loading.wait, 60)
    closing = asyncio.create_task(models.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    go_on.set()
    await closing
    wanted(models)
    assert loads == [0]
    assert models.take() is None


# ── a batch of another function ─────────────────────────────────────────────────────────────────


async def test_another_function_runs_while_a_batch_does_and_is_counted() -> None:
    model, other = Doubler(), Doubler()
    async with make_batcher(model, max_items=2) as batcher:
        model.hold()
        running = asyncio.create_task(batcher.submit(1))
        await model.until_running()
        assert await asyncio.to_thread(batcher.run_with, other, [2, 3]) == [4, 6]
        assert await asyncio.to_thread(batcher.run_with, other, [1, 2, 3]) is None
        assert await asyncio.to_thread(batcher.run_with, other, [-1]) is None
        model.go_on()
        assert await running == 2
        stats = batcher.stats()
        assert (stats.batches, stats.failed_batches, stats.items) == (3, 1, 4)
    assert batcher.run_with(other, [1]) is None


# ── in the pipeline ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize(
    ("models", "are_there"),
    [
        (ModelOptions(), True),
        (ModelOptions(threads=2), True),
        (ModelOptions(threads=1), False),
        (ModelOptions(per_core=False), False),
        (ModelOptions(runtime="onnx"), False),
    ],
)
def test_where_they_are_worth_it(
    models: ModelOptions, are_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(models=models)
    pack = find_pack(models.pack, options.packs_dir)
    if are_there and resolve_runtimes(models, pack).detector.kind != "openvino":
        pytest.skip("OpenVINO is not here")
    assert (services._per_core_loader(pack, options, warm=True) is not None) == are_there
    assert services._per_core_loader(pack, options, warm=False) is None
    for cores in (1, 5):
        monkeypatch.setattr(services, "usable_cores", lambda cores=cores: cores)
        assert services._per_core_loader(pack, options, warm=True) is None


@pytest.mark.usefixtures("two_cores")
async def test_many_callers_are_answered_as_one_is(
    tmp_path: Path, cast_pictures: CastPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(data_dir=tmp_path)
    if (
        resolve_runtimes(options.models, find_pack(options.models.pack, options.packs_dir)).detector.kind
        != "openvino"
    ):
        pytest.skip("OpenVINO is not here")
    own: list[int] = []
    run_with = MicroBatcher.run_with

    def counted(batcher: MicroBatcher[object, object], function: object, items: Sequence[object]) -> object:
        results = run_with(batcher, function, items)  # type: ignore[arg-type]
        own.append(results is not None)
        return results

    monkeypatch.setattr(MicroBatcher, "run_with", counted)
    files = [path.read_bytes() for path in (*cast_pictures.new, cast_pictures.group, cast_pictures.empty)]

    async def seen(service: LocalFaceService, data: bytes) -> list[tuple[object, ...]]:
        answer = await service.identify(data, [HOME], draw=False)
        return [
            (face.detection, face.decision, [match.likeness for match in face.matches])
            for face in answer.identification.faces
        ]

    async with open_face_service(options) as service:
        assert isinstance(service.pipeline, pipelines.FacePipeline)
        for character in cast_pictures.cast:
            portrait = (cast_pictures.folder / character.name / "1.png").read_bytes()
            await service.enroll(portrait, HOME, EnrollRequest(character.name))
        alone = [await seen(service, data) for data in files]
        assert all(face[-1] for faces in alone for face in faces)
        while service.pipeline._per_core._opening is None:
            await asyncio.gather(*(seen(service, data) for data in files * 4))
        await until_open(service.pipeline._per_core)
        own.clear()  # the last of these may have had them
        together = await asyncio.gather(*(seen(service, data) for data in files * 4))
        assert any(own)
    for number, faces in enumerate(together):
        expected = alone[number % len(files)]
        assert len(faces) == len(expected)
        for (detection, decision, likenesses), (wanted_detection, wanted_decision, wanted_likenesses) in zip(
            faces, expected, strict=True
        ):
            assert detection == wanted_detection
            assert decision == wanted_decision
            assert likenesses == pytest.approx(wanted_likenesses, abs=1e-4)


@pytest.mark.usefixtures("two_cores")
async def test_more_pictures_than_can_wait_are_refused(tmp_path: Path, cast_pictures: CastPictures) -> None:
    options = Options(
        data_dir=tmp_path,
        models=ModelOptions(threads=1),
        batching=replace(BatchingOptions(), max_queue=3),
    )
    data = cast_pictures.empty.read_bytes()
    async with open_pipeline(options, warm=False) as pipeline:
        pipeline._per_core.are_open = True
        async with AsyncExitStack() as stack:
            for _ in range(5):
                await stack.enter_async_context(pipeline.opened(data))
            with pytest.raises(OverloadedError):
                await stack.enter_async_context(pipeline.opened(data))
            async with pipeline.decoded(data):
                pass
        async with pipeline.opened(data):
            pass
