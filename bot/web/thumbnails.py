"""Enrolled faces as small as cards show them, made when they are first asked for and held for a while."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from config.options import ImageLimits
from inference.domain import FaceCrop, SampleId
from inference.images import decode, encode
from inference.scaling import resized

_SIDE = 192
"""Pixels; cards are 160 wide, and on dense screens nobody looks closer."""
_QUALITY = 78
_MOST = 4_000
"""Some 5 kB each."""


class Thumbnails:
    """Small WebPs by sample; a sample's crop never changes."""

    def __init__(self) -> None:
        self._made: OrderedDict[SampleId, bytes] = OrderedDict()

    async def of(self, sample: SampleId, crop: FaceCrop) -> bytes:
        """Raises ImageUnreadableError for a crop that is damaged."""
        data = self._made.pop(sample, None)
        if data is None:
            data = await asyncio.to_thread(_small, crop)
        self._made[sample] = data
        if len(self._made) > _MOST:
            self._made.popitem(last=False)
        return data


def _small(crop: FaceCrop) -> bytes:
    face = decode(crop.data, ImageLimits()).frames[0]
    height, width = face.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    small = resized(face, max(1, round(width * scale)), max(1, round(height * scale)))
    return encode(small, format="webp", quality=_QUALITY)
