"""Pictures for the server's own tests; nobody looks at them."""

from __future__ import annotations

import numpy as np

from inference.images import encode


def picture(width: int = 640, height: int = 480, *, seed: int = 0) -> bytes:
    """A PNG of smooth colours."""
    across = np.linspace(0, 200, width, dtype=np.uint8)
    image = np.stack(
        [np.tile(across, (height, 1)), *[np.full((height, width), 40 + seed, np.uint8)] * 2], axis=2
    )
    return encode(np.ascontiguousarray(image), format="png")
