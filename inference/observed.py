"""`ObservedFaceService`: counts and logs what is asked of a `FaceService`, one line a picture."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from inference.annotate import AnnotateWords
from inference.correct import Corrected, Correction
from inference.domain import Decision, FaceAt, FaceCrop, Scope
from inference.enroll import EnrollAnswer, EnrollRequest, PreparedFace, Rehearsal
from inference.errors import AppError
from inference.gallery.base import Enrolled, Gallery
from inference.metrics import Metrics
from inference.service import Answer, FaceService, FacesPreview, LocalFaceService
from inference.survey.values import GalleryMap, Progress, Survey

log = logging.getLogger(__name__)


def observe(service: FaceService, metrics: Metrics) -> ObservedFaceService:
    """The service with everything about it in the figures: what it is asked, its queues and its gallery."""
    watch(service, metrics)
    return ObservedFaceService(service, metrics)


def watch(service: FaceService, metrics: Metrics) -> None:
    """The queues and the gallery of the service in the figures; not what it is asked."""
    if isinstance(service, LocalFaceService):
        metrics.watch_pipeline(service.pipeline.stats)
    metrics.watch_gallery(service.gallery)


class ObservedFaceService:
    """The same service, whose pictures, faces, times and refusals are counted and logged."""

    def __init__(self, service: FaceService, metrics: Metrics) -> None:
        self._service = service
        self._metrics = metrics

    @property
    def gallery(self) -> Gallery:
        return self._service.gallery

    @property
    def learns(self) -> bool:
        return self._service.learns

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
        with self._counted("identify"):
            answer = await self._service.identify(
                data, scopes, top=top, draw=draw, false_name_rate=false_name_rate, words=words
            )
        seen = answer.identification
        self._metrics.identified(seen)
        decided = Counter(face.decision for face in seen.faces)
        log.info(
            "identify_done faces=%d known=%d unsure=%d unknown=%d width=%d height=%d frames=%d bytes=%d "
            "decode_ms=%.1f detect_ms=%.1f embed_ms=%.1f search_ms=%.1f total_ms=%.1f",
            len(seen.faces),
            *(decided[one] for one in (Decision.KNOWN, Decision.UNSURE, Decision.UNKNOWN)),
            seen.width,
            seen.height,
            seen.frame_count,
            len(data),
            *(seen.timings_ms.get(stage, 0.0) for stage in ("decode", "detect", "embed", "search", "total")),
        )
        return answer

    async def enroll(self, data: bytes, scope: Scope, request: EnrollRequest) -> EnrollAnswer:
        with self._logged("enroll"):
            return await self._service.enroll(data, scope, request)

    async def rehearse(
        self, data: bytes, scope: Scope, request: EnrollRequest, *, shared: Sequence[Scope] = ()
    ) -> Rehearsal:
        with self._logged("rehearse"):
            return await self._service.rehearse(data, scope, request, shared=shared)

    async def enroll_prepared(
        self, faces: Sequence[PreparedFace], scope: Scope, request: EnrollRequest
    ) -> Enrolled:
        with self._logged("enroll_prepared"):
            return await self._service.enroll_prepared(faces, scope, request)

    async def correct(self, data: bytes, scope: Scope, correction: Correction) -> Corrected:
        with self._logged("correct"):
            return await self._service.correct(data, scope, correction)

    async def preview_faces(self, data: bytes) -> FacesPreview:
        with self._logged("preview_faces"):
            return await self._service.preview_faces(data)

    async def number_faces(self, data: bytes, faces: Sequence[FaceAt]) -> FacesPreview:
        with self._logged("number_faces"):
            return await self._service.number_faces(data, faces)

    async def cut_faces(self, data: bytes, faces: Sequence[FaceAt]) -> tuple[FaceCrop, ...]:
        with self._logged("cut_faces"):
            return await self._service.cut_faces(data, faces)

    async def survey(self, scope: Scope, *, wait_s: float = 0.0) -> Progress[Survey]:
        with self._logged("survey"):
            return await self._service.survey(scope, wait_s=wait_s)

    async def map(self, scope: Scope, *, wait_s: float = 0.0) -> Progress[GalleryMap]:
        with self._logged("map"):
            return await self._service.map(scope, wait_s=wait_s)

    @contextmanager
    def _logged(self, use_case: str) -> Iterator[None]:
        started = time.perf_counter()
        with self._counted(use_case):
            yield
        log.info("%s_done total_ms=%.1f", use_case, (time.perf_counter() - started) * 1000)

    @contextmanager
    def _counted(self, use_case: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        except AppError as error:
            self._metrics.refused(use_case, error.code)
            log.info("%s_refused code=%s", use_case, error.code)
            raise
        except Exception:
            self._metrics.refused(use_case, "unexpected")
            raise
        self._metrics.done(use_case, time.perf_counter() - started)
