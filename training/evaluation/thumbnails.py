"""Small pictures of faces for a page, inside the page."""

from __future__ import annotations

import base64

from inference.embedding.align import align_crop
from inference.images import encode
from training.evaluation.faces import NamedFace, open_picture

_MARGIN = 1.5
_QUALITY = 80


def thumbnail(face: NamedFace, side: int) -> str:
    """The face as a `data:` address of a JPEG of that side. Raises DatasetError."""
    crop = align_crop(open_picture(face.picture.path), face.box, margin=_MARGIN, side=side)
    data = base64.b64encode(encode(crop, format="jpeg", quality=_QUALITY)).decode("ascii")
    return f"data:image/jpeg;base64,{data}"
