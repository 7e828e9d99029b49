"""Frames of a video file with their numbers and times, decoded in order, since OpenCV seeks inexactly."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2

from inference.domain import ImageRGB
from training.errors import DatasetError


@dataclass(frozen=True, slots=True)
class VideoFrame:
    number: int
    """From 0, in the file."""
    time_s: float
    image: ImageRGB


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What the file says of itself."""

    frames: int
    """0 where it does not say."""
    rate: float
    """Frames a second; 0 where it does not say."""


def video_facts(path: Path) -> VideoFacts:
    """Raises DatasetError when OpenCV cannot read the file."""
    with _opened(path) as capture:
        count, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        return VideoFacts(max(0, int(count)), max(0.0, float(rate)))


def read_video(
    path: Path, *, start_s: float = 0.0, end_s: float | None = None, only: Collection[int] | None = None
) -> Iterator[VideoFrame]:
    """The frames from `start_s` to before `end_s`; with `only`, those of these numbers.

    Upright, as players show them. Raises DatasetError when OpenCV cannot read the file.
    """
    last = max(only, default=-1) if only is not None else None
    with _opened(path) as capture:
        number = -1
        while capture.grab():
            number += 1
            time_s = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
            if (end_s is not None and time_s >= end_s) or (last is not None and number > last):
                return
            if time_s < start_s or (only is not None and number not in only):
                continue
            readable, image = capture.retrieve()
            if readable:
                yield VideoFrame(number, time_s, cast(ImageRGB, cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    if not path.is_file():
        raise DatasetError(path, "is no file")
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise DatasetError(path, "is no video that OpenCV can read")
        yield capture
    finally:
        capture.release()
