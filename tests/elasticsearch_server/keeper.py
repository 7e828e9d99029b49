"""One server for all processes of a run of tests: the first that asks starts it, and it ends after the last.

    python -m tests.elasticsearch_server.keeper VERSION FILE

A process of its own keeps the server. Whoever uses it has a shared lock on a file, which says where it is;
when nobody has, however they ended, the keeper gets the lock for itself and removes server and file.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import filelock

from tests.elasticsearch_server.distribution import NotAvailableError, cache_folder
from tests.elasticsearch_server.server import Node

_RUN_VARIABLE = "PYTEST_XDIST_TESTRUNUID"
_ROOT = Path(__file__).resolve().parents[2]
_used: list[TextIO] = []
"""Open, and locked, for as long as this process lives."""
_started: list[subprocess.Popen[str]] = []


def kept_server(version: str) -> str:
    """Its address; all processes of a run get the same. Raises NotAvailableError."""
    run = os.environ.get(_RUN_VARIABLE) or f"process-{os.getpid()}"
    path = Path(tempfile.gettempdir()) / f"dareda-elasticsearch-{run}.json"
    with filelock.FileLock(cache_folder() / "start.lock"):
        used = _open_locked(path)
        said = used.read()
        if not said:
            said = _start_keeper(version, path)
            used.write(said)
            used.flush()
    _used.append(used)
    found: dict[str, str] = json.loads(said)
    if "url" not in found:
        raise NotAvailableError(found["reason"])
    return found["url"]


def _open_locked(path: Path) -> TextIO:
    while True:
        opened = path.open("a+")
        fcntl.flock(opened, fcntl.LOCK_SH)
        if os.fstat(opened.fileno()).st_nlink:
            opened.seek(0)
            return opened
        opened.close()  # a keeper has removed it meanwhile


def _start_keeper(version: str, path: Path) -> str:
    """What it says when its server is up, or cannot be."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.elasticsearch_server.keeper", version, str(path)],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # an interrupted run ends it by its lock
    )
    _started.append(keeper)
    assert keeper.stdout
    with keeper.stdout:
        return keeper.stdout.readline() or json.dumps({"reason": "its keeper died"})


def main() -> None:
    version, path = sys.argv[1], Path(sys.argv[2])
    node = None
    try:
        node = Node(version)
        node.start()
        said = {"url": node.url}
    except Exception as error:
        said = {"reason": str(error) or repr(error)}
    with suppress(BrokenPipeError):  # who asked is gone already
        print(json.dumps(said), flush=True)
    with path.open() as used:
        fcntl.flock(used, fcntl.LOCK_EX)
        path.unlink()
        if node:
            node.remove()


if __name__ == "__main__":
    main()
