"""Installs a model pack: fetched, unpacked and verified out of sight, then moved into place at once."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from filelock import FileLock, Timeout

from inference.errors import ModelFileError, SettingsError
from inference.models.archive import unpack
from inference.models.manifest import MANIFEST_NAME, load_manifest
from inference.models.registry import Pack, file_digest, is_bundled
from inference.models.verify import verify_pack

if TYPE_CHECKING:
    from inference.models.download import Progress

MAX_BYTES = 2 * 1024**3

_LOCK_NAME = ".install.lock"
_TEMPORARY = ".installing-"
_LOCK_PATIENCE_S = 120.0
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")

P = ParamSpec("P")
T = TypeVar("T")


async def install_pack(
    source: str,
    user_dir: Path,
    *,
    sha256: str | None = None,
    progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
    tls: ssl.SSLContext | None = None,
) -> Pack:
    """The pack from `source`, now in `user_dir` under its own name.

    `source` is a folder, a .zip or .tar.* file, or an https address of one. `sha256` is the archive's digest,
    required for an address. The pack appears whole and verified, or not at all; a failure or a kill leaves
    nothing that a later install does not remove. Installing what is there already changes nothing, unless
    its files are damaged: then they are replaced.

    Raises SetupError, or ServiceUnavailableError when the address cannot be reached.
    """
    if sha256 is not None and not _DIGEST.fullmatch(sha256):
        raise SettingsError(key="sha256", reason="a digest is 64 hexadecimal digits")
    is_address = "://" in source
    if is_address and sha256 is None:
        raise SettingsError(
            key="sha256",
            reason="a pack from an address is installed only with --sha256, its archive's digest",
        )
    async with _workplace(user_dir) as work:
        if is_address:
            from inference.models.download import download  # noqa: PLC0415  # a quarter of a second

            archive = work / "archive"
            assert sha256 is not None  # noqa: S101  # checked above
            await download(source, archive, sha256=sha256, max_bytes=max_bytes, progress=progress, tls=tls)
            return await _finish(_install_archive, archive, work, user_dir, max_bytes)
        return await _finish(_install_local, Path(source), sha256, work, user_dir, max_bytes)


@asynccontextmanager
async def _workplace(user_dir: Path) -> AsyncIterator[Path]:
    """An empty folder next to where the pack will be, for one installation at a time; removed afterwards."""
    try:
        lock = await _finish(_lock_in, user_dir)
        await _acquire(lock, user_dir)
    except OSError as error:
        raise _unwritable(user_dir, error) from error
    try:
        work = await _finish(_empty_workplace, user_dir)
        try:
            yield work
        finally:
            await _finish(shutil.rmtree, work, ignore_errors=True)
    except OSError as error:
        raise _unwritable(user_dir, error) from error
    finally:
        lock.release()


def _lock_in(user_dir: Path) -> FileLock:
    user_dir.mkdir(parents=True, exist_ok=True)
    return FileLock(user_dir / _LOCK_NAME, thread_local=False)


def _empty_workplace(user_dir: Path) -> Path:
    for stale in user_dir.glob(f"{_TEMPORARY}*"):  # nobody else installs now, so it is from a killed process
        shutil.rmtree(stale, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=user_dir))


async def _acquire(lock: FileLock, user_dir: Path) -> None:
    waited_s, step_s = 0.0, 0.1
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            if waited_s >= _LOCK_PATIENCE_S:
                raise ModelFileError(
                    path=str(user_dir),
                    reason="another installation is still running there",
                    fix="Wait until it has finished and try again.",
                ) from error
            await asyncio.sleep(step_s)
            waited_s += step_s
        else:
            return


async def _finish(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking step on a worker thread, to its end even when cancelled.

    Otherwise it would go on writing into the folder that is being removed.
    """
    step = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(step)
    except asyncio.CancelledError:
        await asyncio.wait([step])
        raise


