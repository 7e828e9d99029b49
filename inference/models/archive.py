"""Unpacks an archive that nobody vouches for: plain files and folders only, inside the target, capped."""

from __future__ import annotations

import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from inference.errors import ModelFileError

MAX_MEMBERS = 1_000

_CHUNK = 1024 * 1024
_FIX = "Pack the folder again as .zip or .tar.gz, with plain files only."
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # zipfile: encrypted members; NotImplementedError is one too
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
)


def unpack(archive: Path, target: Path, *, max_bytes: int) -> None:
    """Write the files of a .zip or .tar.* into the new folder `target`.

    Raises ModelFileError for anything but plain files and folders with plain relative names, for a name that
    comes twice, and as soon as more than `max_bytes` bytes come out. What was written until then is left.
    """
    target.mkdir()
    seen: set[str] = set()
    room = max_bytes
    try:
        with _members(archive) as members:
            for name, stream in members:
                path = _inside(archive, target, name)
                key = str(path.relative_to(target)).casefold()
                if key in seen:
                    raise _refused(archive, f"{name!r} is in it twice")
                seen.add(key)
                if len(seen) > MAX_MEMBERS:
                    raise _refused(archive, f"it has more than {MAX_MEMBERS:,} files")
                path.parent.mkdir(parents=True, exist_ok=True)
                room -= _write(stream, path, room, archive, max_bytes)
    except _BROKEN as error:
        raise _refused(archive, f"it cannot be unpacked: {error}"[:200]) from error


@contextmanager
def _members(archive: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """The name and content of every file of the archive, in order."""
    # The generators are closed before the archive, or a refusal in the middle would leave its file open.
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped, closing(_zip_members(archive, zipped)) as members:
            yield members
    else:
        with (
            archive.open("rb") as file,
            tarfile.open(fileobj=file, mode="r:*") as tarred,
            closing(_tar_members(archive, tarred)) as members,
        ):
            yield members


def _zip_members(archive: Path, zipped: zipfile.ZipFile) -> Generator[tuple[str, IO[bytes]]]:
    for info in zipped.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(archive, f"{info.filename!r} is a link or a device")
        if not info.is_dir():
            with zipped.open(info) as stream:
                yield info.filename, stream


def _tar_members(archive: Path, tarred: tarfile.TarFile) -> Generator[tuple[str, IO[bytes]]]:
    for info in tarred:
        if info.isdir():
            continue
        stream = tarred.extractfile(info) if info.isreg() and not info.issparse() else None
        if stream is None:
            raise _refused(archive, f"{info.name!r} is a link or a device")
        with stream:
            yield info.name, stream


def _inside(archive: Path, target: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    plain = (
        parts
        and len(name) <= 512
        and not name.startswith("/")
        and ".." not in parts
        and not any(character in "\\:" or not character.isprintable() for character in name)
    )
    if not plain:
        raise _refused(archive, f"{name[:80]!r} is not a plain name inside it")
    return target.joinpath(*parts)


def _write(stream: IO[bytes], path: Path, room: int, archive: Path, max_bytes: int) -> int:
    """The number of bytes written."""
    written = 0
    with path.open("xb", buffering=io.DEFAULT_BUFFER_SIZE) as file:
        while chunk := stream.read(_CHUNK):
            written += len(chunk)
            if written > room:
                raise _refused(archive, f"it unpacks to more than {max_bytes:,} bytes")
            file.write(chunk)
    return written


def _refused(archive: Path, reason: str) -> ModelFileError:
    return ModelFileError(path=str(archive), reason=reason, fix=_FIX)
