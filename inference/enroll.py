"""The use case "this is her": a picture of one face, or the best of many, become samples of a character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from config.options import EnrollOptions
from inference.decide import CANDIDATES, Policy, decide
from inference.domain import (
    Character,
    Decision,
    Detection,
    Embedding,
    Embeddings,
    FaceAt,
    FaceBox,
    FaceCrop,
    ImageRGB,
    Match,
    SampleId,
    Scope,
    reading_order,
)
from inference.errors import (
    AmbiguousFacesError,
    FaceNumberError,
    FaceTooPoorError,
    NoFaceError,
    SampleExistsError,
)
from inference.gallery.base import Enrolled, Gallery, NewSample
from inference.gallery.fingerprint import content_hash, perceptual_hash
from inference.gallery.names import name_key
from inference.pipeline import FacePipeline
from inference.scaling import resized
from inference.selection import Selection, choose_faces

_SHARPNESS_SIDE = 112
"""Pixels of the crop that sharpness is measured on, whatever the embedder takes."""
_SAME_FACE_IOU = 0.5
"""Boxes of the same picture that overlap that much are the same face."""


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
    at: FaceAt | None = None
    """Which face, by where it was seen; goes before `face`."""
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


@dataclass(frozen=True, slots=True)
class PreparedFace:
    """A picture's face, fit to become a sample; of the picture nothing else is kept."""

    sample: NewSample
    detection: Detection


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would come of an enrollment."""

    face: PreparedFace
    duplicate: SampleExistsError | None
    """Why it would be refused: the picture is enrolled already."""
    enrolled_as: Character | None
    """Whose sample the same picture is."""
    looks_like: Match | None
    """Another character that the face would be named as."""


class Fate(StrEnum):
    """What became of a face that might have become a sample."""

    ADDED = "added"
    ENROLLED = "enrolled"
    """The picture is a sample of the character already."""
    DUPLICATE = "duplicate"
    """It is the same picture as another of these faces."""
    OUTLIER = "outlier"
    """It is unlike the character's other faces: probably somebody else."""
    SURPLUS = "surplus"
    """There were enough others."""


