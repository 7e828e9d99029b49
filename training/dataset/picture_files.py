"""Picture files of a dataset: which there are, how large they are, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from config.options import ImageLimits
from inference.domain import ImageRGB
from inference.errors import AppError
from inference.image_probe import probe_image
from inference.images import decode

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif"})

_LIMITS = ImageLimits(sampled_frames=1)
_PROBED_PIXELS = 8_000_000  # of larger pictures it takes decoding to know that they are within the limits
_NUMBER = re.compile(r"[-_ .()]*[0-9]+[-_ .()]*$")


def read_picture(path: Path) -> ImageRGB:
    """The upright picture, of an animation the first frame. Raises OSError and the image errors."""
    return decode(path.read_bytes(), _LIMITS).frames[0]


def picture_size(path: Path, *, decoded: bool = False) -> tuple[int, int]:
    """Width and height of the upright picture, from its header where that is certain and not `decoded`.

    A header takes some 0.06 ms, decoding a crop of 160×160 takes 0.7 ms, a picture of 1,000×1,000 8 ms.
    Raises OSError and the image errors.
    """
    data = path.read_bytes()
    probe = probe_image(data)
    certain = not probe.animated and probe.format not in {"AVIF", "GIF"}
    pixels = probe.width * probe.height
    if decoded or not certain or not 0 < pixels <= _PROBED_PIXELS:
        picture = decode(data, _LIMITS)
        return picture.width, picture.height
    return (probe.height, probe.width) if probe.orientation >= 5 else (probe.width, probe.height)


def why_unreadable(error: OSError | AppError) -> str:
    """A reason without the file's name, so that equal ones can be counted."""
    if isinstance(error, FileNotFoundError):
        return "picture is missing"
    if isinstance(error, OSError):
        return f"picture cannot be read: {error.strerror or error}"
    return str(error).rstrip(".").replace("The picture", "picture", 1)


class PictureFolders:
    """Finds pictures by the names that labels give them; never outside of its folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """At least one folder; the first has precedence."""
        self._folders = [folder.absolute() for folder in folders]
        self._by_stem: dict[str, list[Path]] | None = None

    def find(self, name: str) -> Path:
        """Where the picture is, or where it should be.

        `name` may have folders, also of another machine or system, and another suffix or none: then the only
        picture of that name, wherever it lies in the folders, is meant.
        """
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if name and ".." not in parts:
            for folder in self._folders:
                path = folder.joinpath(*parts)
                if path.is_relative_to(folder) and path.is_file():
                    return path
        file_name = parts[-1] if parts else ""
        alike = self._stems().get(PurePosixPath(file_name).stem, [])
        same = [path for path in alike if path.name == file_name] or alike
        return same[0] if len(same) == 1 else self._folders[0] / (file_name or "?")

    def _stems(self) -> dict[str, list[Path]]:
        if self._by_stem is None:
            self._by_stem = {}
            for path in (path for folder in self._folders for path in pictures_in(folder)):
                self._by_stem.setdefault(path.stem, []).append(path)
        return self._by_stem


def pictures_in(folder: Path) -> list[Path]:
    """The files below a folder that are called like pictures, by path."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def source_of(path: Path, default: str) -> str:
    """What a picture's file name says of where it is from: up to `__`, else without the number at its end."""
    start, separator, _ = path.stem.partition("__")
    return start if separator and start else _NUMBER.sub("", path.stem) or default
