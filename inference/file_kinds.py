"""Tells what a file that is not one of our pictures is instead, for the sentence that refuses it."""

from __future__ import annotations

import codecs

_SIGNATURES = (
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"8BPS", "Photoshop document"),
    (b"%PDF", "PDF"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"\0\0\1\0", "icon"),
    (b"\0\0\2\0", "cursor"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"RIFF", "sound or video"),
    (b"PK\3\4", "ZIP archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"gimp xcf", "GIMP picture"),
    (b"DDS ", "DDS"),
    (b"qoif", "QOI"),
)
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}


def file_kind(data: bytes) -> str:
    """A name for the kind of file, "text" or "unknown data" where nothing better is known."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if brands := media_brands(data):
        return "HEIC" if brands & _HEIC_BRANDS else "video"
    return _kind_of_text(data[:4096].removeprefix(codecs.BOM_UTF8))


def media_brands(data: bytes) -> set[bytes]:
    """The brands of an ISO media file (AVIF, HEIC, MP4); empty for anything else."""
    if data[4:8] != b"ftyp":
        return set()
    listed = data[16 : min(int.from_bytes(data[:4], "big"), 1024)]
    return {data[8:12], *(listed[i : i + 4] for i in range(0, len(listed), 4))}


def _kind_of_text(start: bytes) -> str:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)  # the cut may fall within a character
    except UnicodeDecodeError:
        return "unknown data"
    markup = text.lstrip().lower()
    if "<svg" in markup:
        return "SVG"
    if markup.startswith(("<!doctype html", "<html")):
        return "HTML"
    return "unknown data" if "\0" in text else "text"
