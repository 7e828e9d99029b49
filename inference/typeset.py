"""Text of any script as runs of one font and one direction, and as pictures of their glyphs.

The renderer's own search for a font that has a glyph is not used: it replaces whole lines or leaves empty
boxes where a line needs several fonts. So each run is rendered by itself in a font that has all its glyphs,
and the runs are put side by side here, in the order that the bidirectional algorithm wants.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import groupby
from math import ceil
from threading import Lock
from typing import cast
from xml.sax.saxutils import escape

import cv2
import numpy as np
import resvg_py
from numpy.typing import NDArray

from inference.bidi import embedding_levels, visual_order
from inference.fonts import EMOJI, LATIN, Font, Han, chain
from inference.graphemes import clusters, columns, is_emoji, readable, shorten

MISSING = "\N{REPLACEMENT CHARACTER}"
"""Stands for what no font has."""

_RIGHT_TO_LEFT_MARK = "\N{RIGHT-TO-LEFT MARK}"
# In font sizes: what a row of the sheet has above and below the baseline, and beside the text for overhang.
_ABOVE, _BELOW, _BESIDE = 1.3, 0.7, 0.5
# Of rendered lines, which are some 5 kB each.
_KEPT_BYTES, _KEPT_OVERHEAD = 4_000_000, 1_000


@dataclass(frozen=True, slots=True)
class Run:
    """Clusters that one font shows in one direction, in writing order."""

    font: Font
    text: str
    level: int
    """Of the bidirectional algorithm: odd is right to left."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be rendered."""

    text: str
    size: int
    """Of the font, in pixels."""
    suffix: str = ""
    """Stays where the text is shortened."""


@dataclass(frozen=True, slots=True)
class TextSprite:
    """A rendered line: how much of each pixel its glyphs cover (0…255), cut to what is inked."""

    coverage: NDArray[np.uint8]
    rise: int
    """Pixels from the upper edge of `coverage` down to the baseline."""

    @property
    def width(self) -> int:
        return int(self.coverage.shape[1])

    @property
    def height(self) -> int:
        return int(self.coverage.shape[0])


def text_runs(text: str, *, han: Han = "JP") -> tuple[Run, ...]:
    """The text, made readable, as runs from left to right.

    A stretch of what no font has becomes one `MISSING`. Han characters take the forms that the text itself
    asks for (kana: Japan, Hangul: Korea, characters that only one national set has), else those of `han`.
    """
    line = readable(text)
    pieces = list(_with_fonts(clusters(line), chain(_han_forms(line, han))))
    levels = embedding_levels([piece for _, piece in pieces])
    runs = [
        Run(font, "".join(piece for _, (_, piece) in group), level)
        for (level, font), group in groupby(
            zip(levels, pieces, strict=True), key=lambda entry: (entry[0], entry[1][0])
        )
    ]
    return tuple(runs[index] for index in visual_order([run.level for run in runs]))


def render_lines(lines: Sequence[Line], *, han: Han = "JP", weight: int = 600) -> list[TextSprite]:
    """Each line as a sprite; one that shows nothing has a width of 0.

    All are rendered in one go: loading the fonts costs more than a line does. Those of late are kept, as the
    same names come again and again.
    """
    kept = _kept_sprites()
    sprites = {line: kept.get((line, han, weight)) for line in lines}
    fresh = _render([line for line, sprite in sprites.items() if sprite is None], han, weight)
    for line, sprite in fresh.items():
        kept.put((line, han, weight), sprite)
    return [fresh.get(line) or cast(TextSprite, sprites[line]) for line in lines]


def _render(lines: Sequence[Line], han: Han, weight: int) -> dict[Line, TextSprite]:
    lines_of_runs = [text_runs(line.text + line.suffix, han=han) for line in lines]
    sized = [(run, line.size) for line, runs in zip(lines, lines_of_runs, strict=True) for run in runs]
    rendered = iter(_rendered(sized, weight))
    return {
        line: _joined([next(rendered) for _ in runs], line.size)
        for line, runs in zip(lines, lines_of_runs, strict=True)
    }


