"""The answer as a picture: frames around faces and names on tags, encoded within a chat's size limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from config.options import AnnotateOptions
from inference.domain import Decision, Detection, FaceBox, FaceResult, Identification, ImageRGB
from inference.each import Each, in_turn
from inference.fonts import Han
from inference.graphemes import ELLIPSIS, readable
from inference.images import encode
from inference.label_layout import Layout, place_labels
from inference.legend import LegendEntry, with_legend
from inference.marks import (
    DOUBTFUL,
    STRANGE,
    SURE,
    Stroke,
    Style,
    frame_around,
    paint_frame,
    paint_leader,
    paint_tag,
    stroke_for,
    tag_size_wh,
)
from inference.scaling import resized
from inference.typeset import Line, TextSprite, render_fitting

_READABLE_SIDE, _LONGEST_ENLARGED = 320, 1_280
_SMALLEST_TEXT = 13
"""Pixels; smaller Han characters are blots."""
_SMALLEST_ENCODED_SIDE = 64
_LOWER_QUALITIES = (85, 75, 60)


@dataclass(frozen=True, slots=True)
class AnnotateWords:
    """What is written besides names; for another language, say it in that language."""

    unknown: str = "unknown"
    doubt: str = "?"
    """Follows an unsure name, and stands for `unknown` where there is little room."""
    han: Han = "JP"
    """Forms of Han characters in names that do not tell their language."""


@dataclass(frozen=True, slots=True)
class EncodedImage:
    data: bytes
    media_type: str
    width: int
    height: int

    @property
    def suffix(self) -> str:
        """For a file's name, without the dot."""
        return {"image/jpeg": "jpg"}.get(self.media_type, self.media_type.removeprefix("image/"))


def annotate(
    image: ImageRGB,
    result: Identification,
    options: AnnotateOptions,
    words: AnnotateWords = AnnotateWords(),
    *,
    spoil: bool = False,
) -> ImageRGB:
    """A new picture with a frame around each face and its name on a tag.

    The boxes of `result` are in pixels of `image`. KNOWN: a solid frame and the name; UNSURE: a dashed frame
    and "name ?"; UNKNOWN: a dotted frame and "unknown". The new picture's longer side is at most
    `options.max_side`; a small picture is enlarged to 320 pixels of the shorter side (as long as the longer
    one stays within 1,280), because text needs them. Where there are too many faces for names, tags have
    numbers and a panel below the picture says whose they are. Similarities are not shown. With `spoil`, the
    given picture may be what is painted on.
    """
    canvas, scale = _canvas(image, options.max_side, spoil=spoil)
    faces = [_face(face, scale, words) for face in result.faces]
    plan = _plan(canvas, faces, words)
    if plan is not None:
        return _painted(canvas, faces, plan)
    picture = _numbered_with_legend(canvas, faces, words)
    # The panel may have made it too long.
    return _resized_within(picture, options.max_side)


def number_faces(image: ImageRGB, detections: Sequence[Detection], options: AnnotateOptions) -> ImageRGB:
    """A new picture, sized as by `annotate()`, with frames around the faces, numbered from 1 as given."""
    canvas, scale = _canvas(image, options.max_side)
    faces = [
        _Face(detection.box.scaled(scale), SURE, str(number))
        for number, detection in enumerate(detections, start=1)
    ]
    return _painted(canvas, faces, _laid_out(canvas, faces, _Manner(1.2), "JP"))


def annotate_encoded(
    image: ImageRGB,
    result: Identification,
    options: AnnotateOptions,
    words: AnnotateWords = AnnotateWords(),
    *,
    spoil: bool = False,
    each: Each = in_turn,
) -> EncodedImage:
    """The picture of `annotate()` as a file of at most `options.max_bytes`.

    First its quality is lowered, then its size, down to a longer side of 64 pixels: that is returned even
    where it is still too large. With `spoil`, the given picture may be painted on, which saves a copy of it.
    `each` is for `encode()`.
    """
    # Where a file is too large, a smaller picture is drawn from the given one: not of so few pixels.
    spoil = spoil and 2 * image.nbytes <= options.max_bytes
    return _encoded(lambda limits: annotate(image, result, limits, words, spoil=spoil), options, each)


def number_faces_encoded(
    image: ImageRGB, detections: Sequence[Detection], options: AnnotateOptions, *, each: Each = in_turn
) -> EncodedImage:
    """The picture of `number_faces()` as a file, see `annotate_encoded()`."""
    return _encoded(lambda limits: number_faces(image, detections, limits), options, each)


