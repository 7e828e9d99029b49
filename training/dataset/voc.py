"""Pascal VOC annotations: an XML file a picture, as LabelImg writes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from inference.domain import FaceBox
from training.errors import DatasetError

_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class VocObject:
    name: str
    box: FaceBox | None
    """In the pixels that the annotation was drawn on; None where it has no four numbers."""
    difficult: bool


@dataclass(frozen=True, slots=True)
class VocAnnotation:
    picture_names: tuple[str, ...]
    """What the picture may be called, most likely first."""
    size_wh: tuple[int, int] | None
    objects: tuple[VocObject, ...]


def read_voc(path: Path, *, one_based: bool = False) -> VocAnnotation:
    """The annotation in a file.

    LabelImg counts pixels from 0 but writes 1 where a box begins at 0, so a 1 is taken for 0. The VOC
    challenge's own files count from 1 and include the last pixel: `one_based`. Raises DatasetError for what
    is no such XML, and for XML with a document type, which could define entities.
    """
    root = _parsed(path)
    if root.tag != "annotation":
        raise DatasetError(path, f"is no annotation but a <{root.tag}>")
    names = [root.findtext("filename"), root.findtext("path"), path.stem]
    return VocAnnotation(
        picture_names=tuple(name.strip() for name in names if name and name.strip()),
        size_wh=_size(root),
        objects=tuple(_object(element, one_based=one_based) for element in root.findall("object")),
    )


def _parsed(path: Path) -> Element:
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data

    def refuse(*_: object) -> None:
        raise DatasetError(path, "has a document type, which no annotation needs")

    parser.StartDoctypeDeclHandler = refuse
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DatasetError(path, "is too large for an annotation")
        parser.Parse(path.read_bytes(), True)
    except (OSError, expat.ExpatError, ValueError, LookupError) as error:  # the last two: strange encodings
        raise DatasetError(path, f"is no XML: {error}") from error
    return builder.close()


def _size(root: Element) -> tuple[int, int] | None:
    """None where it is missing or 0, as some tools write it."""
    width, height = (_number(root.findtext(f"size/{side}")) for side in ("width", "height"))
    return (round(width), round(height)) if width and height and min(width, height) >= 1 else None


def _object(element: Element, *, one_based: bool) -> VocObject:
    corners = [_number(element.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")]
    x1, y1, x2, y2 = corners
    box = None
    if x1 is not None and y1 is not None and x2 is not None and y2 is not None:
        shifted = one_based, one_based
        if not one_based:
            shifted = x1 == 1, y1 == 1
        box = FaceBox(x1 - shifted[0], y1 - shifted[1], x2, y2)
    return VocObject(
        name=(element.findtext("name") or "").strip(),
        box=box,
        difficult=(element.findtext("difficult") or "").strip() in {"1", "true", "True"},
    )


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
