"""`RemoteFaceService` against real servers: the same answers, errors, deadlines, and what is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from config.options import Options, ServiceOptions
from inference.correct import Correction
from inference.domain import CharacterId, Decision, FaceAt, Scope
from inference.enroll import EnrollRequest
from inference.errors import (
    AppError,
    CharacterNotFoundError,
    DeadlineError,
    ImageTooLargeError,
    ImageUnsupportedError,
    NoFaceError,
    OverloadedError,
    SampleExistsError,
    ServiceMismatchError,
    ServiceUnavailableError,
    SettingsError,
    StoppedError,
)
from inference.metrics import Metrics
from inference.observed import observe
from inference.operations import UNTOUCHED_HEADER
from inference.remote import RemoteFaceService, open_remote_face_service
from inference.server.app import InferenceServer
from inference.service import Answer, FaceService, LocalFaceService, open_face_service
from inference.wire import JSON, as_answer, encode
from tests.conftest import CastPictures
from tests.service.doubles import Double, about, listening
from tests.service.serving import TOKEN

HOME = Scope("home")


@dataclass
class Pair:
    """A core, and the same one over HTTP."""

    own: LocalFaceService
    remote: RemoteFaceService
    server: InferenceServer
    address: str


def options_for(*addresses: str, deadline_s: float = 30.0, start_s: float = 5.0) -> Options:
    plain = Options()
    return replace(
        plain,
        service=ServiceOptions(url=addresses, start_s=start_s),
        batching=replace(plain.batching, deadline_s=deadline_s),
    )


@pytest.fixture
async def pair(tmp_path: Path, cast_pictures: CastPictures) -> AsyncIterator[Pair]:
    async with open_face_service(Options(data_dir=tmp_path)) as own:
        metrics = Metrics()
        server = InferenceServer(observe(own, metrics), Options(), token=SecretStr(TOKEN), metrics=metrics)
        async with (
            listening(server.app) as address,
            open_remote_face_service(options_for(address), SecretStr(TOKEN)) as remote,
        ):
            yield Pair(own, remote, server, address)


async def test_the_same_is_answered_over_http(pair: Pair, cast_pictures: CastPictures) -> None:
    first, second = cast_pictures.cast[:2]
    portraits = [p.read_bytes() for p in sorted((cast_pictures.folder / first.name).iterdir())]
    answer = await pair.remote.enroll(portraits[0], HOME, EnrollRequest(first.name, "Drawn", aliases=("A",)))
    assert (answer.enrolled.created, answer.enrolled.character.aliases) == (True, ("A",))
    rehearsal = await pair.remote.rehearse(portraits[1], HOME, EnrollRequest(second.name))
    assert rehearsal.looks_like is not None and rehearsal.looks_like.character.name == first.name
    enrolled = await pair.remote.enroll_prepared([rehearsal.face], HOME, EnrollRequest(first.name))
    assert enrolled.character.sample_count == 2
    again = await pair.remote.rehearse(portraits[1], HOME, EnrollRequest(first.name))
    assert isinstance(again.duplicate, SampleExistsError) and again.enrolled_as == enrolled.character

    group = cast_pictures.group.read_bytes()
    near, far = [await one.identify(group, [HOME], top=3) for one in (pair.own, pair.remote)]
    assert replace(near.identification, timings_ms={}) == replace(far.identification, timings_ms={})
    assert far.picture is not None and far.picture == near.picture
    assert set(far.identification.timings_ms) == set(near.identification.timings_ms)
    (shown,) = [f for f in far.identification.faces if f.decision is Decision.KNOWN]
    assert shown.character == enrolled.character

    at = FaceAt(shown.detection.box)
    assert await pair.remote.cut_faces(group, [at]) == await pair.own.cut_faces(group, [at])
    assert await pair.remote.number_faces(group, [at]) == await pair.own.number_faces(group, [at])
    assert await pair.remote.preview_faces(group) == await pair.own.preview_faces(group)
    corrected = await pair.remote.correct(
        group, HOME, Correction(at, second.name, wrong=CharacterId(enrolled.character.id))
    )
    assert corrected.right is not None and corrected.right.name == second.name
    assert corrected.wrong is not None and corrected.wrong.name == first.name
    assert pair.remote.learns is pair.own.learns is True
    assert pair.remote.gallery.contract == pair.own.gallery.contract
    assert await pair.remote.gallery.stats() == await pair.own.gallery.stats()


async def test_errors_are_raised_again_as_they_are(pair: Pair, cast_pictures: CastPictures) -> None:
    attempts: list[tuple[Callable[[FaceService], Awaitable[object]], type[AppError]]] = [
        (lambda one: one.identify(b"no picture", [HOME]), ImageUnsupportedError),
        (lambda one: one.identify(bytes(26 * 1024 * 1024), [HOME]), ImageTooLargeError),
        (lambda one: one.identify(bytes(40 * 1024 * 1024), [HOME]), ImageTooLargeError),
        (lambda one: one.enroll(cast_pictures.empty.read_bytes(), HOME, EnrollRequest("x")), NoFaceError),
        (lambda one: one.gallery.character([HOME], "Nobody"), CharacterNotFoundError),
    ]
    for attempt, kind in attempts:
        raised = []
        for one in (pair.own, pair.remote):
            with pytest.raises(kind) as caught:
                await attempt(one)
            raised.append(caught.value)
        near, far = raised
        assert (type(far), far.data.keys()) == (type(near), near.data.keys())
        if far.data.get("what") != "bytes":  # over HTTP a whole request is measured
            assert (str(far), far.data) == (str(near), near.data)


async def test_the_deadline_travels_with_the_request(pair: Pair, cast_pictures: CastPictures) -> None:
    group = cast_pictures.group.read_bytes()
    async with open_remote_face_service(
        options_for(pair.address, deadline_s=0.11), SecretStr(TOKEN)
    ) as hasty:
        before = pair.own.pipeline.stats().detector.items
        with pytest.raises(DeadlineError):
            await asyncio.gather(*(hasty.identify(group, [HOME]) for _ in range(30)))
        await asyncio.sleep(1.0)
        # Who has given up is not worked for: most of the thirty were never given to the model.
        assert pair.own.pipeline.stats().detector.items - before < 30


async def test_a_server_that_stops_finishes_what_is_under_way_and_refuses_what_is_new(
    pair: Pair, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.new[0].read_bytes()
    begun = asyncio.create_task(pair.remote.identify(data, [HOME]))
    await asyncio.sleep(0.05)
    stopping = asyncio.create_task(pair.server.stop(30))
    await asyncio.sleep(0)
    with pytest.raises((StoppedError, ServiceUnavailableError)):
        await pair.remote.identify(data, [HOME])
    assert isinstance(await begun, Answer)
    await stopping


@asynccontextmanager
async def service_of(*doubles: Double, **options: float) -> AsyncIterator[RemoteFaceService]:
    """One that asks these."""
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(listening(double.app())) for double in doubles]
        yield await stack.enter_async_context(
            open_remote_face_service(options_for(*addresses, **options), None)
        )


# ── at the start ────────────────────────────────────────────────────────────────────────────────

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("double", "reason"),
    [
        (Double(about=about(wire=99)), "version 99"),
        (Double(about={"hello": "world"}), "no inference service"),
        (Double(about_status=404), "no inference service"),
        (Double(token="another token"), "refuses our token"),
    ],
)
async def test_a_server_that_cannot_be_worked_with_refuses_the_start(double: Double, reason: str) -> None:
    with pytest.raises(ServiceMismatchError, match=reason):
        async with service_of(double):
            pass


async def test_servers_with_different_models_refuse_the_start() -> None:
    with pytest.raises(ServiceMismatchError, match=r"second .* others first"):
        async with service_of(Double(about=about(model="first")), Double(about=about(model="second"))):
            pass


async def test_one_server_is_enough_to_start_and_none_is_not() -> None:
    async with (
        listening(Double().app()) as address,
        open_remote_face_service(options_for(NOWHERE, address), None) as service,
    ):
        assert service.learns
    with pytest.raises(ServiceUnavailableError):
        async with open_remote_face_service(options_for(NOWHERE, start_s=1), None):
            pass


async def test_a_server_that_comes_up_later_is_waited_for() -> None:
    double = Double(about_status=503)

    async def come_up() -> None:
        await asyncio.sleep(0.7)
        double.about_status = 200

    coming = asyncio.create_task(come_up())
    async with service_of(double, start_s=30) as service:
        assert service.learns
    await coming


@pytest.mark.parametrize(
    "address", ["ftp://host", "host:8100", "http://", "http://a:b@host", "http://host?x=1", "http://h:99999"]
)
async def test_what_is_no_address_is_refused_with_its_key(address: str) -> None:
    with pytest.raises(SettingsError) as refused:
        async with open_remote_face_service(options_for(address), None):
            pass
    assert refused.value.data["key"] == "service.url"


# ── what is asked again, and what is not ────────────────────────────────────────────────────────


def refusal(error: AppError, *, untouched: bool = False) -> Callable[[], web.Response]:
    headers = {UNTOUCHED_HEADER: "yes"} if untouched else {}
    return lambda: web.Response(
        status=503, body=encode(as_answer(error), JSON), content_type=JSON, headers=headers
    )


def bad_gateway() -> web.Response:
    return web.Response(status=502, text="<html>somebody in between</html>")


@pytest.mark.parametrize(
    ("failure", "change_again"),
    [
        ("hangs up", False),
        (bad_gateway, False),
        (refusal(StoppedError()), False),
        (refusal(StoppedError(), untouched=True), True),
        (refusal(OverloadedError(limit=1)), False),
        (refusal(OverloadedError(limit=1), untouched=True), True),
    ],
)
async def test_what_one_server_did_not_answer_is_asked_of_another_where_that_is_harmless(
    failure: Any, change_again: bool
) -> None:
    failing = Double(answers=[failure] * 9)
    async with service_of(failing, Double()) as service:
        for _ in range(4):  # both are chosen first now and then
            await service.gallery.characters([HOME])
    assert failing.asked >= 1

    failing = Double(answers=[failure] * 9)
    async with service_of(failing, Double()) as service:
        failed = 0
        for _ in range(4):
            try:
                await service.gallery.rename(HOME, "a", "b")
            except (ServiceUnavailableError, StoppedError, OverloadedError):
                failed += 1
    assert failing.changes >= 1
    assert failed == (0 if change_again else failing.changes)


async def test_a_change_that_was_never_sent_is_asked_of_another() -> None:
    async with listening(Double().app()) as second, AsyncExitStack() as gone:
        first = await gone.enter_async_context(listening(Double().app()))
        async with open_remote_face_service(options_for(first, second), None) as service:
            await gone.aclose()
            for _ in range(4):
                await service.gallery.rename(HOME, "a", "b")


async def test_a_change_goes_to_a_server_that_takes_changes() -> None:
    reader, writer = Double(about=about(read_only=True)), Double()
    async with service_of(reader, writer) as service:
        for _ in range(4):
            await service.gallery.rename(HOME, "a", "b")
            await service.gallery.characters([HOME])
    assert (reader.changes, writer.changes) == (0, 4)
    assert reader.asked and reader.asked + writer.asked == 8
    async with service_of(reader) as service:
        with pytest.raises(ServiceUnavailableError):
            await service.gallery.rename(HOME, "a", "b")


async def test_a_server_that_comes_back_with_another_model_is_not_asked() -> None:
    double = Double(about=about(model="first"))
    async with service_of(double) as service:
        await service.gallery.characters([HOME])
        double.about = about(model="second")
        double.answers = ["hangs up"]
        with pytest.raises(ServiceUnavailableError):
            await service.gallery.characters([HOME])
        assert double.asked == 2


async def test_an_answer_that_is_not_understood_is_not_believed() -> None:
    async with service_of(Double(answers=[lambda: web.Response(body=b"\xc1")])) as service:
        with pytest.raises(ServiceUnavailableError, match="not understood"):
            await service.gallery.characters([HOME])


async def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    double = Double(answers=["sleeps"] * 3)
    async with service_of(double, deadline_s=0.5) as service:
        with pytest.raises(DeadlineError):
            await service.gallery.characters([HOME])
    assert 0 < double.seconds_left[0] <= 0.5


async def test_after_closing_nothing_is_asked() -> None:
    async with service_of(Double()) as service:
        pass
    with pytest.raises(StoppedError):
        await service.gallery.characters([HOME])
