"""The `Detector` protocol: canvases of a few fixed shapes in, face boxes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from inference.domain import Detection, ImageRGB


class Detector(Protocol):
    """Finds drawn faces. One thread at a time may call it, not always the one that loaded it.

    It sees canvases, not pictures: `views.py` turns a picture of any size into canvases and the boxes back.
    """

    @property
    def canvas_shapes(self) -> tuple[tuple[int, int], ...]:
        """The (width, height) of every canvas it accepts, in pixels."""

    def warm_up(self) -> None:
        """Run every canvas shape once, so that the first user does not wait for it."""

    def detect(self, canvases: Sequence[ImageRGB]) -> list[tuple[Detection, ...]]:
        """The faces of each canvas, best score first, boxes in pixels of that canvas.

        The canvases may have different shapes. An empty tuple means that no face was found.
        """
