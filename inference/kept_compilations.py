"""Compiled networks, kept for the next start: loading one takes a third of the time of making it again."""

from __future__ import annotations

import hashlib
import io
import logging
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from inference.openvino_library import LOCALE_KEPT, ov

log = logging.getLogger(__name__)

_MOST_KEPT = 12  # files of 4 to 12 MB, of which a pack has up to ten; those of earlier packs and versions go
_UNFINISHED = "new-"
_LONG_AGO_S = 3_600.0  # nothing takes as long to be written
_DIGEST_BYTES = hashlib.sha256().digest_size


class KeptCompilations:
    """Files in a folder, apart for each CPU and version of the library: they are right for these only.

    Nothing that goes wrong with a file is an error; the network is compiled again then.
    """

    def __init__(self, folder: Path, core: ov.Core, machine: str) -> None:
        self._core = core
        self._all = folder
        self._own = folder / hashlib.sha256(machine.encode()).hexdigest()[:16]

    def has(self, key: str) -> bool:
        """Whether something is kept under that key, perhaps spoilt."""
        return self._file(key).is_file()

    def find(self, key: str, settings: Mapping[str, Any]) -> ov.CompiledModel | None:
        """What `keep()` was given under that key; None when it is not there or not as it was."""
        try:
            data = self._file(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("compiled_network_not_read folder=%s error=%r", self._own, error)
            return None
        digest, blob = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        # The library takes one with changed bytes for sound.
        if hashlib.sha256(blob).digest() != digest:
            log.warning("compiled_network_spoilt file=%s", self._file(key))
            return None
        try:
            with LOCALE_KEPT:
                return self._core.import_model(blob, "CPU", dict(settings))
        except RuntimeError as error:
            log.warning("compiled_network_not_read folder=%s error=%r", self._own, str(error)[:200])
            return None

    def keep(self, key: str, compiled: ov.CompiledModel) -> None:
        """For the next start, if it can be written."""
        try:
            with LOCALE_KEPT, io.BytesIO() as written:
                compiled.export_model(written)
                blob = written.getvalue()
            self._own.mkdir(parents=True, exist_ok=True)
            # Whole or not at all, also when two processes start at once.
            with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=self._own) as folder:
                new = Path(folder) / "new"
                new.write_bytes(hashlib.sha256(blob).digest() + blob)
                new.replace(self._file(key))
        except (RuntimeError, OSError) as error:
            log.warning("compiled_network_not_kept folder=%s error=%r", self._own, str(error)[:200])
        with suppress(OSError):  # another process may be at it
            self._prune()

    def _file(self, key: str) -> Path:
        return self._own / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.blob"

    def _prune(self) -> None:
        files = sorted(self._all.glob("*/*.blob"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[_MOST_KEPT:]:
            file.unlink(missing_ok=True)
        for folder in self._all.glob(f"*/{_UNFINISHED}*"):  # of processes that were killed while they wrote
            if time.time() - folder.stat().st_mtime > _LONG_AGO_S:
                shutil.rmtree(folder, ignore_errors=True)
