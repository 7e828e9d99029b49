"""The server's files: fetched by Maven once, kept outside the repository.

The distribution for integration tests is the server with few modules: no scripts, no plugins, no `GET /`.
What works with it needs none of those.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import filelock

VERSION = "8.19.9"
_ARTIFACT = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:{version}:zip"
_FETCH_TIMEOUT_S = 300


class NotAvailableError(Exception):
    """Why there is no server for the tests here."""


def server_home(version: str) -> Path:
    """The unpacked server of that version. Raises NotAvailableError."""
    found = _home_or_reason(version)
    if isinstance(found, NotAvailableError):
        raise found
    return found


@cache
def _home_or_reason(version: str) -> Path | NotAvailableError:
    """Asked for once: without a network, each attempt would take its time."""
    folder = cache_folder()
    home = folder / f"elasticsearch-{version}"
    try:
        with filelock.FileLock(folder / f"elasticsearch-{version}.lock", timeout=_FETCH_TIMEOUT_S):
            if not home.exists():
                _fetch(version, home)
    except NotAvailableError as error:
        return error
    return home


def cache_folder() -> Path:
    """Where the server's files are kept; readable for another user, because it does not run as root."""
    default = Path("/var/cache") if hasattr(os, "geteuid") and os.geteuid() == 0 else Path.home() / ".cache"
    folder = Path(os.environ.get("ES_TEST_CACHE") or default / "dareda-tests")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def java_home(version: str) -> Path:
    """ES_JAVA_HOME, or the oldest Java that runs it: 17 for 8.x, 21 for 9.x. Raises NotAvailableError."""
    needed = 17 if version.startswith("8.") else 21
    if os.environ.get("ES_JAVA_HOME"):
        return Path(os.environ["ES_JAVA_HOME"])
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    on_path = shutil.which("java")
    homes += [Path(on_path).resolve().parents[1]] if on_path else []
    homes += sorted(Path("/usr/lib/jvm").glob("*"))
    found: dict[int, Path] = {}
    for home in homes:
        release = home / "release"
        match = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.is_file() else None
        if match and (home / "bin" / "java").exists():
            found.setdefault(int(match[1]), home)
    fit = [major for major in found if major >= needed]
    if not fit:
        raise NotAvailableError(f"Elasticsearch {version} needs Java {needed} or newer")
    return found[min(fit)]


def _fetch(version: str, home: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NotAvailableError("there is no Maven (mvn) to fetch Elasticsearch with, and ES_URL is not set")
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        command = [
            maven,
            "--quiet",
            "--batch-mode",
            "dependency:copy",
            f"-Dartifact={_ARTIFACT.format(version=version)}",
            f"-DoutputDirectory={folder}",
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, cwd=folder, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise NotAvailableError(f"fetching took longer than {_FETCH_TIMEOUT_S} s") from error
        archives = list(Path(folder).glob("*.zip"))
        if done.returncode or not archives:
            raise NotAvailableError(f"Maven could not fetch it: {(done.stdout + done.stderr)[-500:]}")
        with zipfile.ZipFile(archives[0]) as archive:
            archive.extractall(folder)
        unpacked = next(path for path in Path(folder).iterdir() if path.is_dir())
        for script in (unpacked / "bin").iterdir():
            script.chmod(0o755)
        unpacked.chmod(0o755)
        unpacked.rename(home)
