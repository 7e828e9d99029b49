"""A map of the faces: near on the map is alike to the embedder, one thumbnail a character."""

from __future__ import annotations

from html import escape

import numpy as np
from sklearn.decomposition import PCA  # type: ignore[import-untyped]  # has no stubs
from sklearn.manifold import TSNE  # type: ignore[import-untyped]  # has no stubs

from training.evaluation.faces import FaceTable
from training.evaluation.rates import Floats
from training.evaluation.thumbnails import thumbnail

_SIDE = 1_000  # units of the drawing
_THUMBNAIL = 38  # units of the drawing
_PIXELS = 48
_COMPONENTS = 50
_PERPLEXITY = 30.0
_COLOURS = 6  # of the page; the last is for all sources beyond the largest five
_MOST_FACES = 3_000
_MOST_CHARACTERS = 300


def gallery_map(table: FaceTable, *, seed: int) -> str:
    """An SVG: dots for faces, coloured by source, and a face of each character in the middle of its dots.

    t-SNE on the first principal components (van der Maaten & Hinton, JMLR 9, 2008); of many faces and
    characters, a random choice.
    """
    generator = np.random.default_rng(seed)
    if len(table.faces) > _MOST_FACES:
        table = table.only(np.sort(generator.permutation(len(table.faces))[:_MOST_FACES]))
    places = _places(table, seed)
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


def _places(table: FaceTable, seed: int) -> Floats:
    """n × 2, each axis 0…_SIDE."""
    count, dimension = table.embeddings.shape
    components = min(_COMPONENTS, count, dimension)
    reduced = PCA(components, random_state=seed).fit_transform(table.embeddings)
    perplexity = min(_PERPLEXITY, (count - 1) / 3)
    placed = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(reduced)
    low, high = placed.min(axis=0), placed.max(axis=0)
    places: Floats = np.asarray((placed - low) / np.maximum(high - low, 1e-9) * _SIDE, dtype=np.float64)
    return places
