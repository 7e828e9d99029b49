"""The use case "this is her": a picture of one face becomes a sample of a character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from config.options import EnrollOptions
from inference.decide import Policy, decide
from inference.domain import Decision, Detection, Embedding, ImageRGB, Match, Scope, reading_order
from inference.errors import AmbiguousFacesError, FaceNumberError, FaceTooPoorError, NoFaceError
from inference.gallery.base import Enrolled, Gallery, NewSample
from inference.gallery.fingerprint import content_hash, perceptual_hash
from inference.pipeline import FacePipeline


@dataclass(frozen=True, slots=True)
class FacesSeen:
    """The faces of a picture, numbered from 1 in reading order, for somebody to choose from."""

    image: ImageRGB
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class EnrollRequest:
    """Who the face in a picture is, and who says so."""

    name: str
    series: str = ""
    aliases: tuple[str, ...] = ()
    face: int | None = None
    """Which face, from 1 in reading order; needed when there are several."""
    actor: str = ""
    source: str = ""
    """Where the picture is from."""


@dataclass(frozen=True, slots=True)
class EnrollAnswer:
    """What an enrollment did, and what is worth telling about it."""

    enrolled: Enrolled
    detection: Detection
    looks_like: Match | None
    """Another character that the face would have been named as."""


class Enroller:
    """Teaches the gallery new faces."""

    def __init__(
        self,
        pipeline: FacePipeline,
        gallery: Gallery,
        *,
        policy: Policy,
        options: EnrollOptions,
    ) -> None:
        self._pipeline = pipeline
        self._gallery = gallery
        self._policy = policy
        self._options = options

    async def faces(self, data: bytes) -> FacesSeen:
        """The faces of a picture (of an animation's first frame) in reading order, for choosing one."""
        async with self._pipeline.decoded(data) as decoded:
            image = decoded.frames[0]
            detections = await self._pipeline.detect(image)
        order = reading_order([detection.box for detection in detections])
        return FacesSeen(image, tuple(detections[index] for index in order))

    async def enroll(self, data: bytes, scope: Scope, request: EnrollRequest) -> EnrollAnswer:
        """Add the picture's face to the character of that name.

        Raises the image errors, NoFaceError, AmbiguousFacesError, FaceNumberError, FaceTooPoorError, and what
        `Gallery.enroll` raises.
        """
        seen = await self.faces(data)
        detection = _chosen(seen.detections, request.face)
        image, box = seen.image, detection.box
        aligned = await self._pipeline.aligned(image, box)
        self._require_quality(detection, aligned)
        embeddings = await self._pipeline.embed(image, [box])
        crop = await self._pipeline.keep(image, box)
        sample = NewSample(
            crop=crop,
            embedding=Embedding(embeddings[0]),
            content_hash=await self._pipeline.work(content_hash, image, box),
            perceptual_hash=await self._pipeline.work(perceptual_hash, image, box),
            added_by=request.actor,
            source=request.source,
        )
        matches = await self._gallery.search(embeddings, [scope], top=5)
        enrolled = await self._gallery.enroll(
            scope,
            request.name,
            [sample],
            series=request.series,
            aliases=request.aliases,
            actor=request.actor,
        )
        return EnrollAnswer(enrolled, detection, self._looks_like(matches[0], enrolled))

    def _require_quality(self, detection: Detection, aligned: ImageRGB) -> None:
        side = min(detection.box.width, detection.box.height)
        sharpness = float(cv2.Laplacian(cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std())
        for what, actual, limit in (
            ("size in pixels", side, self._options.smallest_face),
            ("detector score", detection.score, self._options.lowest_score),
            ("sharpness", sharpness, self._options.lowest_sharpness),
        ):
            if actual < limit:
                raise FaceTooPoorError(what=what, actual=actual, limit=limit)

    def _looks_like(self, matches: Sequence[Match], enrolled: Enrolled) -> Match | None:
        """The best match when the face would have been named as another character than it is enrolled as."""
        if not self._options.alike_hint or not matches:
            return None
        verdict = decide([matches], self._policy)[0]
        named = verdict.character if verdict.decision is Decision.KNOWN else None
        if named is None or named.id == enrolled.character.id:
            return None
        return next(match for match in matches if match.character.id == named.id)


def _chosen(detections: Sequence[Detection], face: int | None) -> Detection:
    if not detections:
        raise NoFaceError
    if face is None and len(detections) > 1:
        raise AmbiguousFacesError(count=len(detections))
    number = face or 1
    if number > len(detections):
        raise FaceNumberError(number=number, count=len(detections))
    return detections[number - 1]
