"""The map of a gallery: a place for each character, and who is most like her."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from inference.gallery.base import Report
from inference.survey.faces import ScopeFaces
from inference.survey.likeness import mean_embeddings, most_similar
from inference.survey.values import GalleryMap, Neighbour, Place

_MOST_PLACES = 10_000
_NEIGHBOURS = 5
_SEED = 7
_SHARE_OF_NEIGHBOURS = 0.2  # of the time it takes


def draw_map(faces: ScopeFaces, *, at: datetime, report: Report) -> GalleryMap:
    """By the mean embedding of each character with samples; of more than 10,000, those with most samples."""
    # Not at the top: it takes a second to import, and whoever only names pictures needs none of it.
    from inference.survey.layout import lay_out  # noqa: PLC0415

    there, means = mean_embeddings(faces)
    if len(there) > _MOST_PLACES:
        kept = np.sort(np.argsort(-faces.counts[there], kind="stable")[:_MOST_PLACES])
        there, means = there[kept], means[kept]
    near, similarity = most_similar(means, _NEIGHBOURS, lambda done: report(_SHARE_OF_NEIGHBOURS * done))
    points = lay_out(means, seed=_SEED)
    report(1.0)
    return GalleryMap(
        at,
        tuple(
            Place(
                faces.characters[character],
                x,
                y,
                tuple(
                    Neighbour(*one)
                    for one in zip(near[place].tolist(), similarity[place].tolist(), strict=True)
                ),
            )
            for place, (character, (x, y)) in enumerate(zip(there.tolist(), points.tolist(), strict=True))
        ),
    )
