"""The `Detector` protocol: pictures in, face boxes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from inference.domain import Detection, ImageRGB


class Detector(Protocol):
    """Finds drawn faces. One instance belongs to one thread: it is loaded, warmed and called there."""

    def warm_up(self) -> None:
        """Run every fixed batch shape once, so that the first user does not wait for it."""

    def detect(self, images: Sequence[ImageRGB]) -> list[tuple[Detection, ...]]:
        """The faces of each picture, best score first, boxes in pixels of that picture.

        Pictures may have different sizes. An empty tuple means that no face was found.
        """
