"""A panel below a crowded picture that says who is who by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from inference.domain import FaceBox, ImageRGB
from inference.fonts import Han
from inference.marks import LIGHT, Style, paint_tag, paint_text, tag_size_wh
from inference.typeset import Line, render_fitting

_GROUND = (28, 30, 36)
_COLUMN = 15
"""Font sizes: a column is at least so wide."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    mark: str
    """As on the tags in the picture."""
    text: str
    style: Style
    suffix: str = ""


def with_legend(picture: ImageRGB, entries: Sequence[LegendEntry], size: int, *, han: Han) -> ImageRGB:
    """The picture with a panel of its width below it, in font size `size`; column by column."""
    if not entries:
        return picture
    width, gap = picture.shape[1], size // 2
    marks = render_fitting([Line(entry.mark, size) for entry in entries], width, han=han)
    tag_width = max(tag_size_wh(mark.width, size)[0] for mark in marks)
    tag_height = tag_size_wh(0, size)[1]
    columns = min(len(entries), max(1, width // (_COLUMN * size)))
    room = max(1, width // columns - tag_width - 3 * gap)
    texts = render_fitting([Line(entry.text, size, entry.suffix) for entry in entries], room, han=han)
    rows = ceil(len(entries) / columns)
    pitch = tag_height + gap
    panel = np.full((rows * pitch + gap, width, 3), _GROUND, np.uint8)
    for index, (entry, mark, text) in enumerate(zip(entries, marks, texts, strict=True)):
        x, y = gap + index // rows * (width // columns), gap + index % rows * pitch
        paint_tag(panel, FaceBox(x, y, x + tag_width, y + tag_height), mark, size, entry.style)
        paint_text(panel, text, size, LIGHT, left=x + tag_width + gap, middle=y + tag_height / 2)
    return np.concatenate([picture, panel])
