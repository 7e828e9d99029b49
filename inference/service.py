"""`FaceService`: all of the inference core that `bot` sees; and how it is put together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from config.options import AnnotateOptions, DecisionOptions, Options
from config.settings import Secrets
from inference.annotate import AnnotateWords, EncodedImage, annotate_encoded, number_faces_encoded
from inference.cores import usable_cores
from inference.correct import Corrected, Correction, Corrector
from inference.decide import Policy
from inference.domain import Detection, FaceAt, FaceCrop, Identification, Scope
from inference.enroll import ChosenAnswer, EnrollAnswer, Enroller, EnrollRequest, PreparedFace, Rehearsal
from inference.errors import ClosedSetError, DeadlineError, NoFaceError
from inference.gallery.base import Enrolled, Gallery
from inference.gallery.factory import open_gallery
from inference.identify import Identifier
from inference.linear_algebra import use_one_thread
from inference.models import Pack, contract_of, find_pack, open_detector, open_embedder, resolve_runtimes
from inference.per_core import CoreModels
from inference.pipeline import ClosedSetPipeline, FacePipeline, PicturePipeline, rows_of
from inference.survey.surveyor import Surveyor
from inference.survey.values import GalleryMap, Progress, Survey

_FEW_CORES = 4
"""With more, the models for each of them would take half a gigabyte and more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was seen in a picture, and the picture that shows it."""

    identification: Identification
    picture: EncodedImage | None
    """The annotated picture; None when it was not asked for or shows no face."""


@dataclass(frozen=True, slots=True)
class FacesPreview:
    """A picture with its faces numbered from 1."""

    count: int
    picture: EncodedImage


class FaceService(Protocol):
    """Identify and enroll, over one gallery; the same in this process and over HTTP."""

    @property
    def gallery(self) -> Gallery:
        """Everything enrolled."""

    @property
    def learns(self) -> bool:
        """Whether characters can be added; not where the model pack knows a fixed set of them."""

    async def identify(
        self,
        data: bytes,
        scopes: Sequence[Scope],
        *,
        top: int | None = None,
        draw: bool = True,
        false_name_rate: float | None = None,
        words: AnnotateWords | None = None,
    ) -> Answer:
        """Who is in the picture, as the galleries of `scopes` know them: own first, then shared ones.

        `false_name_rate` instead of the usual one; one that the model pack is not calibrated for counts as
        the nearest that it is. `words` are drawn, English ones by default. Raises the image errors
        (UserError) and TransientError.
        """

    async def enroll(self, data: bytes, scope: Scope, request: EnrollRequest) -> EnrollAnswer:
        """Add the picture's face as a sample; see `Enroller.enroll()`.

        Raises ClosedSetError where the model pack knows a fixed set of characters.
        """

    async def rehearse(
        self, data: bytes, scope: Scope, request: EnrollRequest, *, shared: Sequence[Scope] = ()
    ) -> Rehearsal:
        """What `enroll()` would meet with, among it a likeness to somebody of `scope` or `shared`."""

    async def enroll_prepared(
        self, faces: Sequence[PreparedFace], scope: Scope, request: EnrollRequest
    ) -> Enrolled:
        """Add rehearsed faces to the character of that name, all or none; raises what `enroll()` does."""

    async def correct(self, data: bytes, scope: Scope, correction: Correction) -> Corrected:
        """Learn from a mistake; see `Corrector.correct()`. Raises ClosedSetError as `enroll()`."""

    async def preview_faces(self, data: bytes) -> FacesPreview:
        """The picture with its faces numbered, for choosing one to enroll.

        Raises the image errors, and ClosedSetError as `enroll()`.
        """

    async def number_faces(self, data: bytes, faces: Sequence[FaceAt]) -> FacesPreview:
        """The picture (of an animation the frame of the first face) with these faces numbered from 1.

        Faces of other frames have no number there, but are counted. Raises the image errors; NoFaceError when
        the picture has no such frame.
        """

    async def cut_faces(self, data: bytes, faces: Sequence[FaceAt]) -> tuple[FaceCrop, ...]:
        """Each of these faces with room around it. Raises the image errors, NoFaceError, ClosedSetError."""

    async def survey(self, scope: Scope, *, wait_s: float = 0.0) -> Progress[Survey]:
        """What in the scope needs attention; see `Surveyor.survey()`. Raises TransientError."""

    async def map(self, scope: Scope, *, wait_s: float = 0.0) -> Progress[GalleryMap]:
        """The scope's characters in two dimensions; see `Surveyor.map()`. Raises TransientError."""