@dataclass(frozen=True, slots=True)
class _Face:
    box: FaceBox
    """In pixels of the canvas."""
    style: Style
    name: str
    suffix: str = ""
    brief: str = ""
    """Instead of the name where there is little room."""

    def line(self, size: int, *, briefly: bool) -> Line:
        return Line(self.brief if briefly and self.brief else self.name, size, self.suffix)


@dataclass(frozen=True, slots=True)
class _Manner:
    """One way to write the tags."""

    text_scale: float = 1.0
    most_columns: int = 26
    briefly: bool = False


# Tried in this order until no tag covers another or a face.
_MANNERS = (_Manner(), _Manner(0.85, 20, briefly=True), _Manner(0.75, 14, briefly=True))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is painted where: tag i is that of face i; faces beyond the tags have none."""

    layout: Layout
    texts: list[TextSprite]
    sizes: list[int]


def _canvas(image: ImageRGB, max_side: int, *, spoil: bool = False) -> tuple[ImageRGB, float]:
    """The picture in a size that can be written on, by default a copy, and the factor between the two."""
    height, width = image.shape[:2]
    shorter, longer = min(width, height), max(width, height)
    scale = max(1.0, min(_READABLE_SIDE / shorter, _LONGEST_ENLARGED / longer))
    scale = min(scale, max_side / longer)
    fitted = resized(image, max(1, round(width * scale)), max(1, round(height * scale)))
    own = fitted is not image or (spoil and image.flags.writeable)
    return (fitted if own else fitted.copy()), scale


def _resized_within(picture: ImageRGB, max_side: int) -> ImageRGB:
    height, width = picture.shape[:2]
    scale = min(1.0, max_side / max(width, height))
    return resized(picture, max(1, round(width * scale)), max(1, round(height * scale)))


def _face(face: FaceResult, scale: float, words: AnnotateWords) -> _Face:
    box = face.detection.box.scaled(scale)
    name = readable(face.character.name) or ELLIPSIS if face.character else ""
    if face.decision is Decision.KNOWN and name:
        return _Face(box, SURE, name)
    if face.decision is Decision.UNSURE:
        return _Face(box, DOUBTFUL, name, suffix=f" {words.doubt}")
    return _Face(box, STRANGE, words.unknown, brief=words.doubt)


def _plan(canvas: ImageRGB, faces: Sequence[_Face], words: AnnotateWords) -> _Plan | None:
    """The first manner in which all tags find a place; None when there is none."""
    plan = _laid_out(canvas, faces, _MANNERS[0], words.han)
    for manner in _MANNERS[1:]:
        if _is_tidy(plan.layout):
            return plan
        # Rendering is the slow part, so a guess of the tags' sizes says whether the manner is worth it.
        if _is_tidy(_guessed_layout(canvas, faces, manner, plan)):
            plan = _laid_out(canvas, faces, manner, words.han)
    return plan if _is_tidy(plan.layout) else None


def _is_tidy(layout: Layout) -> bool:
    moved = [placement for placement in layout.placements if placement.moved]
    return (
        layout.covered <= 0.02
        and len(moved) <= max(1, len(layout.placements) // 8)
        and all(placement.distance <= 4 * placement.box.height for placement in moved)
    )


def _laid_out(
    canvas: ImageRGB, faces: Sequence[_Face], manner: _Manner, han: Han, *, tagged: int | None = None
) -> _Plan:
    """The first `tagged` faces, by default all, get tags."""
    height, width = canvas.shape[:2]
    sizes = [_text_size(face, canvas, manner) for face in faces[:tagged]]
    lines = [face.line(size, briefly=manner.briefly) for face, size in zip(faces, sizes, strict=False)]
    widest = width - tag_size_wh(0, max(sizes, default=0))[0]
    texts = render_fitting(lines, max(1, widest), most_columns=manner.most_columns, han=han)
    tags = [tag_size_wh(text.width, size) for text, size in zip(texts, sizes, strict=True)]
    return _Plan(place_labels((width, height), _frames(canvas, faces), tags), texts, sizes)


def _guessed_layout(canvas: ImageRGB, faces: Sequence[_Face], manner: _Manner, rendered: _Plan) -> Layout:
    height, width = canvas.shape[:2]
    tags = []
    for face, text, old_size in zip(faces, rendered.texts, rendered.sizes, strict=True):
        size = _text_size(face, canvas, manner)
        ems = text.width / old_size
        if face.brief and manner.briefly:
            ems = 0.5
        tags.append(tag_size_wh(round(size * min(ems, 0.6 * manner.most_columns)), size))
    return place_labels((width, height), _frames(canvas, faces), tags)


def _text_size(face: _Face, canvas: ImageRGB, manner: _Manner) -> int:
    """Pixels of the font: grows with the face, within limits that grow with the picture."""
    side = _picture_side(canvas)
    largest = max(0.036 * side, _SMALLEST_TEXT * 1.4)
    size = min(max(0.16 * min(face.box.width, face.box.height), 0.024 * side), largest)
    return max(_SMALLEST_TEXT, round(size * manner.text_scale))


def _picture_side(canvas: ImageRGB) -> float:
    """The side of a square of the same area; of a long strip rather its shorter side."""
    height, width = canvas.shape[:2]
    return float(min(sqrt(height * width), 1.5 * min(height, width)))


def _strokes(canvas: ImageRGB, faces: Sequence[_Face]) -> list[Stroke]:
    side = _picture_side(canvas)
    return [stroke_for(min(face.box.width, face.box.height), side, face.style) for face in faces]


def _frames(canvas: ImageRGB, faces: Sequence[_Face]) -> list[FaceBox]:
    size_wh = canvas.shape[1], canvas.shape[0]
    return [
        frame_around(face.box, stroke, size_wh)
        for face, stroke in zip(faces, _strokes(canvas, faces), strict=True)
    ]


def _painted(canvas: ImageRGB, faces: Sequence[_Face], plan: _Plan) -> ImageRGB:
    """The canvas itself, painted on: tags above lines, so that no line crosses a name."""
    marks = list(zip(faces, _frames(canvas, faces), _strokes(canvas, faces), strict=True))
    # Near, large faces last: their frames are whole where frames cross.
    for face, frame, stroke in sorted(marks, key=lambda mark: mark[1].area):
        paint_frame(canvas, frame, stroke, face.style)
    for (face, frame, stroke), placement in zip(marks, plan.layout.placements, strict=False):
        if placement.moved:
            paint_leader(canvas, placement.box, frame, stroke, face.style)
    for face, placement, text, size in zip(
        faces, plan.layout.placements, plan.texts, plan.sizes, strict=False
    ):
        paint_tag(canvas, placement.box, text, size, face.style)
    return canvas


def _numbered_with_legend(canvas: ImageRGB, faces: Sequence[_Face], words: AnnotateWords) -> ImageRGB:
    """The canvas with numbers on the faces that have names, and a panel below it that lists them."""
    named = [face for face in faces if face.style is not STRANGE]
    strangers = [face for face in faces if face.style is STRANGE]
    # Faces of one name and decision share a number.
    numbers: dict[_Face, int] = {}
    for face in named:
        numbers.setdefault(_without_box(face), len(numbers) + 1)
    numbered = [_Face(face.box, face.style, str(numbers[_without_box(face)])) for face in named]
    plan = _laid_out(canvas, numbered + strangers, _Manner(0.9), words.han, tagged=len(named))
    entries = [
        LegendEntry(str(number), face.name, face.style, face.suffix) for face, number in numbers.items()
    ]
    if strangers:
        entries.append(LegendEntry(words.doubt, words.unknown, STRANGE, f" × {len(strangers)}"))
    size = max(_SMALLEST_TEXT, round(0.026 * _picture_side(canvas)))
    return with_legend(_painted(canvas, numbered + strangers, plan), entries, size, han=words.han)


def _without_box(face: _Face) -> _Face:
    return replace(face, box=FaceBox(0, 0, 0, 0))


def _encoded(
    draw: Callable[[AnnotateOptions], ImageRGB], options: AnnotateOptions, each: Each
) -> EncodedImage:
    limits, qualities = options, (options.quality, *(q for q in _LOWER_QUALITIES if q < options.quality))
    while True:
        picture = draw(limits)
        height, width = picture.shape[:2]
        for quality in qualities:
            data = encode(picture, format=options.format, quality=quality, each=each)
            if len(data) <= options.max_bytes:
                return EncodedImage(data, f"image/{options.format}", width, height)
            if len(data) > 2.5 * options.max_bytes:
                break  # no quality helps that much
        side = min(limits.max_side, max(width, height))
        if side <= _SMALLEST_ENCODED_SIDE:
            return EncodedImage(data, f"image/{options.format}", width, height)
        shrink = min(max(0.9 * sqrt(options.max_bytes / len(data)), 0.3), 0.85)
        limits = replace(limits, max_side=max(_SMALLEST_ENCODED_SIDE, int(side * shrink)))
