"""Makes videos and animated stickers of pictures, as people's phones do."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np

from inference.domain import ImageRGB


def film(
    frames: Sequence[ImageRGB], *, fps: int = 10, kind: str = "mp4", alpha: ImageRGB | None = None
) -> bytes:
    """An MP4 (MPEG-4), or a WebM (VP9) in which `alpha` (0 or 255) says where there is something."""
    stream = io.BytesIO()
    high, wide = frames[0].shape[:2]
    with av.open(stream, "w", format=kind) as container:
        track: Any = container.add_stream("mpeg4" if kind == "mp4" else "libvpx-vp9", rate=fps)
        track.width, track.height, track.bit_rate = wide, high, 6_000_000
        track.pix_fmt = "yuva420p" if alpha is not None else "yuv420p"
        for number, frame in enumerate(frames):
            if alpha is None:
                picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            else:
                rgba = np.dstack([frame, alpha[..., 0]])
                picture = av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="yuva420p")
            picture.pts, picture.time_base = number, Fraction(1, fps)
            container.mux(track.encode(picture))
        container.mux(track.encode())
    return stream.getvalue()


def tgs(**changes: Any) -> bytes:
    """An animated sticker: a red disc that moves from left to right in two seconds."""
    moving = {"a": 1, "k": [{"t": 0, "s": [100, 256], "e": [412, 256]}, {"t": 120, "s": [412, 256]}]}
    still: dict[str, Any] = {"a": 0, "k": [0, 0]}
    upright = {"s": {"a": 0, "k": [100, 100]}, "r": {"a": 0, "k": 0}, "o": {"a": 0, "k": 100}}
    disc = {
        "ty": "gr",
        "it": [
            {"ty": "el", "p": still, "s": {"a": 0, "k": [120, 120]}},
            {"ty": "fl", "c": {"a": 0, "k": [1, 0, 0, 1]}, "o": {"a": 0, "k": 100}},
            {"ty": "tr", "p": still, "a": still, **upright},
        ],
    }
    layer = {
        "ty": 4,
        "ip": 0,
        "op": 120,
        "st": 0,
        "sr": 1,
        "ks": {"p": moving, "a": still, **upright},
        "shapes": [disc],
    }
    document = {"v": "5.5.2", "fr": 60, "ip": 0, "op": 120, "w": 512, "h": 512, "layers": [layer], **changes}
    return gzip.compress(json.dumps(document).encode())