class LocalFaceService:
    """The `FaceService` that runs the models in this process."""

    def __init__(
        self,
        gallery: Gallery,
        identifier: Identifier,
        enroller: Enroller | None,
        pipeline: PicturePipeline,
        surveyor: Surveyor,
        *,
        policy_at: Callable[[float], Policy],
        drawing: AnnotateOptions,
        deadline_s: float,
    ) -> None:
        self.gallery = gallery
        self.pipeline = pipeline
        self.learns = enroller is not None
        self._policy_at = policy_at
        self._identifier = identifier
        self._enroller = enroller
        self._surveyor = surveyor
        self._drawing = drawing
        self._deadline_s = deadline_s

    async def identify(
        self,
        data: bytes,
        scopes: Sequence[Scope],
        *,
        top: int | None = None,
        draw: bool = True,
        false_name_rate: float | None = None,
        words: AnnotateWords | None = None,
    ) -> Answer:
        started = time.perf_counter()
        async with self._deadline():
            policy = None if false_name_rate is None else self._policy_at(false_name_rate)
            seen = await self._identifier.identify(data, scopes, top=top, policy=policy)
            timings = dict(seen.identification.timings_ms)
            picture = None
            if draw and seen.identification.faces:
                drawing_started = time.perf_counter()
                picture = await self.pipeline.work(
                    annotate_encoded,
                    seen.image,
                    seen.shown,
                    self._drawing,
                    words or AnnotateWords(),
                    spoil=True,  # nobody else has it
                    each=self.pipeline.each,
                )
                timings["annotate"] = _milliseconds_since(drawing_started)
        timings["total"] = _milliseconds_since(started)
        return Answer(replace(seen.identification, timings_ms=timings), picture)

    async def enroll(self, data: bytes, scope: Scope, request: EnrollRequest) -> EnrollAnswer:
        async with self._deadline():
            return await self._teacher.enroll(data, scope, request)

    async def rehearse(
        self, data: bytes, scope: Scope, request: EnrollRequest, *, shared: Sequence[Scope] = ()
    ) -> Rehearsal:
        async with self._deadline():
            return await self._teacher.rehearse(data, scope, request, shared=shared)

    async def enroll_prepared(
        self, faces: Sequence[PreparedFace], scope: Scope, request: EnrollRequest
    ) -> Enrolled:
        return await self._teacher.add(faces, scope, request)

    async def correct(self, data: bytes, scope: Scope, correction: Correction) -> Corrected:
        async with self._deadline():
            return await Corrector(self._teacher, self.gallery).correct(data, scope, correction)

    async def prepare(self, data: bytes, request: EnrollRequest) -> PreparedFace:
        """The picture's face, to be enrolled with others of the character; see `Enroller.prepare()`."""
        async with self._deadline():
            return await self._teacher.prepare(data, request)

    async def enroll_chosen(
        self, faces: Sequence[PreparedFace], scope: Scope, request: EnrollRequest, *, at_most: int | None
    ) -> ChosenAnswer:
        """Add those of the faces that show the character best; see `Enroller.enroll_chosen()`."""
        return await self._teacher.enroll_chosen(faces, scope, request, at_most=at_most)

    async def preview_faces(self, data: bytes) -> FacesPreview:
        async with self._deadline():
            seen = await self._teacher.faces(data)
            picture = await self.pipeline.work(
                number_faces_encoded, seen.image, seen.detections, self._drawing, each=self.pipeline.each
            )
        return FacesPreview(len(seen.detections), picture)

    async def number_faces(self, data: bytes, faces: Sequence[FaceAt]) -> FacesPreview:
        async with self._deadline(), self.pipeline.decoded(data) as decoded:
            frame = faces[0].frame if faces else 0
            if frame >= len(decoded.frames):
                raise NoFaceError
            shown = [Detection(face.box, 1.0) for face in faces if face.frame == frame]
            picture = await self.pipeline.work(
                number_faces_encoded, decoded.frames[frame], shown, self._drawing, each=self.pipeline.each
            )
        return FacesPreview(len(faces), picture)

    async def cut_faces(self, data: bytes, faces: Sequence[FaceAt]) -> tuple[FaceCrop, ...]:
        async with self._deadline():
            return await self._teacher.cut(data, faces)

    async def survey(self, scope: Scope, *, wait_s: float = 0.0) -> Progress[Survey]:
        async with self._deadline():
            return await self._surveyor.survey(scope, wait_s=wait_s)

    async def map(self, scope: Scope, *, wait_s: float = 0.0) -> Progress[GalleryMap]:
        async with self._deadline():
            return await self._surveyor.map(scope, wait_s=wait_s)

    @property
    def _teacher(self) -> Enroller:
        if self._enroller is None:
            raise ClosedSetError(pack=self.gallery.contract.model)
        return self._enroller

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._deadline_s):
                yield
        except TimeoutError as error:
            raise DeadlineError(seconds=self._deadline_s) from error