class KeptSprites:
    """The sprites asked for last, some megabytes of them. Safe in any thread."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._sprites: OrderedDict[tuple[Line, Han, int], TextSprite] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._sprites)

    def get(self, key: tuple[Line, Han, int]) -> TextSprite | None:
        with self._lock:
            sprite = self._sprites.get(key)
            if sprite is not None:
                self._sprites.move_to_end(key)
            return sprite

    def put(self, key: tuple[Line, Han, int], sprite: TextSprite) -> None:
        with self._lock:
            if key in self._sprites or sprite.coverage.nbytes > self._max_bytes // 8:
                return
            self._sprites[key] = sprite
            self._bytes += _KEPT_OVERHEAD + sprite.coverage.nbytes
            while self._bytes > self._max_bytes:
                _, oldest = self._sprites.popitem(last=False)
                self._bytes -= _KEPT_OVERHEAD + oldest.coverage.nbytes


@cache
def _kept_sprites() -> KeptSprites:
    return KeptSprites(_KEPT_BYTES)


def render_fitting(
    lines: Sequence[Line], max_width: int, *, most_columns: int = 1_000, han: Han = "JP"
) -> list[TextSprite]:
    """Each line as a sprite of at most `max_width` pixels, its text shortened with an ellipsis to fit."""
    fitted = [_shortened(line, most_columns) for line in lines]
    sprites = render_lines(fitted, han=han)
    # A width is known only when it is rendered; that of the rest is guessed from it, a little less each time.
    for patience in (1.0, 0.9, 0.7, 0.5):
        too_wide = [index for index, sprite in enumerate(sprites) if sprite.width > max_width]
        if not too_wide:
            break
        for index in too_wide:
            used = sum(map(columns, clusters(fitted[index].text + fitted[index].suffix)))
            fitted[index] = _shortened(lines[index], int(patience * used * max_width / sprites[index].width))
        again = render_lines([fitted[index] for index in too_wide], han=han)
        for index, sprite in zip(too_wide, again, strict=True):
            sprites[index] = sprite
    return sprites


@lru_cache(maxsize=1_024)
def _shortened(line: Line, most_columns: int) -> Line:
    room = most_columns - sum(map(columns, clusters(line.suffix)))
    return replace(line, text=shorten(line.text, max(1, room)))


def _han_forms(text: str, preferred: Han) -> Han:
    scripts = {unicodedata.name(character, "").split(" ")[0] for character in text}
    if scripts & {"HIRAGANA", "KATAKANA"}:
        return "JP"
    if "HANGUL" in scripts:
        return "KR"
    if "BOPOMOFO" in scripts:
        return "TC"
    # National character sets tell apart what Unicode calls one script: 爱 is only in the mainland's.
    han = "".join(c for c in text if unicodedata.name(c, "").startswith("CJK UNIFIED"))
    sets: tuple[tuple[str, Han], ...] = (("cp932", "JP"), ("gb2312", "SC"), ("big5", "TC"), ("cp949", "KR"))
    fitting = [forms for encoding, forms in sets if _encodable(han, encoding)]
    return preferred if preferred in fitting or not fitting else fitting[0]


def _encodable(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _with_fonts(pieces: Sequence[str], fonts: Sequence[Font]) -> Iterator[tuple[Font, str]]:
    """Each cluster, less what its font does not have, with that font."""
    current, missing = LATIN, False
    for piece in pieces:
        found = _font_for(piece, current, fonts)
        if found is None:
            # Letters in fancy dress (𝕯, ｱ) have a plain form.
            plain = unicodedata.normalize("NFKC", piece)
            found = _font_for(plain, current, fonts)
            piece = plain if found else MISSING  # noqa: PLW2901
            if not found and missing:
                continue
        missing = found is None
        current = found or LATIN
        yield current, "".join(character for character in piece if current.covers(character))


def _font_for(piece: str, current: Font, fonts: Sequence[Font]) -> Font | None:
    base = piece[0]
    if is_emoji(piece) and EMOJI.covers(base):
        return EMOJI
    # A comma between two kana is best taken from their font.
    if current is not EMOJI and unicodedata.category(base)[0] not in "LN" and current.covers(base):
        return current
    partly = None
    for font in fonts:
        if font.covers(base):
            if all(map(font.covers, piece)):
                return font
            partly = partly or font
    return partly


@dataclass(frozen=True, slots=True)
class _RenderedRun:
    coverage: NDArray[np.uint8]
    """One row of the sheet: the text begins at `_BESIDE` and its baseline is at `_ABOVE` font sizes."""
    advance: int
    """Pixels from where it begins to where the next run does."""


def _rendered(runs: Sequence[tuple[Run, int]], weight: int) -> list[_RenderedRun]:
    done: dict[int, _RenderedRun] = {}
    stretch = 1.0
    while len(done) < len(runs):
        pending = [index for index in range(len(runs)) if index not in done]
        sheet = _rendered_sheet([runs[index] for index in pending], weight, stretch)
        for index, (run, fits) in zip(pending, sheet, strict=True):
            # Some ligatures are as wide as ten letters.
            if fits or stretch > 8:
                done[index] = run
        stretch *= 4
    return [done[index] for index in range(len(runs))]


def _rendered_sheet(
    runs: Sequence[tuple[Run, int]], weight: int, stretch: float
) -> Iterator[tuple[_RenderedRun, bool]]:
    """Each run, and whether it fitted into the sheet, rendered below each other in blue with red underlines.

    The underline is as long as the text is to the layout: the renderer tells its advances in no other way.
    """
    rows, top, width = [], 0, 0
    for run, size in runs:
        beside = ceil(_BESIDE * size)
        rows.append(
            f'<text xml:space="preserve" x="{beside}" y="{top + ceil(_ABOVE * size)}" font-size="{size}" '
            f'font-family="{run.font.family}" fill="#f00" text-decoration="underline">'
            f'<tspan fill="#00f">{escape(_in_its_direction(run))}</tspan></text>'
        )
        top += _row_height(size)
        estimate = size * (1 + 0.7 * sum(map(columns, clusters(run.text))))
        width = max(width, 2 * beside + ceil(stretch * estimate))
    png = resvg_py.svg_to_bytes(
        svg_string=f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" '
        f'font-weight="{weight}">{"".join(rows)}</svg>',
        font_files=sorted({str(run.font.path) for run, _ in runs}),
        skip_system_fonts=True,
    )
    sheet = cast(NDArray[np.uint8], cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED))
    blue, red, alpha = (np.ascontiguousarray(sheet[..., channel]) for channel in (0, 2, 3))
    glyphs, lines = (
        cast(NDArray[np.uint8], cv2.multiply(colour, alpha, scale=1 / 255)) for colour in (blue, red)
    )
    top = 0
    for _, size in runs:
        rows_of_run, beside = slice(top, top + _row_height(size)), ceil(_BESIDE * size)
        top = rows_of_run.stop
        underlined = np.flatnonzero(lines[rows_of_run].max(axis=0) > 32)
        end = int(underlined[-1]) + 1 if len(underlined) else beside
        yield _RenderedRun(glyphs[rows_of_run, : end + beside], end - beside), end < width


def _in_its_direction(run: Run) -> str:
    if run.level % 2 == 0:
        return run.text
    if run.font.covers(_RIGHT_TO_LEFT_MARK):
        return f"{_RIGHT_TO_LEFT_MARK}{run.text}{_RIGHT_TO_LEFT_MARK}"
    return "".join(reversed(clusters(run.text)))


def _row_height(size: int) -> int:
    return ceil(_ABOVE * size) + ceil(_BELOW * size)


def _joined(runs: Sequence[_RenderedRun], size: int) -> TextSprite:
    width = sum(run.advance for run in runs) + 2 * ceil(_BESIDE * size)
    line = np.zeros((_row_height(size), width), np.uint8)
    x = 0
    for run in runs:
        place = line[:, x : x + run.coverage.shape[1]]
        np.maximum(place, run.coverage[:, : place.shape[1]], out=place)
        x += run.advance
    inked_rows = np.flatnonzero(line.any(axis=1))
    if not len(inked_rows):
        return TextSprite(np.zeros((1, 0), np.uint8), rise=0)
    inked_columns = np.flatnonzero(line.any(axis=0))
    top, left = int(inked_rows[0]), int(inked_columns[0])
    ink = line[top : int(inked_rows[-1]) + 1, left : int(inked_columns[-1]) + 1]
    return TextSprite(ink.copy(), rise=ceil(_ABOVE * size) - top)
