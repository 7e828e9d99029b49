"""The use case "who is in this picture?": bytes in, an `Identification` out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from inference.decide import CANDIDATES, Policy, decide
from inference.domain import (
    Detection,
    Embeddings,
    FaceResult,
    Identification,
    ImageRGB,
    Match,
    Scope,
    most_alike_first,
    reading_order,
)
from inference.gallery.base import Gallery
from inference.pipeline import PicturePipeline
from inference.tracking import Track, track_faces


@dataclass(frozen=True, slots=True)
class Seen:
    """An identification, and the frame to draw it on."""

    identification: Identification
    image: ImageRGB
    """The frame that shows most of the faces."""
    shown: Identification
    """Only the faces that are in that frame."""


class Identifier:
    """Names the characters in pictures."""

    def __init__(self, pipeline: PicturePipeline, gallery: Gallery, *, policy: Policy, top: int) -> None:
        self._pipeline = pipeline
        self._gallery = gallery
        self._policy = policy
        self._top = top

    async def identify(
        self, data: bytes, scopes: Sequence[Scope], *, top: int | None = None, policy: Policy | None = None
    ) -> Seen:
        """Who is in the picture, as the galleries of `scopes` know them; `top` matches for each face.

        `policy` instead of the usual one. In an animation a face is one result, however many frames show it.
        Raises ImageTooLargeError, ImageUnsupportedError, ImageUnreadableError and any TransientError.
        """
        async with self._pipeline.opened(data) as picture:
            decoded, clock = picture.decoded, picture.clock
            detections = await self._pipeline.detect_all(picture)
            clock.lap("detect")
            embeddings = await self._pipeline.probe_all(picture, detections)
            clock.lap("embed")
        tracks = track_faces(detections, embeddings)
        top = top or self._top
        matches = await self._search(tracks, scopes, top=max(top, CANDIDATES))
        clock.lap("search")
        shown = _busiest_frame(tracks)
        verdicts = decide(matches, policy or self._policy)
        faces = [
            FaceResult(
                *_detection_in(track, detections, shown),
                verdict.decision,
                verdict.character,
                found[:top],
            )
            for track, verdict, found in zip(tracks, verdicts, matches, strict=True)
        ]
        faces = [faces[index] for index in reading_order([face.detection.box for face in faces])]
        identification = Identification(
            width=decoded.width,
            height=decoded.height,
            faces=tuple(faces),
            timings_ms=clock.laps_ms,
            frame_count=len(decoded.frames),
        )
        in_frame = tuple(face for face in faces if face.frame == shown)
        return Seen(identification, decoded.frames[shown], replace(identification, faces=in_frame))

    async def _search(
        self, tracks: Sequence[Track], scopes: Sequence[Scope], *, top: int
    ) -> list[tuple[Match, ...]]:
        if not tracks:
            return []
        probes = Embeddings(np.stack([track.embedding for track in tracks]))
        found = await self._gallery.search(probes, scopes, top=top)
        return [most_alike_first(matches) for matches in found]


def _busiest_frame(tracks: Sequence[Track]) -> int:
    """The frame that shows most of the tracked faces, the earliest of several."""
    seen = Counter(member.frame for track in tracks for member in track.members)
    return min(seen, key=lambda frame: (-seen[frame], frame), default=0)


def _detection_in(
    track: Track, detections: Sequence[Sequence[Detection]], frame: int
) -> tuple[Detection, int]:
    """Where the face is in that frame, or else where it is seen best; and in which frame that is."""
    for member in track.members:
        if member.frame == frame:
            return detections[frame][member.index], frame
    return track.best, track.best_frame