@dataclass(frozen=True, slots=True)
class ChosenAnswer:
    """What enrolling the best of many faces did."""

    character: Character | None
    """After it; None when there is nobody of that name and nothing was added."""
    created: bool
    fates: tuple[Fate | SampleExistsError, ...]
    """Of each face in the given order; an error where the picture is a sample of another character."""
    looks_like: Match | None
    """Another character that the first of the added faces would have been named as."""


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
            return FacesSeen(image, await self._faces_in(image))

    async def enroll(self, data: bytes, scope: Scope, request: EnrollRequest) -> EnrollAnswer:
        """Add the picture's face to the character of that name.

        Raises the image errors, NoFaceError, AmbiguousFacesError, FaceNumberError, FaceTooPoorError, and what
        `Gallery.enroll` raises.
        """
        face = await self.prepare(data, request)
        matches = await self._nearest(face, [scope])
        enrolled = await self.add([face], scope, request)
        return EnrollAnswer(enrolled, face.detection, self._looks_like(matches, enrolled.character))

    async def rehearse(
        self, data: bytes, scope: Scope, request: EnrollRequest, *, shared: Sequence[Scope] = ()
    ) -> Rehearsal:
        """What `enroll()` would meet with; changes nothing. Raises what `prepare()` does."""
        face = await self.prepare(data, request)
        duplicate = await self._gallery.find_duplicate(scope, face.sample)
        matches = await self._nearest(face, [scope, *shared])
        named = self._named(matches)
        known = await self._known(scope, request.name)
        expected = {name_key(request.name)} | ({name_key(known.name)} if known else set())
        return Rehearsal(
            face,
            None if duplicate is None else _already_enrolled(*duplicate),
            None if duplicate is None else duplicate[0],
            None if named is None or name_key(named.character.name) in expected else named,
        )

    async def prepare(
        self, data: bytes, request: EnrollRequest, *, check_quality: bool = True
    ) -> PreparedFace:
        """The picture's face (the one that the request chooses), for `enroll_chosen()` and `add()`.

        Raises the image errors, NoFaceError, AmbiguousFacesError, FaceNumberError, FaceTooPoorError.
        """
        async with self._pipeline.decoded(data) as decoded:
            frame = request.at.frame if request.at else 0
            if frame >= len(decoded.frames):
                raise NoFaceError
            image = decoded.frames[frame]
            faces = await self._faces_in(image)
            detection = _seen_at(faces, request.at.box) if request.at else _chosen(faces, request.face)
            box = detection.box
            if check_quality:
                await self._require_quality(image, detection)
            embeddings = await self._pipeline.embed(image, [box])
            crop = await self._pipeline.keep(image, box)
            content, perceptual = await self._pipeline.work(_fingerprints, image, box)
        sample = NewSample(
            crop=crop,
            embedding=Embedding(embeddings[0]),
            content_hash=content,
            perceptual_hash=perceptual,
            added_by=request.actor,
            source=request.source,
        )
        return PreparedFace(sample, detection)

    async def cut(self, data: bytes, faces: Sequence[FaceAt]) -> tuple[FaceCrop, ...]:
        """These faces of the picture as they would be stored.

        Raises the image errors, and NoFaceError where no face of this picture can be.
        """
        async with self._pipeline.decoded(data) as decoded:
            if not all(_can_be_in(decoded.frames, face) for face in faces):
                raise NoFaceError
            return tuple([await self._pipeline.keep(decoded.frames[face.frame], face.box) for face in faces])

    async def enroll_chosen(
        self, faces: Sequence[PreparedFace], scope: Scope, request: EnrollRequest, *, at_most: int | None
    ) -> ChosenAnswer:
        """Add the faces that show the character of that name best, until she has at most so many samples.

        See `choose_faces()`; None is no limit. All that is added is one change. A given series fills an empty
        one, even when nothing is added. Raises what `Gallery.enroll` raises.
        """
        known = await self._known(scope, request.name)
        fates = [await self._known_fate(face, scope, known) for face in faces]
        fresh = [index for index, fate in enumerate(fates) if fate is None]
        selection = await self._choose([faces[index] for index in fresh], scope, known, at_most)
        for fate, places in (
            (Fate.DUPLICATE, selection.duplicates),
            (Fate.OUTLIER, selection.outliers),
            (Fate.SURPLUS, selection.surplus),
            (Fate.ADDED, selection.chosen),
        ):
            for place in places:
                fates[fresh[place]] = fate
        settled = tuple(fate for fate in fates if fate is not None)
        chosen = [faces[fresh[place]] for place in selection.chosen]
        if not chosen:
            known = await self._with_series(known, scope, request)
            return ChosenAnswer(known, created=False, fates=settled, looks_like=None)
        matches = await self._nearest(chosen[0], [scope])
        enrolled = await self.add(chosen, scope, request)
        looks_like = self._looks_like(matches, enrolled.character)
        return ChosenAnswer(enrolled.character, enrolled.created, settled, looks_like)

    async def add(
        self,
        faces: Sequence[PreparedFace],
        scope: Scope,
        request: EnrollRequest,
        *,
        allow_alike: bool = False,
    ) -> Enrolled:
        """Make them samples of the character of that name; see `Gallery.enroll()`."""
        return await self._gallery.enroll(
            scope,
            request.name,
            [face.sample for face in faces],
            series=request.series,
            aliases=request.aliases,
            actor=request.actor,
            allow_alike=allow_alike,
        )

    async def _faces_in(self, image: ImageRGB) -> tuple[Detection, ...]:
        detections = await self._pipeline.detect(image)
        order = reading_order([detection.box for detection in detections])
        return tuple(detections[index] for index in order)

    async def _nearest(self, face: PreparedFace, scopes: Sequence[Scope]) -> tuple[Match, ...]:
        probes = Embeddings(face.sample.embedding[np.newaxis])
        [matches] = await self._gallery.search(probes, scopes, top=CANDIDATES)
        return matches

    async def _known(self, scope: Scope, name: str) -> Character | None:
        # Not character(): whoever is new would be compared with every name there is, for suggestions.
        key = name_key(name)
        found = await self._gallery.characters([scope], query=name)
        return next((one for one in found if key in map(name_key, (one.name, *one.aliases))), None)

    async def _known_fate(
        self, face: PreparedFace, scope: Scope, known: Character | None
    ) -> Fate | SampleExistsError | None:
        """What is settled by the gallery having the picture already."""
        duplicate = await self._gallery.find_duplicate(scope, face.sample)
        if duplicate is None:
            return None
        owner, sample_id, how = duplicate
        if known and owner.id == known.id:
            return Fate.ENROLLED
        return _already_enrolled(owner, sample_id, how)

    async def _with_series(
        self, known: Character | None, scope: Scope, request: EnrollRequest
    ) -> Character | None:
        if known is None or known.series or not request.series:
            return known
        changed = await self._gallery.rename(
            scope, known.name, known.name, series=request.series, actor=request.actor
        )
        return changed.character

    async def _choose(
        self, faces: Sequence[PreparedFace], scope: Scope, known: Character | None, at_most: int | None
    ) -> Selection:
        samples = await self._gallery.samples([scope], known.id) if known and faces else ()
        crops = [await self._gallery.crop([scope], sample.id) for sample in samples]
        enrolled = await self._pipeline.embed_kept(crops)
        rows = [face.sample.embedding for face in faces]
        return await self._pipeline.work(
            choose_faces,
            Embeddings(np.array(rows, np.float32).reshape(-1, self._pipeline.contract.dimension)),
            [face.sample.perceptual_hash for face in faces],
            [_side(face.detection) for face in faces],
            enrolled=enrolled,
            at_most=None if at_most is None else max(0, at_most - len(samples)),
            leave_out_outliers=self._options.leave_out_outliers,
        )

    async def _require_quality(self, image: ImageRGB, detection: Detection) -> None:
        aligned = resized(
            await self._pipeline.aligned(image, detection.box), _SHARPNESS_SIDE, _SHARPNESS_SIDE
        )
        sharpness = float(cv2.Laplacian(cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std())
        for what, actual, limit in (
            ("size in pixels", _side(detection), self._options.smallest_face),
            ("detector score", detection.score, self._options.lowest_score),
            ("sharpness", sharpness, self._options.lowest_sharpness),
        ):
            if actual < limit:
                raise FaceTooPoorError(what=what, actual=actual, limit=limit)

    def _looks_like(self, matches: Sequence[Match], enrolled: Character) -> Match | None:
        """The best match when the face would have been named as another character than it is enrolled as."""
        named = self._named(matches)
        return None if named is None or named.character.id == enrolled.id else named

    def _named(self, matches: Sequence[Match]) -> Match | None:
        """The match that the face would be named by."""
        if not self._options.alike_hint or not matches:
            return None
        verdict = decide([matches], self._policy)[0]
        named = verdict.character if verdict.decision is Decision.KNOWN else None
        return next((match for match in matches if named and match.character.id == named.id), None)


def _chosen(detections: Sequence[Detection], face: int | None) -> Detection:
    if not detections:
        raise NoFaceError
    if face is None and len(detections) > 1:
        raise AmbiguousFacesError(count=len(detections))
    number = face or 1
    if number > len(detections):
        raise FaceNumberError(number=number, count=len(detections))
    return detections[number - 1]


def _seen_at(detections: Sequence[Detection], box: FaceBox) -> Detection:
    found = max(detections, key=lambda detection: detection.box.iou(box), default=None)
    if found is None or found.box.iou(box) < _SAME_FACE_IOU:
        raise NoFaceError
    return found


def _already_enrolled(owner: Character, sample_id: SampleId, how: str) -> SampleExistsError:
    return SampleExistsError(character=owner.name, sample_id=sample_id, how=how)


def _side(detection: Detection) -> float:
    return min(detection.box.width, detection.box.height)


def _can_be_in(frames: Sequence[ImageRGB], face: FaceAt) -> bool:
    """Whether a detector can have found it there: its centre is inside, and it is not far larger."""
    if face.frame >= len(frames):
        return False
    height, width = frames[face.frame].shape[:2]
    x, y = face.box.center
    inside = 0 <= x <= width and 0 <= y <= height
    return bool(inside and max(face.box.width, face.box.height) <= 2 * max(height, width))


def _fingerprints(image: ImageRGB, box: FaceBox) -> tuple[str, int]:
    return content_hash(image, box), perceptual_hash(image, box)
