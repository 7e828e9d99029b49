"""The inference core under many callers: real models, real gallery, drawn pictures."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from threadpoolctl import threadpool_info, threadpool_limits

from config.options import BatchingOptions, Options
from inference.domain import Decision, Scope
from inference.enroll import EnrollRequest
from inference.errors import AppError, DeadlineError, ImageUnsupportedError, StoppedError
from inference.service import Answer, LocalFaceService, open_face_service
from tests.conftest import CastPictures

HOME, ELSEWHERE = Scope("home"), Scope("elsewhere")


@pytest.fixture
async def service(tmp_path: Path, cast_pictures: CastPictures) -> AsyncIterator[LocalFaceService]:
    """With the first two of the cast enrolled at home."""
    async with open_face_service(Options(data_dir=tmp_path)) as opened:
        for character in cast_pictures.cast[:2]:
            for path in sorted((cast_pictures.folder / character.name).iterdir()):
                await opened.enroll(path.read_bytes(), HOME, EnrollRequest(character.name))
        yield opened


def names(answer: Answer) -> list[str | None]:
    return [
        face.character.name if face.decision is Decision.KNOWN and face.character else None
        for face in answer.identification.faces
    ]


def animation(path: Path, frames: int) -> bytes:
    """The picture drifting to the right, as an animated WebP."""
    picture = Image.open(path).convert("RGB")
    moved = [
        picture.transform(picture.size, Image.Transform.AFFINE, (1, 0, -3 * n, 0, 1, 0))
        for n in range(frames)
    ]
    buffer = io.BytesIO()
    moved[0].save(buffer, "webp", save_all=True, append_images=moved[1:], duration=80)
    return buffer.getvalue()


async def test_a_face_in_an_animation_is_one_result_however_many_frames_show_it(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    answer = await service.identify(animation(cast_pictures.new[0], 12), [HOME])
    assert answer.identification.frame_count == 8
    assert names(answer) == [cast_pictures.cast[0].name]
    assert answer.picture is not None


async def test_matrix_products_of_many_callers_do_not_take_each_others_cores(tmp_path: Path) -> None:
    with threadpool_limits(2, user_api="blas"):
        async with open_face_service(Options(data_dir=tmp_path)):
            pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert {pool["num_threads"] for pool in pools} == {1}


async def test_callers_share_batches_and_a_bad_picture_fails_alone(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    good = [path.read_bytes() for path in cast_pictures.new[:2]]
    pictures = [*good, b"not a picture", cast_pictures.empty.read_bytes()] * 8
    before = service.pipeline.stats().detector.sizes
    answers = await asyncio.gather(
        *(service.identify(data, [HOME], draw=False) for data in pictures), return_exceptions=True
    )
    for index, answer in enumerate(answers):
        if index % 4 == 2:
            assert isinstance(answer, ImageUnsupportedError)
        else:
            assert isinstance(answer, Answer)
            assert (
                names(answer)
                == [[cast_pictures.cast[0].name], [cast_pictures.cast[1].name], [], []][index % 4]
            )
    after = service.pipeline.stats().detector.sizes
    largest = max(size for size, count in after.items() if count > before.get(size, 0))
    assert 2 < largest <= BatchingOptions().detector_items


async def test_the_same_picture_asked_for_twice_is_answered_the_same(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.group.read_bytes()
    alone = await service.identify(data, [HOME], top=3)
    crowd = await asyncio.gather(*(service.identify(data, [HOME], top=3) for _ in range(6)))
    for answer in crowd:
        assert names(answer) == names(alone)
        for face, other in zip(answer.identification.faces, alone.identification.faces, strict=True):
            assert face.detection.box.iou(other.detection.box) > 0.999
            for match, same in zip(face.matches, other.matches, strict=True):
                assert match.similarity == pytest.approx(same.similarity, abs=1e-4)


async def test_no_scope_sees_what_another_was_taught(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.new[0].read_bytes()
    (face,) = (await service.identify(data, [ELSEWHERE])).identification.faces
    assert (face.decision, face.matches) == (Decision.UNKNOWN, ())
    assert names(await service.identify(data, [ELSEWHERE, HOME])) == [cast_pictures.cast[0].name]


async def test_a_new_sample_is_known_to_the_very_next_question(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    portrait = cast_pictures.stranger_portrait.read_bytes()
    assert names(await service.identify(portrait, [HOME])) == [None]
    await service.enroll(portrait, HOME, EnrollRequest("The Stranger"))
    assert names(await service.identify(portrait, [HOME])) == ["The Stranger"]


async def test_a_face_that_already_looks_like_somebody_is_reported(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    answer = await service.enroll(cast_pictures.new[0].read_bytes(), HOME, EnrollRequest("Another Name"))
    assert answer.looks_like is not None
    assert answer.looks_like.character.name == cast_pictures.cast[0].name


async def test_cancelled_callers_do_not_disturb_the_others(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.new[1].read_bytes()
    tasks = [asyncio.create_task(service.identify(data, [HOME], draw=False)) for _ in range(12)]
    await asyncio.sleep(0.05)
    for task in tasks[::2]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    for answer in answers[1::2]:
        assert isinstance(answer, Answer)
        assert names(answer) == [cast_pictures.cast[1].name]


async def test_a_question_that_takes_too_long_ends_in_time(
    tmp_path: Path, cast_pictures: CastPictures
) -> None:
    options = Options(data_dir=tmp_path, batching=replace(BatchingOptions(), deadline_s=0.01))
    async with open_face_service(options) as service:
        with pytest.raises(DeadlineError):
            await asyncio.wait_for(service.identify(cast_pictures.group.read_bytes(), [HOME]), timeout=5)


async def test_closing_answers_or_refuses_everything_that_waits(
    tmp_path: Path, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.group.read_bytes()
    async with open_face_service(Options(data_dir=tmp_path)) as service:
        tasks = [asyncio.create_task(service.identify(data, [HOME], draw=False)) for _ in range(20)]
        await asyncio.sleep(0.2)
    outcomes = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=10)
    assert any(isinstance(outcome, StoppedError) for outcome in outcomes)
    assert all(isinstance(outcome, Answer | AppError) for outcome in outcomes), outcomes
