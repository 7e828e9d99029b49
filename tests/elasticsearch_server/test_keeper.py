"""One server for all processes of a run of tests, and none when they have ended."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest

from tests.elasticsearch_server.shared import server_address, server_version

ASK = """
import sys
from tests.elasticsearch_server.keeper import kept_server
print(kept_server(sys.argv[1]), flush=True)
sys.stdin.read()
"""


def ask(version: str, run: str, **environment: str) -> subprocess.Popen[str]:
    """Another process of that run; it uses the server until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", ASK, version],
        env={**os.environ, "PYTEST_XDIST_TESTRUNUID": run, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.elasticsearch
@pytest.mark.skipif(bool(os.environ.get("ES_URL")), reason="the server is somebody else's")
def test_another_process_of_the_run_gets_the_same_server() -> None:
    address = server_address()
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"process-{os.getpid()}"
    said, wrong = ask(server_version(), run).communicate(timeout=120)
    assert said.strip() == address, wrong


def test_all_hear_why_there_is_no_server_and_the_last_leaves_nothing(tmp_path: Path) -> None:
    run = uuid.uuid4().hex
    file = Path(tempfile.gettempdir()) / f"dareda-elasticsearch-{run}.json"
    missing = {"PATH": str(tmp_path), "ES_TEST_CACHE": str(tmp_path)}
    for asking in [ask("8.0.0", run, **missing) for _ in range(2)]:
        assert "there is no Maven" in asking.communicate(timeout=120)[1]
    deadline = time.monotonic() + 20
    while file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
