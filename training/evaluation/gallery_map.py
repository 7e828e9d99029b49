"""A map of the faces: near on the map is alike to the embedder, one thumbnail a character."""

from __future__ import annotations

from html import escape

import numpy as np

from inference.survey.layout import lay_out
from training.evaluation.faces import FaceTable
from training.evaluation.thumbnails import thumbnail

_SIDE = 1_000  # units of the drawing
_THUMBNAIL = 38  # units of the drawing
_PIXELS = 48
_COLOURS = 6  # of the page; the last is for all sources beyond the largest five
_MOST_FACES = 3_000
_MOST_CHARACTERS = 300


def gallery_map(table: FaceTable, *, seed: int) -> str:
    """An SVG: dots for faces, coloured by source, and a face of each character in the middle of its dots.

    Of many faces and characters, a random choice.
    """
    generator = np.random.default_rng(seed)
    if len(table.faces) > _MOST_FACES:
        table = table.only(np.sort(generator.permutation(len(table.faces))[:_MOST_FACES]))
    places = lay_out(table.embeddings, seed=seed) * _SIDE
    sources = sorted(set(table.sources), key=lambda source: (-table.sources.count(source), source))
    colours = {source: min(number, _COLOURS) for number, source in enumerate(sources, start=1)}
    parts = [
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="var(--series-{colours[face.picture.source]})" '
        f'fill-opacity=".55">{_title(f"{face.character} ({face.picture.source})")}</circle>'
        for face, (x, y) in zip(table.faces, places.tolist(), strict=True)
    ]
    for character in generator.permutation(len(table.names))[:_MOST_CHARACTERS].tolist():
        rows = np.flatnonzero(table.characters == character)
        middle = np.median(places[rows], axis=0)
        shown = rows[np.argmin(np.linalg.norm(places[rows] - middle, axis=1))]
        x, y = places[shown] - _THUMBNAIL / 2
        picture = thumbnail(table.faces[shown], _PIXELS)
        parts.append(
            f'<image x="{x:.0f}" y="{y:.0f}" width="{_THUMBNAIL}" height="{_THUMBNAIL}" href="{picture}">'
            f"{_title(table.names[character])}</image>"
        )
    for row, (source, colour) in enumerate(list(colours.items())[:_COLOURS]):
        name = source if colour < _COLOURS or len(sources) == _COLOURS else "other sources"
        parts.append(
            f'<text x="0" y="{20 * row}" font-size="15" fill="currentColor">'
            f'<tspan fill="var(--series-{colour})">●</tspan> {escape(name)}</text>'
        )
    whole = _SIDE + 2 * _THUMBNAIL
    box = f"{-_THUMBNAIL} {-_THUMBNAIL} {whole} {whole}"
    return f'<svg viewBox="{box}" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>"