@asynccontextmanager
async def open_pipeline(options: Options, *, warm: bool = True) -> AsyncIterator[FacePipeline]:
    """The models of the chosen pack, loaded, by default warm. Raises SetupError, also for a closed set."""
    pack = find_pack(options.models.pack, options.packs_dir)
    pipeline = FacePipeline(
        canvas_shapes=pack.manifest.detector.canvas_shapes,
        embedder_spec=pack.manifest.embedder.spec,
        contract=contract_of(pack, flip_average=options.models.flip_average),
        load_detector=lambda: open_detector(
            pack, options.models, options.detection, cache_dir=options.compiled_dir
        ),
        load_embedder=lambda: open_embedder(pack, options.models, cache_dir=options.compiled_dir),
        limits=options.images,
        detection=options.detection,
        batching=options.batching,
        warm=warm,
        load_per_core=_per_core_loader(pack, options, warm=warm),
    )
    async with pipeline:
        yield pipeline


def _per_core_loader(pack: Pack, options: Options, *, warm: bool) -> Callable[[], CoreModels] | None:
    """None where models for each core are not wanted or bring nothing: with one core, or many, or a GPU.

    Nor for a process that is not `warm`: opening them would take longer than what it has left to do.
    """
    cores = usable_cores()
    threads = options.models.threads or cores
    if not (warm and options.models.per_core and 1 < cores <= min(threads, _FEW_CORES)):
        return None
    runtimes = resolve_runtimes(options.models, pack)
    if {runtimes.detector.kind, runtimes.embedder.kind} != {"openvino"}:
        return None
    models = replace(options.models, threads=1)

    def load() -> CoreModels:
        detector = open_detector(pack, models, options.detection, cache_dir=options.compiled_dir)
        detector.warm_up()
        if pack.manifest.closed_set is not None:
            return CoreModels(detector.detect, None)
        embedder = open_embedder(pack, models, cache_dir=options.compiled_dir)
        embedder.warm_up()
        return CoreModels(detector.detect, rows_of(embedder))

    return load


@asynccontextmanager
async def _open_closed_set(pack: Pack, options: Options, *, warm: bool) -> AsyncIterator[PicturePipeline]:
    pipeline = ClosedSetPipeline(
        canvas_shapes=pack.manifest.detector.canvas_shapes,
        contract=contract_of(pack, flip_average=False),
        load_detector=lambda: open_detector(
            pack, options.models, options.detection, cache_dir=options.compiled_dir
        ),
        limits=options.images,
        detection=options.detection,
        batching=options.batching,
        warm=warm,
        load_per_core=_per_core_loader(pack, options, warm=warm),
    )
    async with pipeline:
        yield pipeline


@asynccontextmanager
async def open_face_service(
    options: Options,
    *,
    credentials: Secrets | None = None,
    read_only: bool = False,
    wait: bool = False,
    warm: bool = True,
) -> AsyncIterator[LocalFaceService]:
    """The inference core of one process: models, gallery and the use cases on them.

    `read_only` opens the gallery beside another process that writes to it. With `wait`, a gallery's server
    that cannot be reached yet is no error: what needs it is, until it is there. With a closed set for a model
    pack, whoever wants to enroll is told by ClosedSetError that it cannot be. With `warm` the first picture
    is answered as fast as later ones; without, it is answered sooner after the start. Raises SetupError.
    """
    pack = find_pack(options.models.pack, options.packs_dir)
    policy = pack.policy(options.decision)
    use_one_thread()
    async with AsyncExitStack() as stack:
        gallery = await stack.enter_async_context(
            open_gallery(options, credentials=credentials, read_only=read_only, wait=wait)
        )
        pipeline: PicturePipeline
        enroller = None
        if pack.manifest.closed_set is not None:
            pipeline = await stack.enter_async_context(_open_closed_set(pack, options, warm=warm))
        else:
            pipeline = teaching = await stack.enter_async_context(open_pipeline(options, warm=warm))
            enroller = Enroller(teaching, gallery, policy=policy, options=options.enroll)
        surveyor = Surveyor(gallery, policy)
        stack.push_async_callback(surveyor.close)
        yield LocalFaceService(
            gallery,
            Identifier(pipeline, gallery, policy=policy, top=options.decision.top),
            enroller,
            pipeline,
            surveyor,
            policy_at=_policies(pack, options.decision),
            drawing=options.annotate,
            deadline_s=options.batching.deadline_s,
        )


def _policies(pack: Pack, options: DecisionOptions) -> Callable[[float], Policy]:
    """The policy for each false-name rate; beyond what the pack is calibrated for, the nearest."""
    closed = pack.manifest.closed_set is not None
    rates = [] if closed else [point.false_name_rate for point in pack.calibration.points]

    @lru_cache(maxsize=64)
    def policy_at(rate: float) -> Policy:
        within = min(max(rate, min(rates)), max(rates)) if rates else rate
        return pack.policy(replace(options, false_name_rate=within))

    return policy_at


def _milliseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