def _install_local(path: Path, sha256: str | None, work: Path, user_dir: Path, max_bytes: int) -> Pack:
    if path.is_dir():
        if sha256 is not None:
            raise SettingsError(key="sha256", reason="it is the digest of an archive, not of a folder")
        return _install_folder(path, work, user_dir, max_bytes)
    if not path.is_file():
        raise ModelFileError(
            path=str(path),
            reason="there is no such file or folder",
            fix="Give a pack's folder, its .zip or .tar.gz file, or an https address.",
        )
    if sha256 is not None:
        _check_digest(path, sha256.lower())
    return _install_archive(path, work, user_dir, max_bytes)


def _check_digest(path: Path, sha256: str) -> None:
    if (digest := file_digest(path)) != sha256:
        raise ModelFileError(
            path=str(path),
            reason=f"its sha256 is {digest}, not {sha256}",
            fix="Get the archive again, or the right digest.",
        )


def _install_archive(archive: Path, work: Path, user_dir: Path, max_bytes: int) -> Pack:
    unpacked = work / "unpacked"
    unpack(archive, unpacked, max_bytes=max_bytes)
    entries = list(unpacked.iterdir())
    if not (unpacked / MANIFEST_NAME).exists() and len(entries) == 1 and entries[0].is_dir():
        unpacked = entries[0]  # an archive of the folder instead of its content
    return _install_folder(unpacked, work, user_dir, max_bytes)


def _install_folder(folder: Path, work: Path, user_dir: Path, max_bytes: int) -> Pack:
    manifest = load_manifest(folder)
    if is_bundled(manifest.name):
        raise ModelFileError(
            path=str(folder / MANIFEST_NAME),
            reason=f"a pack called “{manifest.name}” comes with Dareda",
            fix="Give it another name in its manifest.toml.",
        )
    if manifest.total_bytes > max_bytes:
        raise ModelFileError(
            path=str(folder),
            reason=f"its files are {manifest.total_bytes:,} bytes, the limit is {max_bytes:,}",
            fix="Use a smaller pack.",
        )
    target = user_dir / manifest.name
    source = Pack(folder, manifest)
    # The folder's own name is the pack's, so that messages about the staged pack read right.
    staged = Pack(work / "staged" / manifest.name, manifest)
    _copy_listed(source, staged.folder)
    problems = verify_pack(staged)
    if problems:
        raise ModelFileError(
            path=str(folder),
            reason="; ".join(map(str, problems)),
            fix="Nothing was installed. Get the pack again, or tell its maker.",
        )
    if target.exists() and not _replaceable(target, staged):
        return Pack(target, manifest)
    if target.exists():
        target.rename(work / "replaced")
    staged.folder.rename(target)
    return Pack(target, manifest)


def _copy_listed(source: Pack, folder: Path) -> None:
    """The manifest and the files it lists; whatever else lies there stays behind."""
    folder.mkdir(parents=True)
    for name in (MANIFEST_NAME, *source.manifest.files):
        if not (source.folder / name).is_file():
            continue  # `verify_pack` says so, together with whatever else is wrong
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.folder / name, folder / name)


def _replaceable(target: Path, staged: Pack) -> bool:
    """Whether what is installed is the same pack, damaged; False when it is the same and whole.

    Raises ModelFileError when it is another pack.
    """
    same = (target / MANIFEST_NAME).is_file() and (
        file_digest(target / MANIFEST_NAME) == file_digest(staged.folder / MANIFEST_NAME)
    )
    if not same:
        raise ModelFileError(
            path=str(target),
            reason="another pack of that name is installed already",
            fix="Remove that folder first, or give the new pack another name.",
        )
    installed = Pack(target, staged.manifest)
    return any(installed.file_fault(name) is not None for name in staged.manifest.files)


def _unwritable(user_dir: Path, error: OSError) -> ModelFileError:
    return ModelFileError(
        path=str(error.filename or user_dir),
        reason=str(error.strerror or error),
        fix="Check the free space and the rights of the folder.",
    )
